//! A process that dies at any commit of a purchase leaves nothing half done: whoever starts
//! next brings it to its end, once.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::sale::{Shop, as_guest};
use crate::support::{Client, Database, Kind, TestApp, block_on};

/// A purchase has fewer commits than that, with all that goes on beside it.
const COMMITS_MOST: u64 = 30;

/// A Tollgate of its own process, which dies at a commit.
struct Doomed {
    process: Child,
    /// Kept open: it still has something to say.
    _output: BufReader<ChildStdout>,
    base: String,
}

impl Doomed {
    fn start(database: &Database, mails: &std::path::Path, crash_at: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .env_clear()
            .envs(TestApp::settings(database, mails))
            .env("CRASH_AT_COMMIT", crash_at)
            .current_dir(mails)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let base = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self {
            process,
            _output: output,
            base,
        }
    }

    /// Whether it died by itself, as its silence says.
    fn end(mut self, is_silent: bool) -> bool {
        if !is_silent {
            self.process.kill().unwrap();
        }
        let status = self.process.wait().unwrap();
        status.signal() == Some(6)
    }
}

/// Sends a request to a process that may die over it.
async fn try_post(
    base: &str,
    token: Option<&str>,
    path: &str,
    key: &str,
    body: &Value,
) -> Option<Value> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http
        .post(format!("{base}{path}"))
        .header("Idempotency-Key", key)
        .json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    answer.json().await.ok()
}

/// Jobs and mails that a process has not come to yet.
const UNDER_WAY: &str = "SELECT (SELECT count(*) FROM jobs WHERE status = 'running' \
     OR run_at = created_at) + (SELECT count(*) FROM emails WHERE status IN ('queued', 'sending'))";

/// Longer than all of it takes, on a machine that is busy.
const DONE_AFTER: Duration = Duration::from_secs(20);

/// Buys as far as the process lives; answers whether it fell silent.
async fn buy_until_death(database: &Database, base: &str, checkout: &Value, key: &str) -> bool {
    let path = "/api/v1/checkout-sessions";
    let Some(sale) = try_post(base, None, path, key, checkout).await else {
        return true;
    };
    let (token, payment) = (sale["order_token"].as_str(), &sale["payment_id"]);
    let path = format!(
        "/api/v1/payment-intents/{}/simulate",
        payment.as_str().unwrap()
    );
    let outcome = json!({"outcome": "succeed"});
    if try_post(base, token, &path, &format!("{key} simulated"), &outcome)
        .await
        .is_none()
    {
        return true;
    }
    // Its message, the mails and the seals follow in the background.
    let client = Client::new(base).with_token(token.unwrap());
    let path = format!("/api/v1/orders/{}", sale["order_id"].as_str().unwrap());
    let begun = Instant::now();
    while begun.elapsed() < DONE_AFTER {
        match client.try_get(&path).await {
            None => return true,
            Some(order) if order["status"] == "confirmed" => {
                if database.count(UNDER_WAY).await == 0 {
                    break;
                }
            }
            Some(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    client.try_get(&path).await.is_none()
}

/// What the buyer does who got no answer: the same again.
async fn finish_purchase(app: &TestApp, checkout: &Value, key: &str) {
    // Leases of the dead are over.
    app.clock.advance(Duration::from_secs(2 * 60));
    app.drain().await;
    let path = "/api/v1/checkout-sessions";
    let sale = app
        .nobody()
        .keyed(key, "POST", path, checkout.clone())
        .await;
    let text = |name: &str| sale.body[name].as_str().unwrap().to_owned();
    sale.expect(201);
    let guest = as_guest(app, &text("order_token"));
    let order = format!("/api/v1/orders/{}", text("order_id"));
    let mut payment = text("payment_id");
    if newest_status(&guest, &order).await == "failed" {
        // It died before the gateway was asked, and the sweeper has noticed.
        let body = json!({"order_id": text("order_id")});
        let path = "/api/v1/payment-intents";
        let again = format!("{key} second");
        let second = guest.keyed(&again, "POST", path, body).await;
        payment = second.expect(201).id();
    }
    if newest_status(&guest, &order).await == "requires_action" {
        let body = json!({"outcome": "succeed"});
        let path = format!("/api/v1/payment-intents/{payment}/simulate");
        guest
            .keyed(&format!("{key} again"), "POST", &path, body)
            .await;
    }
    app.drain().await;
    // With the message lost, the sweeper asks.
    app.clock.advance(Duration::from_secs(10 * 60));
    app.drain().await;
    let order = guest.get(&order).await;
    assert_eq!(order.expect(200).body["status"], "confirmed", "{order:?}");
    let payments = order.body["payments"].as_array().unwrap();
    let succeeded = payments
        .iter()
        .filter(|payment| payment["status"] == "succeeded");
    assert_eq!(succeeded.count(), 1, "{order:?}");
}

/// How the newest attempt to pay an order stands.
async fn newest_status(guest: &Client, order: &str) -> Value {
    let order = guest.get(order).await;
    let payments = order.expect(200).body["payments"].as_array().unwrap();
    payments.last().unwrap()["status"].clone()
}

fn die_at_every_commit(kind: Kind, when: &str) {
    block_on(async {
        let Some(database) = Database::make(kind).await else {
            return;
        };
        let app = TestApp::start(database, &[]).await;
        let shop = Shop::open(&app).await;
        let checkout = shop.body(shop.items(&[("regular", 1)]));
        app.drain().await;
        let mut database = app.stop().await;
        let mut deaths = 0;
        for commit in 1..=COMMITS_MOST {
            database
                .execute("UPDATE jobs SET run_at = created_at")
                .await;
            let mails = tempfile::tempdir().unwrap();
            let doomed = Doomed::start(&database, mails.path(), &format!("{when}:{commit}"));
            let key = format!("crash {when} commit {commit}");
            let is_silent = buy_until_death(&database, &doomed.base, &checkout, &key).await;
            let died = doomed.end(is_silent);
            deaths += u64::from(died);
            let app = TestApp::start(database, &[]).await;
            finish_purchase(&app, &checkout, &key).await;
            let violations = app.app.find_violations(true).await.unwrap();
            assert_eq!(violations, Vec::<String>::new(), "{when} commit {commit}");
            let bought = "SELECT count(*) FROM tickets WHERE status = 'valid'";
            assert_eq!(
                app.database.count(bought).await,
                i64::try_from(commit).unwrap()
            );
            let mails = "SELECT count(*) FROM emails WHERE template = 'order_confirmation'";
            assert_eq!(
                app.database.count(mails).await,
                i64::try_from(commit).unwrap()
            );
            database = app.stop().await;
            if !died {
                break;
            }
        }
        assert!(deaths > 8, "only {deaths} commits were reached");
    });
}

#[test]
fn before_any_commit_on_sqlite() {
    die_at_every_commit(Kind::Sqlite, "before");
}

#[test]
fn after_any_commit_on_sqlite() {
    die_at_every_commit(Kind::Sqlite, "after");
}

#[test]
fn before_any_commit_on_postgres() {
    die_at_every_commit(Kind::Postgres, "before");
}

#[test]
fn after_any_commit_on_postgres() {
    die_at_every_commit(Kind::Postgres, "after");
}
