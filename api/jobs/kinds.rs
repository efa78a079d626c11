//! What there is to do, and who does it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::Problem;
use crate::http::idempotency;
use crate::{accounts, audit};

/// One piece of work, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Seals the audit log's new rows.
    SealAudit,
    /// Removes what is past its time: idempotency keys, login sessions, quiet rate limits.
    Sweep,
    /// Looks for the account of an address that asked for a new password, and mails it.
    RequestPasswordReset { email: String },
}

impl Job {
    /// The jobs that always come back, and how long they rest.
    pub const RECURRING: &'static [(Self, Duration)] = &[
        (Self::SealAudit, Duration::from_secs(2)),
        (Self::Sweep, Duration::from_secs(10 * 60)),
    ];

    pub fn kind(&self) -> &'static str {
        match self {
            Self::SealAudit => "seal_audit",
            Self::Sweep => "sweep",
            Self::RequestPasswordReset { .. } => "request_password_reset",
        }
    }

    /// How long a recurring job rests; `None` for one that is done once.
    pub fn rest(&self) -> Option<Duration> {
        let this = Self::RECURRING
            .iter()
            .find(|(job, _)| job.kind() == self.kind());
        this.map(|(_, rest)| *rest)
    }

    /// Does the work. It may be done again if the process dies before that is recorded.
    pub async fn run(&self, app: &App) -> Result<(), Problem> {
        match self {
            Self::SealAudit => audit::seal(&app.db).await,
            Self::Sweep => {
                let now = app.clock.now();
                app.limits.shrink();
                app.login_delays.shrink(now);
                let mut conn = app.db.write().await?;
                idempotency::sweep(&mut conn, now).await?;
                accounts::sweep_sessions(&mut conn, now).await
            }
            Self::RequestPasswordReset { email } => accounts::mail_password_reset(app, email).await,
        }
    }
}
