//! A gateway for tests. It stands for a remote system that we do not control: it may be slow,
//! silent or wrong, and what happened there happened, whether it was answered or not.
//!
//! What is not scripted is answered truthfully.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Map;

use super::{
    AmountLimits, Authenticity, CancelOutcome, Capabilities, CreatePayment, Failure, Gateway,
    GatewayError, GatewayEvent, NextAction, PaymentRefs, RawWebhook, RefundRefs, RefundSnapshot,
    RemoteRefundStatus, RemoteStatus, Snapshot, Unreadable,
};
use crate::db::values::Timestamp;
use crate::money::Money;

/// The scripted gateway's name.
pub const ID: &str = "scripted";

/// After that, a payment that it does not know was never made.
pub const HORIZON: Duration = Duration::from_secs(60);

/// What becomes of a call that starts a payment.
pub enum Start {
    /// Nothing happens there.
    Lost(GatewayError),
    /// The charge is made, and stands like that soon after; the answer never comes.
    Unanswered(RemoteStatus, GatewayError),
}

/// What becomes of a search for a payment.
pub enum Search {
    Fails(GatewayError),
    /// The charge may be there, and is not found yet.
    Misses,
}

/// A charge as it stands at the remote system.
#[derive(Clone)]
pub struct Charge {
    pub id: String,
    pub status: RemoteStatus,
    pub amount: Money,
    pub expires_at: Option<Timestamp>,
}

/// How often the gateway was asked for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    pub create: u32,
    pub retrieve: u32,
    pub find: u32,
    pub cancel: u32,
    pub list: u32,
    pub verify: u32,
    pub parse: u32,
}

#[derive(Default)]
struct Script {
    /// By our reference.
    charges: BTreeMap<String, Charge>,
    refunds: BTreeMap<String, RefundSnapshot>,
    idempotency_keys: Vec<String>,
    inquiry_delay: Duration,
    calls: Calls,
    create: VecDeque<Start>,
    retrieve: VecDeque<GatewayError>,
    find: VecDeque<Search>,
    cancel: VecDeque<GatewayError>,
    list: VecDeque<GatewayError>,
    verify: VecDeque<Authenticity>,
    parse: VecDeque<Result<Vec<GatewayEvent>, Unreadable>>,
    /// What a message says however often it is read.
    read_again: Option<GatewayEvent>,
    whose: VecDeque<GatewayError>,
    redacts: bool,
}

/// The gateway, and the remote system behind it; clones are the same one.
#[derive(Clone, Default)]
pub struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    pub fn on_create(&self, start: Start) {
        self.script().create.push_back(start);
    }

    pub fn on_retrieve(&self, error: GatewayError) {
        self.script().retrieve.push_back(error);
    }

    pub fn on_find(&self, search: Search) {
        self.script().find.push_back(search);
    }

    pub fn on_cancel(&self, error: GatewayError) {
        self.script().cancel.push_back(error);
    }

    pub fn on_list(&self, error: GatewayError) {
        self.script().list.push_back(error);
    }

    /// A message that comes next: whether it can be believed, and what it says.
    pub fn on_message(&self, authenticity: Authenticity, says: Result<GatewayEvent, Unreadable>) {
        let mut script = self.script();
        script.verify.push_back(authenticity);
        script.parse.push_back(says.map(|event| vec![event]));
    }

    /// A question for whose payment an object is; without one it is found by the charge's id.
    pub fn on_whose(&self, error: GatewayError) {
        self.script().whose.push_back(error);
    }

    /// What a stored message says when it is read again.
    pub fn on_reading_again(&self, says: GatewayEvent) {
        self.script().read_again = Some(says);
    }

    /// From now on nothing of a message is kept.
    pub fn redact_all(&self) {
        self.script().redacts = true;
    }

    /// How soon after its start a payment may be asked for.
    pub fn set_inquiry_delay(&self, delay: Duration) {
        self.script().inquiry_delay = delay;
    }

    /// Something happens to a charge there, and nobody tells us.
    pub fn change(&self, reference: &str, change: impl FnOnce(&mut Charge)) {
        change(self.script().charges.get_mut(reference).unwrap());
    }

    pub fn set(&self, reference: &str, status: RemoteStatus) {
        self.change(reference, |charge| charge.status = status);
    }

    pub fn status(&self, reference: &str) -> Option<RemoteStatus> {
        let script = self.script();
        script.charges.get(reference).map(|charge| charge.status)
    }

    pub fn count_charges(&self) -> usize {
        self.script().charges.len()
    }

    /// The keys of all calls that were to start a payment.
    pub fn idempotency_keys(&self) -> Vec<String> {
        self.script().idempotency_keys.clone()
    }

    pub fn calls(&self) -> Calls {
        self.script().calls
    }

    /// How a charge stands, as the gateway says it when it is asked, and as it may tell it.
    pub fn snapshot(&self, reference: &str) -> Option<Snapshot> {
        let charge = self.script().charges.get(reference).cloned()?;
        Some(charge.snapshot(reference))
    }
}

