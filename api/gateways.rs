//! Payment gateways: one trait, and what is said through it.
//!
//! A gateway only translates between its own wire format and what is here. It never touches
//! our tables and never decides a transition; what differs between gateways is data in its
//! [`Capabilities`]. The README's «Add a gateway» says how one is written; the conformance
//! suite in `tests/conformance` says when it is right.

pub(crate) mod dummy;
mod next_action;
mod registry;
#[cfg(test)]
pub mod scripted;
mod start;
pub(crate) mod stripe;
pub(crate) mod watched;

use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::db::values::Timestamp;
use crate::http::outbound;
pub use crate::id::PaymentId;
use crate::money::AMOUNT_MOST_MINOR;
pub use crate::money::{Currency, Money};
pub use next_action::{ClientSecret, KeptAction, NextAction};
pub use registry::Gateways;
pub use start::{Buyer, CreatePayment, Presentation};

/// The one account of a gateway; several accounts come later.
pub const ACCOUNT: &str = "default";

/// One gateway, ready to be called.
#[async_trait(?Send)]
pub trait Gateway: Send + Sync {
    /// Its name in paths and settings.
    fn id(&self) -> &'static str;

    fn capabilities(&self) -> Capabilities;

    /// What the gateway's own script in a browser is started with, where it has one.
    fn publishable_key(&self) -> Option<&str> {
        None
    }

    /// Starts a payment. The same key twice starts one payment.
    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError>;

    /// Asks how a payment stands.
    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError>;

    /// Looks for a payment whose creation was never answered; `None` when there is none.
    async fn find_by_reference(&self, refs: &PaymentRefs)
    -> Result<Option<Snapshot>, GatewayError>;

    /// Asks that a payment cannot be paid any more.
    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError>;

    /// Gives money back. The same reference twice gives it back once.
    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError>;

    /// Asks how a refund stands; `None` when the gateway does not know it.
    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError>;

    /// Every refund of a payment, also those that were not made by us.
    async fn list_refunds(&self, refs: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError>;

    /// Every payment that was started there from `from` on and before `until`, whatever became
    /// of it.
    async fn list(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Snapshot>, GatewayError>;

    /// Whether a message comes from the gateway. It may need the network.
    async fn verify_webhook(&self, message: &RawWebhook<'_>) -> Authenticity;

    /// What an authentic message says.
    fn parse_webhook(&self, message: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable>;

    /// Our reference of the payment that an object of the gateway's belongs to, where a message
    /// names only the object; `None` when it is no payment of ours.
    async fn reference_of(&self, _remote: &str) -> Result<Option<String>, GatewayError> {
        Ok(None)
    }

    /// A message's text as it may be kept: without secrets and personal data, and still readable
    /// by [`Self::parse_webhook`].
    fn redact(&self, body: &[u8]) -> Vec<u8> {
        body.to_vec()
    }

    /// Our reference in the parameters of a buyer who comes back, if there is one. It stands in
    /// [`CreatePayment::return_url`]; a gateway that drops it there says where else it is.
    fn reference_of_return(&self, parameters: &HashMap<String, String>) -> Option<String> {
        parameters.get("reference").cloned()
    }
}

/// What a payment is called by, and what it was asked for.
#[derive(Debug, Clone)]
pub struct PaymentRefs {
    pub payment: PaymentId,
    /// Ours, random.
    pub reference: String,
    pub provider_payment_id: Option<String>,
    pub amount: Money,
    /// When we wrote it down, before any gateway was told.
    pub created_at: Timestamp,
}

/// Why money goes back, as far as gateways care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundCause {
    RequestedByCustomer,
    Duplicate,
    Fraudulent,
    Other,
}

/// What a refund is called by, and what goes back.
#[derive(Debug, Clone)]
pub struct RefundRefs {
    pub payment: PaymentRefs,
    /// Ours, random, new for each attempt.
    pub reference: String,
    pub provider_refund_id: Option<String>,
    pub amount: Money,
    pub cause: RefundCause,
}

/// How a gateway says that a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteRefundStatus {
    Pending,
    Succeeded,
    Failed,
}

/// How a refund stands at its gateway, in our words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSnapshot {
    pub status: RemoteRefundStatus,
    pub provider_refund_id: String,
    /// Ours; `None` when it was not made by us, or the gateway does not say.
    pub reference: Option<String>,
    pub amount_minor: i64,
    pub currency: Currency,
    pub failure: Option<Failure>,
}

/// What a buyer's bank disputes, as a gateway tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeSnapshot {
    pub provider_dispute_id: String,
    /// The gateway's own words for how it stands, and why it began.
    pub provider_status: String,
    pub reason: String,
    /// `None` where the gateway does not say it in a way that we know.
    pub amount: Option<Money>,
    /// Until when it can be answered.
    pub due_by: Option<Timestamp>,
}

/// How a gateway says that a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteStatus {
    RequiresAction,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    Expired,
}

