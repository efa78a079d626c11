//! How long an order keeps what it took, with a payment under way.

use super::shop::{MINUTE, Shop, in_a_shop};
use crate::db::values::Timestamp;
use crate::gateways::RemoteStatus;
use crate::orders::{self, Order, OrderStatus, PaymentStatus};
use crate::payments::Payment;

/// The payment is under way at the gateway, which gives it up at `until`.
async fn process(shop: &Shop, payment: &Payment, until: Option<Timestamp>) {
    let reference = &payment.reference;
    shop.remote
        .change(reference, |charge| charge.expires_at = until);
    shop.happens(payment, RemoteStatus::Processing).await;
}

/// When the order's time is over, and that what it holds says the same.
async fn end_of(shop: &Shop, order: &Order) -> Timestamp {
    let other = "holds h JOIN orders o ON o.id = h.order_id
        WHERE h.status = 'active' AND h.expires_at <> o.expires_at";
    assert_eq!(shop.count(other).await, 0);
    shop.read(order).await.expires_at
}

#[test]
fn a_payment_under_way_keeps_the_order_until_the_gateway_gives_it_up() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        let until = order.created_at.plus(40 * MINUTE);
        process(shop, &payment, Some(until)).await;
        assert_eq!(end_of(shop, &order).await, until);
        shop.app.clock.advance(39 * MINUTE);
        orders::expire_due(&shop.app).await.unwrap();
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
        shop.app.clock.advance(2 * MINUTE);
        orders::expire_due(&shop.app).await.unwrap();
        assert_eq!(shop.read(&order).await.status, OrderStatus::Expired);
    });
}

#[test]
fn a_gateway_that_gives_up_early_takes_no_time_from_the_order() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        process(shop, &payment, Some(order.created_at.plus(5 * MINUTE))).await;
        assert_eq!(end_of(shop, &order).await, order.expires_at);
    });
}

#[test]
fn nothing_keeps_an_order_longer_than_is_allowed() {
    in_a_shop(async |shop| {
        let longest = shop.app.config.hold_max;
        for days in [Some(30), None] {
            let order = shop.order().await;
            let payment = shop.start(&order).await;
            let until = days.map(|days| order.created_at.plus(days * 24 * 60 * MINUTE));
            process(shop, &payment, until).await;
            let end = end_of(shop, &order).await;
            assert_eq!(end, order.created_at.plus(longest), "{days:?}");
        }
    });
}

#[test]
fn a_failure_afterwards_gives_the_usual_time_again() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        process(shop, &payment, None).await;
        shop.app.clock.advance(60 * MINUTE);
        let failed = shop.happens(&payment, RemoteStatus::Failed).await;
        let again = failed.updated_at.plus(shop.app.config.hold_ttl);
        assert_eq!(end_of(shop, &order).await, again);
        let now = shop.read(&order).await;
        let found = (now.status, now.payment_status);
        assert_eq!(found, (OrderStatus::Pending, PaymentStatus::Unpaid));
        shop.start(&order).await;
    });
}

#[test]
fn a_failure_of_what_was_never_under_way_changes_nothing() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.app.clock.advance(MINUTE);
        shop.happens(&payment, RemoteStatus::Failed).await;
        assert_eq!(end_of(shop, &order).await, order.expires_at);
    });
}
