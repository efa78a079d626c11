//! A signed message that does not say how the payment stands: the gateway is asked.

use super::{news, post};
use crate::error::{Code, Problem};
use crate::gateways::{Authenticity, RemoteStatus};
use crate::id::UserId;
use crate::orders::OrderStatus;
use crate::payments::tests::shop::{MINUTE, SECOND, Shop, in_a_shop, timeout};
use crate::payments::{Payment, Status};
use crate::webhooks::WebhookEventStatus;
use crate::webhooks::reprocess::reprocess;
use crate::webhooks::store::{self, Event, EventFilter};

/// The gateway posts the same message each time.
async fn deliver(shop: &Shop, payment: &Payment) {
    let event = news(&payment.reference);
    post(shop, Authenticity::Verified, Ok(event)).await.unwrap();
}

/// How many events there are of each status, and how many of them wait for a job.
async fn expect_events(shop: &Shop, received: i64, applied: i64, jobs: i64) {
    for (expected, from) in [
        (received, "webhook_events WHERE status = 'received'"),
        (applied, "webhook_events WHERE status = 'applied'"),
        (received + applied, "webhook_events"),
        (jobs, "jobs WHERE kind = 'look_up_payment'"),
    ] {
        assert_eq!(shop.count(from).await, expected, "{from}");
    }
}

#[test]
fn a_message_that_must_be_looked_up_is_applied_by_its_job() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        expect_events(shop, 1, 0, 1).await;
        let waiting = shop.payment(payment.id).await;
        assert_eq!(waiting.status, Status::RequiresAction);
        assert_eq!(shop.remote.calls().retrieve, 0);

        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        assert_eq!(shop.remote.calls().retrieve, 1);
    });
}

#[test]
fn a_message_that_comes_again_is_looked_up_again_and_applied_once() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        deliver(shop, &payment).await;
        expect_events(shop, 1, 0, 2).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        let captures = "journals WHERE cause_type = 'capture'";
        assert_eq!(shop.count(captures).await, 1);

        // Now it is a duplicate, and asks for nothing.
        let calls = shop.remote.calls();
        deliver(shop, &payment).await;
        expect_events(shop, 0, 1, 0).await;
        shop.app.drain_jobs().await.unwrap();
        assert_eq!(shop.remote.calls().retrieve, calls.retrieve);
    });
}

#[test]
fn a_message_waits_until_the_gateway_answers() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        shop.remote.on_retrieve(timeout());
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 1, 0, 1).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
        shop.app.clock.advance(MINUTE);
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_message_waits_until_the_gateway_may_be_asked() {
    in_a_shop(async |shop| {
        shop.remote.set_inquiry_delay(30 * SECOND);
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 1, 0, 1).await;
        assert_eq!(shop.remote.calls().retrieve, 0);
        shop.app.clock.advance(MINUTE);
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_message_about_an_attempt_that_ended_is_looked_up() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.happens(&payment, RemoteStatus::Expired).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
        assert_eq!(shop.payment(payment.id).await.status, Status::Succeeded);
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
    });
}

#[test]
fn a_message_that_waits_is_looked_up_again_when_somebody_says_so() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        deliver(shop, &payment).await;
        shop.remote.on_retrieve(timeout());
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 1, 0, 1).await;
        // The job waits for its next try; nobody else has to.
        let taken = take_again(shop, &payment).await.unwrap();
        assert_eq!(taken.status, WebhookEventStatus::Received);
        expect_events(shop, 1, 0, 2).await;
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 1).await;
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        let refused = take_again(shop, &payment).await.unwrap_err();
        assert_eq!(refused.code, Code::InvalidTransition);
        shop.app.clock.advance(MINUTE);
        shop.app.drain_jobs().await.unwrap();
        expect_events(shop, 0, 1, 0).await;
    });
}

/// Somebody has the only message there is taken again.
async fn take_again(shop: &Shop, payment: &Payment) -> Result<Event, Problem> {
    let (app, now) = (&shop.app, shop.app.clock.now());
    let event = news(&payment.reference);
    shop.remote.on_message(Authenticity::Verified, Ok(event));
    let taken = app.db.transaction(async |conn| {
        let all = store::list(conn, &EventFilter::default(), None, 1).await?;
        let row = store::find(conn, all[0].id, None).await?.unwrap();
        reprocess(conn, app, &row, UserId::new(), now).await
    });
    taken.await
}
