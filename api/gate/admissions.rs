//! Who is or was inside.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::lists::List;
use crate::db::schema::admissions;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{AdmissionId, CheckinListId, ScanId, TicketId};

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub(super) struct Admission in admissions {
        pub id: AdmissionId,
        pub ticket_id: TicketId,
        pub list_id: CheckinListId,
        pub opened_by: ScanId,
        pub closed_by: Option<ScanId>,
        pub multi_entry: bool,
        pub opened_at: Timestamp,
        pub closed_at: Option<Timestamp>,
    }
}

/// Lets a ticket in; `false` when it is in, or was in where that is allowed once. Two gates at
/// the same instant: the second waits for the first here, and is told `false`.
pub(super) async fn open(
    conn: &mut Conn,
    ticket: TicketId,
    list: &List,
    scan: ScanId,
    now: Timestamp,
) -> QueryResult<bool> {
    let row = Admission::new(ticket, list, scan, now);
    let inserted = sql!(conn, |c| diesel::insert_into(admissions::table)
        .values(&row)
        .on_conflict_do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

/// Lets a ticket out; `false` when it is not in.
pub(super) async fn close(
    conn: &mut Conn,
    ticket: TicketId,
    list: CheckinListId,
    scan: ScanId,
    now: Timestamp,
) -> QueryResult<bool> {
    let inside = admissions::table
        .filter(admissions::ticket_id.eq(ticket))
        .filter(admissions::list_id.eq(list))
        .filter(admissions::closed_at.is_null());
    let closed = sql!(conn, |c| diesel::update(inside)
        .set((
            admissions::closed_by.eq(scan),
            admissions::closed_at.eq(now)
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(closed == 1)
}

/// The newest time that a ticket came in by a list.
pub(super) async fn newest(
    conn: &mut Conn,
    ticket: TicketId,
    list: CheckinListId,
) -> QueryResult<Option<Admission>> {
    sql!(conn, |c| admissions::table
        .filter(admissions::ticket_id.eq(ticket))
        .filter(admissions::list_id.eq(list))
        .order(admissions::id.desc())
        .select(Admission::as_select())
        .first(c)
        .await)
    .optional()
}

/// Lets several tickets in, or fails when one of them is in or was.
pub(super) async fn insert_all(conn: &mut Conn, rows: Vec<Admission>) -> QueryResult<()> {
    many::insert_all(conn, rows).await?;
    Ok(())
}

impl Admission {
    pub fn new(ticket: TicketId, list: &List, scan: ScanId, now: Timestamp) -> Self {
        Self {
            id: AdmissionId::new(),
            ticket_id: ticket,
            list_id: list.id,
            opened_by: scan,
            closed_by: None,
            multi_entry: list.multi_entry,
            opened_at: now,
            closed_at: None,
        }
    }

    /// Whether it keeps the same ticket from coming in again.
    pub fn bars(&self) -> bool {
        self.closed_at.is_none() || !self.multi_entry
    }
}

/// Takes an entry back; `false` when the ticket has left since.
pub(super) async fn undo_entry(conn: &mut Conn, scan: ScanId) -> QueryResult<bool> {
    let inside = admissions::table
        .filter(admissions::opened_by.eq(scan))
        .filter(admissions::closed_at.is_null());
    let removed = sql!(conn, |c| diesel::delete(inside).cached().execute(c).await)?;
    Ok(removed == 1)
}

/// Takes an exit back; `false` when the ticket has come in again since.
pub(super) async fn undo_exit(conn: &mut Conn, scan: ScanId) -> QueryResult<bool> {
    let left: Option<Admission> = sql!(conn, |c| admissions::table
        .filter(admissions::closed_by.eq(scan))
        .select(Admission::as_select())
        .first(c)
        .await)
    .optional()?;
    let Some(left) = left else {
        return Ok(false);
    };
    let is_in_again = newest(conn, left.ticket_id, left.list_id)
        .await?
        .is_some_and(|newest| newest.id != left.id);
    if is_in_again {
        return Ok(false);
    }
    sql!(conn, |c| diesel::update(admissions::table.find(left.id))
        .set((
            admissions::closed_by.eq(None::<ScanId>),
            admissions::closed_at.eq(None::<Timestamp>),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(true)
}

/// Whether a ticket was let in anywhere.
pub(super) async fn any(conn: &mut Conn, ticket: TicketId) -> QueryResult<bool> {
    let of_ticket = admissions::table.filter(admissions::ticket_id.eq(ticket));
    sql!(conn, |c| diesel::select(diesel::dsl::exists(of_ticket))
        .get_result(c)
        .await)
}

/// How many different tickets came in by a list, and how many of them are inside.
pub(super) async fn count(conn: &mut Conn, list: CheckinListId) -> QueryResult<(i64, i64)> {
    let of_list = || admissions::table.filter(admissions::list_id.eq(list));
    let entered = of_list().select(diesel::dsl::count(admissions::ticket_id).aggregate_distinct());
    let inside = of_list().filter(admissions::closed_at.is_null()).count();
    Ok((
        sql!(conn, |c| entered.first(c).await)?,
        sql!(conn, |c| inside.get_result(c).await)?,
    ))
}
