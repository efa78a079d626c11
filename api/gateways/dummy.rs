//! The dummy gateway: no account, no network, no money.
//!
//! Its remote side is the table `dummy_charge`; its hosted page and `…/simulate` decide what
//! becomes of a charge, and a job posts the signed message about it to our own webhook.

mod message;
pub mod page;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, json};
use tokio::sync::Notify;

pub use self::message::{Outcome, SIGNATURE_HEADER};
pub use self::store::DummyStatus;
use self::store::{Charge, create, find};
use super::{
    Authenticity, CancelOutcome, Capabilities, CreatePayment, Failure, Gateway, GatewayError,
    GatewayEvent, NextAction, PaymentMethod, PaymentRefs, RawWebhook, RemoteStatus, Snapshot,
    Unreadable,
};
use crate::clock::Clock;
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
    /// Wakes the worker that delivers messages.
    wake: Arc<Notify>,
}

impl Dummy {
    pub fn new(
        db: Db,
        clock: Clock,
        secret: Vec<u8>,
        public_base_url: String,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            db,
            clock,
            secret,
            public_base_url,
            wake,
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
        status,
        provider_status: provider_status.to_owned(),
        next_action: None,
        amount_minor: None,
        currency: None,
        reference: None,
        provider_payment_id: None,
        method: (status == RemoteStatus::Succeeded).then(|| PaymentMethod {
            kind: ID.to_owned(),
            ..PaymentMethod::default()
        }),
        failure: (status == RemoteStatus::Failed).then(declined),
        expires_at: None,
        livemode: false,
        raw: Map::from_iter([("status".to_owned(), json!(provider_status))]),
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
            amount_least_minor: 1,
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

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        let found = self.find_by_reference(refs).await?;
        found.ok_or_else(|| {
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
        let mut conn = self.db.find().await?;
        let charge = find(&mut conn, &refs.reference).await.map_err(not_sent)?;
        Ok(charge.map(|charge| self.snapshot(&charge)))
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
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

    fn reference_of_return(&self, parameters: &HashMap<String, String>) -> Option<String> {
        parameters.get("reference").cloned()
    }
}
