//! A server is killed in the middle of a sale, again and again; afterwards everything is right.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::Notify;

use super::crowd::{Crowd, Memory, Ticket};
use super::post::Post;
use super::process::Process;
use super::truth::expect_truth;
use super::{in_time, is_long};
use crate::support::sale::{Shop, text, tickets};
use crate::support::{ADMIN_EMAIL, Database, Kind, PASSWORD, TestApp, block_on};

const GATE: &str = "gate@example.com";
/// So many mails may be on their way when their worker dies.
const MAILS_AT_ONCE: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);

/// A sale that outlives its servers.
struct Sale {
    shop: Shop,
    lawn: String,
    memory: RefCell<Memory>,
    post: Post,
    rng: StdRng,
}

/// Says which seed it was, so that it can be given again.
fn seeded() -> StdRng {
    let given = std::env::var("TEST_SEED");
    let seed = given.map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

impl Sale {
    /// Opens a shop that has sold a few tickets already: the gates have something to do.
    async fn open(app: &TestApp) -> Self {
        let shop = Shop::open(app).await;
        app.member(&shop.organizer, "gate", GATE).await;
        let body = json!({"name": "Lawn", "price_minor": 1_000, "capacity": 1_000_000});
        let lawn = shop.add_type(body).await;
        let mut memory = Memory::default();
        for _ in 0..2 {
            let early = shop.buy(app, vec![tickets(&lawn, 10)]).await;
            memory.orders += 1;
            memory.paid.push(early.payment.clone());
            for ticket in early.order().await["tickets"].as_array().unwrap() {
                let id = text(&ticket["id"]);
                let code = crate::tickets::payload(&early.guest, &id).await;
                memory.outside.push((Ticket { id, code }, false));
            }
        }
        let mut post = Post::default();
        assert_eq!(post.collect(&app.database, app.mails.path()).await, 0);
        Self {
            shop,
            lawn,
            memory: RefCell::new(memory),
            post,
            rng: seeded(),
        }
    }

    /// Sells until a moment that nobody knows, when the server is killed.
    async fn sell_and_kill(&mut self, database: &Database) {
        let mails = tempfile::tempdir().unwrap();
        let process = Process::start(database, mails.path());
        let nobody = process.client();
        let body = json!({"email": GATE, "password": PASSWORD});
        let login = nobody.post("/api/v1/auth/login", body).await;
        let body = json!({"email": ADMIN_EMAIL, "password": PASSWORD});
        let admin = nobody.post("/api/v1/auth/login", body).await;
        let crowd = Crowd {
            shop: &self.shop,
            lawn: &self.lawn,
            gate: nobody.clone().with_tokens(&login.expect(200).body),
            admin: nobody.clone().with_tokens(&admin.expect(200).body),
            nobody,
            memory: &self.memory,
            answers: Cell::new(self.rng.random_range(20..250)),
            over: Notify::new(),
        };
        let (seed, pause) = (
            self.rng.random_range(0..1 << 32),
            self.rng.random_range(0..30),
        );
        let kill = async {
            crowd.over.notified().await;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            process.kill();
        };
        in_time(async { tokio::join!(crowd.trade(seed), kill) }).await;
        in_time(bury(database)).await;
        let cut = self.post.collect(database, mails.path()).await;
        assert!(cut <= MAILS_AT_ONCE, "{cut} mails were cut by one death");
    }

    /// Does what is left, asks again what was not answered, and lets all time pass.
    async fn settle(&mut self, database: Database) -> TestApp {
        let app = TestApp::start(database, &[]).await;
        for (key, body) in std::mem::take(&mut self.memory.get_mut().unanswered) {
            let path = "/api/v1/checkout-sessions";
            let answer = app.nobody().keyed(&key, "POST", path, body).await;
            answer.expect(201);
            self.memory.get_mut().orders += 1;
        }
        for pause in [0, 6, 6, 6, 25 * 60, 60] {
            app.clock.advance(pause * MINUTE);
            app.drain().await;
        }
        assert_eq!(self.post.collect(&app.database, app.mails.path()).await, 0);
        app
    }
}

/// Waits until the database has noticed the death, and what the dead had taken is free again,
/// as it is after the time of the leases.
async fn bury(database: &Database) {
    let alive = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while database.kind == Kind::Postgres && database.count(alive).await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for statement in [
        "UPDATE jobs SET lease_until = created_at, run_at = created_at",
        "UPDATE emails SET lease_until = created_at WHERE status = 'sending'",
        "UPDATE idempotency SET lease_until = created_at WHERE state = 'running'",
    ] {
        database.execute(statement).await;
    }
}

fn kill_often(kind: Kind) {
    block_on(async {
        let Some(database) = Database::make(kind).await else {
            return;
        };
        let app = TestApp::start(database, &[]).await;
        let mut sale = Sale::open(&app).await;
        let database = app.stop().await;
        let rounds = if is_long() { 100 } else { 3 };
        for _ in 0..rounds {
            sale.sell_and_kill(&database).await;
        }
        let mut app = sale.settle(database).await;
        let memory = sale.memory.get_mut();
        expect_truth(&app, memory).await;
        sale.post.expect_complete(&app.database).await;
        let (bought, inside) = (memory.orders, memory.inside.len());
        let refunded = memory.refunded.len();
        let (checkouts, mails) = (memory.cut, sale.post.cuts());
        eprintln!(
            "{bought} orders, {inside} inside, {refunded} refunded; cut: {checkouts} checkouts, {mails} mails"
        );
        assert!(!is_long() || checkouts > 0, "it died at rest");
        app.finish().await;
    });
}

mod killed_in_the_middle_of_a_sale {
    use super::*;

    #[test]
    fn sqlite() {
        kill_often(Kind::Sqlite);
    }

    #[test]
    fn postgres() {
        kill_often(Kind::Postgres);
    }
}
