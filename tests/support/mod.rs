//! What every test needs: a running Tollgate of its own, and a client that knows the contract.

pub mod client;
pub mod contract;
pub mod database;
pub mod gateway;
pub mod mails;
pub mod sale;

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate::app::{self, App, Running};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::gateways::Gateway;

pub use client::{Answer, Client};
pub use database::{Database, Kind};

pub const ADMIN_EMAIL: &str = "admin@example.com";
pub const DUMMY_WEBHOOK_SECRET: &str = "dummy-secret-for-the-tests-0123456789";
pub const PASSWORD: &str = "blue kiosk 7 monsoon";

/// Declares tests that run on both databases, each with a Tollgate of its own.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: $type:ty) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn test($app: $type) $body

            $(#[$meta])*
            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Kind::Sqlite, &[], async |app| test(app).await);
            }

            $(#[$meta])*
            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Kind::Postgres, &[], async |app| test(app).await);
            }
        }
    )+};
}
pub(crate) use on_both;

/// A Tollgate that serves on a port of its own.
pub struct TestApp {
    pub app: App,
    pub base: String,
    pub clock: Clock,
    pub database: Database,
    pub mails: tempfile::TempDir,
    settings: HashMap<String, String>,
    server: Option<Running>,
}

/// Runs one test on one database; PostgreSQL where `TEST_DATABASE_URL` names one.
pub fn run(kind: Kind, settings: &[(&str, &str)], test: impl AsyncFnOnce(&TestApp)) {
    block_on(async {
        let Some(database) = Database::make(kind).await else {
            eprintln!("skipped: TEST_DATABASE_URL names no PostgreSQL");
            return;
        };
        let mut app = TestApp::start(database, settings).await;
        test(&app).await;
        app.finish().await;
    });
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

impl TestApp {
    pub async fn start(database: Database, settings: &[(&str, &str)]) -> Self {
        Self::start_with(database, settings, Clock::default(), None).await
    }

    /// One that sells through a further gateway, where there is one.
    pub async fn start_with(
        database: Database,
        settings: &[(&str, &str)],
        clock: Clock,
        gateway: Option<Arc<dyn Gateway>>,
    ) -> Self {
        let mails = tempfile::tempdir().unwrap();
        let mut all = Self::settings(&database, mails.path());
        let more = settings.iter();
        all.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all.retain(|_, value| !value.is_empty());
        let mut app = Self::open(&all, clock.clone()).await;
        if let Some(gateway) = gateway {
            app.gateways = app.gateways.with(gateway);
        }
        app.greet().await.unwrap();
        let server = app::serve(app.clone(), 1, false).unwrap();
        Self {
            base: format!("http://{}", server.address()),
            app,
            clock,
            database,
            mails,
            settings: all,
            server: Some(server),
        }
    }

    /// A second server with the same settings, database and clock; stop it at the end.
    pub async fn beside(&self) -> Running {
        app::serve(self.another().await, 1, false).unwrap()
    }

    /// What a second process on the same database, with the same clock, would have.
    pub async fn another(&self) -> App {
        Self::open(&self.settings, self.clock.clone()).await
    }

    async fn open(settings: &HashMap<String, String>, clock: Clock) -> App {
        let settings = settings.clone();
        let config = Config::from_lookup(move |name| settings.get(name).cloned()).unwrap();
        App::open(config, clock).await.unwrap()
    }

    /// What every test's Tollgate is set to.
    pub fn settings(database: &Database, mails: &Path) -> HashMap<String, String> {
        [
            ("APP_ENV", "test"),
            ("LISTEN", "127.0.0.1:0"),
            ("DATABASE_URL", &database.url),
            ("PUBLIC_BASE_URL", "http://tollgate.test"),
            ("ADMIN_EMAIL", ADMIN_EMAIL),
            ("ADMIN_PASSWORD", PASSWORD),
            ("MAILER", "file"),
            ("MAIL_DIR", mails.to_str().unwrap()),
            ("RATE_LIMITS", "off"),
            ("DEFAULT_CURRENCY", "TZS"),
            ("DUMMY_WEBHOOK_SECRET", DUMMY_WEBHOOK_SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Stops serving, and hands over the database as it is.
    pub async fn stop(mut self) -> Database {
        let server = self.server.take().unwrap();
        server.stop().await.unwrap();
        self.database
    }

    /// Does the work that is left, and fails if any cannot be done.
    pub async fn finish(&mut self) {
        self.drain().await;
        let left = self.app.count_unfinished_work().await.unwrap();
        assert_eq!(left, 0, "the test left background work behind");
        let violations = self.app.find_violations(false).await.unwrap();
        assert_eq!(violations, Vec::<String>::new());
        if let Some(server) = self.server.take() {
            server.stop().await.unwrap();
        }
    }

    /// Does all background work that is due.
    pub async fn drain(&self) {
        self.app.drain_jobs().await.unwrap();
    }

    /// Somebody who is not signed in.
    pub fn nobody(&self) -> Client {
        Client::new(&self.base)
    }

    pub async fn admin(&self) -> Client {
        self.sign_in(ADMIN_EMAIL, PASSWORD).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Client {
        let body = json!({"email": email, "password": password});
        let answer = self.nobody().post("/api/v1/auth/login", body).await;
        answer.expect(200);
        self.nobody().with_tokens(&answer.body)
    }

    /// A new account, signed in.
    pub async fn user(&self, email: &str) -> Client {
        let body = json!({"email": email, "password": PASSWORD, "name": "Asha Mwinyi"});
        let answer = self.nobody().post("/api/v1/auth/register", body).await;
        answer.expect(201);
        self.nobody().with_tokens(&answer.body)
    }

    /// A new account that is a member of `organizer`, signed in.
    pub async fn member(&self, organizer: &str, role: &str, email: &str) -> Client {
        let member = self.user(email).await;
        let id = member.user_id();
        let path = format!("/api/v1/organizers/{organizer}/members/{id}");
        let admin = self.admin().await;
        admin.put(&path, json!({"role": role})).await.expect(200);
        member
    }

    /// A new organizer's id.
    pub async fn organizer(&self, name: &str) -> String {
        let body = json!({"name": name, "default_currency": "TZS"});
        let answer = self.admin().await.post("/api/v1/organizers", body).await;
        answer.expect(201);
        answer.id()
    }
}

/// A valid new event.
pub fn event_body(name: &str) -> Value {
    json!({
        "name": name, "starts_at": "2027-02-11T13:00:00Z",
        "time_zone": "Africa/Dar_es_Salaam", "currency": "TZS",
    })
}
