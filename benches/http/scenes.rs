//! What is measured, one scene after the other.

use std::io::Write;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tollgate::bench::{Credential, SeedKey, TicketKeys};

use super::grown;
use super::limit::{self, Limit, Work};
use super::load::{self, Shown};
use super::server::{STRIPE_SECRET, Server, Store, TICKET_SEED, WEBHOOK_SECRET};
use super::sql;
use super::stage::{Stage, TYPES, Waiting};

const SECONDS: u32 = 5;

/// How many payments a second of webhooks settles at least.
const SETTLED_SURELY: usize = 500;

/// So many orders of 200 tickets: more than gates let in in that time.
const TICKET_ORDERS: usize = 240;

pub fn run(store: &Store, is_grown: bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(store);
    println!(
        "\n{}{}: ready after {} ms, {} MB idle",
        store.name,
        if is_grown {
            ", a million tickets sold"
        } else {
            ""
        },
        server.ready_after.as_millis(),
        server.memory_megabytes()
    );
    println!(
        "{:<34}{:>9}{:>11}{:>11}{:>9}{:>13}{:>11}",
        "", "/s", "p50 ms", "p99 ms", "failed", "limit /s", "p99 ms"
    );
    let stage = runtime.block_on(Stage::set(&server));
    let tickets = runtime.block_on(stage.give(TICKET_ORDERS));
    if is_grown {
        grown::grow(store);
    }
    let hot = std::slice::from_ref(&stage.hot);
    let loads = ["hot", "hot, paced"].map(|run| order(&stage, run, hot));
    let name = "order, one hot type";
    limited(store, &server, name, &loads, &limit::order(1), 2.0);
    let loads = ["many", "many, paced"].map(|run| order(&stage, run, &stage.types));
    let name = "order, 50 types";
    limited(store, &server, name, &loads, &limit::order(TYPES), 0.5);
    let waiting = runtime.block_on(stage.begin(4_000));
    print(
        "payment settled by webhook",
        &settle(&server, &waiting),
        None,
    );
    refund(store, &server, &stage, &waiting);
    stripe(store, &server, &stage);
    print(
        "payment intent read",
        &read(&server, &stage, &waiting),
        None,
    );
    let codes = codes(&stage, &tickets);
    let (script, _file) = scans(&stage, "tickets/verify", &codes);
    print("verify", &load::run(&server.base, SECONDS, &script), None);
    // Each ticket comes in once; most of them as fast as they can.
    let (most, others) = codes.split_at(codes.len() / 5 * 4);
    let [(fast, _most), (paced, _others)] =
        [most, others].map(|codes| scans(&stage, "checkins", codes));
    let work = limit::check_in();
    limited(store, &server, "check-in", &[fast, paced], &work, 0.5);
    println!(
        "{:<34}{:>9.0}",
        "one ticket looked up, database alone",
        measure(store, &limit::look_up()).per_second
    );
    println!("{} MB loaded", server.memory_megabytes());
}

fn measure(store: &Store, work: &Work) -> Limit {
    limit::measure(store, work, SECONDS)
}

/// What a load comes to as fast as it can, beside what the database alone does; and another one
/// at `share` of that, the rate that is asked for.
fn limited(
    store: &Store,
    server: &Server,
    name: &str,
    [fast, paced]: &[String; 2],
    work: &Work,
    share: f64,
) {
    let shown = load::run(&server.base, SECONDS, fast);
    let limit = measure(store, work);
    let paced = load::paced(paced, limit.per_second * share);
    print(name, &shown, Some(limit));
    let shown = load::run(&server.base, SECONDS, &paced);
    print(&format!("  at {share} of the limit"), &shown, None);
}

