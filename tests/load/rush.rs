//! A thousand buyers of a hundred seats: each seat is sold once, and everybody else is told
//! that nothing is left.

use futures_util::future::join_all;
use serde_json::json;

use super::process::Process;
use super::{count, in_time, start};
use crate::support::sale::{Shop, expect_stock};
use crate::support::{Answer, Client, Kind, TestApp, run};

const BUYERS: usize = 1_000;
const SEATS: i64 = 100;

/// One order of each buyer, by turns through all processes.
async fn order_all(
    processes: &[Process],
    buyers: usize,
    order: impl AsyncFn(&Client, usize) -> Answer,
) -> Vec<Answer> {
    let clients: Vec<Client> = processes.iter().map(Process::client).collect();
    let turns = clients.iter().cycle().zip(0..buyers);
    let orders = turns.map(|(client, buyer)| order(client, buyer));
    in_time(join_all(orders)).await
}

/// The orders of different people.
async fn order_as(shop: &Shop, client: &Client, buyer: usize, lines: &[(&str, i64)]) -> Answer {
    let mut body = shop.body(shop.items(lines));
    body["buyer"]["email"] = json!(format!("buyer{buyer}@example.com"));
    shop.place(client, body).await
}

/// So many were served, and the others told that nothing is left.
fn expect_sold(answers: &[Answer], sold: i64) {
    let (served, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    for refused in &refused {
        refused.expect_problem(409, "sold_out");
        assert_eq!(refused.body["available"], 0, "{}", refused.text);
    }
    assert_eq!(i64::try_from(served.len()).unwrap(), sold);
}

async fn sell_the_hundred(app: &TestApp, processes: usize) {
    let shop = Shop::open(app).await;
    let processes = start(app, processes);
    let order =
        async |client: &Client, buyer| order_as(&shop, client, buyer, &[("regular", 1)]).await;
    let answers = order_all(&processes, BUYERS, order).await;
    assert_eq!(answers.len(), BUYERS);
    expect_sold(&answers, SEATS);
    processes.into_iter().for_each(Process::stop);
    expect_stock(app, "Regular", SEATS, 0).await;
    let reserved = count(app, "tickets WHERE status = 'reserved'").await;
    assert_eq!((count(app, "orders").await, reserved), (SEATS, SEATS));
    assert_eq!(count(app, "holds WHERE status = 'active'").await, SEATS);
    assert_eq!(shop.available(app, "Regular").await, 0);
}

mod a_thousand_buyers_of_a_hundred_seats {
    use super::*;

    #[test]
    fn sqlite() {
        run(Kind::Sqlite, &[], async |app| {
            sell_the_hundred(app, 1).await
        });
    }

    #[test]
    fn postgres() {
        run(Kind::Postgres, &[], async |app| {
            sell_the_hundred(app, 1).await
        });
    }

    #[test]
    fn two_processes_on_postgres() {
        run(Kind::Postgres, &[], async |app| {
            sell_the_hundred(app, 2).await
        });
    }
}

/// Orders of the same two things, named in both orders: none may be refused for meeting another.
async fn cross(app: &TestApp, processes: usize) {
    let shop = Shop::open(app).await;
    let processes = start(app, processes);
    let (there, back) = (
        [("regular", 1), ("student", 1)],
        [("student", 1), ("regular", 1)],
    );
    // Both processes get both: the turns have another rhythm.
    let lines = |buyer: usize| {
        if (buyer / 2).is_multiple_of(2) {
            &there
        } else {
            &back
        }
    };
    let order = async |client: &Client, buyer| order_as(&shop, client, buyer, lines(buyer)).await;
    let answers = order_all(&processes, 240, order).await;
    expect_sold(&answers, SEATS);
    processes.into_iter().for_each(Process::stop);
    expect_stock(app, "Regular", SEATS, 0).await;
    expect_stock(app, "Student", SEATS, 0).await;
}

mod orders_that_cross {
    use super::*;

    #[test]
    fn sqlite() {
        run(Kind::Sqlite, &[], async |app| cross(app, 2).await);
    }

    #[test]
    fn postgres() {
        run(Kind::Postgres, &[], async |app| cross(app, 2).await);
    }
}
