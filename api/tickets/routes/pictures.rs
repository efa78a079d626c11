//! A ticket's code, as text and as a picture.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::image_url;
use super::permission::{PictureAccess, TicketAccess};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::http::body::Flaw;
use crate::http::query::Query;
use crate::id::TicketId;
use crate::tickets::TicketStatus;
use crate::tickets::card::Card;
use crate::tickets::qr::{self, QrOptions};

/// A ticket's code.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
    "qr_payload": "TG1:…", "kid": 3735928559_u32, "credential_version": 1,
    "qr_png_url": "https://tickets.example.com/api/v1/tickets/tkt_01h455vb4pex5vsknk084sn02q/qr.png?expires=…&signature=…",
    "qr_svg_url": "https://tickets.example.com/api/v1/tickets/tkt_01h455vb4pex5vsknk084sn02q/qr.svg?expires=…&signature=…",
    "status": "valid", "event_name": "Sauti za Busara", "ticket_type_name": "VIP",
    "issued_at": "2027-01-05T08:01:00Z", "used_at": null
}))]
struct CodeView {
    ticket_id: TicketId,
    serial: String,
    /// What a scanner reads.
    qr_payload: String,
    /// The key that signed it; see `/.well-known/ticket-keys.json`.
    kid: Option<u32>,
    credential_version: i64,
    /// Good for ten minutes, without a token.
    qr_png_url: Option<String>,
    qr_svg_url: Option<String>,
    status: TicketStatus,
    event_name: String,
    ticket_type_name: String,
    issued_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}

/// Read a ticket's code
///
/// Signed now, with the newest key. The addresses of its pictures are good for ten minutes.
#[utoipa::path(
    tag = "Tickets", operation_id = "read_ticket_code", security(("user" = []), ("guest" = [])),
    params(("id" = TicketId, Path)),
    responses((status = 200, body = CodeView, description = "The code")),
    extensions(("x-errors" = json!([
        "forbidden", "ticket_not_issued", "ticket_void", "ticket_suspended"
    ])))
)]
#[get("/tickets/{id}/qr")]
pub async fn read_code(app: web::Data<App>, access: TicketAccess) -> Result<HttpResponse, Problem> {
    let card = access.card;
    let qr_payload = card.code(&app.keys.tickets)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.json(CodeView {
        qr_payload,
        kid: app.keys.tickets.newest(),
        qr_png_url: image_url::make(&app, &card.ticket, "qr.png"),
        qr_svg_url: image_url::make(&app, &card.ticket, "qr.svg"),
        ticket_id: card.ticket.id,
        serial: card.ticket.serial,
        credential_version: card.ticket.credential_version,
        status: card.ticket.status,
        event_name: card.event.name,
        ticket_type_name: card.type_name,
        issued_at: card.ticket.issued_at,
        used_at: card.ticket.used_at,
    }))
}

/// What a picture is drawn as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
}

/// Draw a ticket's code as PNG
///
/// With a token, or by the signed address of `…/qr`.
#[utoipa::path(
    tag = "Tickets", operation_id = "draw_ticket_png",
    security((), ("user" = []), ("guest" = [])),
    params(
        ("id" = TicketId, Path),
        ("size" = Option<i64>, Query, minimum = 64, maximum = 2048, description = "Pixels, 200 by default"),
        ("ecc" = Option<String>, Query, description = "L, M, Q or H; M by default"),
        ("margin" = Option<i64>, Query, minimum = 0, maximum = 16, description = "Modules, 4 by default"),
        ("dark" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("light" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("expires" = Option<i64>, Query, description = "Of a signed address"),
        ("signature" = Option<String>, Query, description = "Of a signed address"),
    ),
    responses(
        (status = 200, description = "The picture", content_type = "image/png"),
        (status = 304, description = "It is as it was")
    ),
    extensions(("x-errors" = json!([
        "unauthenticated", "token_expired", "forbidden", "ticket_not_issued", "ticket_void",
        "ticket_suspended", "qr_parameters_invalid"
    ])))
)]
#[get("/tickets/{id}/qr.png")]
pub async fn png(
    app: web::Data<App>,
    request: HttpRequest,
    access: PictureAccess,
) -> Result<HttpResponse, Problem> {
    draw(&app, &request, access.card, Some(Format::Png)).await
}

