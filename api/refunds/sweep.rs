//! Bringing refunds to their end: submitted once for each reference, then asked for until the
//! gateway says how they stand. With all messages lost and after every crash too.

use std::time::Duration;

use futures_util::stream::{self, TryStreamExt};

use super::settle::{self, fail, open_task};
use super::store;
use super::{Refund, RefundStatus};
use crate::app::App;
use crate::error::Problem;
use crate::gateways::{Failure, Gateway, GatewayError, RefundSnapshot};
use crate::id::RefundId;
use crate::orders::{self, Terms};
use crate::payments::{self, Payment, Status, pause_after};

const BATCH: i64 = 50;

/// A gateway that is slow with one refund keeps nobody from the others.
const AT_ONCE: usize = 5;

/// Longer than any call takes, so that no two workers call for the same refund.
const LEASE: Duration = Duration::from_secs(60);

/// How often a refund that never reached its gateway is tried anew by itself.
const ATTEMPTS_MOST: i64 = 5;

/// Brings all refunds forward that have something to be done.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    loop {
        let mut reader = app.db.find().await?;
        if !store::any_due(&mut reader, app.clock.now()).await? {
            return Ok(());
        }
        drop(reader);
        if advance_due(app, None).await? == 0 {
            return Ok(());
        }
    }
}

/// Brings one refund forward, unless somebody else is at it.
pub async fn advance(app: &App, id: RefundId) -> Result<(), Problem> {
    advance_due(app, Some(id)).await?;
    Ok(())
}

/// The same, though its time has not come yet.
pub async fn advance_now(app: &App, id: RefundId) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.write().await?;
    store::hurry(&mut conn, id, now).await?;
    drop(conn);
    advance(app, id).await
}

/// Asks a gateway for the refunds of a payment, and takes note of how each stands, those that
/// were made there too. `false` when the gateway does not answer.
pub async fn look_for(app: &App, payment: &Payment) -> Result<bool, Problem> {
    let gateway = app.gateways.find(&payment.provider);
    let Some(gateway) = gateway.filter(|_| payment.status == Status::Succeeded) else {
        return Ok(true);
    };
    let found = match gateway.list_refunds(&payment.refs()).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(payment = %payment.id, %error, "no answer");
            return Ok(false);
        }
    };
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    for snapshot in &found {
        app.db
            .transaction(async |conn| settle::notice(conn, &terms, payment.id, snapshot, now).await)
            .await?;
    }
    Ok(true)
}

async fn advance_due(app: &App, only: Option<RefundId>) -> Result<usize, Problem> {
    let now = app.clock.now();
    let due = app
        .db
        .transaction(async |conn| {
            Ok::<_, Problem>(store::claim_due(conn, only, BATCH, now, LEASE).await?)
        })
        .await?;
    let count = due.len();
    stream::iter(due.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |id| Box::pin(advance_one(app, id)))
        .await?;
    Ok(count)
}

/// One that cannot be brought forward keeps nobody from the others.
async fn advance_one(app: &App, id: RefundId) -> Result<(), Problem> {
    match step(app, id).await {
        Ok(()) => Ok(()),
        Err(problem) => {
            tracing::error!(refund = %id, cause = ?problem.cause, "not brought forward");
            plan(app, id).await
        }
    }
}

async fn step(app: &App, id: RefundId) -> Result<(), Problem> {
    let mut conn = app.db.find().await?;
    let refund = super::find(&mut conn, id).await?;
    let payment = payments::find(&mut conn, refund.payment_id).await?;
    drop(conn);
    let gateway = app.gateways.find(&payment.provider);
    let gateway = gateway.filter(|it| it.capabilities().refunds != "none");
    match (refund.status, gateway) {
        (RefundStatus::Approved, None) => leave_to_people(app, &refund).await,
        (RefundStatus::Approved, Some(gateway)) => {
            let Some(submitted) = submit(app, id).await? else {
                return Ok(());
            };
            let answer = gateway.refund(&submitted.refs(&payment)).await;
            record(app, &submitted, answer).await
        }
        (status, Some(gateway)) if status.is_sent() => {
            let answer = gateway.retrieve_refund(&refund.refs(&payment)).await;
            note_answer(app, gateway.as_ref(), &refund, answer).await
        }
        _ => plan(app, id).await,
    }
}

/// Commits that the gateway is about to be told, before it is.
async fn submit(app: &App, id: RefundId) -> Result<Option<Refund>, Problem> {
    let now = app.clock.now();
    change(app, id, async |conn, mut refund| {
        if refund.status != RefundStatus::Approved {
            return Ok(None);
        }
        refund.move_to(RefundStatus::Submitted, now);
        refund.submitted_at = Some(now);
        store::save(conn, &refund).await?;
        Ok(Some(refund))
    })
    .await
}

