//! The dummy gateway: no account, no network, no money.
//!
//! Its remote side is the table `dummy_charge`; its hosted page and `…/simulate` decide what
//! becomes of a charge, and a job posts the signed message about it to our own webhook.

pub mod faults;
mod message;
pub mod page;
mod refunds;
mod store;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, json};

use self::faults::Faults;
pub use self::message::{Outcome, SIGNATURE_HEADER};
use self::refunds::DummyRefundStatus;
pub use self::store::DummyStatus;
use self::store::{Charge, create, find};
use super::watched::Operation;
use super::{
    AmountLimits, Authenticity, CancelOutcome, Capabilities, CreatePayment, Failure, Gateway,
    GatewayError, GatewayEvent, NextAction, PaymentMethod, PaymentRefs, RawWebhook, RefundRefs,
    RefundSnapshot, RemoteStatus, Snapshot, Unreadable,
};
use crate::clock::Clock;
use crate::db::values::Timestamp;
use crate::db::{Db, DbError};
use crate::error::Problem;

/// The dummy gateway's name.
pub const ID: &str = "dummy";

/// How old or how far ahead a message may be.
const TOLERANCE_SECONDS: i64 = 300;

/// The dummy gateway and what it needs to know.
pub struct Dummy {
    db: Db,
    clock: Clock,
    secret: Vec<u8>,
    public_base_url: String,
    /// What is to go wrong.
    pub faults: Faults,
    /// Refunds take their time, as at a bank.
    pub slow_refunds: AtomicBool,
}

impl Dummy {
    pub fn new(db: Db, clock: Clock, secret: Vec<u8>, public_base_url: String) -> Self {
        Self {
            db,
            clock,
            secret,
            public_base_url,
            faults: Faults::default(),
            slow_refunds: AtomicBool::new(false),
        }
    }

    /// Decides what becomes of a charge, as its hosted page does: the charge is changed and the
    /// message about it queued, in one commit. Nothing happens to a charge that is decided.
    pub async fn decide(&self, reference: &str, outcome: Outcome) -> Result<bool, Problem> {
        let now = self.clock.now();
        self.db
            .transaction(async |conn| {
                let decided = store::decide(conn, reference, outcome.status(), now).await?;
                let Some(charge) = decided else {
                    return Ok(false);
                };
                self.queue_message(conn, &charge, outcome, now).await?;
                Ok(true)
            })
            .await
    }

    fn snapshot(&self, charge: &Charge) -> Snapshot {
        let status = match charge.status {
            DummyStatus::Open => RemoteStatus::RequiresAction,
            DummyStatus::Processing => RemoteStatus::Processing,
            DummyStatus::Succeeded => RemoteStatus::Succeeded,
            DummyStatus::Failed => RemoteStatus::Failed,
            DummyStatus::Canceled => RemoteStatus::Canceled,
        };
        Snapshot {
            next_action: (status == RemoteStatus::RequiresAction).then(|| NextAction::Redirect {
                url: self.page_url(&charge.payment),
            }),
            amount_minor: Some(charge.amount_minor),
            currency: Some(charge.currency),
            reference: Some(charge.reference.clone()),
            provider_payment_id: Some(format!("dch_{}", charge.reference)),
            ..snapshot_of(status, charge.status.as_str())
        }
    }
}

/// What every snapshot of the dummy gateway has in common.
fn snapshot_of(status: RemoteStatus, provider_status: &str) -> Snapshot {
    let declined = || Failure {
        code: "declined".to_owned(),
        message: "The payment was declined.".to_owned(),
        retryable: true,
    };
    Snapshot {
        method: (status == RemoteStatus::Succeeded).then(|| PaymentMethod {
            kind: ID.to_owned(),
            ..PaymentMethod::default()
        }),
        failure: (status == RemoteStatus::Failed).then(declined),
        raw: Map::from_iter([("status".to_owned(), json!(provider_status))]),
        ..Snapshot::new(status, provider_status)
    }
}

/// The remote side is our own database: when it does not answer, nothing was sent.
fn not_sent(error: impl std::fmt::Display) -> GatewayError {
    GatewayError::NotSent(error.to_string())
}

impl From<DbError> for GatewayError {
    fn from(error: DbError) -> Self {
        not_sent(error)
    }
}

