//! No list, and nothing that a sale or the worker does, reads a growing table from end to end.
//!
//! PostgreSQL counts such reads itself. It is asked to avoid them, so that one is left only
//! where no index serves. SQLite is asked for the plan of every statement that it was sent.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::json;
use tokio_postgres::NoTls;

use crate::support::contract::operations;
use crate::support::sale::{Shop, key};
use crate::support::{Client, Database, Kind, TestApp, block_on};
use crate::tickets::{VERIFY, give_free};

/// Tables that have a row for each sale, each scan, each mail.
const GROWING: &[&str] = &[
    "admissions",
    "audit",
    "booth_bookings",
    "checkout_sessions",
    "emails",
    "gateway_calls",
    "holds",
    "idempotency",
    "journals",
    "jobs",
    "login_sessions",
    "order_items",
    "orders",
    "payment_details",
    "payments",
    "postings",
    "refund_tickets",
    "refunds",
    "reconciliation_runs",
    "scans",
    "tasks",
    "tickets",
    "users",
    "webhook_events",
];

/// What each filter of a list is asked for.
fn filters(shop: &Shop, order: &str, ticket: &str) -> HashMap<&'static str, String> {
    HashMap::from([
        ("event_id", shop.event.clone()),
        ("organizer_id", shop.organizer.clone()),
        ("order_id", order.to_owned()),
        ("ticket_id", ticket.to_owned()),
        ("list_id", shop.event.replace("evt_", "lst_")),
        ("provider", "dummy".to_owned()),
        ("reference", "00000000000000000000".to_owned()),
        ("email", "asha@example.com".to_owned()),
        ("serial", "TKT-7QX4-M2RK-8ZN".to_owned()),
        ("object", order.to_owned()),
        ("kind", "unmatched".to_owned()),
        ("done", "true".to_owned()),
        ("type", "payment.succeeded".to_owned()),
        ("scanner", "usr_01h455vb4pex5vsknk084sn02q".to_owned()),
        ("actor", "usr_01h455vb4pex5vsknk084sn02q".to_owned()),
        ("created_at[gte]", "2026-01-01T00:00:00Z".to_owned()),
        ("include_total", "true".to_owned()),
        ("q", "asha".to_owned()),
    ])
}

/// Asks for every list, plain and by each filter.
async fn list_all(
    client: &Client,
    shop: &Shop,
    payment: &str,
    filters: &HashMap<&'static str, String>,
) -> usize {
    let mut asked = 0;
    for operation in operations() {
        let parameters = operation.parameters("query");
        if operation.method != "GET" || !parameters.iter().any(|name| name == "limit") {
            continue;
        }
        let id = match operation.path.as_str() {
            path if path.contains("/organizers/") => &shop.organizer,
            path if path.contains("/payment-intents/") => payment,
            _ => &shop.event,
        };
        let path = operation.path.replace("{id}", id);
        client.get(&format!("{path}?limit=2")).await;
        for (name, value) in filters {
            if parameters.iter().any(|it| it == name) {
                // Tasks and transactions have kinds of their own.
                let value = match path.ends_with("/transactions") && *name == "kind" {
                    true => "refund",
                    false => value,
                };
                client
                    .get(&format!("{path}?{name}={value}"))
                    .await
                    .expect(200);
                asked += 1;
            }
        }
    }
    asked
}

/// Compares our payments with the gateway's, and looks at what was found.
async fn compare(client: &Client, app: &TestApp) {
    let runs = "/api/v1/reconciliation/runs";
    let until = app.clock.now().plus(Duration::from_secs(60));
    let from = until.minus(Duration::from_secs(24 * 3600));
    let body = json!({"provider": "dummy", "from": from, "until": until});
    let run = client.keyed(&key(), "POST", runs, body).await;
    app.drain().await;
    let path = format!("{runs}/{}", run.expect(202).id());
    let run = client.get(&path).await;
    assert_eq!(run.expect(200).body["status"], "done", "{}", run.text);
}

