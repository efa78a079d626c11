//! What is left of everything an event sells.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::app::App;
use crate::booths;
use crate::error::Problem;
use crate::events::VisibleEvent;
use crate::id::{BoothTypeId, TicketTypeId};
use crate::inventory::{Sale, SaleStatus, store};
use crate::money::{Currency, Money};

/// More types than any event has.
const TYPES_MOST: i64 = 1_000;

/// What is left of one type.
#[derive(Serialize, utoipa::ToSchema)]
struct TypeAvailability {
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_type_id: Option<TicketTypeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booth_type_id: Option<BoothTypeId>,
    name: String,
    price_minor: i64,
    price_display: String,
    currency: Currency,
    available: i64,
    /// `available`, `low`, `sold_out`, `not_started` or `ended`.
    status: &'static str,
}

/// What is left of everything.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"data": [
    {"ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "name": "VIP", "price_minor": 15000000,
     "price_display": "150,000.00 TZS", "currency": "TZS", "available": 57, "status": "available"},
    {"booth_type_id": "btp_01h455vb4pex5vsknk084sn02q", "name": "Corner", "price_minor": 90000000,
     "price_display": "900,000.00 TZS", "currency": "TZS", "available": 0, "status": "sold_out"}
]}))]
struct Availability {
    data: Vec<TypeAvailability>,
}

/// See what is left
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "read_availability", security((), ("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = Availability, description = "Every type that is not hidden"))
)]
#[get("/events/{id}/availability")]
pub async fn read(app: web::Data<App>, visible: VisibleEvent) -> Result<HttpResponse, Problem> {
    let event = visible.event.id;
    let now = app.clock.now();
    let mut conn = app.db.find().await?;
    let tickets = store::list(&mut conn, event, false, None, TYPES_MOST).await?;
    let booths = booths::count_available(&mut conn, event).await?;
    let mut data: Vec<TypeAvailability> = tickets.into_iter().rev().map(|s| of(s, now)).collect();
    data.extend(
        booths
            .into_iter()
            .map(|(kind, available)| TypeAvailability {
                ticket_type_id: None,
                booth_type_id: Some(kind.id),
                price_display: Money::new(kind.price_minor, kind.currency).to_string(),
                name: kind.name,
                price_minor: kind.price_minor,
                currency: kind.currency,
                available,
                status: match available {
                    0 => SaleStatus::SoldOut.as_str(),
                    _ => SaleStatus::Available.as_str(),
                },
            }),
    );
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.json(Availability { data }))
}

fn of(sale: Sale, now: crate::db::values::Timestamp) -> TypeAvailability {
    let (available, status) = (sale.available(), sale.status(now).as_str());
    let kind = sale.ticket_type;
    TypeAvailability {
        ticket_type_id: Some(kind.id),
        booth_type_id: None,
        price_display: Money::new(kind.price_minor, kind.currency).to_string(),
        name: kind.name,
        price_minor: kind.price_minor,
        currency: kind.currency,
        available,
        status,
    }
}
