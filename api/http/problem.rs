//! Refusals on the wire: `application/problem+json` (RFC 9457).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, ResponseError, web};
use serde_json::{Map, Value, json};

use super::trace::RequestId;
use crate::app::App;
use crate::error::{Code, Problem};

/// A refusal on its way out: [`render`] knows the request and writes it.
impl ResponseError for Problem {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// Writes every refusal, ours and actix's own, as problem+json, and logs its cause once.
pub async fn render(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let context = Context::of(&request);
    match next.call(request).await {
        Ok(response) => Ok(match response.response().error() {
            Some(error) => {
                let answer = context.answer(error);
                response.into_response(answer)
            }
            None => response.map_into_boxed_body(),
        }),
        // Only a panic comes here: the request is gone with it.
        Err(error) => {
            let answer = context.answer(&error);
            Err(InternalError::from_response(error, answer).into())
        }
    }
}

/// What an answer says of its request. Taken beforehand: actix wants to be the request's only
/// owner while it looks for a route.
struct Context {
    base_url: String,
    path: String,
    request_id: String,
}

impl Context {
    fn of(request: &ServiceRequest) -> Self {
        let app = request.app_data::<web::Data<App>>();
        let id = request.extensions().get::<RequestId>().cloned();
        Self {
            base_url: app
                .map(|app| app.config.public_base_url.clone())
                .unwrap_or_default(),
            path: request.path().to_owned(),
            request_id: id.map(|id| id.0).unwrap_or_default(),
        }
    }

    fn answer(&self, error: &actix_web::Error) -> HttpResponse {
        let from_actix = from_actix(error);
        let problem = error.as_error::<Problem>().unwrap_or(&from_actix);
        log_cause(problem);
        self.response(problem)
    }
}

fn from_actix(error: &actix_web::Error) -> Problem {
    match error.as_response_error().status_code().as_u16() {
        404 | 405 => Problem::new(Code::NotFound),
        408 => Problem::new(Code::RequestTimeout),
        413 => Problem::new(Code::PayloadTooLarge),
        400..=499 => Problem::new(Code::ValidationFailed).detail("The request cannot be read."),
        _ => Problem::internal(error.to_string()),
    }
}

fn log_cause(problem: &Problem) {
    if let Some(cause) = &problem.cause {
        tracing::error!(
            code = problem.code.as_str(),
            error = %cause.error,
            location = %cause.location,
            "request failed"
        );
    }
}

impl Context {
    fn response(&self, problem: &Problem) -> HttpResponse {
        let mut response = HttpResponse::build(problem.code.status());
        response.content_type("application/problem+json");
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = problem.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if problem.replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        if problem.code == Code::RateLimited {
            rate_limit_headers(&mut response, problem);
        }
        if problem.code.status() == 401 {
            let challenge = match problem.code {
                Code::TokenExpired => r#"Bearer realm="tollgate", error="invalid_token""#,
                _ => r#"Bearer realm="tollgate""#,
            };
            response.insert_header((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            ));
        }
        response.json(self.document(problem))
    }
}

/// `RateLimit` and `RateLimit-Policy` (IETF draft-ietf-httpapi-ratelimit-headers).
fn rate_limit_headers(response: &mut actix_web::HttpResponseBuilder, problem: &Problem) {
    let member = |name: &str| problem.members.get(name).and_then(Value::as_u64);
    let (limit, window) = (member("limit"), member("window_seconds"));
    let wait = problem.retry_after_seconds.unwrap_or_default();
    let (limit, window) = (limit.unwrap_or_default(), window.unwrap_or_default());
    response.insert_header((
        "ratelimit-policy",
        format!("\"default\";q={limit};w={window}"),
    ));
    response.insert_header(("ratelimit", format!("\"default\";r=0;t={wait}")));
}

impl Context {
    fn document(&self, problem: &Problem) -> Value {
        let code = problem.code;
        let url = format!("{}/api/v1/errors/{}", self.base_url, code.as_str());
        let mut document: Map<String, Value> = problem.members.clone();
        let members = [
            ("type", json!(url)),
            ("title", json!(code.title())),
            ("status", json!(code.status().as_u16())),
            ("detail", json!(problem.detail)),
            ("instance", json!(self.path)),
            ("code", json!(code.as_str())),
            ("error", json!(code.title())),
            ("request_id", json!(self.request_id)),
            ("retryable", json!(code.retryable())),
        ];
        document.extend(members.map(|(name, value)| (name.to_owned(), value)));
        if !problem.faults.is_empty() {
            document.insert("errors".to_owned(), json!(problem.faults));
        }
        Value::Object(document)
    }
}
