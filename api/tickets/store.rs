//! The tickets' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Attendee, TicketStatus};
use crate::db::schema::tickets;
use crate::db::values::Timestamp;
use crate::db::{Conn, insert_all, sql};
use crate::id::{
    EventId, EventSessionId, OrderId, OrderItemId, OrganizerId, TicketId, TicketTypeId,
};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = tickets)]
pub struct Ticket {
    pub id: TicketId,
    pub organizer_id: OrganizerId,
    pub event_id: EventId,
    pub session_id: Option<EventSessionId>,
    pub order_id: OrderId,
    pub order_item_id: OrderItemId,
    pub position: i64,
    pub ticket_type_id: TicketTypeId,
    pub serial: String,
    pub attendee_name: Option<String>,
    pub attendee_email: Option<String>,
    pub attendee_phone: Option<String>,
    pub status: TicketStatus,
    pub credential_version: i64,
    pub issued_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

pub(super) async fn insert(conn: &mut Conn, rows: Vec<Ticket>) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_all!(conn, tickets::table, rows)?;
    Ok(())
}

pub(super) async fn issue(conn: &mut Conn, order: OrderId, now: Timestamp) -> QueryResult<()> {
    let reserved = tickets::table
        .filter(tickets::order_id.eq(order))
        .filter(tickets::status.eq(TicketStatus::Reserved));
    sql!(conn, |c| diesel::update(reserved)
        .set((
            tickets::status.eq(TicketStatus::Valid),
            tickets::issued_at.eq(now),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn void_reserved(
    conn: &mut Conn,
    order: OrderId,
    now: Timestamp,
) -> QueryResult<()> {
    let reserved = tickets::table
        .filter(tickets::order_id.eq(order))
        .filter(tickets::status.eq(TicketStatus::Reserved));
    sql!(conn, |c| diesel::update(reserved)
        .set((
            tickets::status.eq(TicketStatus::Void),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn of_order(conn: &mut Conn, order: OrderId) -> QueryResult<Vec<Ticket>> {
    sql!(conn, |c| tickets::table
        .filter(tickets::order_id.eq(order))
        .order(tickets::id)
        .select(Ticket::as_select())
        .load(c)
        .await)
}

pub(super) async fn set_attendee(
    conn: &mut Conn,
    order: OrderId,
    id: TicketId,
    attendee: &Attendee,
    now: Timestamp,
) -> QueryResult<bool> {
    let ticket = tickets::table.find(id).filter(tickets::order_id.eq(order));
    let updated = sql!(conn, |c| diesel::update(ticket)
        .set((
            tickets::attendee_name.eq(&attendee.name),
            tickets::attendee_email.eq(&attendee.email),
            tickets::attendee_phone.eq(&attendee.phone),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(updated == 1)
}
