//! What is on sale for a measurement, made over the API as a shop would.

use std::cell::Cell;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::server::Server;

/// How many types share the load that is not on one of them.
pub const TYPES: usize = 50;

pub struct Stage {
    base: String,
    http: reqwest::Client,
    pub token: String,
    pub event: String,
    pub hot: String,
    pub types: Vec<String>,
    /// One that Stripe finds dear enough.
    pub dear: String,
    free: String,
    number: Cell<u64>,
}

/// A payment that waits for its gateway's word.
pub struct Waiting {
    pub id: String,
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
}

impl Stage {
    pub async fn set(server: &Server) -> Self {
        let (email, password) = Server::credentials();
        let mut stage = Self {
            base: server.base.clone(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: String::new(),
            event: String::new(),
            hot: String::new(),
            types: Vec::new(),
            dear: String::new(),
            free: String::new(),
            number: Cell::new(0),
        };
        let body = json!({"email": email, "password": password});
        stage.token = text(&stage.post("/auth/login", body).await["access_token"]);
        let body = json!({
            "name": "Load", "starts_at": "2030-02-11T16:00:00Z", "time_zone": "Africa/Dar_es_Salaam",
            "currency": "TZS", "max_per_order": 500,
        });
        stage.event = text(&stage.post("/events", body).await["id"]);
        stage.hot = stage.add_type("Hot", 100).await;
        stage.dear = stage.add_type("Dear", 5_000_000).await;
        stage.free = stage.add_type("Free", 0).await;
        for number in 0..TYPES {
            let id = stage.add_type(&format!("Type {number}"), 100).await;
            stage.types.push(id);
        }
        let publish = format!("/events/{}/publish", stage.event);
        stage.post(&publish, json!({})).await;
        stage
    }

    async fn add_type(&self, name: &str, price_minor: i64) -> String {
        let path = format!("/events/{}/ticket-types", self.event);
        let body = json!({"name": name, "price_minor": price_minor, "capacity": 9_000_000});
        text(&self.post(&path, body).await["id"])
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.number.set(self.number.get() + 1);
        let key = format!("the stage's request {:06}", self.number.get());
        let mut request = self
            .http
            .post(format!("{}/api/v1{path}", self.base))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_string());
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn purchase(&self, ticket_type: &str, quantity: usize) -> Value {
        json!({
            "event_id": self.event, "items": [{"ticket_type_id": ticket_type, "quantity": quantity}],
            "buyer": {"name": "Load", "email": "load@example.com"},
        })
    }

    /// Gives away tickets, and answers their ids by hundreds of an order.
    pub async fn give(&self, orders: usize) -> Vec<String> {
        let given = stream::iter(0..orders)
            .map(|_| self.post("/orders", self.purchase(&self.free, 200)))
            .buffer_unordered(4);
        let tickets = given.flat_map(|order| {
            let tickets = order["tickets"].as_array().unwrap().clone();
            stream::iter(tickets.into_iter().map(|ticket| text(&ticket["id"])))
        });
        tickets.collect().await
    }

    /// Starts purchases, and answers their payments.
    pub async fn begin(&self, purchases: usize) -> Vec<Waiting> {
        let begun = stream::iter(0..purchases)
            .map(async |_| {
                let body = self.purchase(&self.types[0], 1);
                self.post("/checkout-sessions", body).await
            })
            .buffer_unordered(8);
        let payments: Vec<Value> = begun.collect().await;
        payments.iter().map(Waiting::of).collect()
    }
}

impl Waiting {
    fn of(session: &Value) -> Self {
        Self {
            id: text(&session["payment_id"]),
            reference: text(&session["provider_reference"]),
            amount_minor: session["total_minor"].as_i64().unwrap(),
            currency: text(&session["currency"]),
        }
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}
