//! The sweeper: asks for every payment that is not final, so that with all messages lost
//! everything still ends right. It is also what repairs a crash between call and record.

use std::time::Duration;

use super::{Status, store, sync};
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
            let payment = sync(app, id).await?;
            if payment.status != Status::Succeeded {
                plan(app, id).await?;
            }
        }
    }
}

/// Puts the next question where it belongs; the lease had moved it.
async fn plan(app: &App, id: crate::id::PaymentId) -> Result<(), Problem> {
    let mut conn = app.db.write().await?;
    let payment = super::find(&mut conn, id).await?;
    let at = super::sync::next_at(&payment, app.clock.now());
    Ok(store::plan_sync(&mut conn, id, at).await?)
}
