//! What a request is answered.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::http::version;
use crate::keys::{GuestToken, Keys, Sealed};

/// What a request answers, as it is saved and repeated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    /// JSON text, so that it is repeated to the letter.
    body: Option<String>,
    /// The same, once it is stored, of an answer that may tell what a buyer pays with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_body: Option<Sealed>,
    version: Option<i64>,
    location: Option<String>,
    /// The guest token that stands as a placeholder in the body: it is stored nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guest_token: Option<GuestToken>,
}

/// What a body says where its guest token belongs, as the whole value of `order_token`.
pub const GUEST_TOKEN_PLACEHOLDER: &str = "<order_token>";

/// For what a saved body is sealed.
const SEALED_FOR: &str = "answer";

impl Answer {
    fn new(status: u16, body: Option<String>) -> Self {
        Self {
            status,
            body,
            sealed_body: None,
            version: None,
            location: None,
            guest_token: None,
        }
    }

    pub fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self::new(200, Some(body)))
    }

    /// An answer whose JSON text is written already.
    pub fn of_json(body: String) -> Self {
        Self::new(200, Some(body))
    }

    pub fn created(body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self {
            status: 201,
            ..Self::ok(body)?
        })
    }

    /// For an outcome that is not known yet.
    pub fn accepted(body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self {
            status: 202,
            ..Self::ok(body)?
        })
    }

    /// For work that goes on in the background.
    pub fn accepted_without_body() -> Self {
        Self::new(202, None)
    }

    pub fn no_content() -> Self {
        Self::new(204, None)
    }

    /// Sends the object's version as its `ETag`.
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// Sends where the new object is.
    #[must_use]
    pub fn location(mut self, path: String) -> Self {
        self.location = Some(path);
        self
    }

    /// Puts a guest token where the body has [`GUEST_TOKEN_PLACEHOLDER`].
    #[must_use]
    pub fn guest_token(mut self, token: Option<GuestToken>) -> Self {
        self.guest_token = token;
        self
    }

    /// The same as it is stored: its body is sealed.
    pub(super) fn sealed(mut self, keys: &Keys) -> Result<Self, Problem> {
        if let Some(body) = self.body.take() {
            let sealed = keys.seal(SEALED_FOR, &body);
            self.sealed_body = Some(sealed.ok_or_else(|| Problem::internal("nothing seals"))?);
        }
        Ok(self)
    }

    /// The body with its token. Quotes in the text of others are escaped, so nothing but our
    /// own member reads like this.
    fn revealed_body(&self, keys: &Keys) -> Result<Option<String>, Problem> {
        let body = match &self.sealed_body {
            Some(sealed) => {
                let opened = keys.open(SEALED_FOR, sealed);
                Some(opened.ok_or_else(|| Problem::internal("an answer that no key opens"))?)
            }
            None => self.body.clone(),
        };
        let (Some(body), Some(token)) = (&body, self.guest_token.and_then(|it| it.sign(keys)))
        else {
            return Ok(body);
        };
        let member = |value: &str| format!(r#""order_token":"{value}""#);
        Ok(Some(body.replace(
            &member(GUEST_TOKEN_PLACEHOLDER),
            &member(&token),
        )))
    }

    pub(super) fn respond(self, keys: &Keys) -> Result<HttpResponse, Problem> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(version) = self.version {
            response.insert_header((header::ETAG, version::tag(version)));
        }
        if let Some(location) = &self.location {
            response.insert_header((header::LOCATION, location.as_str()));
        }
        Ok(match self.revealed_body(keys)? {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        })
    }
}
