//! What is learnt by asking, and what is not.

use super::shop::{MINUTE, SECOND, Shop, in_a_shop, timeout, unknown};
use crate::db::values::Timestamp;
use crate::gateways::RemoteStatus;
use crate::gateways::scripted::{Search, Start};
use crate::http::idempotency::Run;
use crate::orders::{self, Order, OrderStatus, PaymentStatus};
use crate::payments::{self, Payment, Status};

async fn failed(shop: &Shop) -> (Order, Payment) {
    let order = shop.order().await;
    let payment = shop.start(&order).await;
    let payment = shop.happens(&payment, RemoteStatus::Failed).await;
    assert_eq!(payment.status, Status::Failed);
    (order, payment)
}

async fn cancel_order(shop: &Shop, order: &Order, now: Timestamp) {
    let canceled = shop.app.db.transaction(async |conn| {
        let order = orders::lock(conn, order.id).await?;
        orders::cancel(conn, &order, None, now).await
    });
    assert_eq!(canceled.await.unwrap().status, OrderStatus::Canceled);
    payments::close_attempts(&shop.app, order.id).await.unwrap();
}

#[test]
fn what_failed_is_under_way_again_when_the_gateway_is_asked() {
    in_a_shop(async |shop| {
        let (order, payment) = failed(shop).await;
        let payment = shop.happens(&payment, RemoteStatus::Processing).await;
        assert_eq!(payment.status, Status::Processing);
        assert!(payment.next_sync_at.is_some());
        let now = shop.read(&order).await;
        assert_eq!(now.payment_status, PaymentStatus::Processing);
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.sweep_after(MINUTE).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn what_failed_stays_so_when_the_gateway_tells_of_an_earlier_state() {
    in_a_shop(async |shop| {
        let (order, payment) = failed(shop).await;
        shop.remote
            .set(&payment.reference, RemoteStatus::Processing);
        assert_eq!(shop.tell(&payment).await.status, Status::Failed);
        let now = shop.read(&order).await;
        assert_eq!(now.payment_status, PaymentStatus::Unpaid);
    });
}

#[test]
fn what_failed_and_is_tried_again_beside_a_later_attempt_is_superseded() {
    in_a_shop(async |shop| {
        let (order, first) = failed(shop).await;
        let second = shop.start(&order).await;
        let first = shop.happens(&first, RemoteStatus::Processing).await;
        assert_eq!(first.status, Status::Processing);
        assert!(first.superseded_at.is_some());
        shop.happens(&second, RemoteStatus::Failed).await;
        shop.happens(&first, RemoteStatus::Succeeded).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn what_is_asked_for_too_early_stays_as_it_is() {
    in_a_shop(async |shop| {
        shop.remote.set_inquiry_delay(MINUTE);
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.sweep_after(30 * SECOND).await;
        assert_eq!(shop.remote.calls().retrieve, 0);
        shop.sweep_after(MINUTE).await;
        assert_eq!(shop.remote.calls().retrieve, 1);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn silence_is_asked_again_with_growing_pauses() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        let mut pauses = Vec::new();
        for _ in 0..4 {
            shop.remote.on_retrieve(timeout());
            shop.sweep_after(2 * MINUTE).await;
            let (now, payment) = (shop.app.clock.now(), shop.payment(payment.id).await);
            assert_eq!(payment.status, Status::RequiresAction);
            pauses.push(payment.next_sync_at.unwrap().since(now));
        }
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert!(pauses[3] > MINUTE, "{pauses:?}");
    });
}

#[test]
fn a_charge_that_is_not_found_yet_is_closed_all_the_same() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let intent = shop.intend(&order).await.unwrap();
        let outcome = shop.call(&intent, Run::First).await;
        // Before the answer is recorded the buyer cancels the order.
        shop.remote.on_find(Search::Misses);
        cancel_order(shop, &order, shop.app.clock.now()).await;
        shop.record(&intent, &outcome).await;
        shop.sweep_after(5 * MINUTE).await;
        let payment = shop.payment(intent.payment).await;
        assert_eq!(payment.status, Status::Expired);
        let remote = shop.remote.status(&payment.reference);
        assert_eq!(remote, Some(RemoteStatus::Canceled));
    });
}

#[test]
fn what_cannot_be_settled_keeps_nothing_else_from_it() {
    in_a_shop(async |shop| {
        let mut orders = Vec::new();
        for _ in 0..3 {
            let order = shop.order().await;
            let start = Start::Unanswered(RemoteStatus::Succeeded, timeout());
            shop.remote.on_create(start);
            let payment = unknown(shop.pay(&order).await);
            orders.push((order, payment));
        }
        // A gateway that calls two payments the same is believed once.
        for (_, payment) in &orders[..2] {
            let reference = &payment.reference;
            shop.remote
                .change(reference, |charge| "chg_1".clone_into(&mut charge.id));
        }
        shop.sweep_after(MINUTE).await;
        let mut statuses = Vec::new();
        for (order, payment) in &orders {
            let now = shop.read(order).await;
            statuses.push((now.status, shop.payment(payment.id).await.status));
        }
        let confirmed = (OrderStatus::Confirmed, Status::Succeeded);
        let waiting = (OrderStatus::Pending, Status::Unknown);
        assert_eq!(statuses, [confirmed, waiting, confirmed]);
    });
}
