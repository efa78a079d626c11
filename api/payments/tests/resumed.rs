//! A process died between the call and its record; the next request with the same key goes on.

use super::shop::{MINUTE, SECOND, Shop, in_a_shop, refused, started, timeout, unknown};
use crate::error::Code;
use crate::gateways::scripted::{Search, failure};
use crate::gateways::{GatewayError, RemoteStatus};
use crate::http::idempotency::Run;
use crate::orders::{Order, OrderStatus};
use crate::payments::{Intent, Payment, Status};

/// The gateway was asked, and took the payment; nobody wrote that down.
async fn die_after_call(shop: &Shop) -> (Order, Intent, Payment) {
    let order = shop.order().await;
    let intent = shop.intend(&order).await.unwrap();
    drop(shop.call(&intent, Run::First).await);
    let payment = shop.payment(intent.payment).await;
    assert_eq!(payment.status, Status::Created);
    assert_eq!(shop.remote.count_charges(), 1);
    (order, intent, payment)
}

#[test]
fn what_is_there_is_not_made_again() {
    in_a_shop(async |shop| {
        let (_, intent, _) = die_after_call(shop).await;
        let payment = started(shop.resume(&intent).await);
        assert_eq!(payment.status, Status::RequiresAction);
        let calls = shop.remote.calls();
        assert_eq!((calls.create, calls.find), (1, 1));
    });
}

#[test]
fn what_is_paid_meanwhile_is_paid() {
    in_a_shop(async |shop| {
        let (order, intent, payment) = die_after_call(shop).await;
        let reference = &payment.reference;
        shop.remote.set(reference, RemoteStatus::Succeeded);
        let payment = started(shop.resume(&intent).await);
        assert_eq!(payment.status, Status::Succeeded);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        assert_eq!(shop.remote.calls().create, 1);
    });
}

#[test]
fn what_the_sweeper_found_meanwhile_is_not_asked_for_again() {
    in_a_shop(async |shop| {
        let (_, intent, payment) = die_after_call(shop).await;
        shop.sweep_after(30 * SECOND).await;
        let swept = shop.payment(payment.id).await;
        assert_eq!(swept.status, Status::RequiresAction);
        let calls = shop.remote.calls();
        let resumed = started(shop.resume(&intent).await);
        assert_eq!(resumed.status, Status::RequiresAction);
        assert_eq!(shop.remote.calls(), calls);
    });
}

#[test]
fn who_died_before_the_call_makes_it_once() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let intent = shop.intend(&order).await.unwrap();
        for _ in 0..2 {
            let payment = started(shop.resume(&intent).await);
            assert_eq!(payment.status, Status::RequiresAction);
        }
        let calls = shop.remote.calls();
        assert_eq!((calls.find, calls.create), (1, 1));
    });
}

#[test]
fn without_knowing_what_is_there_nothing_is_made() {
    in_a_shop(async |shop| {
        let (order, intent, payment) = die_after_call(shop).await;
        shop.remote.on_find(Search::Fails(timeout()));
        let resumed = unknown(shop.resume(&intent).await);
        assert_eq!(resumed.status, Status::Unknown);
        assert_eq!(shop.remote.calls().create, 1);
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.sweep_after(MINUTE).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_question_that_was_not_sent_is_asked_by_the_next_request() {
    in_a_shop(async |shop| {
        let (_, intent, _) = die_after_call(shop).await;
        let error = GatewayError::NotSent("no route to host".to_owned());
        shop.remote.on_find(Search::Fails(error));
        refused(shop.resume(&intent).await, Code::ProviderError);
        assert_eq!(shop.payment(intent.payment).await.status, Status::Created);
        let payment = started(shop.resume(&intent).await);
        assert_eq!(payment.status, Status::RequiresAction);
        assert_eq!(shop.remote.calls().create, 1);
    });
}

#[test]
fn a_question_that_is_refused_says_nothing_about_the_payment() {
    in_a_shop(async |shop| {
        for error in [
            GatewayError::Rejected(failure("forbidden")),
            GatewayError::Config("the key was revoked".to_owned()),
        ] {
            let calls = shop.remote.calls();
            let order = shop.order().await;
            let intent = shop.intend(&order).await.unwrap();
            drop(shop.call(&intent, Run::First).await);
            shop.remote.on_find(Search::Fails(error));
            let payment = unknown(shop.resume(&intent).await);
            assert_eq!(payment.status, Status::Unknown);
            assert_eq!(shop.remote.calls().create, calls.create + 1);
            // Its buyer has paid all the same.
            shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
            shop.sweep_after(MINUTE).await;
            assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        }
    });
}
