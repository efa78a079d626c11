//! Refunds at Stripe.

use serde_json::json;

use super::objects::{list, paid_session, refund, session, with};
use super::server::{Order, Server};
use super::{REFERENCE, refs, stripe};
use crate::gateways::{Gateway, GatewayError, RefundCause, RefundRefs, RemoteRefundStatus};
use crate::money::{Currency, Money};

fn refund_refs(provider_refund_id: Option<&str>, of: &str) -> RefundRefs {
    RefundRefs {
        payment: refs(Some(of)),
        reference: "f1".to_owned(),
        provider_refund_id: provider_refund_id.map(str::to_owned),
        amount: Money::new(2_000, Currency::from_code("USD").unwrap()),
        cause: RefundCause::Duplicate,
    }
}

#[tokio::test]
async fn a_refund_goes_back_to_where_the_money_came_from() {
    let server = Server::start(vec![Order::ok(&paid_session()), Order::ok(&refund())]).await;
    let asked = refund_refs(None, "cs_test_1");
    let made = stripe(&server.base).refund(&asked).await.unwrap();
    assert_eq!(made.status, RemoteRefundStatus::Succeeded);
    assert_eq!(made.reference.as_deref(), Some("f1"));
    let sent = &server.seen()[1];
    assert_eq!(sent.line, "POST /v1/refunds");
    assert_eq!(sent.header("idempotency-key"), Some("f1-refund"));
    for (member, value) in [
        ("payment_intent", "pi_1"),
        ("amount", "2000"),
        ("reason", "duplicate"),
        ("metadata[reference]", REFERENCE),
        ("metadata[refund_reference]", "f1"),
    ] {
        assert_eq!(sent.member(member), Some(value), "{member}");
    }
}

#[tokio::test]
async fn a_refund_of_what_nobody_paid_is_refused_here() {
    let server = Server::start(vec![Order::ok(&session())]).await;
    let asked = refund_refs(None, "cs_test_1");
    let refused = stripe(&server.base).refund(&asked).await;
    assert!(
        matches!(refused, Err(GatewayError::Rejected(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_refund_that_was_not_asked_for_yet_is_not_in_doubt() {
    let fault = || Order::status(500, &json!({"error": {"type": "api_error"}}));
    let server = Server::start((0..3).map(|_| fault()).collect()).await;
    let asked = refund_refs(None, "cs_test_1");
    let error = stripe(&server.base).refund(&asked).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotSent(_)), "{error:?}");
    // The refund itself is.
    let server = Server::start((0..3).map(|_| fault()).collect()).await;
    let asked = refund_refs(None, "pi_1");
    let error = stripe(&server.base).refund(&asked).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unknown(_)), "{error:?}");
}

/// What Stripe calls a refund that we know by its id, or only by our own reference.
async fn find(server: &Server, id: Option<&str>) -> Option<String> {
    let refund = refund_refs(id, "pi_1");
    let found = stripe(&server.base).retrieve_refund(&refund).await;
    found.unwrap().map(|found| found.provider_refund_id)
}

#[tokio::test]
async fn a_refund_is_found_by_its_id_and_by_its_reference() {
    let server = Server::start(vec![Order::ok(&refund())]).await;
    let found = find(&server, Some("re_1")).await;
    assert_eq!(found.as_deref(), Some("re_1"));

    let other = with(refund(), &json!({"id": "re_2", "metadata": {}}));
    let page = list("/v1/refunds", &[other.clone(), refund()], false);
    let server = Server::start(vec![Order::ok(&page)]).await;
    let found = find(&server, None).await;
    assert_eq!(found.as_deref(), Some("re_1"));

    let page = list("/v1/refunds", &[other], false);
    let missing = Order::status(
        404,
        &json!({"error": {"type": "invalid_request_error",
        "code": "resource_missing"}}),
    );
    for (order, id) in [(Order::ok(&page), None), (missing, Some("re_1"))] {
        let server = Server::start(vec![order]).await;
        assert_eq!(find(&server, id).await, None);
    }
}

#[tokio::test]
async fn every_refund_of_a_payment_is_told_with_those_of_others() {
    let other = with(
        refund(),
        &json!({"id": "re_2", "metadata": {}, "status": "pending"}),
    );
    let page = list("/v1/refunds", &[other, refund()], false);
    let server = Server::start(vec![Order::ok(&page)]).await;
    let all = stripe(&server.base)
        .list_refunds(&refs(Some("pi_1")))
        .await
        .unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|it| (it.status, it.reference.as_deref()))
        .collect();
    let expected = [
        (RemoteRefundStatus::Pending, None),
        (RemoteRefundStatus::Succeeded, Some("f1")),
    ];
    assert_eq!(told, expected);
}
