//! The tasks' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::TaskKind;
use crate::db::schema::tasks;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::id::{OrganizerId, TaskId};

#[derive(Insertable)]
#[diesel(table_name = tasks)]
pub(super) struct NewTask<'a> {
    pub id: TaskId,
    pub organizer_id: Option<OrganizerId>,
    pub kind: TaskKind,
    pub object: &'a str,
    pub note: &'a str,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct Task {
    pub id: TaskId,
    pub organizer_id: Option<OrganizerId>,
    pub kind: TaskKind,
    pub object: String,
    pub note: String,
    pub done_at: Option<Timestamp>,
    /// Nobody, if it solved itself.
    pub done_by: Option<String>,
    pub done_note: Option<String>,
    pub created_at: Timestamp,
}

/// Inserts a task unless its object has one of that kind.
pub(super) async fn insert(conn: &mut Conn, row: &NewTask<'_>) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(tasks::table)
        .values(row)
        .on_conflict((tasks::kind, tasks::object))
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Which tasks a reader asks for, and may see.
#[derive(Debug, Default)]
pub(super) struct TaskFilter {
    /// `None` sees every organizer's tasks and the platform's.
    pub organizers: Option<Vec<OrganizerId>>,
    pub organizer: Option<OrganizerId>,
    pub kinds: Vec<TaskKind>,
    pub object: Option<String>,
    pub is_done: bool,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &TaskFilter,
    after: Option<TaskId>,
    limit: i64,
) -> QueryResult<Vec<Task>> {
    sql!(conn, |c| {
        let mut query = tasks::table
            .select(Task::as_select())
            .order(tasks::id.desc())
            .limit(limit)
            .into_boxed();
        query = match filter.is_done {
            true => query.filter(tasks::done_at.is_not_null()),
            false => query.filter(tasks::done_at.is_null()),
        };
        if let Some(organizers) = &filter.organizers {
            query = query.filter(tasks::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        if let Some(organizer) = filter.organizer {
            query = query.filter(tasks::organizer_id.eq(organizer));
        }
        if !filter.kinds.is_empty() {
            query = query.filter(tasks::kind.eq_any(filter.kinds.clone()));
        }
        if let Some(object) = &filter.object {
            query = query.filter(tasks::object.eq(object));
        }
        if let Some(after) = after {
            query = query.filter(tasks::id.lt(after));
        }
        query.load(c).await
    })
}

/// A task, if it is one of these organizers'; `None` finds everybody's.
pub(super) async fn find(
    conn: &mut Conn,
    id: TaskId,
    organizers: Option<&[OrganizerId]>,
) -> QueryResult<Option<Task>> {
    sql!(conn, |c| {
        let mut query = tasks::table
            .filter(tasks::id.eq(id))
            .select(Task::as_select())
            .into_boxed();
        if let Some(organizers) = organizers {
            query = query.filter(tasks::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        query.first(c).await
    })
    .optional()
}

/// Marks an open task as done by somebody; `None` when it is not open.
pub(super) async fn finish(
    conn: &mut Conn,
    id: TaskId,
    by: &str,
    note: Option<&str>,
    now: Timestamp,
) -> QueryResult<Option<Task>> {
    let open = tasks::table.find(id).filter(tasks::done_at.is_null());
    sql!(conn, |c| diesel::update(open)
        .set((
            tasks::done_at.eq(now),
            tasks::done_by.eq(by),
            tasks::done_note.eq(note),
            tasks::updated_at.eq(now),
        ))
        .returning(Task::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn close(
    conn: &mut Conn,
    kind: TaskKind,
    object: &str,
    now: Timestamp,
) -> QueryResult<()> {
    let open = tasks::table
        .filter(tasks::kind.eq(kind))
        .filter(tasks::object.eq(object))
        .filter(tasks::done_at.is_null());
    sql!(conn, |c| diesel::update(open)
        .set((tasks::done_at.eq(now), tasks::updated_at.eq(now)))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// How many tasks wait for a person.
pub async fn count_open(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| tasks::table
        .filter(tasks::done_at.is_null())
        .count()
        .get_result(c)
        .await)
}
