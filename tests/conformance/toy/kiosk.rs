//! The toy's far side: a server with charges, which writes amounts as decimal text.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::Sha256;
use tollgate::clock::Clock;

use crate::conformance::wire::{Request, Upstream};
use crate::conformance::{Call, Charge, Decision, Message};

#[derive(Default)]
struct State {
    charges: Vec<Value>,
    refunds: Vec<Value>,
    /// What is to be told: about which charge.
    news: Vec<(usize, Value)>,
    told: usize,
    is_slow: bool,
}

pub struct Kiosk {
    clock: Clock,
    secret: &'static str,
    state: Mutex<State>,
}

/// The kiosk sells in two decimals only.
fn minor(amount: &Value) -> i64 {
    let digits = amount.as_str().unwrap().replacen('.', "", 1);
    digits.parse().unwrap()
}

fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

impl Kiosk {
    pub fn new(clock: Clock, secret: &'static str) -> Self {
        Self {
            clock,
            secret,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What somebody does on the kiosk's page; a charge that is closed or paid stays so.
    pub fn decide(&self, reference: &str, decision: Decision) -> bool {
        let state = &mut *self.state();
        let Some(at) = state.find(reference) else {
            return false;
        };
        if !["open", "working"].contains(&state.charges[at]["state"].as_str().unwrap()) {
            return false;
        }
        let word = match decision {
            Decision::Pay => "paid",
            Decision::Decline => "declined",
            Decision::Cancel => "closed",
            Decision::Process => "working",
        };
        state.charges[at]["state"] = json!(word);
        state.tell(at, word);
        true
    }

    pub fn slow_refunds(&self, slow: bool) {
        self.state().is_slow = slow;
    }

    pub fn move_refunds(&self, reference: &str, from: &str, to: &str) {
        let state = &mut *self.state();
        let at = state.find(reference).unwrap();
        let charge = state.charges[at]["id"].clone();
        let refunds = state.refunds.iter_mut();
        for refund in refunds.filter(|it| it["charge"] == charge && it["state"] == from) {
            refund["state"] = json!(to);
        }
        state.tell(at, "refund");
    }

    pub fn refund_there(&self, reference: &str, amount_minor: i64) -> bool {
        let state = &mut *self.state();
        let at = state.find(reference).unwrap();
        let made = state.refund(at, None, amount_minor, "done");
        state.tell(at, "refund");
        made.is_some()
    }

    pub fn take_messages(&self) -> Vec<Message> {
        let state = &mut *self.state();
        let mut messages = Vec::new();
        for (at, mut news) in std::mem::take(&mut state.news) {
            state.told += 1;
            news["id"] = json!(format!("news-{}", state.told));
            news["reference"] = state.charges[at]["reference"].clone();
            messages.push(self.sign(news.to_string()));
        }
        messages
    }

    fn sign(&self, body: String) -> Message {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let digest = mac.finalize().into_bytes();
        Message {
            headers: vec![("kiosk-signature".to_owned(), STANDARD.encode(digest))],
            body: body.into_bytes(),
        }
    }

    pub fn truth(&self) -> Vec<Charge> {
        let state = &*self.state();
        let charges = state.charges.iter().map(|charge| Charge {
            reference: charge["reference"].as_str().unwrap().to_owned(),
            currency: charge["currency"].as_str().unwrap().to_owned(),
            paid_minor: match charge["state"] == "paid" {
                true => minor(&charge["amount"]),
                false => 0,
            },
            refunded_minor: state.given(&charge["id"], &["done"]),
        });
        charges.collect()
    }
}

impl State {
    fn find(&self, reference: &str) -> Option<usize> {
        self.charges
            .iter()
            .position(|it| it["reference"] == reference)
    }

    fn tell(&mut self, at: usize, what: &str) {
        self.news.push((at, json!({"what": what})));
    }

    /// What went back of a charge, or may.
    fn given(&self, charge: &Value, states: &[&str]) -> i64 {
        let refunds = self.refunds.iter();
        let of_charge = refunds.filter(|it| it["charge"] == *charge);
        of_charge
            .filter(|it| states.contains(&it["state"].as_str().unwrap()))
            .map(|it| minor(&it["amount"]))
            .sum()
    }

    fn refund(
        &mut self,
        at: usize,
        reference: Option<&Value>,
        amount: i64,
        state: &str,
    ) -> Option<Value> {
        let charge = &self.charges[at];
        if let Some(known) = self
            .refunds
            .iter()
            .find(|it| Some(&it["reference"]) == reference)
        {
            return Some(known.clone());
        }
        let left = minor(&charge["amount"]) - self.given(&charge["id"], &["done", "waiting"]);
        if charge["state"] != "paid" || amount > left {
            return None;
        }
        let refund = json!({
            "id": format!("kr-{}", self.refunds.len()), "charge": charge["id"],
            "reference": reference, "amount": decimal(amount),
            "currency": charge["currency"], "state": state,
        });
        self.refunds.push(refund.clone());
        Some(refund)
    }

    fn create(&mut self, asked: &Value, now: i64) -> Value {
        let known = self.find(asked["reference"].as_str().unwrap());
        let at = known.unwrap_or_else(|| {
            let mut charge = asked.clone();
            charge["id"] = json!(format!("kc-{}", self.charges.len()));
            charge["state"] = json!("open");
            charge["began"] = json!(now);
            self.charges.push(charge);
            self.charges.len() - 1
        });
        self.charges[at].clone()
    }
}

/// `/charges`, `/charges/{id}`, `/charges/{id}/close`, `/charges/{id}/refunds`, `/refunds`.
#[async_trait]
impl Upstream for Kiosk {
    fn calls(&self, request: &Request) -> Vec<Call> {
        self.call(request).into_iter().collect()
    }

    async fn answer(&self, request: Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let (status, body) = self.act(&request);
        (status, Vec::new(), body.to_string().into_bytes())
    }
}

fn address(request: &Request) -> Url {
    Url::parse("http://kiosk.test")
        .unwrap()
        .join(&request.path)
        .unwrap()
}

impl Kiosk {
    fn call(&self, request: &Request) -> Option<Call> {
        let url = address(request);
        let names: Vec<&str> = url.path_segments().unwrap().collect();
        let is_search = url.query_pairs().any(|(name, _)| name == "reference");
        Some(match (request.method.as_str(), names.as_slice()) {
            ("POST", ["charges"]) => Call::Create,
            ("GET", ["charges"]) if is_search => Call::Find,
            ("GET", ["charges"]) => Call::List,
            ("GET", ["charges", _]) => Call::Retrieve,
            ("POST", ["charges", _, "close"]) => Call::Cancel,
            ("POST", ["charges", _, "refunds"]) => Call::Refund,
            ("GET", ["charges", _, "refunds"]) => Call::ListRefunds,
            ("GET", ["refunds"]) => Call::RetrieveRefund,
            _ => return None,
        })
    }

    fn act(&self, request: &Request) -> (u16, Value) {
        let now = self.clock.now().unix_seconds();
        let expected = format!("Bearer {}", self.secret);
        if request.header("authorization") != Some(expected.as_str()) {
            return (401, json!({"error": "who are you?"}));
        }
        let url = address(request);
        let names: Vec<&str> = url.path_segments().unwrap().collect();
        let query = |name: &str| {
            let mut pairs = url.query_pairs();
            pairs.find_map(|(known, value)| (known == name).then_some(value))
        };
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let state = &mut *self.state();
        let id = names.get(1).copied().unwrap_or_default();
        let at = state.charges.iter().position(|it| it["id"] == id);
        match (self.call(request), at) {
            (Some(Call::Create), _) => (201, state.create(&body, now)),
            (Some(Call::Find), _) => {
                let reference = query("reference").unwrap();
                let found = state
                    .charges
                    .iter()
                    .filter(|it| it["reference"] == *reference);
                (200, found.cloned().collect())
            }
            (Some(Call::List), _) => {
                let bound = |name: &str| query(name).unwrap().parse::<i64>().unwrap();
                let times = bound("from")..bound("until");
                let began = |it: &&Value| times.contains(&it["began"].as_i64().unwrap());
                (200, state.charges.iter().filter(began).cloned().collect())
            }
            (Some(Call::RetrieveRefund), _) => {
                let reference = query("reference").unwrap();
                let found = state
                    .refunds
                    .iter()
                    .filter(|it| it["reference"] == *reference);
                (200, found.cloned().collect())
            }
            (Some(Call::Retrieve), Some(at)) => (200, state.charges[at].clone()),
            (Some(Call::Cancel), Some(at)) => {
                if state.charges[at]["state"] == "open" {
                    state.charges[at]["state"] = json!("closed");
                }
                (200, state.charges[at].clone())
            }
            (Some(Call::Refund), Some(at)) => {
                let word = if state.is_slow { "waiting" } else { "done" };
                let (reference, amount) = (&body["reference"], minor(&body["amount"]));
                match state.refund(at, Some(reference), amount, word) {
                    Some(refund) => (201, refund),
                    None => (409, json!({"error": "not_refundable"})),
                }
            }
            (Some(Call::ListRefunds), Some(at)) => {
                let charge = state.charges[at]["id"].clone();
                let refunds = state.refunds.iter().filter(|it| it["charge"] == charge);
                (200, refunds.cloned().collect())
            }
            _ => (404, json!({"error": "not_found"})),
        }
    }
}
