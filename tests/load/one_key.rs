//! One purchase, sent by fifty at once through two processes, is one purchase.

use std::time::Duration;

use futures_util::future::join_all;

use super::process::Process;
use super::{count, in_time, start};
use crate::support::sale::{Shop, expect_stock, key};
use crate::support::{Answer, Client, TestApp, on_both};

/// How long a client waits that is told that the first is still running.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until there is an answer.
async fn checkout(shop: &Shop, client: &Client, key: &str) -> Answer {
    loop {
        let answer = shop.checkout(client, key, shop.items(&[("vip", 2)])).await;
        if answer.body["code"] != "idempotency_in_progress" {
            return answer;
        }
        answer.expect(409);
        tokio::time::sleep(PAUSE).await;
    }
}

on_both! {
    async fn fifty_equal_checkouts_are_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let processes = start(app, 2);
        let clients: Vec<Client> = processes.iter().map(Process::client).collect();
        for round in 1..=3 {
            let key = key();
            let turns = clients.iter().cycle().take(50);
            let answers = in_time(join_all(turns.map(|client| checkout(&shop, client, &key)))).await;
            for answer in &answers {
                assert_eq!(answer.expect(201).text, answers[0].text);
            }
            let repeated = answers.iter().filter(|it| it.header("idempotency-replayed").is_some());
            assert_eq!(repeated.count(), 49);
            let rows = (count(app, "orders").await, count(app, "payments").await, count(app, "dummy_charge").await);
            assert_eq!(rows, (round, round, round));
            expect_stock(app, "VIP", 2 * round, 0).await;
        }
        processes.into_iter().for_each(Process::stop);
    }
}
