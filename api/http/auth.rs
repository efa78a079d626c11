//! Bearer tokens on the wire: who a request says it is.
//!
//! Whether that person still may is decided by the accounts' permission types, on the
//! database, at each request.

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};

use crate::app::App;
use crate::error::{Code, Problem};
use crate::keys::{AccessClaims, GuestToken, TokenFault};

/// The token of `Authorization: Bearer …`, if there is one.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Who a good token is for.
pub enum Credential {
    User(AccessClaims),
    /// The buyer of one order, without an account.
    Guest(GuestToken),
}

/// What a good token says; `None` without one. A bad one is refused, also where none is
/// needed: the client thinks it is signed in, and is not.
pub fn credential(request: &HttpRequest) -> Result<Option<Credential>, Problem> {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let token = bearer(request).ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    let app = App::of(request)?;
    if GuestToken::is_one(token) {
        let guest = GuestToken::read(token, &app.keys);
        let guest = guest.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        return Ok(Some(Credential::Guest(guest)));
    }
    match app.keys.read_access_token(token, app.clock.now()) {
        Ok(claims) => Ok(Some(Credential::User(claims))),
        Err(TokenFault::Expired) => Err(Problem::new(Code::TokenExpired)),
        Err(TokenFault::Invalid) => Err(Problem::new(Code::Unauthenticated)),
    }
}

/// Whom an idempotency key belongs to; nobody's share one scope.
#[derive(Debug, Clone)]
pub struct CallerScope(String);

impl CallerScope {
    pub fn of(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(|| Self("anon".to_owned()))
    }

    /// Notes who calls, once a permission type has found out.
    pub fn note(request: &HttpRequest, caller: String) {
        request.extensions_mut().insert(Self(caller));
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_anonymous(&self) -> bool {
        self.0 == "anon"
    }
}
