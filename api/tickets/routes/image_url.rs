//! Signed addresses of a ticket's picture, for `<img>`: short-lived, for one ticket and the
//! code that it has now.

use actix_web::{HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::app::App;
use crate::tickets::Ticket;

/// How long an address is good, in seconds.
const GOOD_SECONDS: i64 = 10 * 60;
const PURPOSE: &str = "ticket_picture";

#[derive(Deserialize)]
struct Signed {
    expires: i64,
    signature: String,
}

/// The address of a picture, good from now for ten minutes; `None` without a key.
pub fn make(app: &App, ticket: &Ticket, file: &str) -> Option<String> {
    let expires = app.clock.now().unix_seconds() + GOOD_SECONDS;
    let (uuid, version) = (ticket.id.uuid(), ticket.credential_version.to_be_bytes());
    let parts: [&[u8]; 3] = [uuid.as_bytes(), &version, &expires.to_be_bytes()];
    let signature = URL_SAFE_NO_PAD.encode(app.keys.derive(PURPOSE, &parts)?);
    let (base, id) = (&app.config.public_base_url, ticket.id);
    Some(format!(
        "{base}/api/v1/tickets/{id}/{file}?expires={expires}&signature={signature}"
    ))
}

/// Whether a request means to be let in by its address.
pub fn is_signed(request: &HttpRequest) -> bool {
    let query = request.query_string();
    query.starts_with("signature=") || query.contains("&signature=")
}

/// Whether we made the address, for this ticket and its present code, lately.
pub fn is_good(app: &App, request: &HttpRequest, ticket: &Ticket) -> bool {
    let Ok(signed) = web::Query::<Signed>::from_query(request.query_string()) else {
        return false;
    };
    let Ok(digest) = URL_SAFE_NO_PAD.decode(&signed.signature) else {
        return false;
    };
    let (uuid, version) = (ticket.id.uuid(), ticket.credential_version.to_be_bytes());
    let expires = signed.expires.to_be_bytes();
    let parts: [&[u8]; 3] = [uuid.as_bytes(), &version, &expires];
    app.keys.is_derived(&digest, PURPOSE, &parts) && signed.expires > app.clock.now().unix_seconds()
}
