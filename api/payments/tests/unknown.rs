//! A call whose answer never came: only evidence tells what happened.

use super::shop::{MINUTE, SECOND, Shop, in_a_shop, started, timeout, unknown};
use crate::error::Code;
use crate::gateways::RemoteStatus;
use crate::gateways::scripted::{HORIZON, Search, Start};
use crate::http::idempotency::Run;
use crate::orders::{self, Order, OrderStatus, PaymentStatus};
use crate::payments::{Payment, Status};

async fn attempt(shop: &Shop, start: Start) -> (Order, Payment) {
    let order = shop.order().await;
    shop.remote.on_create(start);
    let payment = unknown(shop.pay(&order).await);
    (order, payment)
}

fn made_and(status: RemoteStatus) -> Start {
    Start::Unanswered(status, timeout())
}

#[test]
fn an_unknown_attempt_keeps_the_order_as_long_as_is_allowed() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, Start::Lost(timeout())).await;
        assert_eq!(payment.status, Status::Unknown);
        let now = shop.read(&order).await;
        let found = (now.status, now.payment_status, now.expires_at);
        let longest = order.created_at.plus(shop.app.config.hold_max);
        let expected = (OrderStatus::Pending, PaymentStatus::Processing, longest);
        assert_eq!(found, expected);
        shop.app.clock.advance(60 * MINUTE);
        orders::expire_due(&shop.app).await.unwrap();
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
    });
}

#[test]
fn nothing_else_is_paid_while_an_attempt_is_unknown() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, Start::Lost(timeout())).await;
        let problem = shop.intend(&order).await.unwrap_err();
        assert_eq!(problem.code, Code::PaymentInProgress);
        assert_eq!(problem.members["payment_id"], payment.id.to_string());
        assert_eq!(shop.payments(&order).await.len(), 1);
    });
}

#[test]
fn what_was_never_made_fails_after_the_horizon_and_not_before() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, Start::Lost(timeout())).await;
        shop.sweep_after(30 * SECOND).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Unknown);
        shop.sweep_after(HORIZON).await;
        let failed = shop.payment(payment.id).await;
        assert_eq!((failed.status, failed.next_sync_at), (Status::Failed, None));

        let now = shop.read(&order).await;
        let again = failed.updated_at.plus(shop.app.config.hold_ttl);
        let found = (now.status, now.payment_status, now.expires_at);
        let expected = (OrderStatus::Pending, PaymentStatus::Unpaid, again);
        assert_eq!(found, expected);
        shop.start(&order).await;
        assert_eq!(shop.remote.count_charges(), 1);
    });
}

#[test]
fn what_was_made_and_paid_without_an_answer_confirms_the_order() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, made_and(RemoteStatus::Succeeded)).await;
        shop.sweep_after(30 * SECOND).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Succeeded);
        let now = shop.read(&order).await;
        let found = (now.status, now.payment_status);
        assert_eq!(found, (OrderStatus::Confirmed, PaymentStatus::Paid));
        assert_eq!(shop.remote.calls().create, 1);
    });
}

#[test]
fn a_charge_that_is_found_late_is_not_missed() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, made_and(RemoteStatus::Succeeded)).await;
        shop.remote.on_find(Search::Misses);
        shop.remote.on_find(Search::Fails(timeout()));
        shop.sweep_after(15 * SECOND).await;
        shop.sweep_after(25 * SECOND).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Unknown);
        shop.sweep_after(10 * MINUTE).await;
        assert_eq!(shop.remote.calls().find, 3);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn silence_of_the_gateway_is_never_a_failure() {
    in_a_shop(async |shop| {
        let (_, payment) = attempt(shop, made_and(RemoteStatus::Succeeded)).await;
        for _ in 0..6 {
            shop.remote.on_find(Search::Fails(timeout()));
        }
        for _ in 0..6 {
            shop.sweep_after(11 * MINUTE).await;
            assert_eq!(shop.payment(payment.id).await.status, Status::Unknown);
        }
        shop.sweep_after(11 * MINUTE).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Succeeded);
    });
}

#[test]
fn what_was_made_and_waits_for_the_buyer_leaves_the_order_to_be_paid() {
    in_a_shop(async |shop| {
        let (order, payment) = attempt(shop, made_and(RemoteStatus::RequiresAction)).await;
        shop.sweep_after(30 * SECOND).await;
        let found = shop.payment(payment.id).await;
        assert_eq!(found.status, Status::RequiresAction);
        let now = shop.read(&order).await;
        assert_eq!(now.payment_status, PaymentStatus::Unpaid);
        let again = found.updated_at.plus(shop.app.config.hold_ttl);
        assert_eq!(now.expires_at, again);
        // The buyer, who knows nothing of it, tries again.
        shop.start(&order).await;
        let first = shop.payment(payment.id).await;
        assert_eq!(first.status, Status::Canceled);
    });
}

#[test]
fn what_is_known_when_a_timeout_is_recorded_stays_known() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        shop.remote.on_create(made_and(RemoteStatus::Failed));
        let intent = shop.intend(&order).await.unwrap();
        let outcome = shop.call(&intent, Run::First).await;
        // The gateway's own message was faster than our timeout.
        let payment = shop.payment(intent.payment).await;
        shop.tell(&payment).await;
        let payment = started(shop.record(&intent, &outcome).await);
        assert_eq!(payment.status, Status::Failed);
        let now = shop.read(&order).await;
        let found = (now.payment_status, now.expires_at);
        assert_eq!(found, (PaymentStatus::Unpaid, order.expires_at));
    });
}
