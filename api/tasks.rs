//! Tasks: what a person must decide. Each is opened once for its object, whatever is repeated.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::tasks;
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Conn, sql};
use crate::error::Problem;
use crate::id::{OrganizerId, TaskId};

text_enum! {
    pub enum TaskKind {
        /// Money came that is not what was asked for.
        Review = "review",
        /// Money must be given back.
        RefundDue = "refund_due",
        /// A gateway tells of a payment that we do not know.
        Unmatched = "unmatched",
        /// A refund that no gateway makes.
        ManualRefund = "manual_refund",
    }
}

#[derive(Insertable)]
#[diesel(table_name = tasks)]
struct TaskRow<'a> {
    id: TaskId,
    organizer_id: Option<OrganizerId>,
    kind: TaskKind,
    object: &'a str,
    note: &'a str,
    done_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Opens a task, unless there is one for the same object.
pub async fn open(
    conn: &mut Conn,
    organizer_id: Option<OrganizerId>,
    kind: TaskKind,
    object: &str,
    note: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let row = TaskRow {
        id: TaskId::new(),
        organizer_id,
        kind,
        object,
        note,
        done_at: None,
        created_at: now,
        updated_at: now,
    };
    sql!(conn, |c| diesel::insert_into(tasks::table)
        .values(&row)
        .on_conflict((tasks::kind, tasks::object))
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Marks a task as done that solved itself.
pub async fn close(
    conn: &mut Conn,
    kind: TaskKind,
    object: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let open = tasks::table
        .filter(tasks::kind.eq(kind))
        .filter(tasks::object.eq(object))
        .filter(tasks::done_at.is_null());
    sql!(conn, |c| diesel::update(open)
        .set((tasks::done_at.eq(now), tasks::updated_at.eq(now)))
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
