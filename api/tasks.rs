//! Tasks: what a person must decide. Each is opened once for its object, whatever is repeated.

pub mod routes;
mod store;

use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::id::{OrganizerId, TaskId, UserId};
pub use store::count_open;
use store::{NewTask, Task};

text_enum! {
    pub enum TaskKind {
        /// Money came that is not what was asked for.
        Review = "review",
        /// Money must be given back.
        RefundDue = "refund_due",
        /// A gateway's books and ours say different things.
        Unmatched = "unmatched",
        /// A refund that no gateway makes.
        ManualRefund = "manual_refund",
        /// A gateway has not said for long what became of a payment.
        UnknownTooLong = "unknown_too_long",
        /// A buyer's bank wants money back.
        Dispute = "dispute",
    }
}

impl TaskKind {
    /// Money that stands apart has an open task: what moves the money closes it, nobody else.
    fn is_done_with_the_money(self) -> bool {
        matches!(self, Self::Review | Self::RefundDue)
    }
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
    let row = NewTask {
        id: TaskId::new(),
        organizer_id,
        kind,
        object,
        note,
        created_at: now,
        updated_at: now,
    };
    Ok(store::insert(conn, &row).await?)
}

/// Marks a task as done that solved itself.
pub async fn close(
    conn: &mut Conn,
    kind: TaskKind,
    object: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    Ok(store::close(conn, kind, object, now).await?)
}

/// Somebody has done a task.
async fn finish(
    conn: &mut Conn,
    task: &Task,
    note: Option<&str>,
    actor: UserId,
    now: Timestamp,
) -> Result<Task, Problem> {
    let refused = |detail| Problem::new(Code::InvalidTransition).detail(detail);
    if task.done_at.is_none() && task.kind.is_done_with_the_money() {
        let detail = "It is done when its money is given back, or the payment is decided about.";
        return Err(refused(detail));
    }
    let done = store::finish(conn, task.id, &actor.to_string(), note, now).await?;
    let done = done.ok_or_else(|| refused("It is done already."))?;
    let entry = audit::Entry {
        organizer: done.organizer_id,
        actor: actor.to_string(),
        action: "task.done",
        object: done.id.to_string(),
        at: now,
    };
    entry.write(conn, &(done.kind, &done.object, note)).await?;
    Ok(done)
}
