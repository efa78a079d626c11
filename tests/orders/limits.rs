//! Nobody has more than five open orders, and the time to pay is a setting.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{ORDERS, read, step};
use crate::support::sale::{BUYER, Shop, as_guest, key, text};
use crate::support::{Answer, Client, Kind, TestApp, run};

/// Orders from an address of the client's own, for somebody of this e-mail.
async fn order_from(shop: &Shop, client: &Client, ip: &str, email: &str) -> Answer {
    let mut body = shop.body(shop.items(&[("regular", 1)]));
    body["buyer"]["email"] = json!(email);
    let request = client
        .request("POST", ORDERS)
        .header("Idempotency-Key", key())
        .header("X-Forwarded-For", ip);
    client.send(request.json(&body)).await
}

const LIMITED: &[(&str, &str)] = &[("RATE_LIMITS", "on"), ("TRUSTED_PROXIES", "127.0.0.0/8")];

async fn five_open_orders_of_one_email(app: &TestApp) {
    let shop = Shop::open(app).await;
    let nobody = app.nobody();
    let mut placed = Vec::new();
    for n in 1..=5 {
        let answer = order_from(&shop, &nobody, &format!("203.0.113.{n}"), BUYER).await;
        placed.push(answer.expect(201).body.clone());
    }
    let sixth = order_from(&shop, &nobody, "203.0.113.6", BUYER).await;
    sixth.expect_problem(409, "too_many_open_orders");
    let upper = order_from(&shop, &nobody, "203.0.113.7", "JUMA@EXAMPLE.COM").await;
    upper.expect_problem(409, "too_many_open_orders");
    order_from(&shop, &nobody, "203.0.113.8", "asha@example.com")
        .await
        .expect(201);
    // One that is over makes room.
    let guest = as_guest(app, &text(&placed[0]["order_token"]));
    step(&guest, &placed[0], "cancel", json!({}))
        .await
        .expect(200);
    order_from(&shop, &nobody, "203.0.113.9", BUYER)
        .await
        .expect(201);
}

async fn five_open_orders_of_one_address(app: &TestApp) {
    let shop = Shop::open(app).await;
    let nobody = app.nobody();
    for n in 1..=5 {
        let email = format!("buyer{n}@example.com");
        order_from(&shop, &nobody, "203.0.113.1", &email)
            .await
            .expect(201);
    }
    let sixth = order_from(&shop, &nobody, "203.0.113.1", "buyer6@example.com").await;
    sixth.expect_problem(409, "too_many_open_orders");
    order_from(&shop, &nobody, "203.0.113.2", "buyer6@example.com")
        .await
        .expect(201);
}

async fn five_open_orders_of_one_account(app: &TestApp) {
    let shop = Shop::open(app).await;
    let asha = app.user("asha@example.com").await;
    for n in 1..=5 {
        let (ip, email) = (format!("203.0.113.{n}"), format!("friend{n}@example.com"));
        order_from(&shop, &asha, &ip, &email).await.expect(201);
    }
    let sixth = order_from(&shop, &asha, "203.0.113.6", "friend6@example.com").await;
    sixth.expect_problem(409, "too_many_open_orders");
}

#[test]
fn one_email_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_email(app).await;
        });
    }
}

#[test]
fn one_address_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_address(app).await;
        });
    }
}

#[test]
fn one_account_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_account(app).await;
        });
    }
}

/// At the same moment, through two servers: whoever counts knows of what the other has placed.
async fn five_open_orders_through_two_servers(app: &TestApp) {
    let shop = Shop::open(app).await;
    let second = app.beside().await;
    let servers = [
        app.nobody(),
        Client::new(&format!("http://{}", second.address())),
    ];
    let orders = (0..80_u8).map(|n| {
        let (shop, server, buyer) = (&shop, &servers[usize::from(n % 2)], n % 10);
        async move {
            let email = format!("buyer{buyer}@example.com");
            let answer = order_from(shop, server, &format!("203.0.113.{n}"), &email).await;
            (buyer, answer)
        }
    });
    let mut placed = [0; 10];
    for (buyer, answer) in join_all(orders).await {
        match answer.status {
            201 => placed[usize::from(buyer)] += 1,
            _ => drop(answer.expect_problem(409, "too_many_open_orders")),
        }
    }
    assert_eq!(placed, [5; 10]);
    second.stop().await.unwrap();
}

#[test]
fn one_buyer_has_five_open_orders_through_two_servers() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_through_two_servers(app).await;
        });
    }
}

#[test]
fn the_time_to_pay_is_a_setting() {
    run(Kind::Sqlite, &[("HOLD_TTL", "2m")], async |app| {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        app.clock.advance(Duration::from_secs(121));
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "expired");
    });
}
