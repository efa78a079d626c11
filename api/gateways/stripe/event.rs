//! What Stripe's events tell. They come late, twice and in any order, so they only say what to
//! ask for (docs.stripe.com/webhooks).

use serde::Deserialize;

use super::amounts::from_stripe;
use super::snapshot::{REFERENCE, said};
use super::view::Metadata;
use crate::db::values::Timestamp;
use crate::gateways::{DisputeSnapshot, GatewayEvent, Subject, Unreadable};
use crate::money::Currency;

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    livemode: Option<bool>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// Whatever an event is about, as far as it says whose payment that is.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
    metadata: Option<Metadata>,
    payment_intent: Option<Link>,
    status: Option<String>,
    reason: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    evidence_details: Option<Evidence>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Link {
    Id(String),
    Object { id: String },
}

#[derive(Deserialize)]
struct Evidence {
    due_by: Option<i64>,
}

/// What an event of a type is about; `None` for those that we do not act on.
fn topic(kind: &str) -> Option<Topic> {
    Some(match kind {
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed"
        | "checkout.session.expired"
        | "payment_intent.succeeded"
        | "payment_intent.payment_failed"
        | "payment_intent.processing"
        | "payment_intent.requires_action"
        | "payment_intent.canceled"
        | "charge.updated"
        | "radar.early_fraud_warning.created" => Topic::About(Subject::Payment),
        "refund.created"
        | "refund.updated"
        | "refund.failed"
        | "charge.refunded"
        | "charge.refund.updated" => Topic::About(Subject::Refunds),
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => Topic::Dispute,
        _ => return None,
    })
}

enum Topic {
    About(Subject),
    Dispute,
}

/// What a message says. One of another mode, or of a type that we do not act on, is told as one
/// about nothing.
pub(super) fn parse(body: &[u8], livemode: bool) -> Result<GatewayEvent, Unreadable> {
    let event: Event = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let is_name = |text: &str| (1..=200).contains(&text.len()) && text.is_ascii();
    if !is_name(&event.id) || !is_name(&event.kind) {
        return Err(Unreadable);
    }
    let is_ours = event.livemode.is_none_or(|it| it == livemode);
    let topic = topic(&event.kind).filter(|_| is_ours);
    let plain = GatewayEvent {
        dedupe_key: event.id,
        kind: event.kind,
        ..GatewayEvent::default()
    };
    let (Some(topic), Some(Data { object })) = (topic, event.data) else {
        return Ok(plain);
    };
    let subject = match topic {
        Topic::About(subject) => subject,
        Topic::Dispute => Subject::Payment,
    };
    let dispute = match topic {
        Topic::About(_) => None,
        Topic::Dispute => Some(dispute_of(&object)),
    };
    let reference = said(object.metadata.as_ref(), REFERENCE).cloned();
    let remote = object.payment_intent.map(|link| match link {
        Link::Id(id) | Link::Object { id } => id,
    });
    // A PaymentIntent and a session say themselves whose they are.
    let is_payment =
        plain.kind.starts_with("payment_intent.") || plain.kind.starts_with("checkout.");
    Ok(GatewayEvent {
        remote: remote.filter(|_| reference.is_none() && !is_payment),
        reference,
        subject,
        dispute,
        ..plain
    })
}

