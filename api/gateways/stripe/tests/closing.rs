//! How payments stand at Stripe, and how they are ended there.

use serde_json::json;

use super::objects::{intent, paid_session, session, with};
use super::server::{Order, Server};
use super::{REFERENCE, refs, stripe};
use crate::gateways::{CancelOutcome, Gateway, PaymentRefs, RemoteStatus, Snapshot};

async fn close(server: &Server, refs: &PaymentRefs) -> (bool, Snapshot) {
    match stripe(&server.base).cancel(refs).await.unwrap() {
        CancelOutcome::Canceled(snapshot) => (true, snapshot),
        CancelOutcome::NotCancelable(snapshot) => (false, snapshot),
    }
}

#[tokio::test]
async fn what_can_still_be_paid_is_closed() {
    let expired = with(session(), &json!({"status": "expired", "url": null}));
    let server = Server::start(vec![Order::ok(&expired)]).await;
    let (is_closed, snapshot) = close(&server, &refs(Some("cs_test_1"))).await;
    assert!(is_closed);
    assert_eq!(snapshot.status, RemoteStatus::Canceled);
    assert_eq!(
        server.lines(),
        ["POST /v1/checkout/sessions/cs_test_1/expire"]
    );

    let canceled = with(intent(), &json!({"status": "canceled"}));
    let server = Server::start(vec![Order::ok(&canceled)]).await;
    let (is_closed, _) = close(&server, &refs(Some("pi_1"))).await;
    assert!(is_closed);
    assert_eq!(server.lines(), ["POST /v1/payment_intents/pi_1/cancel"]);
}

#[tokio::test]
async fn a_payment_that_was_faster_than_its_end_wins() {
    let not_open =
        || Order::refuse("Only Checkout Sessions with a status in [\"open\"] can be expired.");
    let server = Server::start(vec![not_open(), Order::ok(&paid_session())]).await;
    let (is_closed, snapshot) = close(&server, &refs(Some("cs_test_1"))).await;
    assert!(!is_closed);
    assert_eq!(snapshot.status, RemoteStatus::Succeeded);

    let processing = with(intent(), &json!({"status": "processing"}));
    let server = Server::start(vec![not_open(), Order::ok(&processing)]).await;
    let (is_closed, snapshot) = close(&server, &refs(Some("pi_1"))).await;
    assert!(!is_closed);
    assert_eq!(snapshot.status, RemoteStatus::Processing);

    // It was closed before: nobody can pay, which is what was asked for.
    let expired = with(session(), &json!({"status": "expired", "url": null}));
    let server = Server::start(vec![not_open(), Order::ok(&expired)]).await;
    let (is_closed, _) = close(&server, &refs(Some("cs_test_1"))).await;
    assert!(is_closed);
}

#[tokio::test]
async fn every_end_has_a_key_of_its_own() {
    let expired = with(session(), &json!({"status": "expired"}));
    let server = Server::start(vec![Order::ok(&expired), Order::ok(&expired)]).await;
    for _ in 0..2 {
        close(&server, &refs(Some("cs_test_1"))).await;
    }
    let keys = server.seen();
    let keys: Vec<_> = keys.iter().map(|it| it.header("idempotency-key")).collect();
    assert!(keys[0].is_some() && keys[0] != keys[1], "{keys:?}");
}

#[tokio::test]
async fn a_paid_session_says_how_much_and_with_what() {
    let server = Server::start(vec![Order::ok(&paid_session())]).await;
    let found = stripe(&server.base)
        .retrieve(&refs(Some("cs_test_1")))
        .await;
    let found = found.unwrap();
    assert_eq!(found.status, RemoteStatus::Succeeded);
    assert_eq!(
        (found.amount_minor, found.currency.unwrap().code()),
        (Some(5_000), "USD")
    );
    assert_eq!(found.reference.as_deref(), Some(REFERENCE));
    assert_eq!(found.method.unwrap().last4.as_deref(), Some("4242"));
    let raw = json!(found.raw).to_string();
    for personal in ["asha", "secret", "https://", "2030"] {
        assert!(!raw.contains(personal), "{raw}");
    }
    let line = &server.seen()[0].line;
    assert!(line.contains("payment_intent.latest_charge"), "{line}");
}
