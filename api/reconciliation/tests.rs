//! A gateway that is slow or silent, on both databases.

use super::store::Run;
use super::{NewRun, ReconciliationStatus, run, start, store};
use crate::gateways::RemoteStatus;
use crate::gateways::scripted::ID;
use crate::id::{ReconciliationRunId, UserId};
use crate::orders::OrderStatus;
use crate::payments::tests::shop::{MINUTE, SECOND, Shop, in_a_shop, timeout};

/// Queues a comparison of the last hour.
async fn queue(shop: &Shop) -> ReconciliationRunId {
    let now = shop.app.clock.now();
    let new = NewRun {
        provider: ID.to_owned(),
        from: now.minus(60 * MINUTE),
        until: now,
        organizer: None,
    };
    let db = &shop.app.db;
    let queued = db.transaction(async |conn| start(conn, new.clone(), UserId::new(), now).await);
    queued.await.unwrap().id
}

async fn read(shop: &Shop, id: ReconciliationRunId) -> Run {
    let mut conn = shop.app.db.read().await.unwrap();
    store::find(&mut conn, id, None).await.unwrap().unwrap()
}

#[test]
fn a_gateway_that_does_not_answer_fails_the_run_and_nothing_else() {
    in_a_shop(async |shop| {
        let order = shop.order().await;
        let payment = shop.start(&order).await;
        shop.remote.set(&payment.reference, RemoteStatus::Succeeded);
        shop.remote.on_list(timeout());
        let failed = queue(shop).await;
        shop.app.drain_jobs().await.unwrap();
        let failed = read(shop, failed).await;
        assert_eq!(failed.status, ReconciliationStatus::Failed);
        assert!(failed.error.is_some() && failed.counts.is_none());
        assert_eq!(shop.read(&order).await.status, OrderStatus::Pending);
        assert_eq!(shop.count("jobs WHERE status = 'dead'").await, 0);

        let again = queue(shop).await;
        shop.app.drain_jobs().await.unwrap();
        let again = read(shop, again).await;
        assert_eq!(again.counts.unwrap().0.status_differs, 1);
        shop.app.clock.advance(3 * SECOND);
        shop.app.drain_jobs().await.unwrap();
        assert_eq!(shop.read(&order).await.status, OrderStatus::Confirmed);
        assert_eq!(shop.remote.calls().list, 2);
    });
}

#[test]
fn a_run_whose_process_died_is_done_again_and_one_that_is_over_is_not() {
    in_a_shop(async |shop| {
        let id = queue(shop).await;
        let mut conn = shop.app.db.write().await.unwrap();
        let begun = store::begin(&mut conn, id, shop.app.clock.now()).await;
        drop(conn);
        assert_eq!(
            begun.unwrap().unwrap().status,
            ReconciliationStatus::Running
        );
        shop.app.drain_jobs().await.unwrap();
        assert_eq!(read(shop, id).await.status, ReconciliationStatus::Done);
        run(&shop.app, id).await.unwrap();
        assert_eq!(shop.remote.calls().list, 1);
    });
}
