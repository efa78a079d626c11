//! PostgreSQL goes away in the middle of a sale, and comes back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use super::{LONGEST, count, in_time, is_done};
use crate::support::sale::{Purchase, Shop, expect_stock, key, text, tickets};
use crate::support::{Client, Database, TestApp, block_on};

const CHECKOUT: &str = "/api/v1/checkout-sessions";
const BUYERS: usize = 8;

/// How far the sale has come.
#[derive(Default)]
struct Sale {
    answers: AtomicUsize,
    refusals: AtomicUsize,
    is_over: AtomicBool,
}

/// One purchase, under one key; the order that was answered, if any was.
struct Try {
    key: String,
    order: Option<String>,
}

/// Buys again and again until the sale is over; a refused purchase is left as it is.
async fn buy_on(nobody: Client, body: &Value, sale: &Sale) -> Vec<Try> {
    let mut tries = Vec::new();
    while !sale.is_over.load(Ordering::SeqCst) {
        let key = key();
        let answer = in_time(nobody.keyed(&key, "POST", CHECKOUT, body.clone())).await;
        sale.answers.fetch_add(1, Ordering::SeqCst);
        let order = is_done(&answer).then(|| text(&answer.body["order_id"]));
        if order.is_none() {
            sale.refusals.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        tries.push(Try { key, order });
    }
    tries
}

/// Restarts the database once the sale is on, and ends the sale when it has felt it.
async fn restart_under(sale: &Sale, cluster: &Cluster, mode: &str) {
    let wait_for = async |number: &AtomicUsize, least: usize| {
        while number.load(Ordering::SeqCst) < least {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(wait_for(&sale.answers, 2 * BUYERS)).await;
    tokio::task::block_in_place(|| cluster.restart(mode));
    let before = sale.answers.load(Ordering::SeqCst);
    in_time(wait_for(&sale.answers, before + 2 * BUYERS)).await;
    sale.is_over.store(true, Ordering::SeqCst);
}

/// What buyers do who got no order: the same again, until there is one.
async fn finish(app: &TestApp, body: &Value, tries: &[Try]) {
    // Leases of what was cut off are over.
    app.clock.advance(Duration::from_secs(2 * 60));
    for Try { key, order } in tries {
        let again = app
            .nobody()
            .keyed(key, "POST", CHECKOUT, body.clone())
            .await;
        let again = text(&again.expect(201).body["order_id"]);
        if let Some(order) = order {
            assert_eq!(&again, order);
        }
    }
}

/// Background work goes on by itself: a payment becomes tickets.
async fn pay(purchase: &Purchase) {
    purchase.simulate("succeed").await;
    let started = Instant::now();
    while purchase.order().await["status"] != "confirmed" {
        assert!(started.elapsed() < LONGEST, "the worker has stopped");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sell_through_restarts(cluster: &Cluster) {
    let mut app = TestApp::start(Database::at(&cluster.url()), &[]).await;
    let stop = CancellationToken::new();
    let worker = tollgate::start_worker(app.app.clone(), stop.clone());
    let shop = Shop::open(&app).await;
    let many = json!({"name": "Many", "price_minor": 100, "capacity": 100_000});
    let many = shop.add_type(many).await;
    let body = shop.body(vec![tickets(&many, 1)]);
    let (mut sold, mut paid) = (0, 0);
    let rounds = std::env::var("TEST_LONG").map_or(1, |_| 10);
    for mode in ["immediate", "fast"].repeat(rounds) {
        let sale = Sale::default();
        let buyers = (0..BUYERS).map(|_| buy_on(app.nobody(), &body, &sale));
        let buyers = futures_util::future::join_all(buyers);
        let (tries, ()) = tokio::join!(buyers, restart_under(&sale, cluster, mode));
        assert!(sale.refusals.load(Ordering::SeqCst) > 0, "nobody noticed");
        let tries: Vec<Try> = tries.into_iter().flatten().collect();
        finish(&app, &body, &tries).await;
        let purchase = shop.purchase(&app, vec![tickets(&many, 1)]).await;
        pay(&purchase).await;
        paid += 1;
        sold += i64::try_from(tries.len()).unwrap() + 1;
        assert_eq!(count(&app, "orders").await, sold);
        assert_eq!(count(&app, "checkout_sessions").await, sold);
    }
    expect_stock(&app, "Many", sold - paid, paid).await;
    stop.cancel();
    worker.await.unwrap();
    app.clock.advance(Duration::from_secs(10 * 60));
    app.finish().await;
}

#[test]
fn a_restart_of_postgres_costs_seconds_and_nothing_else() {
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: there is no initdb");
        return;
    };
    block_on(sell_through_restarts(&cluster));
}
