//! The sandbox, from outside: what Stripe documents is true of it, what goes wrong was asked for.

mod calls;
mod checkout;
mod command;
mod control;
mod deliveries;
mod disputes;
mod faults;
mod inbox;
mod keys;
mod lists;
mod methods;
mod official;
mod page;
mod refunds;

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::sandbox::{self, Running, Settings};

use crate::support::block_on;

const KEY: &str = "sk_test_anything";
/// A PaymentIntent that needs no page to come back to.
const INTENT: &str = "amount=2000&currency=usd&automatic_payment_methods[enabled]=true\
                      &automatic_payment_methods[allow_redirects]=never";
const SESSION: &str = "mode=payment&success_url=http://shop.test/ok?s={CHECKOUT_SESSION_ID}\
    &cancel_url=http://shop.test/no&line_items[0][quantity]=2\
    &line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1500\
    &line_items[0][price_data][product_data][name]=VIP\
    &client_reference_id=ord_7&metadata[reference]=ref_7&payment_intent_data[metadata][reference]=ref_7";

/// A sandbox of its own.
struct Sandbox {
    running: Running,
    base: String,
    clock: Clock,
    http: Client,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
    text: String,
}

fn run(test: impl AsyncFnOnce(&Sandbox)) {
    block_on(async {
        let sandbox = Sandbox::start();
        test(&sandbox).await;
        sandbox.running.stop().await;
    });
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

impl Sandbox {
    fn start() -> Self {
        let clock = Clock::default();
        let running = sandbox::start(Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            clock: clock.clone(),
        });
        let running = running.unwrap_or_else(|error| panic!("{error}"));
        let no_redirect = reqwest::redirect::Policy::none();
        Self {
            base: format!("http://{}", running.address()),
            http: Client::builder()
                .no_proxy()
                .redirect(no_redirect)
                .build()
                .unwrap(),
            running,
            clock,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            body,
            text,
        })
    }

    fn form(&self, path: &str, form: &str) -> RequestBuilder {
        self.request(Method::POST, &format!("/stripe/v1/{path}"))
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(self.form(path, form)).await
    }

    async fn keyed(&self, key: &str, path: &str, form: &str) -> Answer {
        self.send(self.form(path, form).header("idempotency-key", key))
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, &format!("/stripe/v1/{path}"));
        self.send(request.bearer_auth(KEY)).await
    }

    async fn control(&self, path: &str, body: Value) -> Answer {
        self.send(
            self.request(Method::POST, &format!("/control/{path}"))
                .json(&body),
        )
        .await
    }

    /// Does something with a payment.
    async fn act(&self, reference: &str, outcome: &str) -> Value {
        let done = self
            .control(
                &format!("stripe/payments/{reference}"),
                json!({"outcome": outcome}),
            )
            .await;
        done.expect(200).body.clone()
    }

    async fn truth(&self) -> Value {
        let request = self.request(Method::GET, "/control/stripe/truth");
        self.send(request).await.expect(200).body.clone()
    }

    async fn fault(&self, operation: &str, fault: &str, times: usize) {
        let script = json!({"operation": operation, "fault": fault, "times": times});
        self.control("stripe/faults", script).await.expect(200);
    }

    /// A PaymentIntent that is paid with one of the published methods.
    async fn pay(&self, method: &str) -> Answer {
        self.post(
            "payment_intents",
            &format!("{INTENT}&confirm=true&payment_method={method}"),
        )
        .await
    }

    async fn session(&self) -> Value {
        self.post("checkout/sessions", SESSION)
            .await
            .expect(200)
            .body
            .clone()
    }

    /// The kinds of all events, the oldest first.
    async fn events(&self) -> Vec<String> {
        let events = self.get("events?limit=100").await;
        let events = events.expect(200).body["data"].as_array().unwrap().clone();
        events
            .iter()
            .rev()
            .map(|event| text(&event["type"]))
            .collect()
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Answer {
    #[track_caller]
    fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A refusal in Stripe's shape.
    #[track_caller]
    fn expect_error(&self, status: u16, kind: &str, code: &str) -> &Value {
        self.expect(status);
        let error = &self.body["error"];
        assert_eq!(error["type"], kind, "{}", self.text);
        assert_eq!(
            error["code"].as_str().unwrap_or_default(),
            code,
            "{}",
            self.text
        );
        assert!(error["message"].is_string(), "{}", self.text);
        error
    }

    fn id(&self) -> String {
        text(&self.body["id"])
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