/// How a payment stands at its gateway, in our words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    pub status: RemoteStatus,
    /// The gateway's own word for it.
    pub provider_status: String,
    pub next_action: Option<NextAction>,
    /// What it is about; `None` where the gateway does not say.
    pub amount_minor: Option<i64>,
    pub currency: Option<Currency>,
    pub reference: Option<String>,
    pub provider_payment_id: Option<String>,
    pub method: Option<PaymentMethod>,
    pub failure: Option<Failure>,
    pub expires_at: Option<Timestamp>,
    pub livemode: bool,
    /// What was answered, without secrets and personal data.
    pub raw: Map<String, Value>,
}

impl Snapshot {
    /// One that says no more than this.
    pub fn new(status: RemoteStatus, provider_status: &str) -> Self {
        Self {
            status,
            provider_status: provider_status.to_owned(),
            next_action: None,
            amount_minor: None,
            currency: None,
            reference: None,
            provider_payment_id: None,
            method: None,
            failure: None,
            expires_at: None,
            livemode: false,
            raw: Map::new(),
        }
    }
}

/// What a payment was made with, as far as everybody may know it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentMethod {
    #[serde(rename = "type")]
    #[schema(example = "card")]
    pub kind: String,
    #[schema(example = "visa")]
    pub brand: Option<String>,
    #[schema(example = "4242")]
    pub last4: Option<String>,
    #[schema(example = "+255…789")]
    pub phone_masked: Option<String>,
}

/// Why a payment did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Failure {
    #[schema(example = "declined")]
    pub code: String,
    #[schema(example = "The payment was declined.")]
    pub message: String,
    /// Whether another try may succeed.
    pub retryable: bool,
}

/// What came of asking for a cancellation.
#[derive(Debug, Clone)]
pub enum CancelOutcome {
    Canceled(Snapshot),
    /// It can still be paid, or is.
    NotCancelable(Snapshot),
}

/// What went wrong with a call, by what it means for the payment.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// It never reached the gateway: it may be tried again at once.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The gateway said no.
    #[error("rejected: {}", .0.code)]
    Rejected(Failure),
    /// It may or may not have happened: only evidence can tell.
    #[error("unknown outcome: {0}")]
    Unknown(String),
    #[error("too many calls")]
    RateLimited { after: Duration },
    /// It is not set up right.
    #[error("misconfigured: {0}")]
    Config(String),
}

/// What a call that got no answer means. Its address is left out: it may carry secrets.
impl From<reqwest::Error> for GatewayError {
    fn from(error: reqwest::Error) -> Self {
        match outbound::was_sent(&error) {
            true => Self::Unknown(outbound::why(error)),
            false => Self::NotSent(outbound::why(error)),
        }
    }
}

/// A message as it arrived.
pub struct RawWebhook<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub received_at: Timestamp,
}

/// Whether a message can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authenticity {
    Verified,
    /// It cannot be verified: good only as a reason to ask.
    Hint,
    Invalid,
}

/// A message that is authentic, and makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be read")]
pub struct Unreadable;

/// What must be asked when a message is not enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject {
    #[default]
    Payment,
    /// The payment, and its refunds.
    Refunds,
}

/// One thing that a gateway tells.
#[derive(Debug, Clone, Default)]
pub struct GatewayEvent {
    /// The same for every delivery of it.
    pub dedupe_key: String,
    pub kind: String,
    /// Our reference of the payment it is about; `None` when it is about none.
    pub reference: Option<String>,
    /// What the gateway calls the payment, where the message has no reference of ours.
    pub remote: Option<String>,
    pub subject: Subject,
    /// How the payment stands, when the message is enough to know; else it must be asked.
    pub snapshot: Option<Snapshot>,
    /// How a refund of the payment stands, when it is about one.
    pub refund: Option<RefundSnapshot>,
    /// What is disputed, when it is about that.
    pub dispute: Option<DisputeSnapshot>,
}

impl GatewayEvent {
    /// Whether it says how something stands; else the gateway must be asked.
    pub fn is_enough(&self) -> bool {
        self.snapshot.is_some() || self.refund.is_some() || self.dispute.is_some()
    }
}

/// What a gateway takes in one payment of a currency, in our minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmountLimits {
    pub least_minor: i64,
    pub most_minor: i64,
    /// An amount is a multiple of it.
    pub step_minor: i64,
}

impl AmountLimits {
    /// Whatever can be paid at all.
    pub fn any(_: Currency) -> Self {
        Self {
            least_minor: 1,
            most_minor: AMOUNT_MOST_MINOR,
            step_minor: 1,
        }
    }
}

/// What differs between gateways.
#[derive(Debug, Clone)]
pub struct Capabilities {
    pub livemode: bool,
    pub next_actions: &'static [&'static str],
    /// `None`: every currency.
    pub currencies: Option<&'static [&'static str]>,
    /// Of the currencies that it takes.
    pub amounts: fn(Currency) -> AmountLimits,
    pub can_cancel: bool,
    pub refunds: &'static str,
    /// Whether an inquiry's answer carries amount and currency.
    pub inquiry_binds_amount: bool,
    /// How soon after its start a payment may be asked for, and how often.
    pub inquiry_delay: Duration,
    pub inquiry_interval: Duration,
    /// After that, a payment that the gateway does not know was never made.
    pub horizon: Duration,
    /// The longest that a payment may stay payable.
    pub expiry_most: Duration,
}
