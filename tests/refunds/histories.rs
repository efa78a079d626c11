//! Random histories of a sale: whatever people, the gateway and the clock do, and whenever a
//! worker dies, in whatever currency, the books end as they must be, and as the gateway's own.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::{REFUNDS, ask, go, tickets};
use crate::load::is_long;
use crate::support::sale::{Purchase, key, lose_messages, simulate, text, tickets as line};
use crate::support::{Client, TestApp, event_body, on_both};

const CURRENCIES: [&str; 6] = ["USD", "TZS", "PKR", "THB", "JPY", "KWD"];
const STEPS: u32 = 75;
const PRICE: i64 = 1_500;

const LEASES_ARE_OVER: Duration = Duration::from_secs(6 * 60);

/// Longer than the dummy gateway's horizon, and than any pause before the next look.
const LATER: Duration = Duration::from_secs(20 * 60);

/// A sale of few seats in one currency, and what was bought.
struct History<'a> {
    app: &'a TestApp,
    rng: StdRng,
    admin: Client,
    event: String,
    ticket_type: String,
    sales: Vec<Purchase>,
    refunds_there: u32,
    /// How often a worker died over its work.
    crashes: u32,
}

impl<'a> History<'a> {
    async fn begin(app: &'a TestApp, currency: &str, seed: u64) -> Self {
        let admin = app.admin().await;
        let body = json!({"name": format!("Shop {currency} {seed}"), "default_currency": currency});
        let organizer = admin
            .post("/api/v1/organizers", body)
            .await
            .expect(201)
            .id();
        let mut body = event_body(&format!("Night {currency} {seed}"));
        body["organizer_id"] = json!(organizer);
        body["currency"] = json!(currency);
        let event = admin.post("/api/v1/events", body).await.expect(201).id();
        let path = format!("/api/v1/events/{event}");
        let body = json!({"name": "Seat", "price_minor": PRICE, "capacity": 6});
        let made = admin.post(&format!("{path}/ticket-types"), body).await;
        let ticket_type = made.expect(201).id();
        let publish = format!("{path}/publish");
        admin.post(&publish, json!({})).await.expect(200);
        Self {
            app,
            rng: StdRng::seed_from_u64(seed),
            admin,
            event,
            ticket_type,
            sales: Vec::new(),
            refunds_there: 0,
            crashes: 0,
        }
    }

    fn any(&mut self) -> Option<usize> {
        (!self.sales.is_empty()).then(|| self.rng.random_range(0..self.sales.len()))
    }

    /// Something happens; what cannot happen now is refused, and changes nothing.
    async fn step(&mut self) {
        let what = self.rng.random_range(0..15);
        match (what, self.any()) {
            (0..=2, _) | (_, None) => self.buy().await,
            (3..=5, Some(at)) => self.decide(at).await,
            (6, Some(at)) => {
                let order = format!("/api/v1/orders/{}/cancel", self.sales[at].order);
                let guest = &self.sales[at].guest;
                guest.keyed(&key(), "POST", &order, json!({})).await;
            }
            (7, Some(at)) => self.refund(at).await,
            (8, Some(at)) => self.wish(at).await,
            (9, Some(at)) => {
                self.refunds_there += 1;
                let (name, amount) = (
                    format!("r{}", self.refunds_there),
                    self.rng.random_range(1..=PRICE),
                );
                self.app.refund_there(&self.sales[at], &name, amount).await;
            }
            (10, _) => lose_messages(self.app).await,
            (11, _) => self.fault(),
            (12, _) => {
                let seconds = self.rng.random_range(1..=1_200);
                self.app.clock.advance(Duration::from_secs(seconds));
                self.app.drain().await;
                self.admin = self.app.admin().await;
            }
            (13, _) => self.crash().await,
            _ => self.app.drain().await,
        }
    }

    /// A worker dies in the middle of what it does. What it had taken is free when its leases
    /// are over.
    async fn crash(&mut self) {
        let worker = self.app.another().await;
        let moment = Duration::from_micros(self.rng.random_range(0..30_000));
        if tokio::time::timeout(moment, worker.drain_jobs())
            .await
            .is_err()
        {
            self.crashes += 1;
        }
        drop(worker);
        self.app.clock.advance(LEASES_ARE_OVER);
        self.admin = self.app.admin().await;
    }

