//! Looking for a guest by hand.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use crate::accounts::membership::MemberRole;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gate::EventStaff;
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text};
use crate::id::TicketId;
use crate::tickets::TicketStatus;
use crate::tickets::card::{self, Card};

/// A guest.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Guest, example = json!({
    "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
    "status": "valid", "ticket_type_name": "VIP", "attendee_name": "Juma Said",
    "attendee_email": "j…@e…", "used_at": null
}))]
struct AttendeeView {
    ticket_id: TicketId,
    serial: String,
    status: TicketStatus,
    ticket_type_name: String,
    attendee_name: Option<String>,
    /// Masked for gate staff.
    attendee_email: Option<String>,
    used_at: Option<Timestamp>,
}

impl AttendeeView {
    fn new(card: Card, is_masked: bool) -> Self {
        let email = card.ticket.attendee_email;
        Self {
            ticket_id: card.ticket.id,
            serial: card.ticket.serial,
            status: card.ticket.status,
            ticket_type_name: card.type_name,
            attendee_name: card.ticket.attendee_name,
            attendee_email: match is_masked {
                true => email.as_deref().map(mask),
                false => email,
            },
            used_at: card.ticket.used_at,
        }
    }
}

/// `j…@e…`: enough to compare with what a guest says.
fn mask(email: &str) -> String {
    let first = |text: &str| text.chars().take(1).collect::<String>();
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    format!("{}…@{}…", first(local), first(domain))
}

/// Look for a guest
///
/// By name, e-mail or serial: for the guest who lost a phone. Gate staff see e-mails masked.
#[utoipa::path(
    tag = "Gate", operation_id = "search_attendees", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("q" = Option<String>, Query, description = "A part of a name or e-mail, or a serial"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page<AttendeeView>, description = "A page of guests")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/events/{id}/attendees")]
pub async fn search(
    app: web::Data<App>,
    request: HttpRequest,
    staff: EventStaff,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let words = query
        .optional("q", as_text(parse::name))
        .unwrap_or_default();
    query.finish()?;
    let after: Option<TicketId> = page.after()?;
    let mut conn = app.db.read().await?;
    let limit = page.fetch_limit();
    let cards = card::search(&mut conn, staff.event.id, &words, after, limit).await?;
    let is_masked = staff.role != MemberRole::Manager;
    let show = |card| AttendeeView::new(card, is_masked);
    let page = page.page(cards, |card| card.ticket.id, show)?;
    Ok(page.respond())
}
