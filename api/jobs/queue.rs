//! The jobs' table.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::kinds::Job;
use crate::db::schema::jobs;
use crate::db::values::{Json, Timestamp, text_enum};
use crate::db::{Cache, Conn, sql};
use crate::id::JobId;

text_enum! {
    pub enum JobStatus {
        Queued = "queued",
        Running = "running",
        Dead = "dead",
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub(super) struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub payload: Json<Job>,
    pub dedupe_key: Option<String>,
    pub status: JobStatus,
    pub attempts: i64,
    pub run_at: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A job's row as admins see it: without its payload, which may be personal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub(super) struct JobState {
    pub id: JobId,
    pub kind: String,
    pub status: JobStatus,
    pub attempts: i64,
    pub run_at: Timestamp,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Which jobs a reader asks for.
#[derive(Debug, Default)]
pub(super) struct JobFilter {
    pub status: Option<JobStatus>,
    pub kind: Option<String>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: i64,
) -> QueryResult<Vec<JobState>> {
    sql!(conn, |c| {
        let mut query = jobs::table
            .select(JobState::as_select())
            .order(jobs::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(jobs::status.eq(status));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(jobs::kind.eq(kind));
        }
        if let Some(after) = after {
            query = query.filter(jobs::id.lt(after));
        }
        query.load(c).await
    })
}

pub(super) async fn find(conn: &mut Conn, id: JobId) -> QueryResult<Option<JobState>> {
    sql!(conn, |c| jobs::table
        .find(id)
        .select(JobState::as_select())
        .first(c)
        .await)
    .optional()
}

/// Makes a job due now, as if it had never been tried; `None` when it runs or is gone.
pub(super) async fn retry(
    conn: &mut Conn,
    id: JobId,
    now: Timestamp,
) -> QueryResult<Option<JobState>> {
    conn.note_queued();
    sql!(conn, |c| diesel::update(
        jobs::table
            .find(id)
            .filter(jobs::status.ne(JobStatus::Running))
    )
    .set((
        jobs::status.eq(JobStatus::Queued),
        jobs::attempts.eq(0),
        jobs::run_at.eq(now),
        jobs::lease_until.eq(None::<Timestamp>),
        jobs::updated_at.eq(now),
    ))
    .returning(JobState::as_returning())
    .cached()
    .get_result(c)
    .await)
    .optional()
}

async fn insert(
    conn: &mut Conn,
    job: Job,
    dedupe_key: Option<String>,
    now: Timestamp,
) -> QueryResult<()> {
    let row = JobRow {
        id: JobId::new(),
        kind: job.kind().to_owned(),
        payload: Json(job),
        dedupe_key,
        status: JobStatus::Queued,
        attempts: 0,
        run_at: now,
        lease_until: None,
        last_error: None,
        created_at: now,
        updated_at: now,
    };
    sql!(conn, |c| diesel::insert_into(jobs::table)
        .values(&row)
        .on_conflict(jobs::dedupe_key)
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    conn.note_queued();
    Ok(())
}

/// Queues a job in the caller's transaction.
pub async fn enqueue(conn: &mut Conn, job: Job, now: Timestamp) -> QueryResult<()> {
    insert(conn, job, None, now).await
}

/// Makes sure that every recurring job is there once.
pub async fn ensure_recurring(conn: &mut Conn, now: Timestamp) -> QueryResult<()> {
    for (job, _) in Job::RECURRING {
        let key = job.kind().to_owned();
        insert(conn, job.clone(), Some(key), now).await?;
    }
    Ok(())
}

/// When the job that has waited longest was due.
pub async fn oldest_due(conn: &mut Conn, now: Timestamp) -> QueryResult<Option<Timestamp>> {
    sql!(conn, |c| jobs::table
        .filter(jobs::status.eq_any([JobStatus::Queued, JobStatus::Running]))
        .filter(jobs::run_at.le(now))
        .order(jobs::run_at)
        .select(jobs::run_at)
        .first(c)
        .await)
    .optional()
}

/// How many jobs are tried no more.
pub async fn count_dead(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| jobs::table
        .filter(jobs::status.eq(JobStatus::Dead))
        .count()
        .get_result(c)
        .await)
}

/// How many jobs are left: not the recurring ones that rest, but those that are dead.
pub async fn count_unfinished(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| jobs::table
        .filter(
            jobs::dedupe_key
                .is_null()
                .or(jobs::status.ne(JobStatus::Queued))
                .or(jobs::last_error.is_not_null())
        )
        .count()
        .get_result(c)
        .await)
}

/// Takes up to `limit` due jobs for the time of the lease.
///
/// PostgreSQL workers step over each other's rows. SQLite has one writer at a time, so
/// there is nothing to step over.
pub(super) async fn claim(
    conn: &mut Conn,
    limit: i64,
    now: Timestamp,
    lease: Duration,
) -> QueryResult<Vec<JobRow>> {
    conn.transaction(async |conn| {
        let due = jobs::table
            .select(jobs::id)
            .filter(jobs::status.eq_any([JobStatus::Queued, JobStatus::Running]))
            .filter(jobs::run_at.le(now))
            .filter(jobs::lease_until.is_null().or(jobs::lease_until.le(now)))
            .order(jobs::run_at)
            .limit(limit);
        let due: Vec<JobId> = sql!(conn,
            sqlite: |c| due.load(c).await,
            postgres: |c| due.for_update().skip_locked().load(c).await
        )?;
        sql!(conn, |c| diesel::update(
            jobs::table.filter(jobs::id.eq_any(due))
        )
        .set((
            jobs::status.eq(JobStatus::Running),
            jobs::lease_until.eq(now.plus(lease)),
            jobs::attempts.eq(jobs::attempts + 1),
            jobs::updated_at.eq(now),
        ))
        .returning(JobRow::as_returning())
        .get_results(c)
        .await)
    })
    .await
}

/// A job done once is gone; a recurring one rests.
pub(super) async fn finish(conn: &mut Conn, row: &JobRow, now: Timestamp) -> QueryResult<()> {
    match row.payload.0.rest() {
        None => sql!(conn, |c| diesel::delete(jobs::table.find(row.id))
            .cached()
            .execute(c)
            .await)?,
        Some(rest) => sql!(conn, |c| diesel::update(jobs::table.find(row.id))
            .set((
                jobs::status.eq(JobStatus::Queued),
                jobs::attempts.eq(0),
                jobs::run_at.eq(now.plus(rest)),
                jobs::lease_until.eq(None::<Timestamp>),
                jobs::last_error.eq(None::<String>),
                jobs::updated_at.eq(now),
            ))
            .cached()
            .execute(c)
            .await)?,
    };
    Ok(())
}

/// Puts a job back until `run_at`, or gives it up where everybody can see it.
pub(super) async fn fail(
    conn: &mut Conn,
    row: &JobRow,
    error: &str,
    run_at: Option<Timestamp>,
    now: Timestamp,
) -> QueryResult<()> {
    let status = match run_at {
        Some(_) => JobStatus::Queued,
        None => JobStatus::Dead,
    };
    sql!(conn, |c| diesel::update(jobs::table.find(row.id))
        .set((
            jobs::status.eq(status),
            jobs::run_at.eq(run_at.unwrap_or(now)),
            jobs::lease_until.eq(None::<Timestamp>),
            jobs::last_error.eq(error),
            jobs::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}
