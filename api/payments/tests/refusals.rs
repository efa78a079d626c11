//! A gateway that does not take a payment.

use super::shop::{SECOND, Shop, in_a_shop, refused, started};
use crate::error::Code;
use crate::gateways::scripted::{HORIZON, Start, failure};
use crate::gateways::{GatewayError, RemoteStatus};
use crate::http::idempotency::Run;
use crate::orders::{Order, OrderStatus, PaymentStatus};
use crate::payments::Status;

/// The order waits as if nobody had tried.
async fn expect_untouched(shop: &Shop, order: &Order) {
    let now = shop.read(order).await;
    let found = (now.status, now.payment_status, now.expires_at);
    let expected = (
        OrderStatus::Pending,
        PaymentStatus::Unpaid,
        order.expires_at,
    );
    assert_eq!(found, expected);
}

fn not_sent() -> GatewayError {
    GatewayError::NotSent("no route to host".to_owned())
}

#[test]
fn what_was_not_sent_is_sent_again_by_the_same_request() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        shop.remote.on_create(Start::Lost(not_sent()));
        let intent = shop.intend(&order).await.unwrap();
        let outcome = shop.call(&intent, Run::First).await;
        let problem = refused(shop.record(&intent, &outcome).await, Code::ProviderError);
        assert!(problem.retry_after_seconds.is_none());
        assert_eq!(shop.payment(intent.payment).await.status, Status::Created);
        expect_untouched(shop, &order).await;
        assert_eq!(shop.remote.count_charges(), 0);

        let payment = started(shop.resume(&intent).await);
        assert_eq!(payment.id, intent.payment);
        assert_eq!(payment.status, Status::RequiresAction);
        let calls = shop.remote.calls();
        assert_eq!((calls.find, calls.create), (1, 2));
        assert_eq!(shop.remote.count_charges(), 1);
        let keys = shop.remote.idempotency_keys();
        assert_eq!(keys[0], keys[1]);
    });
}

#[test]
fn what_was_never_sent_fails_after_the_horizon() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        shop.remote.on_create(Start::Lost(not_sent()));
        refused(shop.pay(&order).await, Code::ProviderError);
        shop.sweep_after(30 * SECOND).await;
        assert_eq!(shop.payments(&order).await[0].status, Status::Created);
        shop.sweep_after(HORIZON).await;
        assert_eq!(shop.payments(&order).await[0].status, Status::Failed);
        expect_untouched(shop, &order).await;
        shop.start(&order).await;
    });
}

#[test]
fn a_busy_gateway_says_when_to_come_back() {
    in_a_shop(async |shop| {
        for (after, seconds) in [(7 * SECOND, 7), (SECOND / 2, 1)] {
            let order = shop.order().await;
            let busy = GatewayError::RateLimited { after };
            shop.remote.on_create(Start::Lost(busy));
            let intent = shop.intend(&order).await.unwrap();
            let outcome = shop.call(&intent, Run::First).await;
            let problem = refused(shop.record(&intent, &outcome).await, Code::ProviderError);
            assert_eq!(problem.retry_after_seconds, Some(seconds));
            assert_eq!(shop.payment(intent.payment).await.status, Status::Created);
            expect_untouched(shop, &order).await;
            let payment = started(shop.resume(&intent).await);
            assert_eq!(payment.status, Status::RequiresAction);
        }
    });
}

#[test]
fn a_payment_that_was_refused_leaves_the_order_to_be_paid() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let no = GatewayError::Rejected(failure("insufficient_funds"));
        shop.remote.on_create(Start::Lost(no));
        let problem = refused(shop.pay(&order).await, Code::PaymentDeclined);
        assert_eq!(problem.members["failure_code"], "insufficient_funds");
        assert_eq!(problem.detail, failure("").message);
        assert_eq!(shop.payments(&order).await[0].status, Status::Failed);
        expect_untouched(shop, &order).await;

        let second = shop.start(&order).await;
        assert_eq!(second.attempt_no, 2);
        shop.happens(&second, RemoteStatus::Succeeded).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_gateway_that_is_not_set_up_is_the_organizers_fault() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let error = GatewayError::Config("the key was revoked".to_owned());
        shop.remote.on_create(Start::Lost(error));
        let problem = refused(shop.pay(&order).await, Code::ProviderMisconfigured);
        assert!(!problem.detail.contains("revoked"), "{problem}");
        assert_eq!(shop.payments(&order).await[0].status, Status::Failed);
        expect_untouched(shop, &order).await;
        shop.start(&order).await;
    });
}
