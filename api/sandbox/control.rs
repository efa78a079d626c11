//! What all simulators' control routes share: who may use them, how they read and refuse; and
//! the clock.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::stripe;
use crate::clock::Clock;
use crate::db::values::Timestamp;

/// Who may use control routes.
pub(super) struct Guard {
    token: Option<String>,
}

impl Guard {
    pub(super) fn new(token: Option<String>) -> Self {
        Self { token }
    }

    fn admits(&self, request: &HttpRequest) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let given = request.headers().get(header::AUTHORIZATION);
        given
            .and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "))
            .is_some_and(|given| bool::from(given.as_bytes().ct_eq(token.as_bytes())))
    }
}

/// Why a control route does nothing.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unknown(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }

    /// It cannot be done as things stand.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::build(self.status).json(json!({"error": self.message}))
    }
}

/// What a control route answers.
pub(super) type Answer = Result<web::Json<Value>, Refusal>;

/// Reads a body of JSON. The type must be named: a page elsewhere in the web cannot do that
/// without being asked for leave first, and none is given.
pub(super) fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    body: &web::Bytes,
) -> Result<T, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return Err(Refusal::invalid("the body must be application/json"));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))
}

pub(super) fn configure(config: &mut web::ServiceConfig) {
    let scope = web::scope("/control")
        .wrap(from_fn(guard))
        .route("/clock", web::post().to(move_clock))
        .route("/clock", web::get().to(read_clock))
        .service(web::scope("/stripe").configure(stripe::configure_control));
    config.service(scope);
}

async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let guard = request.app_data::<web::Data<Guard>>();
    if guard.is_some_and(|guard| guard.admits(request.request())) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let refused = HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
        .json(json!({"error": "control routes need SANDBOX_TOKEN as a bearer token"}));
    Ok(request.into_response(refused))
}

/// One of both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: Option<u64>,
    now: Option<Timestamp>,
}

/// The furthest that one call moves the clock: a hundred years.
const MOST_SECONDS: u64 = 100 * 366 * 24 * 60 * 60;

async fn move_clock(clock: web::Data<Clock>, request: HttpRequest, body: web::Bytes) -> Answer {
    let by = match read(&request, &body)? {
        Move {
            advance_seconds: Some(seconds @ 0..=MOST_SECONDS),
            now: None,
        } => std::time::Duration::from_secs(seconds),
        Move {
            advance_seconds: None,
            now: Some(now),
        } if now >= clock.now() => now.since(clock.now()),
        Move { now: Some(_), .. } => return Err(Refusal::conflict("time does not go back")),
        Move { .. } => return Err(Refusal::invalid("advance_seconds or now is needed")),
    };
    clock.advance(by);
    read_clock(clock).await
}

async fn read_clock(clock: web::Data<Clock>) -> Answer {
    let now = clock.now();
    Ok(web::Json(json!({"now": now, "unix": now.unix_seconds()})))
}
