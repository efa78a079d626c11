//! What Stripe is told of a payment, and how the buyer gets there.

use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::objects::{customer, intent, list, session};
use super::server::{Order, Server};
use super::{REFERENCE, now, payment, stripe};
use crate::digest::hex;
use crate::gateways::{Gateway, GatewayError, NextAction, Presentation, RemoteStatus};
use crate::money::{Currency, Money};

fn no_customers() -> Order {
    Order::ok(&list("/v1/customers", &[], false))
}

fn digest() -> String {
    hex(&Sha256::digest(b"asha+fair@example.com"))
}

#[tokio::test]
async fn a_buyer_is_sent_to_stripes_page() {
    let orders = vec![
        no_customers(),
        Order::ok(&customer(&digest())),
        Order::ok(&session()),
    ];
    let server = Server::start(orders).await;
    let new = payment(Presentation::Hosted);
    let snapshot = stripe(&server.base).create(&new).await.unwrap();
    assert_eq!(snapshot.status, RemoteStatus::RequiresAction);
    assert_eq!(snapshot.provider_payment_id.as_deref(), Some("cs_test_1"));
    let Some(NextAction::Redirect { url }) = snapshot.next_action else {
        panic!("no page");
    };
    assert_eq!(url, "https://checkout.stripe.com/c/pay/cs_test_1#x");

    let seen = server.seen();
    assert_eq!(
        seen[0].line,
        "GET /v1/customers?email=asha%2Bfair@example.com&limit=10"
    );
    assert_eq!(seen[1].line, "POST /v1/customers");
    assert_eq!(
        seen[1].member("metadata[tollgate_buyer]"),
        Some(digest().as_str())
    );
    let key = format!("customer-{}", digest());
    assert_eq!(seen[1].header("idempotency-key"), Some(key.as_str()));
    let asked = &seen[2];
    assert_eq!(asked.line, "POST /v1/checkout/sessions");
    assert_eq!(asked.header("idempotency-key"), Some("pay_1-ref-session"));
    let (payment_id, order_id) = (new.refs.payment.to_string(), new.order.to_string());
    for (member, value) in [
        ("mode", "payment"),
        ("client_reference_id", REFERENCE),
        ("customer", "cus_1"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "5000"),
        (
            "line_items[0][price_data][product_data][name]",
            "Order ord_1",
        ),
        ("metadata[reference]", REFERENCE),
        ("metadata[payment_id]", &payment_id),
        ("metadata[order_id]", &order_id),
        ("payment_intent_data[metadata][reference]", REFERENCE),
        ("payment_intent_data[metadata][via]", "checkout"),
        ("payment_intent_data[metadata][payment_id]", &payment_id),
        ("success_url", &new.return_url),
        ("cancel_url", &new.return_url),
    ] {
        assert_eq!(asked.member(member), Some(value), "{member}");
    }
    assert_eq!(asked.member("payment_method_types[0]"), None);
    assert_eq!(asked.member("customer_email"), None);
}

#[tokio::test]
async fn a_session_lives_as_long_as_the_hold_within_stripes_limits() {
    const MINUTE: i64 = 60;
    for (hold, expected) in [(15, 31), (45, 45), (3 * 24 * 60, 24 * 60 - 1)] {
        let orders = vec![
            Order::ok(&list("/v1/customers", &[customer(&digest())], false)),
            Order::ok(&session()),
        ];
        let server = Server::start(orders).await;
        let mut new = payment(Presentation::Hosted);
        new.expires_at = new.refs.created_at.plus(Duration::from_secs(hold * 60));
        stripe(&server.base).create(&new).await.unwrap();
        let ends = server.seen()[1]
            .member("expires_at")
            .unwrap()
            .parse::<i64>();
        let lives = ends.unwrap() - new.refs.created_at.unix_seconds();
        assert_eq!(lives, expected * MINUTE, "{hold} min");
        // Another call for it within moments is the same call.
        let again = vec![
            Order::ok(&list("/v1/customers", &[customer(&digest())], false)),
            Order::ok(&session()),
        ];
        let second = Server::start(again).await;
        stripe(&second.base).create(&new).await.unwrap();
        assert_eq!(second.seen()[1].form, server.seen()[1].form);
    }
}

