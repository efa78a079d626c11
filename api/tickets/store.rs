//! The tickets' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Attendee, TicketStatus};
use crate::db::schema::tickets;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{
    EventId, EventSessionId, OrderId, OrderItemId, OrganizerId, TicketId, TicketTypeId,
};

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Ticket in tickets {
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
}

pub(super) async fn insert(conn: &mut Conn, rows: Vec<Ticket>) -> QueryResult<()> {
    many::insert_all(conn, rows).await?;
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
        .cached()
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
        .cached()
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
        .cached()
        .execute(c)
        .await)?;
    Ok(updated == 1)
}

/// A ticket, locked until the transaction ends; SQLite's transaction is the lock.
pub async fn lock(conn: &mut Conn, id: TicketId) -> QueryResult<Option<Ticket>> {
    sql!(conn,
        sqlite: |c| tickets::table.find(id).select(Ticket::as_select()).first(c).await,
        postgres: |c| tickets::table
            .find(id)
            .select(Ticket::as_select())
            .for_update()
            .first(c)
            .await
    )
    .optional()
}

/// Moves a ticket along one of its arrows; `None` when it is not in any of `from`.
pub async fn set_status(
    conn: &mut Conn,
    id: TicketId,
    from: &[TicketStatus],
    to: TicketStatus,
    now: Timestamp,
) -> QueryResult<Option<Ticket>> {
    let ticket = tickets::table.find(id).filter(tickets::status.eq_any(from));
    sql!(conn, |c| diesel::update(ticket)
        .set((
            tickets::status.eq(to),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .returning(Ticket::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

/// Lets a ticket that was stopped be what it was before.
pub async fn reinstate(conn: &mut Conn, id: TicketId, now: Timestamp) -> QueryResult<()> {
    use TicketStatus::{Suspended, Used, Valid};
    for (was_used, to) in [(true, Used), (false, Valid)] {
        let stopped = tickets::table
            .find(id)
            .filter(tickets::status.eq(Suspended))
            .filter(tickets::used_at.is_not_null().eq(was_used));
        sql!(conn, |c| diesel::update(stopped)
            .set((
                tickets::status.eq(to),
                tickets::version.eq(tickets::version + 1),
                tickets::updated_at.eq(now),
            ))
            .cached()
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Notes the first entry, and that tickets are used, where they are good.
macro_rules! note_used {
    ($which:expr, $now:expr) => {{
        let good = [TicketStatus::Valid, TicketStatus::Used];
        diesel::update(tickets::table.filter($which))
            .filter(tickets::status.eq_any(good))
            .set((
                tickets::status.eq(TicketStatus::Used),
                tickets::used_at.eq(diesel::dsl::sql::<
                    diesel::sql_types::Nullable<crate::db::sql_types::Timestamptz>,
                >("COALESCE(used_at, ")
                .bind::<crate::db::sql_types::Timestamptz, _>($now)
                .sql(")")),
                tickets::version.eq(tickets::version + 1),
                tickets::updated_at.eq($now),
            ))
    }};
}

/// Notes the first entry, and that a ticket is used; `false` when it is not good any more.
pub async fn mark_used(conn: &mut Conn, id: TicketId, now: Timestamp) -> QueryResult<bool> {
    let used = sql!(conn, |c| note_used!(tickets::id.eq(id), now)
        .cached()
        .execute(c)
        .await)?;
    Ok(used == 1)
}

/// The same for several; says how many were good.
pub async fn mark_all_used(
    conn: &mut Conn,
    ids: &[TicketId],
    now: Timestamp,
) -> QueryResult<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    sql!(conn, |c| note_used!(tickets::id.eq_any(ids), now)
        .execute(c)
        .await)
}

/// Takes back that a ticket was used.
pub async fn mark_unused(conn: &mut Conn, id: TicketId, now: Timestamp) -> QueryResult<()> {
    let ticket = tickets::table
        .find(id)
        .filter(tickets::status.eq(TicketStatus::Used));
    sql!(conn, |c| diesel::update(ticket)
        .set((
            tickets::status.eq(TicketStatus::Valid),
            tickets::used_at.eq(None::<Timestamp>),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn raise_credential(
    conn: &mut Conn,
    id: TicketId,
    now: Timestamp,
) -> QueryResult<Ticket> {
    sql!(conn, |c| diesel::update(tickets::table.find(id))
        .set((
            tickets::credential_version.eq(tickets::credential_version + 1),
            tickets::version.eq(tickets::version + 1),
            tickets::updated_at.eq(now),
        ))
        .returning(Ticket::as_returning())
        .cached()
        .get_result(c)
        .await)
}
