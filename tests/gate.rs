//! The gate: looked at without effect, let in once, counted, and taken back by managers only.

mod at_once;
mod attendees;
mod by_id;
mod codes;
mod entries;
mod limits;
mod lists;
mod nonces;
mod refused_lists;
mod refused_tickets;
mod scans;
mod status;
mod strangers;
mod undo;
mod verify;
mod windows;

use serde_json::{Value, json};

use crate::support::sale::{Shop, text};
use crate::support::{Client, PASSWORD, TestApp};
use crate::tickets::{Holder, VERIFY};

const CHECKINS: &str = "/api/v1/checkins";
const GATE: &str = "gate@example.com";

/// A shop, and somebody at its gate.
async fn open(app: &TestApp) -> (Shop, Client) {
    let shop = Shop::open(app).await;
    let gate = app.member(&shop.organizer, "gate", GATE).await;
    (shop, gate)
}

/// The same person, signed in once more: a token lasts a quarter of an hour.
async fn sign_in_again(app: &TestApp) -> Client {
    app.sign_in(GATE, PASSWORD).await
}

fn code(holder: &Holder) -> Value {
    json!({"code": holder.code})
}

/// A scan at a list, in or out.
fn at(holder: &Holder, list: &str, direction: &str) -> Value {
    json!({"code": holder.code, "list_id": list, "direction": direction})
}

async fn scan(gate: &Client, body: Value) -> Value {
    gate.post(CHECKINS, body).await.expect(200).body.clone()
}

/// A scan that lets somebody in or out.
#[track_caller]
fn expect_accepted(scanned: &Value) {
    let outcome = (&scanned["result"], &scanned["reason"]);
    assert_eq!(outcome, (&json!("accepted"), &json!("ok")), "{scanned}");
}

#[track_caller]
fn expect_rejected(scanned: &Value, reason: &str) {
    let outcome = (&scanned["result"], &scanned["reason"]);
    assert_eq!(outcome, (&json!("rejected"), &json!(reason)), "{scanned}");
}

/// Fails unless whoever only looks and whoever would let in are told the same.
async fn expect_refused(gate: &Client, body: Value, reason: &str) {
    let looked = gate.post(VERIFY, body.clone()).await;
    let told = &looked.expect(200).body;
    let outcome = (&told["result"], &told["is_valid"], &told["reason"]);
    let expected = (&json!("invalid"), &json!(false), &json!(reason));
    assert_eq!(outcome, expected, "{told}");
    let scanned = scan(gate, body).await;
    expect_rejected(&scanned, reason);
    assert!(!text(&scanned["message"]).is_empty(), "{scanned}");
}

/// Adds a check-in list to the shop's event, and answers its id.
async fn add_list(shop: &Shop, body: Value) -> String {
    let path = format!("{}/checkin-lists", shop.path());
    shop.admin.post(&path, body).await.expect(201).id()
}

/// The list that every event has.
async fn default_list(client: &Client, event: &str) -> String {
    let path = format!("/api/v1/events/{event}/checkin-lists");
    let lists = client.get(&path).await;
    let lists = lists.expect(200).body["data"].as_array().unwrap();
    let mut found = lists.iter().filter(|list| list["default"] == true);
    let default = text(&found.next().unwrap()["id"]);
    assert!(found.next().is_none(), "{lists:?}");
    default
}

async fn count(app: &TestApp, rows: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {rows}");
    app.database.count(&query).await
}
