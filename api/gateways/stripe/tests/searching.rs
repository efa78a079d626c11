//! Finding payments in Stripe's lists.

use std::time::Duration;

use serde_json::json;

use super::objects::{intent, list, session, with};
use super::server::{Order, Server};
use super::{REFERENCE, now, refs, stripe};
use crate::gateways::{Gateway, NextAction};

#[tokio::test]
async fn a_payment_whose_start_was_never_answered_is_found_in_lists() {
    let other = |id: &str| {
        with(
            session(),
            &json!({"id": id, "client_reference_id": "other",
        "metadata": {}}),
        )
    };
    let orders = vec![
        Order::ok(&list(
            "/v1/checkout/sessions",
            &[other("cs_3"), other("cs_2")],
            true,
        )),
        Order::ok(&list("/v1/checkout/sessions", &[session()], false)),
        Order::ok(&session()),
    ];
    let server = Server::start(orders).await;
    let refs = refs(None);
    let found = stripe(&server.base).find_by_reference(&refs).await.unwrap();
    assert_eq!(
        found.unwrap().provider_payment_id.as_deref(),
        Some("cs_test_1")
    );
    let seen = server.seen();
    let from = refs.created_at.unix_seconds() - 60;
    assert!(
        seen[0].line.contains(&format!("created[gte]={from}")),
        "{}",
        seen[0].line
    );
    assert!(
        seen[1].line.contains("starting_after=cs_2"),
        "{}",
        seen[1].line
    );
    // Nothing was made to look for it.
    assert!(seen.iter().all(|it| it.line.starts_with("GET ")));
}

#[tokio::test]
async fn a_payment_intent_whose_start_was_never_answered_is_found_too() {
    let orders = vec![
        Order::ok(&list("/v1/checkout/sessions", &[], false)),
        Order::ok(&list("/v1/payment_intents", &[intent()], false)),
        Order::ok(&intent()),
    ];
    let server = Server::start(orders).await;
    let found = stripe(&server.base)
        .find_by_reference(&refs(None))
        .await
        .unwrap();
    let found = found.unwrap();
    assert_eq!(found.provider_payment_id.as_deref(), Some("pi_1"));
    assert!(matches!(found.next_action, Some(NextAction::Sdk { .. })));
}

#[tokio::test]
async fn a_payment_that_never_was_is_not_found() {
    let empty = || Order::ok(&list("/v1/x", &[], false));
    let server = Server::start(vec![empty(), empty()]).await;
    let found = stripe(&server.base).find_by_reference(&refs(None)).await;
    assert!(found.unwrap().is_none());

    // Later, what was resumed late is looked for as well.
    let server = Server::start((0..4).map(|_| empty()).collect()).await;
    let mut old = refs(None);
    old.created_at = now().minus(Duration::from_secs(600));
    let found = stripe(&server.base).find_by_reference(&old).await;
    assert!(found.unwrap().is_none());
    let turn = old.created_at.unix_seconds() + 300;
    let seen = server.seen();
    assert!(
        seen[0].line.contains(&format!("created[lt]={turn}")),
        "{}",
        seen[0].line
    );
    assert!(
        seen[2].line.contains(&format!("created[gte]={turn}")),
        "{}",
        seen[2].line
    );
}

#[tokio::test]
async fn the_books_are_ours_only() {
    let theirs = with(intent(), &json!({"id": "pi_9", "metadata": {}}));
    let of_session = with(
        intent(),
        &json!({"id": "pi_2", "metadata":
        {"reference": "r2", "via": "checkout"}}),
    );
    let orders = vec![
        Order::ok(&list("/v1/payment_intents", &[theirs, of_session], true)),
        Order::ok(&list("/v1/payment_intents", &[intent()], false)),
    ];
    let server = Server::start(orders).await;
    let (from, until) = (now().minus(Duration::from_secs(60)), now());
    let listed = stripe(&server.base).list(from, until).await.unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|it| (it.reference.as_deref(), it.provider_payment_id.as_deref()))
        .collect();
    // Those on Stripe's page are known by their sessions.
    assert_eq!(names, [(Some("r2"), None), (Some(REFERENCE), Some("pi_1"))]);
}

#[tokio::test]
async fn whose_an_object_is_says_its_payment_intent() {
    let foreign = with(intent(), &json!({"metadata": {}}));
    let missing = Order::status(404, &json!({"error": {"type": "invalid_request_error"}}));
    for (order, expected) in [
        (Order::ok(&intent()), Some(REFERENCE)),
        (Order::ok(&foreign), None),
        (missing, None),
    ] {
        let server = Server::start(vec![order]).await;
        let found = stripe(&server.base).reference_of("pi_1").await.unwrap();
        assert_eq!(found.as_deref(), expected);
    }
    let server = Server::start(Vec::new()).await;
    for id in ["ch_1", "pi_1/../../x", "", "pi"] {
        assert_eq!(stripe(&server.base).reference_of(id).await.unwrap(), None);
    }
}