    async fn buy(&mut self) {
        let quantity = self.rng.random_range(1..=2);
        let body = json!({
            "event_id": self.event, "items": [line(&self.ticket_type, quantity)],
            "buyer": {"name": "Juma Ali", "email": "juma@example.com"},
        });
        let path = "/api/v1/checkout-sessions";
        let started = self.app.nobody().keyed(&key(), "POST", path, body).await;
        if matches!(started.status, 201 | 202) {
            self.sales.push(Purchase::of(self.app, &started));
        }
    }

    async fn decide(&mut self, at: usize) {
        let outcomes = ["succeed", "succeed", "succeed", "fail", "process", "cancel"];
        let outcome = outcomes.choose(&mut self.rng).unwrap();
        simulate(&self.sales[at].guest, &self.sales[at].payment, outcome).await;
    }

    async fn refund(&mut self, at: usize) {
        let more = match self.rng.random_range(0..3) {
            0 => json!({}),
            1 => json!({"amount_minor": self.rng.random_range(1..=2 * PRICE)}),
            _ => json!({"ticket_ids": [tickets(&self.sales[at])[0]]}),
        };
        ask(&self.admin, &self.sales[at].order, more).await;
    }

    async fn wish(&mut self, at: usize) {
        let wish = ask(&self.sales[at].guest, &self.sales[at].order, json!({})).await;
        if wish.status == 201 {
            let steps = ["approve", "approve", "reject", "cancel"];
            let step = steps.choose(&mut self.rng).unwrap();
            go(&self.admin, &wish.body, step, json!({}))
                .await
                .expect(200);
        }
    }

    fn fault(&mut self) {
        let operations = [
            "create",
            "retrieve",
            "find",
            "cancel",
            "refund",
            "retrieve_refund",
        ];
        let faults = super::faults::FAULTS;
        let operation = operations.choose(&mut self.rng).unwrap();
        let fault = faults.choose(&mut self.rng).unwrap();
        self.app.script_fault(operation, fault, 1);
    }

    /// Everything comes to its end: no more faults, and time to look again.
    async fn end(&mut self) {
        self.app.heal_dummy();
        for sale in &self.sales {
            // What the gateway still works on comes to nothing.
            simulate(&sale.guest, &sale.payment, "fail").await;
        }
        for _ in 0..4 {
            self.app.drain().await;
            self.app.clock.advance(LATER);
        }
        self.app.drain().await;
        self.admin = self.app.admin().await;
        for sale in &self.sales {
            let path = format!("/api/v1/payment-intents/{}/sync", sale.payment);
            self.admin.post(&path, json!({})).await.expect(200);
        }
        self.app.drain().await;
    }

    async fn expect_ended(&self, seed: u64) {
        let open = "requested,approved,submitted,pending,unknown";
        let left = self.admin.get(&format!("{REFUNDS}?status={open}")).await;
        assert_eq!(left.expect(200).body["data"], json!([]), "seed {seed}");
        let violations = self.app.app.find_violations(true).await.unwrap();
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
        for sale in &self.sales {
            let order = sale.order().await;
            let status = text(&order["status"]);
            assert_ne!(status, "pending", "seed {seed}");
            let kept =
                order["paid_minor"].as_i64().unwrap() - order["refunded_minor"].as_i64().unwrap();
            if kept > 0 && status != "confirmed" {
                // The gateway would not give it back: somebody must.
                let tasks = self
                    .admin
                    .get(&format!("/api/v1/tasks?object={}", sale.payment))
                    .await;
                let tasks = tasks.expect(200).body["data"].clone();
                assert_ne!(tasks, json!([]), "seed {seed}: money for nothing: {order}");
            }
        }
    }
}

on_both! {
    async fn every_history_ends_with_true_books(app: &TestApp) {
        let rounds = if is_long() { 20 } else { 1 };
        let mut crashes = 0;
        let currencies = CURRENCIES.iter().cycle().take(rounds * CURRENCIES.len());
        for (seed, currency) in (1..).zip(currencies) {
            let mut history = History::begin(app, currency, seed).await;
            for _ in 0..STEPS {
                history.step().await;
            }
            history.end().await;
            history.expect_ended(seed).await;
            crashes += history.crashes;
        }
        assert!(crashes > 0, "no worker died over its work");
        for (rows, least) in [
            ("payments WHERE status = 'succeeded'", 10),
            ("refunds WHERE status = 'succeeded'", 8),
            ("refunds WHERE source = 'external'", 1),
            ("orders WHERE status = 'expired'", 1),
        ] {
            let count = app.database.count(&format!("SELECT count(*) FROM {rows}")).await;
            assert!(count >= least, "{count} {rows}: the histories are too quiet");
        }
    }
}