#[async_trait(?Send)]
impl Gateway for Dummy {
    fn id(&self) -> &'static str {
        ID
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            livemode: false,
            next_actions: &["redirect"],
            currencies: None,
            amounts: AmountLimits::any,
            can_cancel: true,
            refunds: "partial",
            inquiry_binds_amount: true,
            inquiry_delay: Duration::ZERO,
            inquiry_interval: Duration::from_secs(10),
            horizon: Duration::from_secs(60),
            expiry_most: Duration::from_secs(24 * 60 * 60),
        }
    }

    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        self.with_faults(Operation::Create, self.make_charge(payment))
            .await
    }

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        self.with_faults(Operation::Retrieve, self.find_charge(refs))
            .await?
            .ok_or_else(|| {
                GatewayError::Rejected(Failure {
                    code: "not_found".to_owned(),
                    message: "There is no such charge.".to_owned(),
                    retryable: false,
                })
            })
    }

    async fn find_by_reference(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        self.with_faults(Operation::Find, self.find_charge(refs))
            .await
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        self.with_faults(Operation::Cancel, self.cancel_charge(refs))
            .await
    }

    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        self.with_faults(Operation::Refund, self.make_refund(refund))
            .await
    }

    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        let found = async {
            let mut conn = self.db.find().await?;
            let found = refunds::find(&mut conn, &refund.reference).await;
            Ok(found.map_err(not_sent)?.as_ref().map(RefundSnapshot::from))
        };
        self.with_faults(Operation::RetrieveRefund, found).await
    }

    async fn list_refunds(&self, refs: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError> {
        let found = async {
            let mut conn = self.db.find().await?;
            let all = refunds::of_charge(&mut conn, &refs.reference).await;
            let all = all.map_err(not_sent)?;
            Ok(all.iter().map(RefundSnapshot::from).collect())
        };
        self.with_faults(Operation::ListRefunds, found).await
    }

    async fn list(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Snapshot>, GatewayError> {
        let listed = async {
            let mut conn = self.db.read().await?;
            let charges = store::between(&mut conn, from, until).await;
            let charges = charges.map_err(not_sent)?;
            Ok(charges.iter().map(|it| self.snapshot(it)).collect())
        };
        self.with_faults(Operation::List, listed).await
    }

    async fn verify_webhook(&self, message: &RawWebhook<'_>) -> Authenticity {
        if self.is_signed(message) {
            Authenticity::Verified
        } else {
            Authenticity::Invalid
        }
    }

    fn parse_webhook(&self, message: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable> {
        message::parse(message.body).map(|event| vec![event])
    }
}

/// What happens at the remote side.
impl Dummy {
    /// A call, with what is to go wrong with it.
    async fn with_faults<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let Some(fault) = self.faults.take(operation) else {
            return call.await;
        };
        if fault.is_done() {
            call.await?;
        }
        Err(fault.error())
    }

    async fn make_charge(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        let mut conn = self.db.write().await?;
        let (refs, now) = (&payment.refs, self.clock.now());
        let charge = Charge {
            reference: refs.reference.clone(),
            payment: refs.payment.to_string(),
            amount_minor: refs.amount.minor,
            currency: refs.amount.currency,
            status: DummyStatus::Open,
            created_at: now,
            updated_at: now,
        };
        let charge = create(&mut conn, &charge).await.map_err(not_sent)?;
        Ok(self.snapshot(&charge))
    }

    async fn find_charge(&self, refs: &PaymentRefs) -> Result<Option<Snapshot>, GatewayError> {
        let mut conn = self.db.find().await?;
        let charge = find(&mut conn, &refs.reference).await.map_err(not_sent)?;
        Ok(charge.map(|charge| self.snapshot(&charge)))
    }

    async fn cancel_charge(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        let mut conn = self.db.write().await?;
        let canceled = store::cancel_open(&mut conn, &refs.reference, self.clock.now()).await;
        if let Some(charge) = canceled.map_err(not_sent)? {
            return Ok(CancelOutcome::Canceled(self.snapshot(&charge)));
        }
        drop(conn);
        let snapshot = self.retrieve(refs).await?;
        Ok(match snapshot.status {
            RemoteStatus::Canceled => CancelOutcome::Canceled(snapshot),
            _ => CancelOutcome::NotCancelable(snapshot),
        })
    }

    async fn make_refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        let status = match self.slow_refunds.load(Ordering::Relaxed) {
            true => DummyRefundStatus::Pending,
            false => DummyRefundStatus::Succeeded,
        };
        let now = self.clock.now();
        let made = self
            .db
            .transaction(async |conn| refunds::create(conn, refund, status, now).await)
            .await
            .map_err(not_sent)?;
        match made {
            Ok(made) => Ok(RefundSnapshot::from(&made)),
            Err(failure) => Err(GatewayError::Rejected(failure)),
        }
    }

    /// Somebody refunds at the gateway, where we have no part in it.
    pub async fn refund_there(&self, refund: &RefundRefs) -> Result<bool, Problem> {
        let now = self.clock.now();
        self.db
            .transaction(async |conn| {
                let status = DummyRefundStatus::Succeeded;
                let Ok(made) = refunds::create(conn, refund, status, now).await? else {
                    return Ok(false);
                };
                self.queue_refund_message(conn, &made, now).await?;
                Ok(true)
            })
            .await
    }

    /// The bank takes the pending refunds of a charge, or does not.
    pub async fn decide_refunds(&self, reference: &str, succeed: bool) -> Result<usize, Problem> {
        let to = match succeed {
            true => DummyRefundStatus::Succeeded,
            false => DummyRefundStatus::Failed,
        };
        self.move_refunds(reference, (DummyRefundStatus::Pending, to))
            .await
    }

    /// The bank returns what was given back of a charge.
    pub async fn return_refunds(&self, reference: &str) -> Result<usize, Problem> {
        let (from, to) = (DummyRefundStatus::Succeeded, DummyRefundStatus::Failed);
        self.move_refunds(reference, (from, to)).await
    }

    async fn move_refunds(
        &self,
        reference: &str,
        step: (DummyRefundStatus, DummyRefundStatus),
    ) -> Result<usize, Problem> {
        let now = self.clock.now();
        self.db
            .transaction(async |conn| {
                let Some(charge) = store::lock(conn, reference).await? else {
                    return Ok(0);
                };
                let decided = refunds::decide(conn, &charge, step, now).await?;
                for refund in &decided {
                    self.queue_refund_message(conn, refund, now).await?;
                }
                Ok(decided.len())
            })
            .await
    }
}