fn print(name: &str, shown: &Shown, limit: Option<Limit>) {
    let limit = limit.map_or_else(String::new, |limit| {
        let p99_ms = limit.p99_ms.map(|it| format!("{it:>11.1}"));
        format!("{:>13.0}{}", limit.per_second, p99_ms.unwrap_or_default())
    });
    println!(
        "{name:<34}{:>9.0}{:>11.1}{:>11.1}{:>9.0}{limit}",
        shown.per_second, shown.p50_ms, shown.p99_ms, shown.failed
    );
}

/// A script that posts what nobody has posted before, with keys that begin with `key`. `body`
/// is an expression of Lua in which `n` counts; `before` is what it needs to have been said.
fn posting(path: &str, key: &str, before: &str, body: &str) -> String {
    format!(
        r#"
local n = 0
local headers = {{["content-type"] = "application/json"}}
{before}
function request()
  n = n + 1
  headers["idempotency-key"] = "{key} " .. n
  return wrk.format("POST", "/api/v1/{path}", headers, {body})
end
"#
    )
}

fn order(stage: &Stage, run: &str, types: &[String]) -> String {
    let before = format!(r#"local types = {{"{}"}}"#, types.join("\",\""));
    let body = format!(
        r#"'{{"event_id":"{}","items":[{{"ticket_type_id":"' .. types[n % #types + 1] ..
    '","quantity":1}}],"buyer":{{"name":"Load","email":"load' .. n .. '@example.com"}}}}'"#,
        stage.event
    );
    posting(
        "orders",
        &format!("order of the load {run}"),
        &before,
        &body,
    )
}

/// A script that sends prepared requests in turn, from a file of (path, header, body) lines.
fn in_turn(
    method: &str,
    header: &str,
    requests: &[(String, String, String)],
) -> (String, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for (path, value, body) in requests {
        writeln!(file, "{path}\t{value}\t{body}").unwrap();
    }
    let script = format!(
        r#"
local requests = {{}}
function init(args)
  for line in io.lines("{file}") do
    local path, value, body = line:match("([^\t]*)\t([^\t]*)\t(.*)")
    local headers = {{["content-type"] = "application/json", ["{header}"] = value}}
    requests[#requests + 1] = wrk.format("{method}", path, headers, body)
  end
end
local n = 0
function request()
  n = n + 1
  return requests[(n - 1) % #requests + 1]
end
"#,
        file = file.path().display()
    );
    (script, file)
}

fn settle(server: &Server, waiting: &[Waiting]) -> Shown {
    let at = now();
    let message = |(number, payment): (usize, &Waiting)| {
        let body = json!({
            "id": format!("devt_load{number:08}"), "type": "payment.succeeded", "created": at,
            "data": {
                "payment_id": payment.id, "reference": payment.reference,
                "amount_minor": payment.amount_minor, "currency": payment.currency, "livemode": false,
            },
        });
        let body = body.to_string();
        (
            "/api/v1/webhooks/dummy".to_owned(),
            sign(WEBHOOK_SECRET, at, &body),
            body,
        )
    };
    let requests: Vec<_> = waiting.iter().enumerate().map(message).collect();
    let (script, _file) = in_turn("POST", "x-dummy-signature", &requests);
    load::run(&server.base, 3, &script)
}

/// Purchases through Stripe's simulator, without the limit that Stripe itself has, and messages.
fn stripe(store: &Store, server: &Server, stage: &Stage) {
    let body = format!(
        r#"'{{"event_id":"{event}","items":[{{"ticket_type_id":"{dear}","quantity":1}}],' ..
    '"buyer":{{"name":"Load","email":"load' .. n .. '@example.com"}},"payment":{{"provider":"stripe"}}}}'"#,
        event = stage.event,
        dear = stage.dear
    );
    let script = posting("checkout-sessions", "purchase through Stripe", "", &body);
    let name = "checkout through Stripe's sandbox";
    print(name, &load::run(&server.base, SECONDS, &script), None);
    let query = "SELECT reference FROM payments WHERE provider = 'stripe' LIMIT 1";
    let reference = sql::text(store, query);
    let at = now();
    let message = |number: u32| {
        let body = json!({
            "id": format!("evt_load{number:08}"), "type": "payment_intent.processing", "livemode": false,
            "data": {"object": {"id": "pi_load", "metadata": {"reference": reference}}},
        });
        let body = body.to_string();
        let header = sign(STRIPE_SECRET, at, &body);
        ("/api/v1/webhooks/stripe".to_owned(), header, body)
    };
    let requests: Vec<_> = (0..30_000).map(message).collect();
    let (script, _file) = in_turn("POST", "stripe-signature", &requests);
    let shown = load::run(&server.base, 3, &script);
    print("Stripe's message taken", &shown, None);
}

/// Refunds asked for, and those that were done: through the worker, at the gateway, in the books.
fn refund(store: &Store, server: &Server, stage: &Stage, waiting: &[Waiting]) {
    // Every one of them was settled, and the gateway shall know it.
    // But the first: wrk asks a script for one request before it begins, and does not send it.
    let settled = waiting.get(1..SETTLED_SURELY).unwrap_or(waiting);
    sql::execute(store, "UPDATE dummy_charge SET status = 'succeeded'");
    let payments: Vec<&str> = settled.iter().map(|it| it.id.as_str()).collect();
    let before = format!(
        r#"headers["authorization"] = "Bearer {}"
local payments = {{"{}"}}"#,
        stage.token,
        payments.join("\",\"")
    );
    let body = r#"'{"payment_id":"' .. payments[n % #payments + 1] .. '","amount_minor":1,"reason":"other"}'"#;
    let script = posting("refunds", "refund of the load", &before, body);
    print(
        "refund asked for",
        &load::run(&server.base, 3, &script),
        None,
    );
    // Confirmations would be drawn meanwhile.
    sql::execute(store, "DELETE FROM emails");
    let begin = Instant::now();
    let _worker = server.start_worker(store);
    let count = |more: &str| sql::count(store, &format!("SELECT count(*) FROM refunds{more}"));
    let ended = " WHERE status IN ('succeeded', 'failed')";
    while count(ended) < count("") && begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let took = begin.elapsed().as_secs_f64();
    let done = count(" WHERE status = 'succeeded'");
    println!("{:<34}{:>9.0}", "refund done", f64::from(done) / took);
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn sign(secret: &str, at: u64, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{text}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={}", hex.concat())
}

fn read(server: &Server, stage: &Stage, waiting: &[Waiting]) -> Shown {
    let token = format!("Bearer {}", stage.token);
    let path = |payment: &Waiting| format!("/api/v1/payment-intents/{}", payment.id);
    let requests: Vec<_> = waiting
        .iter()
        .map(|it| (path(it), token.clone(), String::new()))
        .collect();
    let (script, _file) = in_turn("GET", "authorization", &requests);
    load::run(&server.base, SECONDS, &script)
}

/// The tickets' codes, signed with the server's key.
fn codes(stage: &Stage, tickets: &[String]) -> Vec<String> {
    let seed = SeedKey {
        kid: "7".to_owned(),
        seed: TICKET_SEED,
    };
    let keys = TicketKeys::new(&[seed]).unwrap();
    let code = |ticket: &String| {
        let credential = Credential {
            event: stage.event.parse().unwrap(),
            ticket: ticket.parse().unwrap(),
            version: 1,
            not_before: 0,
            not_after: 0,
        };
        credential.sign(&keys).unwrap()
    };
    tickets.iter().map(code).collect()
}

/// Codes that a gate holds up, one after the other.
fn scans(stage: &Stage, path: &str, codes: &[String]) -> (String, tempfile::NamedTempFile) {
    let token = format!("Bearer {}", stage.token);
    let body = |code: &String| json!({"code": code}).to_string();
    let requests: Vec<_> = codes
        .iter()
        .map(|code| (format!("/api/v1/{path}"), token.clone(), body(code)))
        .collect();
    in_turn("POST", "authorization", &requests)
}
