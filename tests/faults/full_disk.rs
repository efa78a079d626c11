//! SQLite's disk is full: what would be written is put off, what can be read is read, and with
//! room again all goes on.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::room::Room;
use super::{LONGEST, count, in_time, is_done};
use crate::commands::Server;
use crate::support::sale::{Shop, expect_stock, key, text, tickets};
use crate::support::{Client, Database, PASSWORD, TestApp, block_on};

const CHECKOUT: &str = "/api/v1/checkout-sessions";

/// More than fits beside the ballast.
const TRIES: usize = 200;

/// A Tollgate of its own process, which is told of files that may not grow, and not killed.
fn serve(database: &Database, mails: &Path) -> Server {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "trap '' XFSZ; exec \"$0\"",
            env!("CARGO_BIN_EXE_tollgate"),
        ])
        .env_clear()
        .envs(TestApp::settings(database, mails))
        .env("RUST_LOG", "off")
        .current_dir(mails);
    Server::start(&mut command)
}

/// Buys until it is put off; the keys of all purchases, the last one refused.
async fn buy_until_full(nobody: &Client, body: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for _ in 0..TRIES {
        let key = key();
        let answer = in_time(nobody.keyed(&key, "POST", CHECKOUT, body.clone())).await;
        keys.push(key);
        if !is_done(&answer) {
            return keys;
        }
    }
    panic!("there was room for {TRIES} purchases");
}

/// Other writes are put off too, and reads are not.
async fn look_around(nobody: &Client, shop: &Shop, body: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    let mut done = 0;
    for number in 0..10 {
        let account =
            json!({"email": format!("a{number}@example.com"), "password": PASSWORD, "name": "A"});
        let account = in_time(nobody.post("/api/v1/auth/register", account)).await;
        let key = key();
        let order = in_time(nobody.keyed(&key, "POST", "/api/v1/orders", body.clone())).await;
        done += usize::from(is_done(&account)) + usize::from(is_done(&order));
        keys.push(key);
        for path in [
            shop.path(),
            format!("{}/availability", shop.path()),
            "/readyz".to_owned(),
        ] {
            in_time(nobody.get(&path)).await.expect(200);
        }
    }
    assert!(done < 20, "nothing was put off");
    keys
}

/// Waits for the first purchase that is done again.
async fn buy_again(nobody: &Client, body: &Value) -> String {
    let started = Instant::now();
    loop {
        let key = key();
        let answer = in_time(nobody.keyed(&key, "POST", CHECKOUT, body.clone())).await;
        if is_done(&answer) {
            return key;
        }
        assert!(started.elapsed() < LONGEST, "it does not recover");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Every purchase and order is there once, whoever asks again.
async fn settle(database: Database, body: &Value, purchases: &[String], orders: &[String]) {
    let mut app = TestApp::start(database, &[]).await;
    // Leases of what was cut off are over.
    app.clock.advance(Duration::from_secs(2 * 60));
    let mut ids = std::collections::HashSet::new();
    for (path, keys, id) in [
        (CHECKOUT, purchases, "order_id"),
        ("/api/v1/orders", orders, "id"),
    ] {
        for key in keys {
            let answer = app.nobody().keyed(key, "POST", path, body.clone()).await;
            ids.insert(text(&answer.expect(201).body[id]));
        }
    }
    let all = i64::try_from(purchases.len() + orders.len()).unwrap();
    assert_eq!(
        (
            i64::try_from(ids.len()).unwrap(),
            count(&app, "orders").await
        ),
        (all, all)
    );
    expect_stock(&app, "Many", all, 0).await;
    app.clock.advance(Duration::from_secs(10 * 60));
    app.finish().await;
}

async fn run_out_of_room(room: Room) {
    let url = format!("sqlite:{}", room.path().join("tollgate.db").display());
    let app = TestApp::start(Database::at(&url), &[]).await;
    let shop = Shop::open(&app).await;
    let many = json!({"name": "Many", "price_minor": 100, "capacity": 1_000});
    let many = shop.add_type(many).await;
    let body = shop.body(vec![tickets(&many, 1)]);
    app.drain().await;
    let database = app.stop().await;

    let mails = tempfile::tempdir().unwrap();
    let server = serve(&database, mails.path());
    let nobody = Client::new(&server.base);
    let mut purchases = vec![buy_again(&nobody, &body).await];
    room.fill(&server);
    purchases.extend(buy_until_full(&nobody, &body).await);
    let orders = look_around(&nobody, &shop, &body).await;
    room.free(&server);
    purchases.push(buy_again(&nobody, &body).await);
    assert_eq!(server.stop().0, 0);
    settle(database, &body, &purchases, &orders).await;
}

#[test]
fn a_full_disk_puts_off_writes_only() {
    let Some(room) = Room::disk() else {
        eprintln!("skipped: a disk cannot be mounted here");
        return;
    };
    block_on(run_out_of_room(room));
}

#[test]
fn files_that_may_not_grow_put_off_writes_only() {
    block_on(run_out_of_room(Room::file_size()));
}
