//! Stripe, whose far side is the sandbox.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::sandbox::{self, Running, Settings};

use super::wire::{Request, Upstream, Wire};
use super::{Call, Charge, Decision, FarSide, Fault, HOLD, Message, Rig, conformance};
use crate::support::sale::{sign, text};
use crate::support::{Database, Kind, TestApp};

pub const WEBHOOK_SECRET: &str = "whsec_of_the_conformance_suite";

/// How often Stripe's own libraries make a call, and ours too: each fault meets all tries.
const TRIES: usize = 3;

conformance!(start);

async fn start(kind: Kind) -> Option<Rig> {
    open(kind, &[HOLD]).await
}

/// A Tollgate that sells through Stripe, with further settings.
pub async fn open(kind: Kind, settings: &[(&str, &str)]) -> Option<Rig> {
    let database = Database::make(kind).await?;
    let clock = Clock::default();
    let sandbox_settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        token: None,
        clock: clock.clone(),
    };
    let sandbox = sandbox::start(sandbox_settings).unwrap_or_else(|error| panic!("{error}"));
    let letters = Arc::new(Letters::default());
    let letter_box = Wire::open(letters.clone());
    sandbox.register_webhook(&letter_box.base(), WEBHOOK_SECRET);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let passage = Passage {
        sandbox: sandbox.address(),
        http: http.clone(),
    };
    let wire = Wire::open(Arc::new(passage));
    let base = format!("{}/stripe", wire.base());
    let mut all = vec![
        ("DEFAULT_PROVIDER", "stripe"),
        ("STRIPE_SECRET_KEY", "sk_test_of_the_conformance_suite"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_of_the_conformance_suite"),
        ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("STRIPE_API_BASE", &base),
        ("STRIPE_TIMEOUT", "1s"),
        ("STRIPE_RATE_LIMIT", "1000"),
    ];
    all.extend(settings);
    let app = TestApp::start_with(database, &all, clock, None).await;
    let far = Box::new(FarStripe {
        sandbox,
        letters,
        _letter_box: letter_box,
        wire,
        http,
    });
    Some(Rig { app, far })
}

/// Where Stripe's messages are kept.
#[derive(Default)]
struct Letters(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Upstream for Letters {
    fn calls(&self, _: &Request) -> Vec<Call> {
        Vec::new()
    }

    async fn answer(&self, request: Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
        self.0.lock().unwrap().push(request.body);
        (200, Vec::new(), Vec::new())
    }
}

/// The way from the wire to the sandbox.
struct Passage {
    sandbox: SocketAddr,
    http: reqwest::Client,
}

#[async_trait]
impl Upstream for Passage {
    fn calls(&self, request: &Request) -> Vec<Call> {
        let url = Url::parse("http://stripe.test").unwrap();
        let url = url.join(&request.path).unwrap();
        let names: Vec<&str> = url.path_segments().unwrap().skip(2).collect();
        let calls: &[Call] = match (request.method.as_str(), names.as_slice()) {
            ("POST", ["checkout", "sessions"] | ["payment_intents"]) => &[Call::Create],
            ("POST", [.., "expire" | "cancel"]) => &[Call::Cancel],
            ("POST", ["refunds"]) => &[Call::Refund],
            ("GET", ["checkout", "sessions"]) => &[Call::Find],
            ("GET", ["payment_intents"]) => &[Call::Find, Call::List],
            ("GET", ["checkout", "sessions", _] | ["payment_intents", _]) => &[Call::Retrieve],
            ("GET", ["refunds"]) => &[Call::RetrieveRefund, Call::ListRefunds],
            ("GET", ["refunds", _]) => &[Call::RetrieveRefund],
            _ => &[],
        };
        calls.to_vec()
    }

    async fn answer(&self, request: Request) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let method: Method = request.method.parse().unwrap();
        let url = format!("http://{}{}", self.sandbox, request.path);
        let mut forwarded = self.http.request(method, url).body(request.body.clone());
        let own = ["host", "content-length", "accept", "connection"];
        for (name, value) in &request.headers {
            if !own.contains(&name.to_ascii_lowercase().as_str()) {
                forwarded = forwarded.header(name, value);
            }
        }
        let answer = forwarded.send().await.unwrap();
        let status = answer.status().as_u16();
        let kept = [
            "content-type",
            "request-id",
            "stripe-should-retry",
            "retry-after",
        ];
        let headers = kept.iter().filter_map(|name| {
            let value = answer.headers().get(*name)?.to_str().unwrap();
            Some(((*name).to_owned(), value.to_owned()))
        });
        let headers = headers.collect();
        (status, headers, answer.bytes().await.unwrap().to_vec())
    }
}

struct FarStripe {
    sandbox: Running,
    letters: Arc<Letters>,
    _letter_box: Wire,
    wire: Wire,
    http: reqwest::Client,
}

