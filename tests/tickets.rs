//! Tickets: codes that nobody can forge, their pictures and mails, and who may do what to them.

mod attendee;
mod calendar;
pub mod code;
mod forged;
mod images;
mod links;
mod machine;
mod mail;
mod managed;
mod mine;
mod offline;
mod payload;
mod picture;
mod reissue;
mod rotation;
mod strangers;

use serde_json::{Value, json};

use crate::support::sale::{Shop, key, text, tickets};
use crate::support::{Answer, Client, TestApp};

pub const TICKETS: &str = "/api/v1/tickets";
pub const VERIFY: &str = "/api/v1/tickets/verify";

/// What every picture of a code is found under, after the ticket's path.
const PICTURES: [&str; 4] = [
    "qr.png",
    "qr.svg",
    "qr/image?format=png",
    "qr/image?format=svg",
];

/// One ticket of somebody without an account, and what its code says.
pub struct Holder {
    pub guest: Client,
    pub order: String,
    pub ticket: String,
    pub code: String,
}

/// A ticket of a type that costs nothing: it is good at once.
pub async fn give(app: &TestApp, shop: &Shop, ticket_type: &str) -> Holder {
    give_for(app, shop, ticket_type, None).await
}

/// The same, for a session of the event.
pub async fn give_for(
    app: &TestApp,
    shop: &Shop,
    ticket_type: &str,
    session: Option<&str>,
) -> Holder {
    let mut body = shop.body(vec![tickets(ticket_type, 1)]);
    body["session_id"] = json!(session);
    let placed = shop.place(&app.nobody(), body).await;
    let order = &placed.expect(201).body;
    let guest = app.nobody().with_token(&text(&order["order_token"]));
    let ticket = text(&order["tickets"][0]["id"]);
    Holder {
        code: payload(&guest, &ticket).await,
        order: text(&order["id"]),
        guest,
        ticket,
    }
}

/// A ticket of the shop's free type.
pub async fn give_free(app: &TestApp, shop: &Shop) -> Holder {
    give(app, shop, shop.type_id("free")).await
}

/// Adds a session on a day of February 2027, and answers its id.
pub async fn add_session(shop: &Shop, name: &str, day: u32) -> String {
    let starts_at = format!("2027-02-{day}T15:00:00Z");
    let body = json!({"name": name, "starts_at": starts_at});
    let path = format!("{}/sessions", shop.path());
    shop.admin.post(&path, body).await.expect(201).id()
}

pub fn path(ticket: &str) -> String {
    format!("{TICKETS}/{ticket}")
}

pub async fn read(client: &Client, ticket: &str) -> Value {
    client.get(&path(ticket)).await.expect(200).body.clone()
}

/// What is told about a ticket's code.
pub async fn qr(client: &Client, ticket: &str) -> Value {
    let path = format!("{}/qr", path(ticket));
    client.get(&path).await.expect(200).body.clone()
}

pub async fn payload(client: &Client, ticket: &str) -> String {
    text(&qr(client, ticket).await["qr_payload"])
}

/// Re-issues, voids, suspends or reinstates.
pub async fn step(client: &Client, ticket: &str, step: &str, body: Value) -> Answer {
    let path = format!("{}/{step}", path(ticket));
    client.keyed(&key(), "POST", &path, body).await
}

/// Does a step of staff, for a reason.
pub async fn go(client: &Client, ticket: &str, name: &str) -> Answer {
    step(
        client,
        ticket,
        name,
        json!({"reason": "Sold twice by hand"}),
    )
    .await
}

pub async fn verify(client: &Client, code: &str) -> Value {
    let answer = client.post(VERIFY, json!({"code": code})).await;
    answer.expect(200).body.clone()
}

pub fn ids(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    data.iter().map(|one| text(&one["id"])).collect()
}

/// What has been done to an object, oldest first.
pub async fn actions(admin: &Client, object: &str) -> Vec<String> {
    let path = format!("/api/v1/audit-log?object={object}");
    let log = admin.get(&path).await;
    let entries = log.expect(200).body["data"].as_array().unwrap().iter();
    entries.rev().map(|entry| text(&entry["action"])).collect()
}

/// The bytes of a picture, whose answer must be one.
async fn fetch(client: &Client, path: &str) -> Vec<u8> {
    let response = client.request("GET", path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    let kind = response.headers()["content-type"].to_str().unwrap();
    let is_svg = path.contains(".svg") || path.contains("format=svg");
    let expected = if is_svg { "image/svg+xml" } else { "image/png" };
    assert!(kind.starts_with(expected), "{path}: {kind}");
    response.bytes().await.unwrap().to_vec()
}
