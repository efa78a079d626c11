//! What there is to do, and who does it.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::Problem;
use crate::gateways::dummy;
use crate::http::idempotency;
use crate::id::{OrderId, PaymentId, ReconciliationRunId, RefundId, WebhookEventId};
use crate::{accounts, audit, orders, payments, reconciliation, refunds, webhooks};

/// One piece of work, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Seals the audit log's new rows.
    SealAudit,
    /// Removes what is past its time: idempotency keys, login sessions, quiet rate limits, notes
    /// about calls.
    Sweep,
    /// Looks for the account of an address that asked for a new password, and mails it.
    RequestPasswordReset { email: String },
    /// Ends orders whose time is over.
    ExpireOrders,
    /// Asks gateways for every payment that is not final.
    SyncPayments,
    /// Makes the open attempts of an ended order unpayable.
    CloseAttempts { order: OrderId },
    /// Asks a gateway about the payment that a stored message tells of.
    LookUpPayment {
        event: WebhookEventId,
        payment: PaymentId,
    },
    /// Asks a gateway whose payment a stored message is about.
    FindOut { event: WebhookEventId },
    /// Gives back a payment that cannot be used.
    GiveBack { payment: PaymentId },
    /// Brings a refund forward.
    AdvanceRefund { refund: RefundId },
    /// Brings every refund forward that has something to be done.
    SyncRefunds,
    /// Compares our payments with a gateway's.
    Reconcile { run: ReconciliationRunId },
    /// Mails somebody the links of their orders.
    MailOrderLinks { email: String },
    /// Posts the dummy gateway's message to our own webhook.
    DeliverDummyWebhook { body: String },
}

impl Job {
    /// The jobs that always come back, and how long they rest.
    pub const RECURRING: &'static [(Self, Duration)] = &[
        (Self::SealAudit, Duration::from_secs(2)),
        (Self::Sweep, Duration::from_secs(10 * 60)),
        (Self::ExpireOrders, Duration::from_secs(2)),
        (Self::SyncPayments, Duration::from_secs(2)),
        (Self::SyncRefunds, Duration::from_secs(2)),
    ];

    pub fn kind(&self) -> &'static str {
        match self {
            Self::SealAudit => "seal_audit",
            Self::Sweep => "sweep",
            Self::RequestPasswordReset { .. } => "request_password_reset",
            Self::ExpireOrders => "expire_orders",
            Self::SyncPayments => "sync_payments",
            Self::CloseAttempts { .. } => "close_attempts",
            Self::LookUpPayment { .. } => "look_up_payment",
            Self::FindOut { .. } => "find_out",
            Self::GiveBack { .. } => "give_back",
            Self::AdvanceRefund { .. } => "advance_refund",
            Self::SyncRefunds => "sync_refunds",
            Self::Reconcile { .. } => "reconcile",
            Self::MailOrderLinks { .. } => "mail_order_links",
            Self::DeliverDummyWebhook { .. } => "deliver_dummy_webhook",
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
    ///
    /// Boxed: the worker's own future would otherwise hold every kind of work in itself.
    pub fn run<'a>(&'a self, app: &'a App) -> LocalBoxFuture<'a, Result<(), Problem>> {
        Box::pin(self.run_unboxed(app))
    }

    async fn run_unboxed(&self, app: &App) -> Result<(), Problem> {
        match self {
            Self::SealAudit => audit::seal(&app.db).await,
            Self::Sweep => {
                let now = app.clock.now();
                app.limits.shrink();
                app.login_delays.shrink(now);
                let mut conn = app.db.write().await?;
                idempotency::sweep(&mut conn, now).await?;
                accounts::sweep_sessions(&mut conn, now).await?;
                payments::sweep_calls(&mut conn, now).await
            }
            Self::RequestPasswordReset { email } => accounts::mail_password_reset(app, email).await,
            Self::ExpireOrders => orders::expire_due(app).await,
            Self::SyncPayments => payments::sweep(app).await,
            Self::CloseAttempts { order } => payments::close_attempts(app, *order).await,
            Self::LookUpPayment { event, payment } => webhooks::apply(app, *event, *payment).await,
            Self::FindOut { event } => webhooks::find_out(app, *event).await,
            Self::GiveBack { payment } => refunds::give_back_payment(app, *payment).await,
            Self::AdvanceRefund { refund } => refunds::advance(app, *refund).await,
            Self::SyncRefunds => refunds::sweep(app).await,
            Self::Reconcile { run } => reconciliation::run(app, *run).await,
            Self::MailOrderLinks { email } => orders::mail_links(app, email).await,
            Self::DeliverDummyWebhook { body } => deliver_dummy_webhook(app, body).await,
        }
    }
}

/// Posts to ourselves, as a gateway would.
async fn deliver_dummy_webhook(app: &App, body: &str) -> Result<(), Problem> {
    let Some(gateway) = app.gateways.dummy() else {
        return Ok(());
    };
    let signature = gateway.sign(body, app.clock.now());
    let signature = signature.ok_or_else(|| Problem::internal("no secret"))?;
    let url = format!("http://{}/api/v1/webhooks/{}", app.own_address(), dummy::ID);
    let request = app
        .http
        .post(url)
        .header("content-type", "application/json")
        .header(dummy::SIGNATURE_HEADER, signature)
        .body(body.to_owned());
    let answer = request.send().await.map_err(Problem::internal)?;
    answer.error_for_status().map_err(Problem::internal)?;
    Ok(())
}
