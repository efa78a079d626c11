//! Gateways' messages as they are shown: never their text.

use serde::Serialize;

use crate::db::values::Timestamp;
use crate::gateways::watched::{CallOutcome, Operation};
use crate::gateways::{GatewayEvent, RemoteStatus};
use crate::id::{GatewayCallId, OrganizerId, PaymentId, WebhookEventId};
use crate::money::Currency;
use crate::payments::GatewayCall;
use crate::webhooks::WebhookEventStatus;
use crate::webhooks::store::Event;

/// A message that a gateway has posted.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WebhookEvent, example = json!({
    "id": "whe_01h455vb4pex5vsknk084sn02q", "organizer_id": "org_01h455vb4pex5vsknk084sn02q",
    "payment_id": "pay_01h455vb4pex5vsknk084sn02q", "provider": "dummy", "account": "default",
    "provider_event_id": "devt_5f2c9a1b7d3e4f6081924a5b", "type": "payment.succeeded",
    "authenticity": "signed", "status": "applied",
    "received_at": "2027-01-05T08:01:00Z", "applied_at": "2027-01-05T08:01:00Z",
    "says": {
        "reference": "5f2c9a1b7d3e4f608192", "status": "succeeded", "amount_minor": 30000000,
        "currency": "TZS"
    }
}))]
pub struct EventView {
    id: WebhookEventId,
    /// Null while its payment is not known.
    organizer_id: Option<OrganizerId>,
    payment_id: Option<PaymentId>,
    provider: String,
    account: String,
    /// The same for every delivery of it.
    provider_event_id: String,
    #[serde(rename = "type")]
    kind: String,
    authenticity: String,
    /// `received` ones wait until the gateway was asked, `unmatched` ones are about a payment
    /// that we do not know.
    status: WebhookEventStatus,
    received_at: Timestamp,
    applied_at: Option<Timestamp>,
    /// What it says of the payment; left out of lists, and where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<Says>,
}

/// What passed between us and a gateway.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(tag = "direction", rename_all = "snake_case")]
#[schema(as = PaymentEvent, example = json!({
    "direction": "out", "id": "gcl_01h455vb4pex5vsknk084sn02q", "provider": "dummy",
    "type": "create", "outcome": "answered", "code": null, "took_ms": 41,
    "at": "2027-01-05T08:01:00Z"
}))]
pub enum Passed {
    In(EventView),
    Out(CallView),
}

/// A call to a gateway.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = GatewayCall, example = json!({
    "id": "gcl_01h455vb4pex5vsknk084sn02q", "provider": "dummy", "type": "create",
    "outcome": "rejected", "code": "declined", "took_ms": 41, "at": "2027-01-05T08:01:00Z"
}))]
pub struct CallView {
    id: GatewayCallId,
    provider: String,
    /// What was asked for.
    #[serde(rename = "type")]
    kind: Operation,
    outcome: CallOutcome,
    /// The gateway's, where it said no.
    code: Option<String>,
    took_ms: i64,
    at: Timestamp,
}

impl From<Event> for Passed {
    fn from(event: Event) -> Self {
        Self::In(event.into())
    }
}

impl From<GatewayCall> for Passed {
    fn from(call: GatewayCall) -> Self {
        Self::Out(CallView {
            id: call.id,
            provider: call.provider,
            kind: call.operation,
            outcome: call.outcome,
            code: call.code,
            took_ms: call.took_ms,
            at: call.created_at,
        })
    }
}

/// What a gateway's message says of a payment.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WebhookEventContent, example = json!({
    "reference": "5f2c9a1b7d3e4f608192", "status": "succeeded", "amount_minor": 30000000,
    "currency": "TZS"
}))]
struct Says {
    reference: Option<String>,
    /// Null where the gateway must be asked for it, as for amount and currency.
    status: Option<RemoteStatus>,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            organizer_id: event.organizer_id,
            payment_id: event.payment_id,
            provider: event.provider,
            account: event.account,
            provider_event_id: event.dedupe_key,
            kind: event.kind,
            authenticity: event.authenticity,
            status: event.status,
            received_at: event.received_at,
            applied_at: event.applied_at,
            says: None,
        }
    }
}

impl EventView {
    /// Adds what the message says.
    #[must_use]
    pub fn says(mut self, said: Option<GatewayEvent>) -> Self {
        self.says = said.map(|said| {
            let snapshot = said.snapshot.as_ref();
            Says {
                status: snapshot.map(|it| it.status),
                amount_minor: snapshot.and_then(|it| it.amount_minor),
                currency: snapshot.and_then(|it| it.currency),
                reference: said.reference,
            }
        });
        self
    }
}
