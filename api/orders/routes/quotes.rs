//! What something would cost.

use actix_web::{HttpResponse, post, web};
use serde::Serialize;

use super::body::{Contacts, ItemBody, read_items};
use crate::app::App;
use crate::error::Problem;
use crate::events;
use crate::http::body::{Body, Fields, FromBody};
use crate::http::parse;
use crate::id::{BoothTypeId, EventId, EventSessionId, TicketTypeId};
use crate::money::Currency;
use crate::orders::{Cart, ItemKind, ItemRequest, Line, LineItem};

/// What is to be priced.
#[derive(utoipa::ToSchema)]
#[schema(as = QuoteRequest, example = json!({
    "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "items": [{"ticket_type": "vip", "quantity": 2}]
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct QuoteShape {
    event_id: EventId,
    session_id: Option<EventSessionId>,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<ItemBody>,
}

struct QuoteBody {
    event_id: EventId,
    session_id: Option<EventSessionId>,
    items: Vec<ItemRequest>,
}

impl FromBody for QuoteBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let event_id = fields.required("event_id", parse::parsed("an event's id"));
        let session_id = fields.optional("session_id", parse::parsed("an event session's id"));
        let items = read_items(fields, Contacts::Optional);
        Some(Self {
            event_id: event_id?,
            session_id: session_id?,
            items: items?,
        })
    }
}

/// What something would cost now. Nothing is held.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "event_id": "evt_01h455vb4pex5vsknk084sn02q", "currency": "TZS",
    "total_minor": 30000000, "total_display": "300,000.00 TZS", "available": true,
    "lines": [{
        "kind": "ticket", "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q",
        "booth_type_id": null, "name": "VIP", "quantity": 2, "unit_price_minor": 15000000,
        "total_minor": 30000000, "available": 57
    }]
}))]
struct Quote {
    event_id: EventId,
    currency: Currency,
    total_minor: i64,
    total_display: String,
    /// Whether there is enough of everything.
    available: bool,
    lines: Vec<QuoteLine>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "kind": "ticket", "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q",
    "booth_type_id": null, "name": "VIP", "quantity": 2, "unit_price_minor": 15000000,
    "total_minor": 30000000, "available": 57
}))]
struct QuoteLine {
    kind: ItemKind,
    ticket_type_id: Option<TicketTypeId>,
    booth_type_id: Option<BoothTypeId>,
    name: String,
    quantity: i64,
    unit_price_minor: i64,
    total_minor: i64,
    /// How many are left.
    available: i64,
}

impl From<Line> for QuoteLine {
    fn from(line: Line) -> Self {
        let (kind, ticket_type_id, booth_type_id) = match &line.item {
            LineItem::Tickets { sale, .. } => (ItemKind::Ticket, Some(sale.ticket_type.id), None),
            LineItem::Booth { kind, .. } => (ItemKind::Booth, None, Some(kind.id)),
        };
        Self {
            kind,
            ticket_type_id,
            booth_type_id,
            name: line.name,
            quantity: line.quantity,
            unit_price_minor: line.unit_price.minor,
            total_minor: line.total.minor,
            available: line.available,
        }
    }
}

/// Ask for a price
///
/// The same items as an order's. Holds nothing.
#[utoipa::path(
    tag = "Orders", operation_id = "quote", request_body = QuoteShape,
    responses((status = 200, body = Quote, description = "The price now")),
    extensions(("x-errors" = json!([
        "event_not_on_sale", "quantity_out_of_range", "ticket_type_not_found",
        "booth_type_not_found"
    ])))
)]
#[post("/quotes")]
pub async fn quote(app: web::Data<App>, body: Body<QuoteBody>) -> Result<HttpResponse, Problem> {
    let (asked, now) = (body.0, app.clock.now());
    let mut conn = app.db.find().await?;
    let event = events::find(&mut conn, asked.event_id).await?;
    let event = event.ok_or_else(|| {
        Problem::invalid_member("/event_id", "not_found", "there is no such event")
    })?;
    let cart = Cart::fill(&mut conn, event, asked.session_id, &asked.items, now).await?;
    Ok(HttpResponse::Ok().json(Quote {
        event_id: cart.event.id,
        currency: cart.total.currency,
        total_minor: cart.total.minor,
        total_display: cart.total.to_string(),
        available: cart
            .lines
            .iter()
            .all(|line| line.quantity <= line.available),
        lines: cart.lines.into_iter().map(QuoteLine::from).collect(),
    }))
}