/// Draw a ticket's code as SVG
#[utoipa::path(
    tag = "Tickets", operation_id = "draw_ticket_svg",
    security((), ("user" = []), ("guest" = [])),
    params(
        ("id" = TicketId, Path),
        ("size" = Option<i64>, Query, minimum = 64, maximum = 2048, description = "Pixels, 200 by default"),
        ("ecc" = Option<String>, Query, description = "L, M, Q or H; M by default"),
        ("margin" = Option<i64>, Query, minimum = 0, maximum = 16, description = "Modules, 4 by default"),
        ("dark" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("light" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("expires" = Option<i64>, Query, description = "Of a signed address"),
        ("signature" = Option<String>, Query, description = "Of a signed address"),
    ),
    responses(
        (status = 200, description = "The picture", content_type = "image/svg+xml"),
        (status = 304, description = "It is as it was")
    ),
    extensions(("x-errors" = json!([
        "unauthenticated", "token_expired", "forbidden", "ticket_not_issued", "ticket_void",
        "ticket_suspended", "qr_parameters_invalid"
    ])))
)]
#[get("/tickets/{id}/qr.svg")]
pub async fn svg(
    app: web::Data<App>,
    request: HttpRequest,
    access: PictureAccess,
) -> Result<HttpResponse, Problem> {
    draw(&app, &request, access.card, Some(Format::Svg)).await
}

/// Draw a ticket's code
///
/// As PNG or SVG, whichever `format` says.
#[utoipa::path(
    tag = "Tickets", operation_id = "draw_ticket_image",
    security((), ("user" = []), ("guest" = [])),
    params(
        ("id" = TicketId, Path),
        ("format" = Option<String>, Query, description = "png or svg; png by default"),
        ("size" = Option<i64>, Query, minimum = 64, maximum = 2048, description = "Pixels, 200 by default"),
        ("ecc" = Option<String>, Query, description = "L, M, Q or H; M by default"),
        ("margin" = Option<i64>, Query, minimum = 0, maximum = 16, description = "Modules, 4 by default"),
        ("dark" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("light" = Option<String>, Query, description = "3 or 6 hex digits"),
        ("expires" = Option<i64>, Query, description = "Of a signed address"),
        ("signature" = Option<String>, Query, description = "Of a signed address"),
    ),
    responses(
        (status = 200, description = "The picture", content_type = "image/png"),
        (status = 304, description = "It is as it was")
    ),
    extensions(("x-errors" = json!([
        "unauthenticated", "token_expired", "forbidden", "ticket_not_issued", "ticket_void",
        "ticket_suspended", "qr_parameters_invalid"
    ])))
)]
#[get("/tickets/{id}/qr/image")]
pub async fn image(
    app: web::Data<App>,
    request: HttpRequest,
    access: PictureAccess,
) -> Result<HttpResponse, Problem> {
    draw(&app, &request, access.card, None).await
}

async fn draw(
    app: &App,
    request: &HttpRequest,
    card: Card,
    format: Option<Format>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(request);
    let options = QrOptions::read(&mut query);
    let format = match format {
        Some(format) => format,
        None => read_format(&mut query),
    };
    // What they say was checked before: it is not the picture's.
    query.optional("expires", |text| {
        let whole_number = text.parse::<i64>().map(drop);
        whole_number.map_err(|_| Flaw::new("invalid", "must be unix seconds"))
    });
    query.optional("signature", |_| Ok(()));
    query.finish()?;
    let payload = card.code(&app.keys.tickets)?;
    let tag = tag(&payload, &options, format);
    if is_known(request, &tag) {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, tag))
            .finish());
    }
    // Drawing takes a while: not on the threads that serve.
    let drawn = web::block(move || match format {
        Format::Png => qr::png(&payload, &options),
        Format::Svg => qr::svg(&payload, &options).map(String::into_bytes),
    });
    let bytes = drawn.await.map_err(Problem::internal)?;
    let content_type = match format {
        Format::Png => "image/png",
        Format::Svg => "image/svg+xml",
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, max-age=60"))
        .content_type(content_type)
        .body(bytes.map_err(Problem::internal)?))
}

fn read_format(query: &mut Query) -> Format {
    let format = query.optional("format", |text| match text {
        "png" => Ok(Format::Png),
        "svg" => Ok(Format::Svg),
        _ => Err(Flaw::new(
            Code::QrParametersInvalid.as_str(),
            "must be png or svg",
        )),
    });
    format.unwrap_or(Format::Png)
}

/// Differs when anything in the picture differs.
fn tag(payload: &str, options: &QrOptions, format: Format) -> String {
    let format = match format {
        Format::Png => "png",
        Format::Svg => "svg",
    };
    let digest = Sha256::digest(format!("{payload} {} {format}", options.tag()));
    let (short, _) = digest.split_at(12);
    format!("\"{}\"", hex(short))
}

fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let known = request.headers().get(header::IF_NONE_MATCH);
    known
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|known| known.trim() == tag))
}
