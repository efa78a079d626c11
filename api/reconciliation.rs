//! Reconciliation: a gateway is asked for all its payments of some time, and its books are laid
//! beside ours. What a question mends is asked; the rest is for a person.

mod compare;
pub mod routes;
mod run;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::Problem;
use crate::id::{OrganizerId, UserId};
use crate::jobs::{self, Job};
pub use run::run;
use store::Run;

text_enum! {
    /// `queued → running → done | failed`.
    pub enum ReconciliationStatus {
        Queued = "queued",
        Running = "running",
        Done = "done",
        Failed = "failed",
    }
}

/// The longest time that one run compares.
const SPAN_MOST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub provider: String,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Whose payments; everybody's, if `None`.
    pub organizer: Option<OrganizerId>,
}

/// How many payments were compared, and how many differences of each kind there are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationCounts, example = json!({
    "ours": 1200, "theirs": 1201, "missing_here": 1, "missing_there": 0, "amount_differs": 0,
    "status_differs": 0
}))]
pub struct Counts {
    /// Our payments that succeeded, and those that the gateway has listed.
    pub ours: usize,
    /// The gateway's payments; of an organizer's run, those that are the organizer's.
    pub theirs: usize,
    pub missing_here: usize,
    pub missing_there: usize,
    pub amount_differs: usize,
    pub status_differs: usize,
}

/// Queues a run.
async fn start(
    conn: &mut Conn,
    new: NewRun,
    actor: UserId,
    now: Timestamp,
) -> Result<Run, Problem> {
    let run = Run::new(new, now);
    store::insert(conn, &run).await?;
    jobs::enqueue(conn, Job::Reconcile { run: run.id }, now).await?;
    let entry = audit::Entry {
        organizer: run.organizer_id,
        actor: actor.to_string(),
        action: "reconciliation.started",
        object: run.id.to_string(),
        at: now,
    };
    let content = json!({"provider": run.provider, "from": run.starts_at, "until": run.ends_at});
    entry.write(conn, &content).await?;
    Ok(run)
}
