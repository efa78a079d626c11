//! The reconciliations' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::compare::Finding;
use super::{Counts, NewRun, ReconciliationStatus};
use crate::db::schema::reconciliation_runs;
use crate::db::values::{Json, Timestamp};
use crate::db::{Conn, sql};
use crate::gateways::ACCOUNT;
use crate::id::{OrganizerId, ReconciliationRunId};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reconciliation_runs)]
pub struct Run {
    pub id: ReconciliationRunId,
    /// Whose payments are compared; everybody's, if `None`.
    pub organizer_id: Option<OrganizerId>,
    pub provider: String,
    pub account: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub status: ReconciliationStatus,
    pub counts: Option<Json<Counts>>,
    pub findings: Option<Json<Vec<Finding>>>,
    pub error: Option<String>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Run {
    pub(super) fn new(new: NewRun, now: Timestamp) -> Self {
        Self {
            id: ReconciliationRunId::new(),
            organizer_id: new.organizer,
            provider: new.provider,
            account: ACCOUNT.to_owned(),
            starts_at: new.from,
            ends_at: new.until,
            status: ReconciliationStatus::Queued,
            counts: None,
            findings: None,
            error: None,
            started_at: None,
            finished_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

pub(super) async fn insert(conn: &mut Conn, run: &Run) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(reconciliation_runs::table)
        .values(run)
        .execute(c)
        .await)?;
    Ok(())
}

/// A run, if it is one of these organizers'; `None` finds everybody's.
pub(super) async fn find(
    conn: &mut Conn,
    id: ReconciliationRunId,
    organizers: Option<&[OrganizerId]>,
) -> QueryResult<Option<Run>> {
    sql!(conn, |c| {
        let mut query = reconciliation_runs::table
            .filter(reconciliation_runs::id.eq(id))
            .select(Run::as_select())
            .into_boxed();
        if let Some(organizers) = organizers {
            let mine = organizers.iter().map(Some);
            query = query.filter(reconciliation_runs::organizer_id.eq_any(mine));
        }
        query.first(c).await
    })
    .optional()
}

/// A run that is not over; its job may have died in the middle.
macro_rules! unfinished {
    ($id:expr) => {
        reconciliation_runs::table.find($id).filter(
            reconciliation_runs::status
                .eq_any([ReconciliationStatus::Queued, ReconciliationStatus::Running]),
        )
    };
}

/// Begins a run; `None` when it is over.
pub(super) async fn begin(
    conn: &mut Conn,
    id: ReconciliationRunId,
    now: Timestamp,
) -> QueryResult<Option<Run>> {
    sql!(conn, |c| diesel::update(unfinished!(id))
        .set((
            reconciliation_runs::status.eq(ReconciliationStatus::Running),
            reconciliation_runs::started_at.eq(now),
            reconciliation_runs::updated_at.eq(now),
        ))
        .returning(Run::as_returning())
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn finish(
    conn: &mut Conn,
    id: ReconciliationRunId,
    counts: Counts,
    findings: Vec<Finding>,
    now: Timestamp,
) -> QueryResult<()> {
    let (counts, findings) = (Json(counts), Json(findings));
    sql!(conn, |c| diesel::update(unfinished!(id))
        .set((
            reconciliation_runs::status.eq(ReconciliationStatus::Done),
            reconciliation_runs::counts.eq(&counts),
            reconciliation_runs::findings.eq(&findings),
            reconciliation_runs::finished_at.eq(now),
            reconciliation_runs::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn fail(
    conn: &mut Conn,
    id: ReconciliationRunId,
    error: &str,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(unfinished!(id))
        .set((
            reconciliation_runs::status.eq(ReconciliationStatus::Failed),
            reconciliation_runs::error.eq(error),
            reconciliation_runs::finished_at.eq(now),
            reconciliation_runs::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}
