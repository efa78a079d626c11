//! Money that goes back: who may have it, how much, and what becomes of the tickets.

mod faults;
mod histories;
mod late;
mod remote;
mod staff;
mod wishes;

use serde_json::{Value, json};

use crate::support::sale::{Purchase, Shop, key, text};
use crate::support::{Answer, Client, TestApp};

const REFUNDS: &str = "/api/v1/refunds";

/// Asks for money back of an order; `more` says how much and for what.
async fn ask(client: &Client, order: &str, more: Value) -> Answer {
    let mut body = json!({"order_id": order, "reason": "requested_by_customer"});
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    client.keyed(&key(), "POST", REFUNDS, body).await
}

async fn read(client: &Client, refund: &Value) -> Value {
    let path = format!("{REFUNDS}/{}", text(&refund["id"]));
    client.get(&path).await.expect(200).body.clone()
}

/// Approves, rejects, cancels, retries, syncs or marks as done.
async fn go(client: &Client, refund: &Value, step: &str, body: Value) -> Answer {
    let path = format!("{REFUNDS}/{}/{step}", text(&refund["id"]));
    client.keyed(&key(), "POST", &path, body).await
}

/// The tickets of a purchase.
fn tickets(purchase: &Purchase) -> Vec<String> {
    let tickets = purchase.body["tickets"].as_array().unwrap();
    tickets.iter().map(|ticket| text(&ticket["id"])).collect()
}

/// The statuses of a purchase's tickets, in order.
async fn statuses(purchase: &Purchase) -> Vec<String> {
    let order = purchase.order().await;
    let tickets = order["tickets"].as_array().unwrap();
    tickets
        .iter()
        .map(|ticket| text(&ticket["status"]))
        .collect()
}

/// Two VIP tickets that were paid.
async fn bought(app: &TestApp) -> (Shop, Purchase) {
    let shop = Shop::open(app).await;
    let purchase = shop.buy(app, shop.items(&[("vip", 2)])).await;
    (shop, purchase)
}

async fn expect_sound(app: &TestApp) {
    let violations = app.app.find_violations(true).await.unwrap();
    assert!(violations.is_empty(), "{violations:#?}");
}