fn dispute_of(object: &Object) -> DisputeSnapshot {
    let currency = object.currency.as_deref().and_then(Currency::from_code);
    let amount = object.amount.zip(currency);
    let due_by = object.evidence_details.as_ref().and_then(|it| it.due_by);
    DisputeSnapshot {
        provider_dispute_id: object.id.clone(),
        provider_status: object.status.clone().unwrap_or_default(),
        reason: object.reason.clone().unwrap_or_default(),
        amount: amount.and_then(|(amount, currency)| from_stripe(amount, currency)),
        due_by: due_by
            .filter(|at| *at > 0)
            .and_then(Timestamp::from_unix_seconds),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(kind: &str, object: Value) -> GatewayEvent {
        let event = json!({
            "id": "evt_1", "object": "event", "type": kind, "livemode": false,
            "api_version": "2031-01-01.zinnia", "data": {"object": object, "later": 1},
        });
        parse(event.to_string().as_bytes(), false).unwrap()
    }

    #[test]
    fn every_event_of_a_payment_names_it_and_asks() {
        for kind in [
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.processing",
            "payment_intent.requires_action",
            "payment_intent.canceled",
            "charge.updated",
        ] {
            let said = read(kind, json!({"id": "x_1", "metadata": {"reference": "r1"}}));
            assert_eq!(said.reference.as_deref(), Some("r1"), "{kind}");
            assert_eq!(
                (said.subject, said.remote.as_deref()),
                (Subject::Payment, None)
            );
            assert!(!said.is_enough(), "{kind}");
        }
    }

    #[test]
    fn refunds_of_ours_and_of_others_are_asked_for() {
        for kind in [
            "refund.created",
            "refund.updated",
            "refund.failed",
            "charge.refunded",
        ] {
            let ours = read(
                kind,
                json!({"id": "re_1", "payment_intent": "pi_1",
                "metadata": {"reference": "r1", "refund_reference": "f1"}}),
            );
            assert_eq!(ours.reference.as_deref(), Some("r1"));
            assert_eq!((ours.subject, ours.remote), (Subject::Refunds, None));
            let there = read(
                kind,
                json!({"id": "re_1", "metadata": {}, "payment_intent": "pi_1"}),
            );
            assert_eq!(there.reference, None);
            assert_eq!(there.remote.as_deref(), Some("pi_1"));
            let expanded = read(kind, json!({"payment_intent": {"id": "pi_1", "amount": 5}}));
            assert_eq!(expanded.remote.as_deref(), Some("pi_1"));
        }
    }

    #[test]
    fn a_dispute_is_told_in_full() {
        let said = read(
            "charge.dispute.created",
            json!({
                "id": "dp_1", "payment_intent": "pi_1", "status": "needs_response",
                "reason": "fraudulent", "amount": 5000, "currency": "usd",
                "evidence_details": {"due_by": 1_795_000_000}, "metadata": {},
            }),
        );
        assert_eq!(said.remote.as_deref(), Some("pi_1"));
        let dispute = said.dispute.unwrap();
        assert_eq!(dispute.provider_dispute_id, "dp_1");
        assert_eq!(dispute.amount.unwrap().to_string(), "50.00 USD");
        assert_eq!(dispute.due_by.unwrap().unix_seconds(), 1_795_000_000);
        for due_by in [json!({"due_by": 0}), json!({"due_by": null}), Value::Null] {
            let said = read("charge.dispute.closed", json!({"evidence_details": due_by}));
            assert_eq!(said.dispute.unwrap().due_by, None);
        }
    }

    #[test]
    fn what_is_not_ours_is_about_nothing() {
        let of_others = read(
            "payment_intent.succeeded",
            json!({"id": "pi_1", "metadata": {}}),
        );
        assert_eq!((of_others.reference, of_others.remote), (None, None));
        let object = json!({"id": "x", "metadata": {"reference": "r1"}, "payment_intent": "pi_1"});
        let unknown = read("payment_intent.amount_capturable_updated", object.clone());
        assert_eq!((unknown.reference, unknown.remote), (None, None));
        let event = json!({"id": "evt_1", "type": "payment_intent.succeeded", "livemode": true,
            "data": {"object": object}});
        let of_live = parse(event.to_string().as_bytes(), false).unwrap();
        assert_eq!((of_live.reference, of_live.remote), (None, None));
        let thin = parse(br#"{"id":"evt_1","type":"v2.core.event"}"#, false).unwrap();
        assert_eq!(thin.reference, None);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"id":"evt_1"}"#,
            r#"{"id":"","type":"x"}"#,
        ] {
            assert!(parse(body.as_bytes(), false).is_err(), "{body}");
        }
        let long = json!({"id": "e".repeat(201), "type": "charge.updated"}).to_string();
        assert!(parse(long.as_bytes(), false).is_err());
    }
}
