//! Tickets: one for each admission sold. Reserved with the order, valid once it is confirmed.

pub mod calendar;
pub mod card;
mod change;
mod credential;
pub mod qr;
pub mod routes;
mod serial;
mod store;

use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::Problem;
use crate::id::{
    EventId, EventSessionId, OrderId, OrderItemId, OrganizerId, TicketId, TicketTypeId,
};
pub use card::Card;
pub use change::record;
pub use credential::{CodeFault, Credential};
pub use store::{Ticket, lock, mark_all_used, mark_unused, mark_used, reinstate, set_status};

text_enum! {
    /// `reserved → valid ↔ used`, `valid, used ↔ suspended`, all but `used` `→ void`.
    pub enum TicketStatus {
        Reserved = "reserved",
        Valid = "valid",
        Used = "used",
        Suspended = "suspended",
        Void = "void",
    }
}

/// Who is to come with a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// The tickets of one line of an order.
pub struct NewTickets<'a> {
    pub organizer: OrganizerId,
    pub event: EventId,
    pub session: Option<EventSessionId>,
    pub order: OrderId,
    pub item: OrderItemId,
    pub ticket_type: TicketTypeId,
    pub quantity: i64,
    /// The number of the first; those of an order that is taken up again go on from its last.
    pub first_position: i64,
    /// As many as are known, in order.
    pub attendees: &'a [Attendee],
}

/// Reserves the tickets of an order's lines.
pub async fn reserve(
    conn: &mut Conn,
    lines: &[NewTickets<'_>],
    now: Timestamp,
) -> Result<Vec<Ticket>, Problem> {
    let mut tickets = Vec::new();
    for line in lines {
        let mut attendees = line.attendees.iter();
        for position in line.first_position..line.first_position + line.quantity {
            tickets.push(Ticket::reserved(line, position, attendees.next(), now));
        }
    }
    store::insert(conn, tickets.clone()).await?;
    Ok(tickets)
}

/// Makes an order's reserved tickets valid.
pub async fn issue(conn: &mut Conn, order: OrderId, now: Timestamp) -> Result<(), Problem> {
    Ok(store::issue(conn, order, now).await?)
}

/// Ends an order's tickets that were never paid.
pub async fn void_reserved(conn: &mut Conn, order: OrderId, now: Timestamp) -> Result<(), Problem> {
    Ok(store::void_reserved(conn, order, now).await?)
}

/// An order's tickets, in the order in which they were bought.
pub async fn of_order(conn: &mut Conn, order: OrderId) -> Result<Vec<Ticket>, Problem> {
    Ok(store::of_order(conn, order).await?)
}

/// Names who comes with a ticket of an order; `false` when the order has no such ticket.
pub async fn set_attendee(
    conn: &mut Conn,
    order: OrderId,
    id: TicketId,
    attendee: &Attendee,
    now: Timestamp,
) -> Result<bool, Problem> {
    Ok(store::set_attendee(conn, order, id, attendee, now).await?)
}

impl Ticket {
    fn reserved(
        line: &NewTickets<'_>,
        position: i64,
        attendee: Option<&Attendee>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: TicketId::new(),
            organizer_id: line.organizer,
            event_id: line.event,
            session_id: line.session,
            order_id: line.order,
            order_item_id: line.item,
            position,
            ticket_type_id: line.ticket_type,
            serial: serial::draw(),
            attendee_name: attendee.map(|attendee| attendee.name.clone()),
            attendee_email: attendee.and_then(|attendee| attendee.email.clone()),
            attendee_phone: attendee.and_then(|attendee| attendee.phone.clone()),
            status: TicketStatus::Reserved,
            credential_version: 1,
            issued_at: None,
            used_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// What being let in makes of it.
    pub fn note_used(&mut self, now: Timestamp) {
        self.status = TicketStatus::Used;
        self.used_at = self.used_at.or(Some(now));
    }

    pub fn attendee(&self) -> Option<Attendee> {
        let name = self.attendee_name.clone()?;
        Some(Attendee {
            name,
            email: self.attendee_email.clone(),
            phone: self.attendee_phone.clone(),
        })
    }
}
