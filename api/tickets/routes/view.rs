//! Tickets as they are shown.

use serde::Serialize;

use crate::db::values::Timestamp;
use crate::id::{EventId, EventSessionId, OrderId, TicketId, TicketTypeId};
use crate::money::{Currency, Money};
use crate::tickets::TicketStatus;
use crate::tickets::card::Card;

/// A ticket.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Ticket, example = json!({
    "id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN", "status": "valid",
    "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "ticket_type_name": "VIP",
    "event_id": "evt_01h455vb4pex5vsknk084sn02q", "event_name": "Sauti za Busara",
    "session": null, "order_id": "ord_01h455vb4pex5vsknk084sn02q", "order_status": "confirmed",
    "attendee": {"name": "Juma Said", "email": null}, "price_minor": 15000000,
    "price_display": "150,000.00 TZS", "currency": "TZS",
    "issued_at": "2027-01-05T08:01:00Z", "used_at": null, "credential_version": 1,
    "valid_from": null, "valid_until": null, "version": 2
}))]
pub struct TicketView {
    id: TicketId,
    serial: String,
    status: TicketStatus,
    ticket_type_id: TicketTypeId,
    ticket_type_name: String,
    event_id: EventId,
    event_name: String,
    session: Option<SessionView>,
    order_id: OrderId,
    #[schema(example = "confirmed")]
    order_status: String,
    attendee: Option<AttendeeView>,
    price_minor: i64,
    price_display: String,
    currency: Currency,
    issued_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    /// Which of its codes is good.
    credential_version: i64,
    /// When it opens the gate.
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TicketSession, example = json!({
    "id": "ses_01h455vb4pex5vsknk084sn02q", "name": "Friday",
    "starts_at": "2027-02-12T15:00:00Z", "ends_at": null
}))]
struct SessionView {
    id: EventSessionId,
    name: String,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TicketHolder, example = json!({"name": "Juma Said", "email": null}))]
struct AttendeeView {
    name: String,
    email: Option<String>,
}

impl From<Card> for TicketView {
    fn from(card: Card) -> Self {
        let attendee = card.ticket.attendee();
        let ticket = card.ticket;
        Self {
            id: ticket.id,
            serial: ticket.serial,
            status: ticket.status,
            ticket_type_id: ticket.ticket_type_id,
            ticket_type_name: card.type_name,
            event_id: ticket.event_id,
            event_name: card.event.name,
            session: card.session.map(|session| SessionView {
                id: session.id,
                name: session.name,
                starts_at: session.starts_at,
                ends_at: session.ends_at,
            }),
            order_id: ticket.order_id,
            order_status: card.order_status,
            attendee: attendee.map(|attendee| AttendeeView {
                name: attendee.name,
                email: attendee.email,
            }),
            price_minor: card.price_minor,
            price_display: Money::new(card.price_minor, card.currency).to_string(),
            currency: card.currency,
            issued_at: ticket.issued_at,
            used_at: ticket.used_at,
            credential_version: ticket.credential_version,
            valid_from: card.valid_from,
            valid_until: card.valid_until,
            version: ticket.version,
        }
    }
}
