//! Messages that name only an object of the gateway's, and such as are about more than a
//! payment.

use super::post;
use crate::gateways::{
    Authenticity, DisputeSnapshot, GatewayEvent, RefundCause, RemoteStatus, Subject,
};
use crate::gateways::{Gateway, RefundRefs};
use crate::money::Money;
use crate::orders::OrderStatus;
use crate::payments::tests::shop::{MINUTE, Shop, in_a_shop, timeout};
use crate::payments::{Payment, Status};

/// News of an object that belongs to a payment; the gateway knows to which.
fn news_of_object(remote: String) -> GatewayEvent {
    GatewayEvent {
        dedupe_key: format!("evt_{remote}"),
        kind: "object.changed".to_owned(),
        remote: Some(remote),
        ..GatewayEvent::default()
    }
}

fn object_of(payment: &Payment) -> String {
    let id = payment.provider_payment_id.as_deref();
    format!("object_of_{}", id.unwrap())
}

/// Delivers a message that says the same whenever it is read.
async fn deliver(shop: &Shop, event: &GatewayEvent) {
    shop.remote.on_reading_again(event.clone());
    let told = post(shop, Authenticity::Verified, Ok(event.clone()));
    told.await.unwrap();
}

async fn expect_events(shop: &Shop, counts: &[(&str, i64)]) {
    for (status, count) in counts {
        let from = format!("webhook_events WHERE status = '{status}'");
        assert_eq!(shop.count(&from).await, *count, "{status}");
    }
}

async fn paid(shop: &Shop) -> Payment {
    let order = shop.order().await;
    let payment = shop.start(&order).await;
    shop.happens(&payment, RemoteStatus::Succeeded).await
}

#[test]
fn the_gateway_is_asked_whose_an_object_is() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        let event = news_of_object(object_of(&payment));
        deliver(shop, &event).await;
        expect_events(shop, &[("received", 1)]).await;
        assert_eq!(shop.count("jobs WHERE kind = 'find_out'").await, 1);
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("received", 0), ("applied", 1)]).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Succeeded);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_payment_is_known_by_the_gateways_own_id() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        let id = payment.provider_payment_id.clone().unwrap();
        deliver(shop, &news_of_object(id)).await;
        // Nobody has to be asked whose it is.
        assert_eq!(shop.count("jobs WHERE kind = 'find_out'").await, 0);
        shop.app.drain_jobs().await.unwrap();
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn what_is_somebody_elses_is_of_no_concern() {
    in_a_shop(async |shop| {
        deliver(shop, &news_of_object("object_of_others".to_owned())).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("received", 0), ("ignored", 1)]).await;
        assert_eq!(shop.count("tasks").await, 0);
    });
}

#[test]
fn a_message_waits_until_the_gateway_says_whose_it_is() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.remote.on_whose(timeout());
        let event = news_of_object(object_of(&payment));
        deliver(shop, &event).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("received", 1), ("ignored", 0)]).await;
        // It comes again meanwhile, and is taken once.
        deliver(shop, &event).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("received", 0), ("applied", 1)]).await;
        shop.app.clock.advance(MINUTE);
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("applied", 1)]).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn news_of_a_refund_makes_us_ask_for_all_of_them() {
    in_a_shop(async |shop| {
        let payment = paid(shop).await;
        let refund = RefundRefs {
            payment: payment.refs(),
            reference: "made_there".to_owned(),
            provider_refund_id: None,
            amount: Money::new(1_000, payment.currency),
            cause: RefundCause::Other,
        };
        shop.remote.refund(&refund).await.unwrap();
        let event = GatewayEvent {
            subject: Subject::Refunds,
            ..news_of_object(object_of(&payment))
        };
        deliver(shop, &event).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, &[("applied", 1)]).await;
        assert_eq!(shop.payment(payment.id).await.refunded_minor, 1_000);
        let external = "refunds WHERE source = 'external' AND status = 'succeeded'";
        assert_eq!(shop.count(external).await, 1);
    });
}

#[test]
fn a_dispute_is_somebodys_task_once() {
    in_a_shop(async |shop| {
        let payment = paid(shop).await;
        for (number, status) in [(1, "needs_response"), (2, "under_review"), (3, "lost")] {
            let dispute = DisputeSnapshot {
                provider_dispute_id: "dp_1".to_owned(),
                provider_status: status.to_owned(),
                reason: "fraudulent".to_owned(),
                amount: Some(payment.amount()),
                due_by: None,
            };
            let event = GatewayEvent {
                dedupe_key: format!("evt_{number}"),
                dispute: Some(dispute),
                ..news_of_object(object_of(&payment))
            };
            deliver(shop, &event).await;
            shop.app.drain_jobs().await.unwrap();
        }
        expect_events(shop, &[("applied", 3)]).await;
        let ours = "tasks WHERE kind = 'dispute' AND object = 'scripted:dp_1' \
                    AND note LIKE '%fraudulent, needs_response.'";
        assert_eq!(shop.count(ours).await, 1);
        assert_eq!(shop.count("tasks").await, 1);
    });
}

#[test]
fn what_a_gateway_redacts_is_not_kept() {
    in_a_shop(async |shop| {
        shop.remote.redact_all();
        deliver(shop, &news_of_object("object_of_others".to_owned())).await;
        assert_eq!(shop.count("webhook_events WHERE raw = '{}'").await, 1);
    });
}
