//! Whether this process can do its work.

use serde::Serialize;

use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::{emails, jobs};

/// What an operator looks at first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    #[schema(example = "ready")]
    pub status: &'static str,
    pub migrations_applied: bool,
    /// Seconds that the oldest due row of each queue has waited.
    pub queues: QueueAges,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct QueueAges {
    pub jobs_oldest_seconds: u64,
    pub emails_oldest_seconds: u64,
}

pub async fn check(app: &App) -> Result<Readiness, Problem> {
    let migrations_applied = app.db.is_migrated().await?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let age = |due: Option<Timestamp>| due.map_or(0, |due| now.since(due).as_secs());
    Ok(Readiness {
        status: "ready",
        migrations_applied,
        queues: QueueAges {
            jobs_oldest_seconds: age(jobs::oldest_due(&mut conn, now).await?),
            emails_oldest_seconds: age(emails::oldest_due(&mut conn, now).await?),
        },
    })
}
