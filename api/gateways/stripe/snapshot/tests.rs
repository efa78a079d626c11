//! Every status of Stripe's, in our words.

use super::*;

const ACCOUNT: Account<'_> = Account {
    livemode: false,
    publishable_key: Some("pk_test_1"),
};

fn answered<T: serde::de::DeserializeOwned>(object: Value) -> Answered<T> {
    Answered {
        object: serde_json::from_value(object).unwrap(),
        request_id: Some("req_1".to_owned()),
    }
}

fn with(mut object: Value, members: Value) -> Value {
    let object_members = object.as_object_mut().unwrap();
    object_members.extend(members.as_object().unwrap().clone());
    object
}

fn intent(members: Value) -> Result<Snapshot, GatewayError> {
    let plain = json!({
        "id": "pi_1", "status": "requires_payment_method", "amount": 5000,
        "amount_received": 0, "currency": "usd", "livemode": false,
        "client_secret": "pi_1_secret_x", "metadata": {"reference": "r1", "via": "sdk"},
    });
    of_intent(&answered(with(plain, members)), ACCOUNT)
}

fn session(members: Value) -> Result<Snapshot, GatewayError> {
    let plain = json!({
        "id": "cs_1", "status": "open", "payment_status": "unpaid", "amount_total": 5000,
        "currency": "usd", "livemode": false, "url": "https://checkout.stripe.com/c/1",
        "client_reference_id": "r1", "payment_intent": null,
    });
    of_session(&answered(with(plain, members)), ACCOUNT)
}

#[test]
fn an_intent_stands_as_stripe_says() {
    for (word, expected) in [
        ("requires_payment_method", RemoteStatus::RequiresAction),
        ("requires_confirmation", RemoteStatus::RequiresAction),
        ("requires_action", RemoteStatus::RequiresAction),
        ("processing", RemoteStatus::Processing),
        ("requires_capture", RemoteStatus::Processing),
        ("succeeded", RemoteStatus::Succeeded),
        ("canceled", RemoteStatus::Canceled),
        ("invented_later", RemoteStatus::Processing),
    ] {
        let snapshot = intent(json!({"status": word, "amount_received": 5000})).unwrap();
        assert_eq!(snapshot.status, expected, "{word}");
        assert_eq!(snapshot.provider_status, word);
        let is_payable = expected == RemoteStatus::RequiresAction;
        assert_eq!(snapshot.next_action.is_some(), is_payable, "{word}");
        assert_eq!(snapshot.provider_payment_id.as_deref(), Some("pi_1"));
        assert_eq!(snapshot.reference.as_deref(), Some("r1"));
    }
}

#[test]
fn a_failed_card_is_not_the_end() {
    let snapshot = intent(json!({"last_payment_error": {
        "type": "card_error", "code": "card_declined", "decline_code": "do_not_honor",
        "message": "Your card was declined.",
    }}))
    .unwrap();
    assert_eq!(snapshot.status, RemoteStatus::RequiresAction);
    assert_eq!(snapshot.failure.unwrap().code, "do_not_honor");
}

#[test]
fn what_came_in_is_what_counts() {
    let short = intent(json!({"status": "succeeded", "amount_received": 4999})).unwrap();
    assert_eq!(short.amount_minor, Some(4_999));
    for silent in [
        json!({"status": "succeeded", "amount": null, "amount_received": null}),
        json!({"status": "succeeded", "currency": null}),
        json!({"status": "succeeded", "currency": "xyz"}),
        json!({"status": "succeeded", "currency": "isk", "amount_received": 5050}),
    ] {
        let unknown = intent(silent.clone());
        assert!(matches!(unknown, Err(GatewayError::Unknown(_))), "{silent}");
    }
}

#[test]
fn a_buyers_own_page_gets_what_it_pays_with_and_nobody_else_does() {
    let snapshot = intent(json!({})).unwrap();
    let Some(NextAction::Sdk { client_secret, .. }) = &snapshot.next_action else {
        panic!("{:?}", snapshot.next_action);
    };
    assert_eq!(client_secret.0, "pi_1_secret_x");
    assert!(!format!("{snapshot:?}").contains("secret_x"));
    assert!(!json!(snapshot.raw).to_string().contains("secret"));
    assert_eq!(snapshot.raw.get("request_id"), Some(&json!("req_1")));
}

#[test]
fn the_intent_of_a_session_is_known_by_the_session() {
    let snapshot = intent(json!({"metadata": {"reference": "r1", "via": "checkout"}}));
    let snapshot = snapshot.unwrap();
    assert_eq!(snapshot.provider_payment_id, None);
    assert_eq!(snapshot.next_action, None);
    assert_eq!(snapshot.reference.as_deref(), Some("r1"));
}

