//! The sweeper: asks for every payment that is not final, so that with all messages lost
//! everything still ends right. It is also what repairs a crash between call and record.

use std::time::Duration;

use super::sync::{self, Asked};
use super::{Status, store};
use crate::app::App;
use crate::error::Problem;

const BATCH: i64 = 50;

/// Longer than any inquiry takes, so that no two workers ask for the same payment.
const LEASE: Duration = Duration::from_secs(60);

/// Asks for all payments that are due.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    loop {
        let now = app.clock.now();
        let mut reader = app.db.read().await?;
        if !store::any_due(&mut reader, now).await? {
            return Ok(());
        }
        drop(reader);
        let due = app
            .db
            .transaction(async |conn| {
                Ok::<_, Problem>(store::claim_due(conn, BATCH, now, LEASE).await?)
            })
            .await?;
        for id in due {
            match sync::look_up(app, id).await {
                // The next question is planned with what it said.
                Ok(Asked::Answered(_)) => {}
                Ok(Asked::Unanswered(_)) => plan(app, id).await?,
                // One that cannot be settled keeps nobody from the others.
                Err(problem) => {
                    tracing::error!(payment = %id, cause = ?problem.cause, "not settled");
                    plan(app, id).await?;
                }
            }
        }
    }
}

/// Puts the next question where it belongs; the lease had moved it. It is asked until it is
/// answered, even about an attempt that ended: there was a reason to ask.
async fn plan(app: &App, id: crate::id::PaymentId) -> Result<(), Problem> {
    let mut conn = app.db.write().await?;
    let payment = super::find(&mut conn, id).await?;
    let is_open = payment.status != Status::Succeeded;
    let at = is_open.then(|| app.clock.now().plus(sync::pause(&payment)));
    Ok(store::plan_sync(&mut conn, id, at).await?)
}