/// What came of the call.
async fn record(
    app: &App,
    refund: &Refund,
    answer: Result<RefundSnapshot, GatewayError>,
) -> Result<(), Problem> {
    let now = app.clock.now();
    match answer {
        Ok(snapshot) => settle_answer(app, refund.id, &snapshot).await,
        Err(GatewayError::Rejected(failure)) => {
            change(app, refund.id, async |conn, refund| {
                if refund.status == RefundStatus::Submitted {
                    fail(conn, refund, Some(failure.clone()), now).await?;
                }
                Ok(())
            })
            .await
        }
        // Nothing happened there: it is told again later, as the same refund.
        Err(
            error @ (GatewayError::NotSent(_)
            | GatewayError::RateLimited { .. }
            | GatewayError::Config(_)),
        ) => {
            tracing::warn!(refund = %refund.id, %error, "not submitted");
            set_back(app, refund.id, RefundStatus::Approved).await
        }
        Err(error @ GatewayError::Unknown(_)) => {
            tracing::warn!(refund = %refund.id, %error, "no answer");
            set_back(app, refund.id, RefundStatus::Unknown).await
        }
    }
}

/// Moves a refund that was submitted to what is known of it, and plans what is next.
async fn set_back(app: &App, id: RefundId, to: RefundStatus) -> Result<(), Problem> {
    let now = app.clock.now();
    change(app, id, async |conn, mut refund| {
        if refund.status != RefundStatus::Submitted {
            return Ok(());
        }
        refund.move_to(to, now);
        refund.next_sync_at = Some(now.plus(pause_after(refund.syncs)));
        Ok(store::save(conn, &refund).await?)
    })
    .await
}

/// What came of asking how it stands. One that the gateway does not know after its horizon was
/// never made, and is made anew.
async fn note_answer(
    app: &App,
    gateway: &dyn Gateway,
    refund: &Refund,
    answer: Result<Option<RefundSnapshot>, GatewayError>,
) -> Result<(), Problem> {
    let now = app.clock.now();
    match answer {
        Ok(Some(snapshot)) => {
            settle_answer(app, refund.id, &snapshot).await?;
            plan(app, refund.id).await
        }
        Ok(None) => {
            let horizon = gateway.capabilities().horizon;
            let is_over = refund
                .submitted_at
                .is_some_and(|at| now >= at.plus(horizon));
            if is_over && refund.status != RefundStatus::Pending {
                make_anew(app, refund.id).await
            } else {
                plan(app, refund.id).await
            }
        }
        Err(error) => {
            tracing::warn!(refund = %refund.id, %error, "no answer");
            plan(app, refund.id).await
        }
    }
}

async fn make_anew(app: &App, id: RefundId) -> Result<(), Problem> {
    let now = app.clock.now();
    change(app, id, async |conn, mut refund| {
        if !matches!(
            refund.status,
            RefundStatus::Submitted | RefundStatus::Unknown
        ) {
            return Ok(());
        }
        if refund.attempt_no >= ATTEMPTS_MOST {
            let failure = Failure {
                code: "not_found".to_owned(),
                message: "It never reached the gateway.".to_owned(),
                retryable: true,
            };
            fail(conn, refund, Some(failure), now).await?;
            return Ok(());
        }
        refund.next_attempt();
        refund.move_to(RefundStatus::Approved, now);
        refund.next_sync_at = Some(now);
        Ok(store::save(conn, &refund).await?)
    })
    .await
}

async fn settle_answer(app: &App, id: RefundId, snapshot: &RefundSnapshot) -> Result<(), Problem> {
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    app.db
        .transaction(async |conn| {
            settle::settle(conn, &terms, id, snapshot, now).await?;
            Ok(())
        })
        .await
}

/// No gateway can give it back: somebody must, and say so.
async fn leave_to_people(app: &App, refund: &Refund) -> Result<(), Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let note = "The gateway cannot give money back: do it by hand, and mark it as done.";
            open_task(conn, refund, note, now).await?;
            Ok(store::plan(conn, refund.id, None).await?)
        })
        .await
}

/// Changes a refund under its order's lock.
async fn change<T>(
    app: &App,
    id: RefundId,
    change: impl AsyncFn(&mut crate::db::Conn, Refund) -> Result<T, Problem>,
) -> Result<T, Problem> {
    app.db
        .transaction(async |conn| {
            let seen = super::find(conn, id).await?;
            orders::lock(conn, seen.order_id).await?;
            let refund = super::find(conn, id).await?;
            change(conn, refund).await
        })
        .await
}

/// Puts the next look where it belongs; the lease had moved it.
async fn plan(app: &App, id: RefundId) -> Result<(), Problem> {
    let mut conn = app.db.write().await?;
    let refund = super::find(&mut conn, id).await?;
    let is_awaited = refund.status == RefundStatus::Approved || refund.status.is_sent();
    let at = is_awaited.then(|| app.clock.now().plus(pause_after(refund.syncs)));
    Ok(store::plan(&mut conn, id, at).await?)
}
