//! What really happened: for tests that compare it with what the other side believes.

use serde_json::{Value, json};

use super::account::Account;
use super::charges::Charge;
use super::params::Metadata;
use super::payment_intents::Intent;
use super::refunds::Refund;
use super::sessions::Session;

impl Account {
    pub fn truth(&self) -> Value {
        let charges: Vec<Value> = self
            .charges
            .iter()
            .map(|charge| self.truth_of(charge))
            .collect();
        let intents: Vec<Value> = self.intents.iter().map(truth_of_intent).collect();
        let sessions: Vec<Value> = self.sessions.iter().map(truth_of_session).collect();
        json!({
            "charges": charges,
            "payment_intents": intents,
            "sessions": sessions,
            "faults": self.faults.show(),
            "operations": self.calls,
            "now": self.now,
        })
    }

    fn truth_of(&self, charge: &Charge) -> Value {
        let intent = self.intents.find(&charge.intent);
        let session = intent.and_then(|intent| self.sessions.find(intent.session.as_ref()?));
        let client_reference = session.and_then(|session| session.client_reference_id.clone());
        let refunds = self
            .refunds
            .iter()
            .filter(|refund| refund.charge == charge.id);
        let refunds: Vec<Value> = refunds.map(truth_of_refund).collect();
        let disputes = self
            .disputes
            .iter()
            .filter(|dispute| dispute.charge == charge.id);
        let disputes: Vec<Value> = disputes
            .map(|dispute| {
                json!({"id": dispute.id, "amount_minor": dispute.amount, "status": dispute.status.as_str()})
            })
            .collect();
        json!({
            "id": charge.id,
            "payment_intent": charge.intent,
            "session": session.map(|session| &session.id),
            "reference": reference(&charge.metadata).or(client_reference.clone()),
            "client_reference_id": client_reference,
            "metadata": charge.metadata,
            "amount_minor": charge.amount,
            "captured_minor": charge.captured,
            "refunded_minor": charge.refunded,
            "currency": charge.currency,
            "status": charge.status.as_str(),
            "paid": charge.is_paid(),
            "disputed": charge.is_disputed,
            "refunds": refunds,
            "disputes": disputes,
            "created": charge.created,
        })
    }
}

/// By convention the reference stands in metadata under a name that ends so.
fn reference(metadata: &Metadata) -> Option<String> {
    let exact = metadata.get("reference");
    let named = || {
        metadata
            .iter()
            .find(|(name, _)| name.ends_with("reference"))
    };
    exact.or_else(|| named().map(|(_, value)| value)).cloned()
}

fn truth_of_refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "amount_minor": refund.amount,
        "currency": refund.currency,
        "status": refund.status.as_str(),
        "reason": refund.reason,
        "reference": reference(&refund.metadata),
        "metadata": refund.metadata,
        "created": refund.created,
    })
}

fn truth_of_intent(intent: &Intent) -> Value {
    json!({
        "id": intent.id,
        "session": intent.session,
        "reference": reference(&intent.metadata),
        "metadata": intent.metadata,
        "amount_minor": intent.amount,
        "received_minor": intent.amount_received,
        "currency": intent.currency,
        "status": intent.status.as_str(),
    })
}

fn truth_of_session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "payment_intent": session.intent,
        "client_reference_id": session.client_reference_id,
        "reference": reference(&session.metadata),
        "metadata": session.metadata,
        "amount_minor": session.amount,
        "currency": session.currency,
        "status": session.status.as_str(),
        "payment_status": session.payment_status(),
        "expires_at": session.expires_at,
    })
}
