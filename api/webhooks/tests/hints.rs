//! A message that cannot be verified: a reason to ask, and no proof.

use super::{full_news, news, post};
use crate::gateways::{Authenticity, GatewayEvent, RemoteStatus};
use crate::orders::OrderStatus;
use crate::payments::Status;
use crate::payments::tests::shop::{MINUTE, SECOND, Shop, in_a_shop, timeout};

async fn hint(shop: &Shop, event: GatewayEvent) {
    post(shop, Authenticity::Hint, Ok(event)).await.unwrap();
}

/// Nothing was kept of any message, and nobody is asked to look at it.
async fn expect_nothing_kept(shop: &Shop) {
    for table in ["webhook_events", "tasks", "jobs WHERE dedupe_key IS NULL"] {
        assert_eq!(shop.count(table).await, 0, "{table}");
    }
}

#[test]
fn a_hint_only_moves_the_next_question_to_now() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let before = shop.start(&order).await;
        shop.remote.set(&before.reference, RemoteStatus::Succeeded);
        // Whatever it claims is not believed.
        hint(shop, full_news(shop, &before)).await;
        expect_nothing_kept(shop).await;
        let after = shop.payment(before.id).await;
        assert!(after.next_sync_at <= Some(shop.app.clock.now()));
        assert!(after.next_sync_at < before.next_sync_at);
        assert_eq!(
            (after.status, after.version),
            (before.status, before.version)
        );
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);

        shop.sweep_after(SECOND).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        assert_eq!(shop.remote.calls().retrieve, 1);
    });
}

#[test]
fn a_hint_that_lies_changes_nothing() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        let mut lie = full_news(shop, &payment);
        if let Some(snapshot) = &mut lie.snapshot {
            snapshot.status = RemoteStatus::Succeeded;
        }
        hint(shop, lie).await;
        shop.sweep_after(SECOND).await;
        let after = shop.payment(payment.id).await;
        assert_eq!(after.status, Status::RequiresAction);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
    });
}

#[test]
fn every_hint_counts_even_if_it_came_before() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        hint(shop, news(&payment.reference)).await;
        shop.sweep_after(SECOND).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        hint(shop, news(&payment.reference)).await;
        shop.sweep_after(SECOND).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_hint_about_nothing_that_we_know_does_nothing() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let before = shop.start(&order).await;
        let of_nothing = GatewayEvent {
            reference: None,
            ..news("nothing")
        };
        for event in [news("unknown"), news(""), news("a\0b"), of_nothing] {
            hint(shop, event).await;
        }
        expect_nothing_kept(shop).await;
        shop.sweep_after(SECOND).await;
        let calls = shop.remote.calls();
        assert_eq!((calls.find, calls.retrieve), (0, 0));
        let after = shop.payment(before.id).await;
        assert_eq!(after.next_sync_at, before.next_sync_at);
    });
}

#[test]
fn a_hint_about_an_attempt_that_ended_is_followed() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.happens(&payment, RemoteStatus::Failed).await;
        // The buyer tried again on the gateway's page, and paid.
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.remote.on_retrieve(timeout());
        hint(shop, news(&payment.reference)).await;
        shop.sweep_after(SECOND).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Failed);
        shop.sweep_after(MINUTE).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_hint_about_what_ended_for_good_is_followed_once() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.happens(&payment, RemoteStatus::Failed).await;
        let calls = shop.remote.calls();
        hint(shop, news(&payment.reference)).await;
        shop.sweep_after(SECOND).await;
        shop.sweep_after(60 * MINUTE).await;
        assert_eq!(shop.remote.calls().retrieve, calls.retrieve + 1);
        let payment = shop.payment(payment.id).await;
        let found = (payment.status, payment.next_sync_at);
        assert_eq!(found, (Status::Failed, None));
    });
}

#[test]
fn a_hint_about_what_is_paid_asks_nobody() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.happens(&payment, RemoteStatus::Succeeded).await;
        let calls = shop.remote.calls();
        hint(shop, news(&payment.reference)).await;
        shop.sweep_after(MINUTE).await;
        assert_eq!(shop.remote.calls().retrieve, calls.retrieve);
        assert_eq!(shop.payment(payment.id).await.next_sync_at, None);
    });
}