impl FarStripe {
    async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://{}/control/stripe/{path}", self.sandbox.address());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn act(&self, reference: &str, body: Value) -> bool {
        let path = format!("payments/{reference}");
        let (status, told) = self.control(&path, body).await;
        assert!(matches!(status, 200 | 404 | 409), "{status}: {told}");
        status == 200
    }

    async fn tell(&self) -> Value {
        let url = format!("http://{}/control/stripe/truth", self.sandbox.address());
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Every refund of a payment that stands so.
    async fn move_refunds(&self, reference: &str, from: &str, outcome: &str) {
        let truth = self.tell().await;
        let charges = truth["charges"].as_array().unwrap();
        let refunds = charges.iter().filter(|it| it["reference"] == reference);
        let refunds = refunds.flat_map(|it| it["refunds"].as_array().unwrap());
        let mut moved = 0;
        for refund in refunds.filter(|it| it["status"] == from) {
            let path = format!("refunds/{}", text(&refund["id"]));
            let (status, told) = self.control(&path, json!({"outcome": outcome})).await;
            assert_eq!(status, 200, "{told}");
            moved += 1;
        }
        assert!(moved > 0, "no refund is {from}");
    }
}

#[async_trait(?Send)]
impl FarSide for FarStripe {
    fn provider(&self) -> &'static str {
        "stripe"
    }

    async fn script(&self, _: &TestApp, call: Call, fault: Fault) {
        for _ in 0..TRIES {
            self.wire.script(call, fault).await;
        }
    }

    async fn heal(&self, _: &TestApp) {
        self.wire.heal();
    }

    async fn decide(&self, _: &TestApp, reference: &str, decision: Decision) -> bool {
        let outcome = match decision {
            // A slow bank's word, where it was asked before.
            Decision::Pay
                if self
                    .act(reference, json!({"outcome": "async_succeed"}))
                    .await =>
            {
                return true;
            }
            Decision::Pay => "pay",
            Decision::Decline => "decline",
            Decision::Cancel => "expire",
            Decision::Process => "process",
        };
        self.act(reference, json!({"outcome": outcome})).await
    }

    /// Signed anew, as every try to deliver one is.
    async fn take_messages(&self, app: &TestApp) -> Vec<Message> {
        self.sandbox.settled().await;
        let letters = std::mem::take(&mut *self.letters.0.lock().unwrap());
        let at = app.clock.now().unix_seconds();
        let messages = letters.into_iter().map(|body| {
            let signature = sign(WEBHOOK_SECRET, at, std::str::from_utf8(&body).unwrap());
            let headers = vec![("stripe-signature".to_owned(), signature)];
            Message { headers, body }
        });
        messages.collect()
    }

    async fn slow_refunds(&self, _: &TestApp, slow: bool) {
        let (status, told) = self
            .control("settings", json!({"slow_refunds": slow}))
            .await;
        assert_eq!(status, 200, "{told}");
    }

    async fn decide_refunds(&self, _: &TestApp, reference: &str, succeed: bool) {
        let outcome = if succeed { "succeed" } else { "fail" };
        self.move_refunds(reference, "pending", outcome).await;
    }

    async fn return_refunds(&self, _: &TestApp, reference: &str) {
        self.move_refunds(reference, "succeeded", "fail").await;
    }

    async fn refund(&self, _: &TestApp, reference: &str, amount_minor: i64) -> bool {
        let body = json!({"outcome": "refund", "amount_minor": amount_minor});
        self.act(reference, body).await
    }

    async fn dispute(&self, _: &TestApp, reference: &str) -> bool {
        self.act(reference, json!({"outcome": "dispute"})).await
    }

    async fn truth(&self, _: &TestApp) -> Vec<Charge> {
        let truth = self.tell().await;
        let all = |what: &str| truth[what].as_array().unwrap().clone();
        let charges = all("charges");
        let on_own_pages = all("payment_intents").into_iter();
        let on_own_pages = on_own_pages.filter(|it| it["session"].is_null());
        let begun = all("sessions").into_iter().chain(on_own_pages);
        let begun = begun.map(|it| {
            let reference = text(&it["reference"]);
            let own = charges
                .iter()
                .filter(|it| it["reference"] == reference.as_str());
            let paid = own.clone().filter(|it| it["paid"] == true);
            let refunds = own.flat_map(|it| it["refunds"].as_array().unwrap());
            let done = refunds.filter(|it| it["status"] == "succeeded");
            let sum = |amounts: Vec<&Value>| amounts.iter().map(|it| it.as_i64().unwrap()).sum();
            Charge {
                currency: text(&it["currency"]).to_uppercase(),
                paid_minor: sum(paid.map(|it| &it["captured_minor"]).collect()),
                refunded_minor: sum(done.map(|it| &it["amount_minor"]).collect()),
                reference,
            }
        });
        begun.collect()
    }
}