#[tokio::test]
async fn a_session_that_is_started_late_is_still_allowed() {
    let orders = vec![
        Order::ok(&list("/v1/customers", &[customer(&digest())], false)),
        Order::ok(&session()),
    ];
    let server = Server::start(orders).await;
    let mut new = payment(Presentation::Hosted);
    new.refs.created_at = now().minus(Duration::from_secs(3_600));
    stripe(&server.base).create(&new).await.unwrap();
    let ends = server.seen()[1]
        .member("expires_at")
        .unwrap()
        .parse::<i64>();
    assert!(ends.unwrap() - now().unix_seconds() > 30 * 60);
}

#[tokio::test]
async fn a_buyers_own_page_gets_a_payment_intent() {
    let orders = vec![
        Order::ok(&list("/v1/customers", &[customer(&digest())], false)),
        Order::ok(&intent()),
    ];
    let server = Server::start(orders).await;
    let new = payment(Presentation::Sdk);
    let snapshot = stripe(&server.base).create(&new).await.unwrap();
    assert_eq!(snapshot.provider_payment_id.as_deref(), Some("pi_1"));
    let Some(NextAction::Sdk {
        client_secret,
        publishable_key,
        ..
    }) = snapshot.next_action
    else {
        panic!("no script");
    };
    assert_eq!(client_secret.0, "pi_1_secret_x");
    assert_eq!(publishable_key, "pk_test_1");
    let asked = &server.seen()[1];
    assert_eq!(asked.line, "POST /v1/payment_intents");
    assert_eq!(asked.header("idempotency-key"), Some("pay_1-ref-intent"));
    for (member, value) in [
        ("amount", "5000"),
        ("currency", "usd"),
        ("customer", "cus_1"),
        ("automatic_payment_methods[enabled]", "true"),
        ("metadata[reference]", REFERENCE),
        ("metadata[via]", "sdk"),
    ] {
        assert_eq!(asked.member(member), Some(value), "{member}");
    }
}

#[tokio::test]
async fn without_a_customer_a_buyer_pays_all_the_same() {
    // The key may not see customers.
    let error = json!({"error": {"type": "invalid_request_error"}});
    let orders = vec![Order::status(403, &error), Order::ok(&session())];
    let server = Server::start(orders).await;
    let new = payment(Presentation::Hosted);
    stripe(&server.base).create(&new).await.unwrap();
    let asked = &server.seen()[1];
    assert_eq!(
        asked.member("customer_email"),
        Some("asha+fair@example.com")
    );
    assert_eq!(asked.member("customer"), None);

    // Stripe does not like the address.
    let orders = vec![
        no_customers(),
        Order::refuse("Invalid email address"),
        Order::ok(&intent()),
    ];
    let server = Server::start(orders).await;
    let new = payment(Presentation::Sdk);
    stripe(&server.base).create(&new).await.unwrap();
    let asked = &server.seen()[2];
    assert_eq!(
        (asked.member("customer"), asked.member("receipt_email")),
        (None, None)
    );
}

#[tokio::test]
async fn an_amount_that_stripe_cannot_write_is_refused_here() {
    let server = Server::start(Vec::new()).await;
    for presentation in [Presentation::Hosted, Presentation::Sdk] {
        let mut new = payment(presentation);
        new.refs.amount = Money::new(50_050, Currency::from_code("MGA").unwrap());
        let refused = stripe(&server.base).create(&new).await;
        assert!(matches!(refused, Err(GatewayError::Rejected(_))));
    }
    assert_eq!(server.lines(), Vec::<String>::new());
}
