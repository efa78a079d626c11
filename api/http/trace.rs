//! A request's id, and the one line that the log keeps of it.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument;

use crate::metrics::{self, Stopwatch};

/// Names one request, in its answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

impl RequestId {
    /// The caller's own `X-Request-Id` if it is harmless in a log, else a new one.
    fn of(request: &ServiceRequest) -> Self {
        let sent = request
            .headers()
            .get(HEADER)
            .and_then(|id| id.to_str().ok());
        match sent {
            Some(id) if is_harmless(id) => Self(id.to_owned()),
            _ => Self(crate::id::RequestIdentifier::new().to_string()),
        }
    }
}

fn is_harmless(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Gives the request its id and logs its outcome: the route's pattern, never the path,
/// since paths and queries may carry tokens.
pub async fn trace(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = RequestId::of(&request);
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    let span = tracing::info_span!("request", request_id = %id.0);
    let watch = Stopwatch::start();
    let response = next.call(request).instrument(span.clone()).await;
    let status = match &response {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let route = response
        .as_ref()
        .ok()
        .and_then(|response| response.request().match_pattern());
    let (route, took) = (route.as_deref().unwrap_or("-"), watch.elapsed());
    metrics::request_answered(method.as_str(), route, status.as_u16(), took);
    span.in_scope(|| {
        tracing::info!(
            %method,
            route,
            status = status.as_u16(),
            elapsed_ms = took.as_millis(),
            "answered"
        );
    });
    response.map(|mut response| {
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    })
}
