//! Every call to a gateway, noted where it is made: what came of it, and how long it took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{
    Authenticity, CancelOutcome, Capabilities, CreatePayment, Gateway, GatewayError, GatewayEvent,
    PaymentId, PaymentRefs, RawWebhook, RefundRefs, RefundSnapshot, Snapshot, Timestamp,
    Unreadable,
};
use crate::clock::Clock;
use crate::db::values::text_enum;
use crate::metrics::{self, Stopwatch};

/// So many notes wait in memory; more are left out.
const WAITING_MOST: usize = 10_000;

text_enum! {
    /// What a gateway was asked for.
    pub enum Operation {
        Create = "create",
        Retrieve = "retrieve",
        Find = "find",
        Cancel = "cancel",
        Refund = "refund",
        RetrieveRefund = "retrieve_refund",
        ListRefunds = "list_refunds",
        List = "list",
    }
}

text_enum! {
    /// What came of it.
    pub enum CallOutcome {
        Answered = "answered",
        /// The gateway said no.
        Rejected = "rejected",
        NotSent = "not_sent",
        /// It may or may not have happened.
        Unknown = "unknown",
        RateLimited = "rate_limited",
        Misconfigured = "misconfigured",
    }
}

impl From<&GatewayError> for CallOutcome {
    fn from(error: &GatewayError) -> Self {
        match error {
            GatewayError::NotSent(_) => Self::NotSent,
            GatewayError::Rejected(_) => Self::Rejected,
            GatewayError::Unknown(_) => Self::Unknown,
            GatewayError::RateLimited { .. } => Self::RateLimited,
            GatewayError::Config(_) => Self::Misconfigured,
        }
    }
}

/// A call that was made.
#[derive(Debug, Clone)]
pub struct Note {
    pub provider: &'static str,
    pub operation: Operation,
    /// `None` for a call about many.
    pub payment: Option<PaymentId>,
    pub outcome: CallOutcome,
    /// The gateway's, where it said no.
    pub code: Option<String>,
    pub took: Duration,
    pub at: Timestamp,
}

/// Notes that nobody has written down yet.
#[derive(Default)]
pub struct Notes {
    waiting: Mutex<Vec<Note>>,
    /// Wakes whoever writes them down.
    pub wake: Notify,
}

impl Notes {
    fn add(&self, note: Note) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MOST {
            waiting.push(note);
        }
        self.wake.notify_one();
    }

    /// All of them, oldest first; they wait no more.
    pub fn take(&self) -> Vec<Note> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }
}

/// A gateway whose calls are noted.
pub(super) struct Watched {
    pub gateway: Arc<dyn Gateway>,
    pub notes: Arc<Notes>,
    pub clock: Clock,
}

impl Watched {
    async fn watch<T>(
        &self,
        operation: Operation,
        payment: Option<PaymentId>,
        call: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let (at, stopwatch) = (self.clock.now(), Stopwatch::start());
        let answer = call.await;
        let error = answer.as_ref().err();
        let note = Note {
            provider: self.gateway.id(),
            operation,
            payment,
            outcome: error.map_or(CallOutcome::Answered, CallOutcome::from),
            code: match error {
                Some(GatewayError::Rejected(failure)) => Some(failure.code.clone()),
                _ => None,
            },
            took: stopwatch.elapsed(),
            at,
        };
        metrics::gateway_called(note.provider, operation, note.outcome, note.took);
        self.notes.add(note);
        answer
    }
}

#[async_trait(?Send)]
impl Gateway for Watched {
    fn id(&self) -> &'static str {
        self.gateway.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.gateway.capabilities()
    }

    fn publishable_key(&self) -> Option<&str> {
        self.gateway.publishable_key()
    }

    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        let of = Some(payment.refs.payment);
        let call = self.gateway.create(payment);
        self.watch(Operation::Create, of, call).await
    }

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        let call = self.gateway.retrieve(refs);
        self.watch(Operation::Retrieve, Some(refs.payment), call)
            .await
    }

    async fn find_by_reference(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        let call = self.gateway.find_by_reference(refs);
        self.watch(Operation::Find, Some(refs.payment), call).await
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        let call = self.gateway.cancel(refs);
        self.watch(Operation::Cancel, Some(refs.payment), call)
            .await
    }

    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        let of = Some(refund.payment.payment);
        let call = self.gateway.refund(refund);
        self.watch(Operation::Refund, of, call).await
    }

    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        let of = Some(refund.payment.payment);
        let call = self.gateway.retrieve_refund(refund);
        self.watch(Operation::RetrieveRefund, of, call).await
    }

    async fn list_refunds(&self, refs: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError> {
        let call = self.gateway.list_refunds(refs);
        self.watch(Operation::ListRefunds, Some(refs.payment), call)
            .await
    }

    async fn list(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Snapshot>, GatewayError> {
        let call = self.gateway.list(from, until);
        self.watch(Operation::List, None, call).await
    }

    async fn verify_webhook(&self, message: &RawWebhook<'_>) -> Authenticity {
        self.gateway.verify_webhook(message).await
    }

    fn parse_webhook(&self, message: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable> {
        self.gateway.parse_webhook(message)
    }

    async fn reference_of(&self, remote: &str) -> Result<Option<String>, GatewayError> {
        let call = self.gateway.reference_of(remote);
        self.watch(Operation::Find, None, call).await
    }

    fn redact(&self, body: &[u8]) -> Vec<u8> {
        self.gateway.redact(body)
    }

    fn reference_of_return(
        &self,
        parameters: &std::collections::HashMap<String, String>,
    ) -> Option<String> {
        self.gateway.reference_of_return(parameters)
    }
}
