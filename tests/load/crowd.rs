//! People who buy, get their money back and come in until the server is gone, and remember what
//! they were told.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::{join, join_all};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::sale::{Shop, key, text, tickets};
use crate::support::{Answer, Client};

const BUYERS: u64 = 6;
const GATES: usize = 2;

/// How often a buyer looks whether the money has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What people know, over all the deaths of the server.
#[derive(Default)]
pub struct Memory {
    /// Checkouts that nobody has answered yet, by their keys.
    pub unanswered: Vec<(String, Value)>,
    /// How many checkouts were not answered at first.
    pub cut: i64,
    /// How many checkouts were answered.
    pub orders: i64,
    /// The payments whose gateway has said that it has the money.
    pub paid: Vec<String>,
    /// The payments whose refund was answered.
    pub refunded: Vec<String>,
    /// Tickets on their way in; whether somebody has tried them, and was not answered.
    pub outside: Vec<(Ticket, bool)>,
    pub inside: Vec<Ticket>,
}

#[derive(Clone)]
pub struct Ticket {
    pub id: String,
    pub code: String,
}

/// The crowd before one server.
pub struct Crowd<'a> {
    pub shop: &'a Shop,
    pub lawn: &'a str,
    pub nobody: Client,
    pub gate: Client,
    pub admin: Client,
    pub memory: &'a RefCell<Memory>,
    /// How many answers there will be before `over` is told.
    pub answers: Cell<u32>,
    pub over: Notify,
}

impl Crowd<'_> {
    /// Buys and comes in for as long as there is a server.
    pub async fn trade(&self, seed: u64) {
        let buyers = (0..BUYERS).map(async |buyer| {
            let mut rng = StdRng::seed_from_u64(seed + buyer);
            while self.buy(&mut rng).await.is_some() {}
        });
        let gates = (0..GATES).map(async |_| while self.come_in().await.is_some() {});
        join(join_all(buyers), join_all(gates)).await;
    }

    /// Sends a request; `None` when the server is gone.
    async fn ask(&self, client: &Client, key: &str, path: &str, body: &Value) -> Option<Answer> {
        let request = client.request("POST", path).header("Idempotency-Key", key);
        let answer = client.try_send(request.json(body)).await.ok()?;
        self.count();
        Some(answer)
    }

    async fn read(&self, client: &Client, path: &str) -> Option<Value> {
        let answer = client.try_send(client.request("GET", path)).await.ok()?;
        self.count();
        Some(answer.expect(200).body.clone())
    }

    fn count(&self) {
        let left = self.answers.get().saturating_sub(1);
        self.answers.set(left);
        if left == 0 {
            self.over.notify_one();
        }
    }

    /// A purchase: one that was not answered is sent again, as it was.
    async fn buy(&self, rng: &mut StdRng) -> Option<()> {
        let earlier = self.memory.borrow_mut().unanswered.pop();
        let (key, body) = earlier.unwrap_or_else(|| (key(), self.checkout()));
        let path = "/api/v1/checkout-sessions";
        let Some(sale) = self.ask(&self.nobody, &key, path, &body).await else {
            let mut memory = self.memory.borrow_mut();
            memory.unanswered.push((key, body));
            memory.cut += 1;
            return None;
        };
        let sale = &sale.expect(201).body;
        self.memory.borrow_mut().orders += 1;
        let guest = self.nobody.clone().with_token(&text(&sale["order_token"]));
        let outcome = match rng.random_range(0..10) {
            0 => return Some(()),
            1 => "fail",
            2 => "cancel",
            _ => "succeed",
        };
        let payment = text(&sale["payment_id"]);
        let path = format!("/api/v1/payment-intents/{payment}/simulate");
        let body = json!({"outcome": outcome});
        let decided = self
            .ask(&guest, &format!("{key} decided"), &path, &body)
            .await?;
        decided.expect(202);
        if outcome == "succeed" {
            self.memory.borrow_mut().paid.push(payment.clone());
            let order = text(&sale["order_id"]);
            if rng.random_range(0..6) == 0 {
                self.wait_until_confirmed(&guest, &order).await?;
                self.give_back(payment).await?;
            } else {
                self.go_to_the_gate(&guest, &order).await?;
            }
        }
        Some(())
    }

    fn checkout(&self) -> Value {
        self.shop.body(vec![tickets(self.lawn, 1)])
    }

    async fn wait_until_confirmed(&self, guest: &Client, order: &str) -> Option<Value> {
        let path = format!("/api/v1/orders/{order}");
        let mut seen = self.read(guest, &path).await?;
        while seen["status"] != "confirmed" {
            tokio::time::sleep(LOOK_EVERY).await;
            seen = self.read(guest, &path).await?;
        }
        Some(seen)
    }

    /// Gives all the money of a payment back.
    async fn give_back(&self, payment: String) -> Option<()> {
        let body = json!({"payment_id": payment, "reason": "other"});
        let path = "/api/v1/refunds";
        let asked = self.ask(&self.admin, &key(), path, &body).await?;
        asked.expect(201);
        self.memory.borrow_mut().refunded.push(payment);
        Some(())
    }

    /// Waits for the tickets of a paid order.
    async fn go_to_the_gate(&self, guest: &Client, order: &str) -> Option<()> {
        let seen = self.wait_until_confirmed(guest, order).await?;
        for ticket in seen["tickets"].as_array().unwrap() {
            let id = text(&ticket["id"]);
            let shown = self
                .read(guest, &format!("/api/v1/tickets/{id}/qr"))
                .await?;
            let code = text(&shown["qr_payload"]);
            let mut memory = self.memory.borrow_mut();
            memory.outside.push((Ticket { id, code }, false));
        }
        Some(())
    }

    /// Scans a ticket that has not come in yet, and then one that has.
    async fn come_in(&self) -> Option<()> {
        let next = self.memory.borrow_mut().outside.pop();
        if let Some((ticket, was_tried)) = next {
            let Some(reason) = self.scan(&ticket).await else {
                self.memory.borrow_mut().outside.push((ticket, true));
                return None;
            };
            let is_right = reason == "ok" || (was_tried && reason == "already_used");
            assert!(is_right, "{}: {reason}", ticket.id);
            self.memory.borrow_mut().inside.push(ticket);
        }
        let again = self.memory.borrow().inside.first().cloned();
        match again {
            Some(ticket) => assert_eq!(self.scan(&ticket).await?, "already_used"),
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
        Some(())
    }

    /// What the gate says to a ticket.
    async fn scan(&self, ticket: &Ticket) -> Option<String> {
        let body = json!({"code": ticket.code});
        let scanned = self
            .ask(&self.gate, &key(), "/api/v1/checkins", &body)
            .await?;
        Some(text(&scanned.expect(200).body["reason"]))
    }
}
