//! One call: who makes it, what it asks for, and how it is answered.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderName, RETRY_AFTER};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::account::{Caller, VERSION};
use super::error::{ApiError, Outcome};
use super::form::{self, Node};
use super::idempotency::{Fingerprint, Stored};
use super::ids;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const VERSION_HEADER: HeaderName = HeaderName::from_static("stripe-version");

/// A call as it came.
pub struct Call {
    pub method: String,
    /// From `/v1` on.
    pub path: String,
    query: String,
    body: Bytes,
    authorization: Option<String>,
    pub caller: Caller,
}

/// What is answered.
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The call that was answered so first, where this is not it.
    pub replayed_from: Option<String>,
}

impl Call {
    pub fn of(request: &HttpRequest, body: Bytes) -> Self {
        let header = |name: HeaderName| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let path = request.path();
        Self {
            method: request.method().to_string(),
            path: path.strip_prefix("/stripe").unwrap_or(path).to_owned(),
            query: request.query_string().to_owned(),
            body,
            authorization: header(AUTHORIZATION),
            caller: Caller {
                request: ids::new("req_", 14),
                key: header(KEY),
                version: header(VERSION_HEADER).unwrap_or_else(|| VERSION.to_owned()),
            },
        }
    }

    /// Refuses whoever has no test key, and versions that cannot be.
    pub fn check(&self) -> Outcome<()> {
        let authorization = self.authorization.as_deref();
        let key = match authorization.and_then(|text| text.split_once(' ')) {
            Some(("Bearer", key)) => key.to_owned(),
            Some(("Basic", encoded)) => user_of(encoded).ok_or_else(ApiError::invalid_key)?,
            _ => return Err(ApiError::unauthorized()),
        };
        let secret = key
            .strip_prefix("sk_test_")
            .or(key.strip_prefix("rk_test_"));
        if secret.is_none_or(|secret| secret.len() < 4) {
            return Err(ApiError::invalid_key());
        }
        let version = &self.caller.version;
        let date = version
            .split_once('.')
            .map_or(version.as_str(), |(date, _)| date);
        let is_date = date.len() == 10
            && date
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_date {
            return Ok(());
        }
        let message = format!("Invalid Stripe API version: {version}");
        Err(ApiError::invalid("", message))
    }

    /// What it was given: in the query, and in a POST's body.
    pub fn parameters(&self) -> Outcome<Vec<(String, Node)>> {
        let mut entries = form::parse(self.query.as_bytes())?;
        if self.method == "POST" {
            entries.extend(form::parse(&self.body)?);
        }
        Ok(entries)
    }

    /// The key of a call that makes something, and what it stands for.
    pub fn key(&self) -> Option<(&str, Fingerprint)> {
        let key = self
            .caller
            .key
            .as_deref()
            .filter(|_| self.method == "POST")?;
        let fingerprint = Fingerprint {
            path: self.path.clone(),
            body: [self.query.as_bytes(), b"&", &self.body].concat(),
        };
        Some((key, fingerprint))
    }

    pub fn refuse(&self, error: &ApiError) -> Answer {
        Answer {
            status: error.status,
            body: format!("{:#}", error.body(&self.caller.request)),
            replayed_from: None,
        }
    }

    pub fn respond(&self, answer: Answer) -> HttpResponse {
        let mut response = self.respond_with(answer.status);
        if let Some(first) = answer.replayed_from {
            response
                .insert_header(("idempotent-replayed", "true"))
                .insert_header(("original-request", first));
        }
        response.content_type("application/json").body(answer.body)
    }

    /// What every answer of Stripe has in common.
    pub fn respond_with(&self, status: u16) -> actix_web::HttpResponseBuilder {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response
            .insert_header(("request-id", self.caller.request.clone()))
            .insert_header((VERSION_HEADER, self.caller.version.clone()));
        if let Some(key) = &self.caller.key {
            response.insert_header((KEY, key.clone()));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response
                .insert_header((RETRY_AFTER, "1"))
                .insert_header(("stripe-rate-limited-reason", "endpoint-rate"));
        }
        response
    }
}

impl From<Stored> for Answer {
    fn from(stored: Stored) -> Self {
        Self {
            status: stored.status,
            body: stored.body,
            replayed_from: Some(stored.request),
        }
    }
}

/// The user of basic authentication, which is the key.
fn user_of(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, _) = text.split_once(':')?;
    Some(user.to_owned())
}