#[test]
fn a_card_is_shown_as_far_as_everybody_may_know_it() {
    let charge = json!({
        "id": "ch_1",
        "billing_details": {"email": "asha@example.com"},
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "last4": "4242", "exp_year": 2030, "fingerprint": "f"},
        },
    });
    let snapshot = intent(json!({"latest_charge": charge})).unwrap();
    let method = snapshot.method.unwrap();
    let shown = (
        method.kind.as_str(),
        method.brand.as_deref(),
        method.last4.as_deref(),
    );
    assert_eq!(shown, ("card", Some("visa"), Some("4242")));
    assert_eq!(
        intent(json!({"latest_charge": "ch_1"})).unwrap().method,
        None
    );
}

#[test]
fn a_session_stands_as_stripe_says() {
    let intent = |status: &str| json!({"id": "pi_1", "status": status});
    for (status, paid, intent, expected) in [
        ("open", "unpaid", Value::Null, RemoteStatus::RequiresAction),
        (
            "open",
            "unpaid",
            intent("requires_action"),
            RemoteStatus::RequiresAction,
        ),
        ("expired", "unpaid", Value::Null, RemoteStatus::Expired),
        (
            "complete",
            "paid",
            intent("succeeded"),
            RemoteStatus::Succeeded,
        ),
        (
            "complete",
            "no_payment_required",
            Value::Null,
            RemoteStatus::Succeeded,
        ),
        // The buyer is done, the money is not here.
        (
            "complete",
            "unpaid",
            intent("processing"),
            RemoteStatus::Processing,
        ),
        (
            "complete",
            "unpaid",
            json!("pi_1"),
            RemoteStatus::Processing,
        ),
        (
            "complete",
            "unpaid",
            intent("requires_action"),
            RemoteStatus::Processing,
        ),
        (
            "complete",
            "unpaid",
            intent("requires_payment_method"),
            RemoteStatus::Failed,
        ),
        (
            "complete",
            "unpaid",
            intent("canceled"),
            RemoteStatus::Canceled,
        ),
        ("invented", "unpaid", Value::Null, RemoteStatus::Processing),
    ] {
        let members = json!({
            "status": status, "payment_status": paid, "payment_intent": intent,
        });
        let snapshot = session(members).unwrap();
        assert_eq!(snapshot.status, expected, "{status} {paid} {intent}");
        let is_payable = expected == RemoteStatus::RequiresAction;
        assert_eq!(snapshot.next_action.is_some(), is_payable);
        assert_eq!(snapshot.provider_payment_id.as_deref(), Some("cs_1"));
    }
}

#[test]
fn a_paid_session_must_say_how_much() {
    let paid = json!({"status": "complete", "payment_status": "paid", "amount_total": null});
    assert!(matches!(session(paid), Err(GatewayError::Unknown(_))));
}

#[test]
fn a_session_is_ours_by_its_reference_or_by_its_metadata() {
    let members = json!({"client_reference_id": null, "metadata": {"reference": "r2"}});
    assert_eq!(session(members).unwrap().reference.as_deref(), Some("r2"));
    assert_eq!(session(json!({})).unwrap().reference.as_deref(), Some("r1"));
}

#[test]
fn a_live_session_under_a_key_for_tests_is_noticed() {
    assert!(session(json!({"livemode": true})).unwrap().livemode);
    assert!(!session(json!({"livemode": null})).unwrap().livemode);
}

#[test]
fn a_refund_stands_as_stripe_says() {
    for (word, expected) in [
        (json!("pending"), RemoteRefundStatus::Pending),
        (json!("requires_action"), RemoteRefundStatus::Pending),
        (json!("succeeded"), RemoteRefundStatus::Succeeded),
        (json!("failed"), RemoteRefundStatus::Failed),
        (json!("canceled"), RemoteRefundStatus::Failed),
        (Value::Null, RemoteRefundStatus::Pending),
        (json!("invented"), RemoteRefundStatus::Pending),
    ] {
        let view: Answered<RefundView> = answered(json!({
            "id": "re_1", "status": word, "amount": 50000, "currency": "isk",
            "failure_reason": "lost_or_stolen_card",
            "metadata": {"reference": "r1", "refund_reference": "f1"},
        }));
        let snapshot = of_refund(&view.object).unwrap();
        assert_eq!(snapshot.status, expected, "{word}");
        assert_eq!(snapshot.amount_minor, 500);
        assert_eq!(snapshot.reference.as_deref(), Some("f1"));
        let has_failed = expected == RemoteRefundStatus::Failed;
        assert_eq!(snapshot.failure.is_some(), has_failed);
    }
}