/// Sells, pays, lets in, lists, lets expire.
async fn live(app: &TestApp) {
    let shop = Shop::open(app).await;
    let paid = shop.buy(app, shop.items(&[("vip", 2)])).await;
    let booked = shop.purchase(app, vec![shop.booth(None)]).await;
    booked.simulate("fail").await;
    let holder = give_free(app, &shop).await;
    let code = json!({"code": holder.code});
    shop.admin.post(VERIFY, code.clone()).await.expect(200);
    for _ in 0..2 {
        shop.admin
            .post("/api/v1/checkins", code.clone())
            .await
            .expect(200);
    }
    let asked = list_all(
        &shop.admin,
        &shop,
        &paid.payment,
        &filters(&shop, &paid.order, &holder.ticket),
    )
    .await;
    assert!(asked > 20, "{asked}");
    let manager = app
        .member(&shop.organizer, "manager", "manager@example.com")
        .await;
    let buyer = app.user("buyer@example.com").await;
    shop.order(&buyer, shop.items(&[("vip", 1)]))
        .await
        .expect(201);
    for client in [&manager, &buyer] {
        for path in ["orders", "payment-intents", "transactions", "me/tickets"] {
            client.get(&format!("/api/v1/{path}")).await.expect(200);
        }
    }
    for path in [
        "webhook-events?status=unmatched,failed",
        "tasks",
        "tasks?done=true",
    ] {
        for client in [&shop.admin, &manager] {
            client.get(&format!("/api/v1/{path}")).await.expect(200);
        }
    }
    compare(&shop.admin, app).await;
    compare(&manager, app).await;
    app.drain().await;
    app.clock.advance(Duration::from_secs(3600));
    app.drain().await;
}

/// The statements that each SQLite database was sent, by its address.
static SENT: Mutex<Option<HashMap<String, BTreeSet<String>>>> = Mutex::new(None);

/// Notes what one connection is asked.
#[derive(Default)]
struct Listener {
    url: String,
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.url = url.to_owned(),
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let text = text.split(" -- binds:").next().unwrap().to_owned();
                let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
                let sent = sent.get_or_insert_default();
                sent.entry(self.url.clone()).or_default().insert(text);
            }
            _ => {}
        }
    }
}

/// The reads of whole growing tables in the plan of a statement.
fn whole_reads(conn: &rusqlite::Connection, statement: &str) -> Vec<String> {
    let mut plan = match conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")) {
        Ok(plan) => plan,
        Err(error) => panic!("{statement}: {error}"),
    };
    // Nothing is bound: plans do not look at values.
    let mut lines = plan.raw_query();
    let mut whole = Vec::new();
    while let Some(line) = lines.next().unwrap() {
        let step: String = line.get("detail").unwrap();
        let table = step.strip_prefix("SCAN ");
        if table.is_some_and(|table| GROWING.contains(&table)) {
            whole.push(step);
        }
    }
    whole
}

#[test]
fn nothing_reads_a_growing_table_from_end_to_end_on_sqlite() {
    set_default_instrumentation(|| Some(Box::new(Listener::default()))).unwrap();
    block_on(async {
        let database = Database::make(Kind::Sqlite).await.unwrap();
        let app = TestApp::start(database, &[]).await;
        live(&app).await;
        let file = app.database.url.strip_prefix("sqlite:").unwrap().to_owned();
        let sent = SENT.lock().unwrap().as_ref().unwrap()[&file].clone();
        assert!(sent.len() > 150, "{}", sent.len());
        let conn = rusqlite::Connection::open(&file).unwrap();
        let is_planned = |it: &&String| {
            let verb = it.split_whitespace().next().unwrap_or_default();
            // An admin who asks how many there are of all has all of them counted.
            let counts = it.starts_with("SELECT COUNT(*)");
            ["SELECT", "UPDATE", "DELETE", "INSERT"].contains(&verb) && !counts
        };
        let found = sent
            .iter()
            .filter(is_planned)
            .map(|it| (it, whole_reads(&conn, it)));
        let found: Vec<_> = found.filter(|(_, whole)| !whole.is_empty()).collect();
        assert!(found.is_empty(), "{found:#?}");
        drop(app.stop().await);
    });
}

#[test]
fn nothing_reads_a_growing_table_from_end_to_end_on_postgres() {
    block_on(async {
        let Some(database) = Database::make(Kind::Postgres).await else {
            eprintln!("skipped: TEST_DATABASE_URL names no PostgreSQL");
            return;
        };
        let name = database.url.rsplit('/').next().unwrap();
        database
            .execute(&format!("ALTER DATABASE {name} SET enable_seqscan = off"))
            .await;
        database.execute("SELECT pg_stat_reset()").await;
        let app = TestApp::start(database, &[]).await;
        live(&app).await;
        // A connection tells what it has read when it ends.
        let database = app.stop().await;
        let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let query = "SELECT relname, seq_scan, COALESCE(idx_scan, 0) FROM pg_stat_user_tables";
        let read = client.query(query, &[]).await.unwrap();
        let read: HashMap<String, (i64, i64)> = read
            .iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect();
        let found: Vec<_> = GROWING.iter().map(|table| (table, read[*table])).collect();
        assert!(found.iter().all(|(_, (whole, _))| *whole == 0), "{found:?}");
        assert!(
            found
                .iter()
                .filter(|(_, (_, by_index))| *by_index > 0)
                .count()
                > 12,
            "{found:?}"
        );
    });
}
