//! A buyer whose connection breaks in the middle of a purchase has bought once, or not at all.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{LONGEST, count, in_time};
use crate::http::address;
use crate::support::sale::{Shop, expect_stock, expect_true_books, key, text};
use crate::support::{Answer, TestApp, on_both};

const CHECKOUT: &str = "/api/v1/checkout-sessions";

/// When a buyer hangs up.
#[derive(Debug, Clone, Copy)]
enum When {
    InTheHead,
    InTheBody,
    AllSent,
    /// The server is at work on it.
    AllTaken,
}

/// Sends a purchase as far as that, and hangs up.
async fn hang_up(app: &TestApp, key: &str, body: &Value, when: When) {
    let body = body.to_string();
    let head = format!(
        "POST {CHECKOUT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let bytes = [head.as_bytes(), body.as_bytes()].concat();
    let sent = match when {
        When::InTheHead => head.len() / 2,
        When::InTheBody => head.len() + body.len() / 2,
        When::AllSent | When::AllTaken => bytes.len(),
    };
    let mut stream = TcpStream::connect(address(app)).await.unwrap();
    stream.write_all(&bytes[..sent]).await.unwrap();
    if let When::AllTaken = when {
        while app.app.running.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    stream.set_zero_linger().unwrap();
}

/// The same again, as often as the first is still at work.
async fn buy_again(app: &TestApp, key: &str, body: &Value) -> Answer {
    let started = Instant::now();
    loop {
        let again = app.nobody();
        let again = in_time(again.keyed(key, "POST", CHECKOUT, body.clone())).await;
        if again.body["code"] != "idempotency_in_progress" {
            return again;
        }
        assert!(started.elapsed() < LONGEST, "it is never done");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until nothing of those who hung up is at work.
async fn rest(app: &TestApp) {
    app.app.running.close();
    in_time(app.app.running.wait()).await;
    app.app.running.reopen();
}

on_both! {
    async fn what_was_not_sent_to_its_end_is_not_done(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = shop.body(shop.items(&[("regular", 1)]));
        for when in [When::InTheHead, When::InTheBody] {
            let key = key();
            let before = count(app, "orders").await;
            hang_up(app, &key, &body, when).await;
            rest(app).await;
            assert_eq!(count(app, "orders").await, before, "{when:?}");
            let answer = buy_again(app, &key, &body).await;
            assert_eq!(answer.expect(201).header("idempotency-replayed"), None);
        }
        expect_stock(app, "Regular", 2, 0).await;
    }

    async fn whoever_hangs_up_and_asks_again_has_one_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = shop.body(shop.items(&[("regular", 1)]));
        for round in 1..=5 {
            for (nth, when) in [When::AllSent, When::AllTaken].into_iter().enumerate() {
                let key = key();
                hang_up(app, &key, &body, when).await;
                // Some ask again at once, from two devices, and some when it is done.
                if round > 2 {
                    rest(app).await;
                }
                let again = join_all([0, 1].map(|_| buy_again(app, &key, &body))).await;
                let orders: Vec<String> = again.iter().map(|answer| text(&answer.expect(201).body["order_id"])).collect();
                assert_eq!(orders[0], orders[1], "{when:?}");
                let bought = 2 * (round - 1) + i64::try_from(nth).unwrap() + 1;
                assert_eq!(count(app, "orders").await, bought, "{when:?}");
                assert_eq!(count(app, "payments").await, bought, "{when:?}");
            }
        }
        expect_stock(app, "Regular", 10, 0).await;
        expect_true_books(app).await;
    }
}
