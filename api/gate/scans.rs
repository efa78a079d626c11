//! Every scan: rows are added, never changed.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Direction, Reason, ScanResult};
use crate::db::schema::scans;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{CheckinListId, EventId, OrganizerId, ScanId, TicketId};

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Scan in scans {
        pub id: ScanId,
        pub organizer_id: Option<OrganizerId>,
        pub event_id: Option<EventId>,
        pub list_id: Option<CheckinListId>,
        pub ticket_id: Option<TicketId>,
        pub scanner: String,
        pub nonce: Option<String>,
        pub code_digest: String,
        pub direction: Direction,
        pub result: ScanResult,
        pub reason: Reason,
        pub note: Option<String>,
        pub gate: Option<String>,
        pub undoes: Option<ScanId>,
        /// What was answered, to be repeated to the letter.
        pub answer: String,
        pub at: Timestamp,
    }
}

/// Adds a scan, unless its scanner has used the nonce, or it undoes what is undone.
pub(super) async fn insert(conn: &mut Conn, row: &Scan) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(scans::table)
        .values(row)
        .on_conflict_do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

/// Adds several, or fails when one of their nonces was used.
pub(super) async fn insert_all(conn: &mut Conn, rows: Vec<Scan>) -> QueryResult<()> {
    many::insert_all(conn, rows).await?;
    Ok(())
}

/// Those of some scanners' nonces that were used before, and perhaps others of theirs.
pub(super) async fn known_nonces(
    conn: &mut Conn,
    of_scanners: Vec<(String, String)>,
) -> QueryResult<HashSet<(String, Option<String>)>> {
    if of_scanners.is_empty() {
        return Ok(HashSet::new());
    }
    let (scanners, nonces): (HashSet<String>, HashSet<String>) = of_scanners.into_iter().unzip();
    let found: Vec<(String, Option<String>)> = sql!(conn, |c| scans::table
        .filter(scans::scanner.eq_any(scanners))
        .filter(scans::nonce.eq_any(nonces))
        .select((scans::scanner, scans::nonce))
        .load(c)
        .await)?;
    Ok(found.into_iter().collect())
}

pub(super) async fn find(conn: &mut Conn, id: ScanId) -> QueryResult<Option<Scan>> {
    sql!(conn, |c| scans::table
        .find(id)
        .select(Scan::as_select())
        .first(c)
        .await)
    .optional()
}

/// What a scanner was answered to a nonce before.
pub(super) async fn find_by_nonce(
    conn: &mut Conn,
    scanner: &str,
    nonce: &str,
) -> QueryResult<Option<Scan>> {
    sql!(conn, |c| scans::table
        .filter(scans::scanner.eq(scanner))
        .filter(scans::nonce.eq(nonce))
        .select(Scan::as_select())
        .first(c)
        .await)
    .optional()
}

/// Which scans somebody asks for.
#[derive(Debug, Default)]
pub struct ScanFilter {
    /// Whose; all, if `None`.
    pub organizers: Option<Vec<OrganizerId>>,
    pub event_id: Option<EventId>,
    pub list_id: Option<CheckinListId>,
    pub ticket_id: Option<TicketId>,
    pub result: Option<ScanResult>,
    pub scanner: Option<String>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &ScanFilter,
    after: Option<ScanId>,
    limit: i64,
) -> QueryResult<Vec<Scan>> {
    sql!(conn, |c| {
        let mut query = scans::table
            .order(scans::id.desc())
            .limit(limit)
            .select(Scan::as_select())
            .into_boxed();
        if let Some(organizers) = &filter.organizers {
            query = query.filter(scans::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        if let Some(event) = filter.event_id {
            query = query.filter(scans::event_id.eq(event));
        }
        if let Some(list) = filter.list_id {
            query = query.filter(scans::list_id.eq(list));
        }
        if let Some(ticket) = filter.ticket_id {
            query = query.filter(scans::ticket_id.eq(ticket));
        }
        if let Some(result) = filter.result {
            query = query.filter(scans::result.eq(result));
        }
        if let Some(scanner) = &filter.scanner {
            query = query.filter(scans::scanner.eq(scanner.clone()));
        }
        if let Some(after) = after {
            query = query.filter(scans::id.lt(after));
        }
        query.load(c).await
    })
}
