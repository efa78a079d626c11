//! The sweeper: asks for every payment that is not final, so that with all messages lost
//! everything still ends right. It is also what repairs a crash between call and record.

use std::time::Duration;

use futures_util::stream::{self, TryStreamExt};

use super::sync::{self, Asked};
use super::{Payment, Status, store};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::id::PaymentId;
use crate::orders;
use crate::tasks::{self, TaskKind};

const BATCH: i64 = 50;

/// A gateway that is slow to answer about one payment keeps nobody from the others.
const AT_ONCE: usize = 5;

/// Longer than any inquiry takes, so that no two workers ask for the same payment.
const LEASE: Duration = Duration::from_secs(60);

/// After that, a person should find out what a gateway does not say.
const UNKNOWN_TOO_LONG: Duration = Duration::from_secs(60 * 60);

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
        stream::iter(due.into_iter().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |id| Box::pin(ask_for(app, id)))
            .await?;
    }
}

async fn ask_for(app: &App, id: PaymentId) -> Result<(), Problem> {
    let asked_at = app.clock.now();
    match sync::look_up(app, id).await {
        Ok(Asked::Answered(payment)) => keep_interval(app, &payment, asked_at).await,
        Ok(Asked::Unanswered(_)) => plan(app, id).await,
        // One that cannot be settled keeps nobody from the others.
        Err(problem) => {
            tracing::error!(payment = %id, cause = ?problem.cause, "not settled");
            plan(app, id).await
        }
    }
}

/// The next question was planned with what the gateway said; one that wants to be asked more
/// rarely is.
async fn keep_interval(app: &App, payment: &Payment, asked_at: Timestamp) -> Result<(), Problem> {
    let earliest = asked_at.plus(interval(app, payment));
    if payment.next_sync_at.is_none_or(|at| at >= earliest) {
        return Ok(());
    }
    let mut conn = app.db.write().await?;
    Ok(store::plan_sync(&mut conn, payment.id, Some(earliest)).await?)
}

/// How long the gateway wants to rest between questions about a payment.
fn interval(app: &App, payment: &Payment) -> Duration {
    let gateway = app.gateways.find(&payment.provider);
    gateway.map_or(Duration::ZERO, |it| it.capabilities().inquiry_interval)
}

/// Puts the next question where it belongs; the lease had moved it. It is asked until it is
/// answered, even about an attempt that ended: there was a reason to ask.
async fn plan(app: &App, id: PaymentId) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.write().await?;
    let payment = super::find(&mut conn, id).await?;
    let is_open = payment.status != Status::Succeeded;
    let pause = sync::pause_after(payment.syncs).max(interval(app, &payment));
    let at = is_open.then(|| now.plus(pause));
    store::plan_sync(&mut conn, id, at).await?;
    drop(conn);
    if is_unknown_too_long(&payment, now) {
        ask_somebody(app, &payment, now).await?;
    }
    Ok(())
}

fn is_unknown_too_long(payment: &Payment, now: Timestamp) -> bool {
    payment.status == Status::Unknown && now.since(payment.created_at) >= UNKNOWN_TOO_LONG
}

/// Opens a task about a payment that is still unknown. Whatever says more closes it.
async fn ask_somebody(app: &App, payment: &Payment, now: Timestamp) -> Result<(), Problem> {
    app.db
        .transaction(async |conn| {
            orders::lock(conn, payment.order_id).await?;
            // Read again: evidence may have come before the lock was had.
            let payment = super::find(conn, payment.id).await?;
            if !is_unknown_too_long(&payment, now) {
                return Ok(());
            }
            let note = format!(
                "{} has not said for an hour what became of it.",
                payment.provider
            );
            let (organizer, object) = (Some(payment.organizer_id), payment.id.to_string());
            tasks::open(
                conn,
                organizer,
                TaskKind::UnknownTooLong,
                &object,
                &note,
                now,
            )
            .await
        })
        .await
}
