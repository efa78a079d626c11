//! Asking a gateway how a payment stands, and settling what it says.

use std::time::Duration;

use super::{Evidence, Payment, Status, settle, store};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::gateways::{CancelOutcome, Failure, Gateway, GatewayError, RemoteStatus, Snapshot};
use crate::id::PaymentId;
use crate::orders::{self, OrderStatus, Terms};

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// What came of asking how a payment stands.
pub enum Asked {
    /// The gateway answered, or there was nothing to ask.
    Answered(Payment),
    /// It did not answer, does not know the payment yet, or cannot be asked yet.
    Unanswered(Payment),
}

/// When a payment should be asked for again; never once it is final.
pub(super) fn next_at(payment: &Payment, now: Timestamp) -> Option<Timestamp> {
    (!payment.status.is_final()).then(|| now.plus(pause_after(payment.syncs)))
}

/// How long to wait after so many questions to a gateway: longer each time.
pub fn pause_after(questions: i64) -> Duration {
    let doublings = u32::try_from(questions.clamp(0, 10)).unwrap_or(10);
    FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE)
}

/// Lets the sweeper ask for a payment at once.
pub async fn wake(app: &App, id: PaymentId) -> Result<(), Problem> {
    let mut conn = app.db.write().await?;
    store::sync_at(&mut conn, id, app.clock.now()).await?;
    Ok(())
}

/// Asks the gateway of a payment that has not succeeded, and settles its answer. Too early for
/// that gateway, or when it does not answer, everything stays as it is.
pub async fn sync(app: &App, id: PaymentId) -> Result<Payment, Problem> {
    Ok(match look_up(app, id).await? {
        Asked::Answered(payment) | Asked::Unanswered(payment) => payment,
    })
}

/// As [`sync`], for who must know whether the gateway answered. An attempt that ended is asked
/// for too: its buyer may have tried again on the gateway's page.
pub async fn look_up(app: &App, id: PaymentId) -> Result<Asked, Problem> {
    let mut conn = app.db.find().await?;
    let payment = super::find(&mut conn, id).await?;
    let order = orders::find(&mut conn, payment.order_id).await?;
    drop(conn);
    if payment.status == Status::Succeeded {
        return Ok(Asked::Answered(payment));
    }
    let Some(gateway) = app.gateways.find(&payment.provider) else {
        return Ok(Asked::Unanswered(payment));
    };
    let now = app.clock.now();
    let earliest = payment
        .created_at
        .plus(gateway.capabilities().inquiry_delay);
    if now < earliest {
        return Ok(Asked::Unanswered(payment));
    }
    let is_over = order.is_none_or(|order| order.status != OrderStatus::Pending)
        || payment.expires_at.is_some_and(|end| end <= now);
    let answer = if is_over && payment.status.is_open() {
        close(gateway.as_ref(), &payment, now).await
    } else {
        ask(gateway.as_ref(), &payment, now).await
    };
    match answer {
        Ok(Some(snapshot)) => {
            let settled = settle_answer(app, &payment, &snapshot).await?;
            Ok(Asked::Answered(settled))
        }
        Ok(None) => Ok(Asked::Unanswered(payment)),
        Err(error) => {
            tracing::warn!(payment = %id, provider = payment.provider, %error, "no answer");
            Ok(Asked::Unanswered(payment))
        }
    }
}

async fn settle_answer(
    app: &App,
    payment: &Payment,
    snapshot: &Snapshot,
) -> Result<Payment, Problem> {
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    let evidence = Evidence::asked(snapshot, &payment.provider, &app.keys);
    app.db
        .transaction(async |conn| {
            settle(conn, &terms, payment.id, &evidence, now).await?;
            super::find(conn, payment.id).await
        })
        .await
}

/// How the gateway says that it stands; `None` when it does not know it, yet.
pub(super) async fn ask(
    gateway: &dyn Gateway,
    payment: &Payment,
    now: Timestamp,
) -> Result<Option<Snapshot>, GatewayError> {
    let refs = payment.refs();
    if refs.provider_payment_id.is_some() {
        return gateway.retrieve(&refs).await.map(Some);
    }
    let found = gateway.find_by_reference(&refs).await?;
    Ok(found.or_else(|| never_made(gateway, payment, now)))
}

/// What it means that a gateway does not know a payment: nothing before its horizon.
fn never_made(gateway: &dyn Gateway, payment: &Payment, now: Timestamp) -> Option<Snapshot> {
    let horizon = payment.created_at.plus(gateway.capabilities().horizon);
    (now >= horizon).then(|| Snapshot {
        failure: Some(Failure {
            code: "not_found".to_owned(),
            message: "The payment was never started.".to_owned(),
            retryable: true,
        }),
        livemode: payment.livemode,
        ..Snapshot::new(RemoteStatus::Failed, "not_found")
    })
}

/// Asks that a payment whose time is over cannot be paid any more.
async fn close(
    gateway: &dyn Gateway,
    payment: &Payment,
    now: Timestamp,
) -> Result<Option<Snapshot>, GatewayError> {
    let mut refs = payment.refs();
    if refs.provider_payment_id.is_none() {
        let Some(found) = gateway.find_by_reference(&refs).await? else {
            return Ok(never_made(gateway, payment, now));
        };
        refs.provider_payment_id = found.provider_payment_id;
    }
    Ok(Some(match gateway.cancel(&refs).await? {
        CancelOutcome::Canceled(snapshot) => Snapshot {
            status: RemoteStatus::Expired,
            ..snapshot
        },
        CancelOutcome::NotCancelable(snapshot) => snapshot,
    }))
}

/// Cancels at the gateway; refuses when it can still be paid, or is.
pub async fn cancel(app: &App, id: PaymentId) -> Result<Payment, Problem> {
    let mut conn = app.db.find().await?;
    let payment = &super::find(&mut conn, id).await?;
    drop(conn);
    let not_cancelable = || Problem::new(Code::NotCancelable);
    if !payment.status.is_open() {
        return Err(not_cancelable());
    }
    let gateway = app.gateways.find(&payment.provider);
    let gateway = gateway.ok_or_else(not_cancelable)?;
    let outcome = gateway.cancel(&payment.refs()).await;
    let (snapshot, is_canceled) = match outcome {
        Ok(CancelOutcome::Canceled(snapshot)) => (snapshot, true),
        Ok(CancelOutcome::NotCancelable(snapshot)) => (snapshot, false),
        Err(error) => {
            tracing::warn!(payment = %payment.id, %error, "not canceled");
            return Err(Problem::new(Code::ProviderError));
        }
    };
    let settled = settle_answer(app, payment, &snapshot).await?;
    if is_canceled {
        Ok(settled)
    } else {
        Err(not_cancelable())
    }
}
