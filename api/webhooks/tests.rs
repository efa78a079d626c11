//! Messages that the dummy gateway never sends, on both databases.

mod hints;
mod look_ups;
mod remote;

use actix_web::http::header::HeaderMap;

use super::receive;
use crate::error::{Code, Problem};
use crate::gateways::scripted::ID;
use crate::gateways::{Authenticity, GatewayEvent, RemoteStatus, Unreadable};
use crate::orders::OrderStatus;
use crate::payments::tests::shop::{Shop, in_a_shop};
use crate::payments::{Payment, Status};

/// News of a payment that says no more than that there is some.
fn news(reference: &str) -> GatewayEvent {
    GatewayEvent {
        dedupe_key: format!("evt_{reference}"),
        kind: "payment.changed".to_owned(),
        reference: Some(reference.to_owned()),
        ..GatewayEvent::default()
    }
}

/// News of a payment that says how it stands.
fn full_news(shop: &Shop, payment: &Payment) -> GatewayEvent {
    GatewayEvent {
        snapshot: shop.remote.snapshot(&payment.reference),
        ..news(&payment.reference)
    }
}

/// The gateway, or somebody else, posts a message.
async fn post(
    shop: &Shop,
    authenticity: Authenticity,
    says: Result<GatewayEvent, Unreadable>,
) -> Result<(), Problem> {
    shop.remote.on_message(authenticity, says);
    receive(&shop.app, ID, &HeaderMap::new(), b"{}").await
}

#[test]
fn a_forged_message_is_not_read() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        let forged = full_news(shop, &payment);
        let refused = post(shop, Authenticity::Invalid, Ok(forged)).await;
        assert_eq!(refused.unwrap_err().code, Code::WebhookSignatureInvalid);
        let calls = shop.remote.calls();
        assert_eq!((calls.verify, calls.parse), (1, 0));
        assert_eq!(shop.count("webhook_events").await, 0);
        let after = shop.payment(payment.id).await;
        assert_eq!(after.next_sync_at, payment.next_sync_at);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
    });
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    in_a_shop(async |shop| {
        for authenticity in [Authenticity::Hint, Authenticity::Verified] {
            let refused = post(shop, authenticity, Err(Unreadable)).await;
            assert_eq!(refused.unwrap_err().code, Code::WebhookPayloadInvalid);
        }
        assert_eq!(shop.count("webhook_events").await, 0);
    });
}

#[test]
fn a_signed_message_that_says_all_is_applied_at_once() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        let event = full_news(shop, &payment);
        post(shop, Authenticity::Verified, Ok(event)).await.unwrap();
        assert_eq!(shop.payment(payment.id).await.status, Status::Succeeded);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        let applied = "webhook_events WHERE status = 'applied'";
        assert_eq!(shop.count(applied).await, 1);
        let calls = shop.remote.calls();
        assert_eq!((calls.retrieve, calls.find), (0, 0));
    });
}