impl Charge {
    fn snapshot(&self, reference: &str) -> Snapshot {
        let url = format!("https://pay.example.com/{}", self.id);
        Snapshot {
            status: self.status,
            provider_status: format!("{:?}", self.status),
            next_action: (self.status == RemoteStatus::RequiresAction)
                .then_some(NextAction::Redirect { url }),
            amount_minor: Some(self.amount.minor),
            currency: Some(self.amount.currency),
            reference: Some(reference.to_owned()),
            provider_payment_id: Some(self.id.clone()),
            method: None,
            failure: (self.status == RemoteStatus::Failed).then(|| failure("declined")),
            expires_at: self.expires_at,
            livemode: false,
            raw: Map::new(),
        }
    }
}

/// A no, with this reason.
pub fn failure(code: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: "The bank said no.".to_owned(),
        retryable: true,
    }
}

fn not_found() -> GatewayError {
    GatewayError::Rejected(failure("not_found"))
}

#[async_trait(?Send)]
impl Gateway for Scripted {
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
            inquiry_delay: self.script().inquiry_delay,
            inquiry_interval: Duration::from_secs(10),
            horizon: HORIZON,
            expiry_most: Duration::from_secs(24 * 60 * 60),
        }
    }

    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        let mut script = self.script();
        script.calls.create += 1;
        script
            .idempotency_keys
            .push(payment.idempotency_key.clone());
        let (status, error) = match script.create.pop_front() {
            Some(Start::Lost(error)) => return Err(error),
            Some(Start::Unanswered(status, error)) => (status, Some(error)),
            None => (RemoteStatus::RequiresAction, None),
        };
        let reference = &payment.refs.reference;
        let charge = script
            .charges
            .entry(reference.clone())
            .or_insert_with(|| Charge {
                id: format!("chg_{reference}"),
                status,
                amount: payment.refs.amount,
                expires_at: None,
            });
        match error {
            Some(error) => Err(error),
            None => Ok(charge.snapshot(reference)),
        }
    }

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        let mut script = self.script();
        script.calls.retrieve += 1;
        if let Some(error) = script.retrieve.pop_front() {
            return Err(error);
        }
        drop(script);
        self.snapshot(&refs.reference).ok_or_else(not_found)
    }

    async fn find_by_reference(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        let mut script = self.script();
        script.calls.find += 1;
        match script.find.pop_front() {
            Some(Search::Fails(error)) => return Err(error),
            Some(Search::Misses) => return Ok(None),
            None => {}
        }
        drop(script);
        Ok(self.snapshot(&refs.reference))
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        let mut script = self.script();
        script.calls.cancel += 1;
        if let Some(error) = script.cancel.pop_front() {
            return Err(error);
        }
        let charge = script.charges.get_mut(&refs.reference);
        let charge = charge.ok_or_else(not_found)?;
        if charge.status == RemoteStatus::RequiresAction {
            charge.status = RemoteStatus::Canceled;
        }
        let snapshot = charge.snapshot(&refs.reference);
        Ok(match charge.status {
            RemoteStatus::Canceled => CancelOutcome::Canceled(snapshot),
            _ => CancelOutcome::NotCancelable(snapshot),
        })
    }

    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        let snapshot = RefundSnapshot {
            status: RemoteRefundStatus::Succeeded,
            provider_refund_id: format!("rfd_{}", refund.reference),
            reference: Some(refund.reference.clone()),
            amount_minor: refund.amount.minor,
            currency: refund.amount.currency,
            failure: None,
        };
        let mut script = self.script();
        let made = script.refunds.entry(refund.reference.clone());
        Ok(made.or_insert(snapshot).clone())
    }

    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        Ok(self.script().refunds.get(&refund.reference).cloned())
    }

    async fn list_refunds(&self, _: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError> {
        Ok(self.script().refunds.values().cloned().collect())
    }

    /// All there are: it keeps no time.
    async fn list(&self, _: Timestamp, _: Timestamp) -> Result<Vec<Snapshot>, GatewayError> {
        let mut script = self.script();
        script.calls.list += 1;
        if let Some(error) = script.list.pop_front() {
            return Err(error);
        }
        let charges = script.charges.iter();
        Ok(charges.map(|(it, charge)| charge.snapshot(it)).collect())
    }

    async fn verify_webhook(&self, _: &RawWebhook<'_>) -> Authenticity {
        let mut script = self.script();
        script.calls.verify += 1;
        script.verify.pop_front().unwrap_or(Authenticity::Invalid)
    }

    fn parse_webhook(&self, _: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable> {
        let mut script = self.script();
        script.calls.parse += 1;
        let again = script.read_again.clone().map(|event| vec![event]);
        let next = script.parse.pop_front();
        next.unwrap_or_else(|| again.ok_or(Unreadable))
    }

    async fn reference_of(&self, remote: &str) -> Result<Option<String>, GatewayError> {
        let mut script = self.script();
        if let Some(error) = script.whose.pop_front() {
            return Err(error);
        }
        let mut charges = script.charges.iter();
        let found = charges.find(|(_, charge)| remote == format!("object_of_{}", charge.id));
        Ok(found.map(|(reference, _)| reference.clone()))
    }

    fn redact(&self, body: &[u8]) -> Vec<u8> {
        match self.script().redacts {
            true => b"{}".to_vec(),
            false => body.to_vec(),
        }
    }
}
