//! What goes wrong between us and Stripe.

use std::time::Duration;

use serde_json::{Value, json};
use stripe_core::payment_intent::{CreatePaymentIntent, RetrievePaymentIntent};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::objects::{intent, with};
use super::server::{Order, Server};
use super::transport;
use crate::gateways::GatewayError;
use crate::gateways::stripe::error::{CallError, Trouble};
use crate::gateways::stripe::transport::{Answered, Operation, Sending};
use crate::gateways::stripe::view::IntentView;

type Made = Result<Answered<IntentView>, CallError>;

/// Starts a payment with a key.
async fn make_within(base: &str, limit: Duration) -> Made {
    let request = CreatePaymentIntent::new(5_000, stripe_types::Currency::USD);
    let once = Sending::once(Operation::MakeIntent, "key-1".to_owned());
    transport(base).call(&request, once.within(limit)).await
}

async fn make(base: &str) -> Made {
    make_within(base, Duration::from_secs(5)).await
}

async fn ask(base: &str) -> Made {
    let request = RetrievePaymentIntent::new("pi_1");
    let asking = Sending::asking(Operation::FindIntent).within(Duration::from_secs(5));
    transport(base).call(&request, asking).await
}

fn no() -> Value {
    json!({"error": {"type": "api_error", "message": "Something"}})
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Order {
    Order::Answer {
        status,
        headers: headers.to_vec(),
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_seen_and_the_key_stays() {
    let orders = vec![Order::status(500, &no()), Order::Drop, Order::ok(&intent())];
    let server = Server::start(orders).await;
    let made = make(&server.base).await.unwrap();
    assert_eq!(made.object.id, "pi_1");
    assert_eq!(made.request_id.as_deref(), Some("req_1"));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        assert_eq!(request.line, "POST /v1/payment_intents");
        assert_eq!(request.header("idempotency-key"), Some("key-1"));
        assert_eq!(request.header("stripe-version"), Some("2026-09-30.endive"));
        assert_eq!(request.header("authorization"), Some("Bearer sk_test_1"));
        assert_eq!(request.form, seen[0].form);
    }
}

#[tokio::test]
async fn three_faults_are_an_unknown_outcome() {
    let page = "<html><body>502 Bad Gateway</body></html>";
    let orders = (0..3).map(|_| answer(502, &[], page)).collect();
    let server = Server::start(orders).await;
    let error = make(&server.base).await.unwrap_err();
    assert!(
        matches!(error.trouble, Trouble::Opaque { status: 502, .. }),
        "{error:?}"
    );
    assert!(matches!(error.into(), GatewayError::Unknown(_)));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn silence_is_an_unknown_outcome() {
    let server = Server::start(vec![Order::Hang]).await;
    let error = make_within(&server.base, Duration::from_millis(300)).await;
    let error = error.unwrap_err();
    assert!(matches!(error.trouble, Trouble::Unanswered(_)), "{error:?}");
    assert!(matches!(error.into(), GatewayError::Unknown(_)));
}

#[tokio::test]
async fn a_lost_connection_is_an_unknown_outcome() {
    for lost in [|| Order::Drop, || Order::Break] {
        let server = Server::start((0..3).map(|_| lost()).collect()).await;
        let error = make(&server.base).await.unwrap_err();
        assert!(matches!(error.trouble, Trouble::Unanswered(_)), "{error:?}");
        assert!(matches!(error.into(), GatewayError::Unknown(_)));
    }
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = make(&nobody).await.unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotSent(_)), "{error:?}");
    assert!(matches!(error.into(), GatewayError::NotSent(_)));
    let nowhere = make("http://stripe.invalid").await.unwrap_err();
    assert!(matches!(nowhere.into(), GatewayError::NotSent(_)));
}

#[tokio::test]
async fn after_a_lost_answer_a_refused_key_proves_nothing() {
    let wrong = json!({"error": {"type": "invalid_request_error"}});
    let server = Server::start(vec![Order::Drop, Order::status(401, &wrong)]).await;
    let error = make(&server.base).await.unwrap_err();
    assert!(error.maybe_done, "{error:?}");
    assert!(matches!(error.into(), GatewayError::Unknown(_)));
}

#[tokio::test]
async fn stripe_says_how_long_to_wait_and_whether_at_all() {
    let limited = answer(429, &[("retry-after", "1")], &no().to_string());
    let server = Server::start(vec![limited, Order::ok(&intent())]).await;
    let began = Instant::now();
    make(&server.base).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    let never = answer(500, &[("stripe-should-retry", "false")], &no().to_string());
    let server = Server::start(vec![never]).await;
    make(&server.base).await.unwrap_err();
    assert_eq!(server.seen().len(), 1);

    let again = answer(400, &[("stripe-should-retry", "true")], &no().to_string());
    let server = Server::start(vec![again, Order::ok(&intent())]).await;
    make(&server.base).await.unwrap();
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_handed_on() {
    let limited = answer(429, &[("retry-after", "90")], &no().to_string());
    let server = Server::start(vec![limited]).await;
    let error = make(&server.base).await.unwrap_err();
    let GatewayError::RateLimited { after } = error.into() else {
        panic!("not limited");
    };
    assert_eq!(after, Duration::from_secs(90));
}

#[tokio::test]
async fn money_that_moved_never_looks_like_an_error() {
    // What an answer might be after Stripe has changed something that nobody uses.
    let changed = json!({
        "id": "pi_1", "status": "succeeded", "amount": 5000, "amount_received": 5000,
        "currency": "usd", "capture_method": {"is": "an object now"},
    });
    let server = Server::start(vec![Order::ok(&changed)]).await;
    let made = make(&server.base).await.unwrap();
    assert_eq!(made.object.id, "pi_1");
    assert_eq!(made.object.status.as_deref(), Some("succeeded"));
    assert_eq!(made.object.amount_received, Some(5_000));
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_an_unknown_outcome() {
    for body in [
        "",
        "OK",
        "<html></html>",
        "{}",
        "[]",
        r#"{"object":"payment_intent"}"#,
    ] {
        let server = Server::start(vec![answer(200, &[], body)]).await;
        let error = make(&server.base).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Unreadable, "{body}");
        assert!(matches!(error.into(), GatewayError::Unknown(_)));
    }
}

#[tokio::test]
async fn a_declined_card_is_a_no_and_is_not_tried_again() {
    let declined = json!({"error": {"type": "card_error", "code": "card_declined",
        "decline_code": "insufficient_funds", "message": "Your card has insufficient funds.",
        "payment_intent": with(intent(), &json!({"status": "requires_payment_method"}))}});
    let server = Server::start(vec![Order::status(402, &declined)]).await;
    let error = make(&server.base).await.unwrap_err();
    assert_eq!(error.request_id.as_deref(), Some("req_1"));
    let GatewayError::Rejected(failure) = error.into() else {
        panic!("not rejected");
    };
    assert_eq!(failure.code, "insufficient_funds");
    assert!(failure.retryable);
}

#[tokio::test]
async fn a_wrong_key_is_a_fault_of_the_settings() {
    let wrong = json!({"error": {"type": "invalid_request_error",
        "message": "Invalid API Key provided: sk_test_1"}});
    let server = Server::start(vec![Order::status(401, &wrong)]).await;
    let error = GatewayError::from(make(&server.base).await.unwrap_err());
    assert!(matches!(error, GatewayError::Config(_)), "{error:?}");
    assert!(!error.to_string().contains("sk_test"), "{error}");
}

#[tokio::test]
async fn questions_carry_no_key_and_share_a_connection() {
    let server = Server::start(vec![Order::ok(&intent()), Order::ok(&intent())]).await;
    let transport = transport(&server.base);
    for _ in 0..2 {
        let request = RetrievePaymentIntent::new("pi_1");
        let asking = Sending::asking(Operation::FindIntent);
        let found: Answered<IntentView> = transport.call(&request, asking).await.unwrap();
        assert_eq!(found.object.id, "pi_1");
    }
    let seen = server.seen();
    assert_eq!(seen[0].header("idempotency-key"), None);
    assert_eq!((seen[0].connection, seen[1].connection), (0, 0));
}

#[tokio::test]
async fn a_question_is_asked_again_and_leaves_nothing_in_doubt() {
    let orders = vec![
        Order::Drop,
        Order::status(429, &no()),
        Order::status(429, &no()),
    ];
    let server = Server::start(orders).await;
    let error = ask(&server.base).await.unwrap_err();
    assert!(matches!(error.into(), GatewayError::RateLimited { .. }));
    assert_eq!(server.seen().len(), 3);
}
