//! What becomes of an earlier attempt when there is a new one.

use super::shop::{MINUTE, PRICE_MINOR, Shop, in_a_shop, refused, started, timeout};
use crate::error::Code;
use crate::gateways::RemoteStatus;
use crate::orders::{self, Order, OrderStatus, PaymentStatus};
use crate::payments::{self, Payment, Status};

/// Two attempts that can both be paid: the first could not be canceled when the second came.
async fn two_open(shop: &Shop) -> (Order, Payment, Payment) {
    let order = shop.order().await;
    let first = shop.start(&order).await;
    shop.remote.on_cancel(timeout());
    let second = shop.start(&order).await;
    (order, shop.payment(first.id).await, second)
}

async fn expect_order(shop: &Shop, order: &Order, expected: (OrderStatus, PaymentStatus)) {
    let order = shop.read(order).await;
    assert_eq!((order.status, order.payment_status), expected);
}

#[test]
fn a_success_that_nobody_told_us_blocks_a_new_attempt() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let first = shop.start(&order).await;
        shop.remote.set(&first.reference, RemoteStatus::Succeeded);
        refused(shop.pay(&order).await, Code::OrderAlreadyPaid);
        assert_eq!(shop.remote.calls().create, 1);
        assert_eq!(shop.remote.count_charges(), 1);
        expect_order(shop, &order, (OrderStatus::Confirmed, PaymentStatus::Paid)).await;
        let statuses: Vec<Status> = shop
            .payments(&order)
            .await
            .iter()
            .map(|p| p.status)
            .collect();
        assert_eq!(statuses, [Status::Succeeded, Status::Canceled]);
    });
}

#[test]
fn money_on_its_way_blocks_a_new_attempt() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let first = shop.start(&order).await;
        shop.remote.set(&first.reference, RemoteStatus::Processing);
        let problem = refused(shop.pay(&order).await, Code::PaymentInProgress);
        assert_eq!(problem.members["payment_id"], first.id.to_string());
        assert_eq!(shop.remote.count_charges(), 1);
        let expected = (OrderStatus::Pending, PaymentStatus::Processing);
        expect_order(shop, &order, expected).await;
        // It comes to nothing: the order has no more time than any other.
        let failed = shop.happens(&first, RemoteStatus::Failed).await;
        let now = shop.read(&order).await;
        let again = failed.updated_at.plus(shop.app.config.hold_ttl);
        let found = (now.payment_status, now.expires_at);
        assert_eq!(found, (PaymentStatus::Unpaid, again));
        shop.start(&order).await;
    });
}

#[test]
fn an_attempt_that_ended_there_already_blocks_nothing() {
    in_a_shop(async |shop| {
        for end in [RemoteStatus::Failed, RemoteStatus::Expired] {
            let order = shop.order().await;
            let first = shop.start(&order).await;
            shop.remote.set(&first.reference, end);
            let second = shop.start(&order).await;
            let first = shop.payment(first.id).await;
            assert!(first.status.is_final(), "{:?}", first.status);
            shop.happens(&second, RemoteStatus::Succeeded).await;
            expect_order(shop, &order, (OrderStatus::Confirmed, PaymentStatus::Paid)).await;
        }
    });
}

#[test]
fn what_could_not_be_canceled_is_superseded_and_watched() {
    in_a_shop(async |shop| {
        let (_, first, second) = two_open(shop).await;
        assert_eq!(first.status, Status::RequiresAction);
        assert!(first.superseded_at.is_some());
        assert!(first.next_sync_at.is_some());
        assert!(second.superseded_at.is_none());
        assert_eq!(shop.remote.count_charges(), 2);
    });
}

#[test]
fn the_late_success_of_a_superseded_attempt_is_to_be_given_back() {
    in_a_shop(async |shop| {
        let (order, first, second) = two_open(shop).await;
        shop.happens(&second, RemoteStatus::Succeeded).await;
        expect_order(shop, &order, (OrderStatus::Confirmed, PaymentStatus::Paid)).await;
        shop.remote.set(&first.reference, RemoteStatus::Succeeded);
        shop.sweep_after(5 * MINUTE).await;
        assert_eq!(shop.payment(first.id).await.status, Status::Succeeded);
        let now = shop.read(&order).await;
        let found = (now.payment_status, now.paid_minor);
        assert_eq!(found, (PaymentStatus::Overpaid, 2 * PRICE_MINOR));
        let late = "postings WHERE credit_account = 'suspense:late'";
        assert_eq!(shop.count(late).await, 1);
        let task = format!(
            "tasks WHERE kind = 'refund_due' AND object = '{}'",
            first.id
        );
        assert_eq!(shop.count(&task).await, 1);
        let mail = "emails WHERE template = 'payment_late'";
        assert_eq!(shop.count(mail).await, 1);
    });
}

#[test]
fn the_success_of_a_superseded_attempt_confirms_the_order_if_it_is_the_first() {
    in_a_shop(async |shop| {
        let (order, first, second) = two_open(shop).await;
        shop.remote.set(&first.reference, RemoteStatus::Succeeded);
        shop.sweep_after(5 * MINUTE).await;
        expect_order(shop, &order, (OrderStatus::Confirmed, PaymentStatus::Paid)).await;
        // What is left open is closed, so that it is not paid as well.
        shop.sweep_after(5 * MINUTE).await;
        assert_eq!(shop.payment(second.id).await.status, Status::Expired);
        let remote = shop.remote.status(&second.reference);
        assert_eq!(remote, Some(RemoteStatus::Canceled));
        assert_eq!(shop.count("tasks").await, 0);
    });
}

#[test]
fn of_two_under_way_the_failure_of_one_leaves_the_order_to_the_other() {
    in_a_shop(async |shop| {
        for fails_first in [true, false] {
            let (order, first, second) = two_open(shop).await;
            shop.happens(&first, RemoteStatus::Processing).await;
            shop.happens(&second, RemoteStatus::Processing).await;
            let held = shop.read(&order).await.expires_at;
            let (failing, other) = if fails_first {
                (first, second)
            } else {
                (second, first)
            };
            shop.happens(&failing, RemoteStatus::Failed).await;
            let now = shop.read(&order).await;
            let found = (now.payment_status, now.expires_at);
            assert_eq!(found, (PaymentStatus::Processing, held), "{fails_first}");
            shop.app.clock.advance(60 * MINUTE);
            orders::expire_due(&shop.app).await.unwrap();
            assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
            shop.happens(&other, RemoteStatus::Succeeded).await;
            expect_order(shop, &order, (OrderStatus::Confirmed, PaymentStatus::Paid)).await;
        }
    });
}

#[test]
fn an_attempt_that_was_never_made_is_no_obstacle() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let dead = shop.intend(&order).await.unwrap();
        let second = started(shop.pay(&order).await);
        assert_eq!(second.status, Status::RequiresAction);
        shop.sweep_after(2 * MINUTE).await;
        assert_eq!(shop.payment(dead.payment).await.status, Status::Failed);
        let watched = payments::sync(&shop.app, second.id).await.unwrap();
        assert_eq!(watched.status, Status::RequiresAction);
        assert_eq!(shop.remote.count_charges(), 1);
    });
}
