//! Orders: quoted, placed, held, ended, changed, paid by hand, found again.

mod booths;
mod by_hand;
mod changing;
mod ending;
mod guests;
mod limits;
mod on_sale;
mod placing;
mod prices;
mod quantities;
mod stock;
mod strangers;
mod viewers;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{Shop, key, text};
use crate::support::{Answer, Client, TestApp};

const ORDERS: &str = "/api/v1/orders";
const MINUTE: Duration = Duration::from_secs(60);

fn path(order: &Value) -> String {
    format!("{ORDERS}/{}", text(&order["id"]))
}

async fn read(client: &Client, order: &Value) -> Value {
    client.get(&path(order)).await.expect(200).body.clone()
}

async fn step(client: &Client, order: &Value, step: &str, body: Value) -> Answer {
    let path = format!("{}/{step}", path(order));
    client.keyed(&key(), "POST", &path, body).await
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = value[name].as_array();
    list.unwrap_or_else(|| panic!("no list {name}: {value}"))
}

fn ids(answer: &Answer) -> Vec<String> {
    let data = list(&answer.expect(200).body, "data");
    data.iter().map(|one| text(&one["id"])).collect()
}

fn allows(order: &Value, action: &str) -> bool {
    list(order, "allowed_actions").contains(&json!(action))
}

/// The statuses of an order's tickets, each once.
fn ticket_statuses(order: &Value) -> HashSet<String> {
    let tickets = list(order, "tickets").iter();
    tickets.map(|ticket| text(&ticket["status"])).collect()
}

fn only(status: &str) -> HashSet<String> {
    HashSet::from([status.to_owned()])
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

fn quote_body(shop: &Shop, items: Vec<Value>) -> Value {
    json!({"event_id": shop.event, "items": items})
}
