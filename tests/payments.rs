//! Paying: the checkout, the gateway's page and the way back, attempts, and the books.

mod attempts;
mod checkout;
mod front_ends;
mod lost_messages;
mod page;
mod reading;
mod refusals;
mod returns;
mod stripe;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{Purchase, Shop, browse, key, text};
use crate::support::{Answer, Client, TestApp};

const CHECKOUT: &str = "/api/v1/checkout-sessions";
const INTENTS: &str = "/api/v1/payment-intents";
const THANKS: &str = "http://localhost:5173/thanks";
const CART: &str = "http://localhost:5173/cart";
const MINUTE: Duration = Duration::from_secs(60);

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

async fn start(client: &Client, body: Value) -> Answer {
    client.keyed(&key(), "POST", CHECKOUT, body).await
}

/// A checkout that says how it is to be paid.
fn body_with(shop: &Shop, payment: Value) -> Value {
    let mut body = shop.body(shop.items(&[("vip", 1)]));
    body["payment"] = payment;
    body
}

/// One VIP ticket of somebody who returns to a front end.
async fn purchase_from_front_end(app: &TestApp, shop: &Shop) -> Purchase {
    let body = body_with(shop, json!({"success_url": THANKS, "cancel_url": CART}));
    let started = start(&app.nobody(), body).await;
    Purchase::of(app, started.expect(201))
}

async fn step(client: &Client, payment: &str, step: &str) -> Answer {
    let path = format!("{INTENTS}/{payment}/{step}");
    client.keyed(&key(), "POST", &path, json!({})).await
}

fn statuses(order: &Value, list: &str) -> Vec<String> {
    let list = order[list].as_array().unwrap().iter();
    list.map(|one| text(&one["status"])).collect()
}

/// Where a returning browser is sent.
async fn come_back(app: &TestApp, url: &str) -> String {
    let back = browse(app, url).await;
    assert_eq!(back.status, 303, "{}", back.html);
    back.location.unwrap()
}

fn return_of(payment: &Value) -> String {
    let reference = text(&payment["reference"]);
    format!("/api/v1/returns/dummy?reference={reference}")
}
