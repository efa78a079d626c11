//! What every route shares: limits, request ids, CORS, proxies, clients that hang up.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Kind, PASSWORD, TestApp, event_body, on_both, run};

pub fn address(app: &TestApp) -> String {
    app.base.strip_prefix("http://").unwrap().to_owned()
}

on_both! {
    async fn a_client_that_hangs_up_does_not_stop_its_request(app: &TestApp) {
        let body = json!({"email": "asha@example.com", "password": PASSWORD, "name": "Asha"}).to_string();
        let request = format!(
            "POST /api/v1/auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address(app)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Until the server has taken it: hashing the password takes longer than that.
        while app.app.running.is_empty() {
            tokio::task::yield_now().await;
        }
        stream.set_zero_linger().unwrap();
        drop(stream);
        app.app.running.close();
        app.app.running.wait().await;
        app.app.running.reopen();
        app.sign_in("asha@example.com", PASSWORD).await;
    }

    async fn a_request_has_an_id(app: &TestApp) {
        let nobody = app.nobody();
        let answer = async |id: &str| nobody.send(nobody.request("GET", "/healthz").header("X-Request-Id", id)).await;
        assert_eq!(answer("front-end.42_a").await.header("x-request-id"), Some("front-end.42_a"));
        for odd in ["a b", "<script>", &"x".repeat(65), ""] {
            let answer = answer(odd).await;
            assert!(answer.header("x-request-id").unwrap().starts_with("req_"), "{odd}");
        }
    }

    async fn nothing_here_is_a_problem_too(app: &TestApp) {
        let admin = app.admin().await;
        for path in ["/", "/nonsense", "/api/v1/nonsense", "/api/v1/events/x/y/z", "/api/v2", "/api/v1/"] {
            let answer = admin.get(path).await;
            answer.expect_problem(404, "not_found");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.body["instance"], path);
        }
        let wrong_method = admin.send(admin.request("DELETE", "/api/v1/events")).await;
        assert!(matches!(wrong_method.status, 404 | 405));
    }

    async fn personal_answers_are_not_kept_by_anybody(app: &TestApp) {
        let admin = app.admin().await;
        for path in ["/api/v1/me", "/api/v1/users", "/api/v1/organizers", "/api/v1/audit-log", "/api/v1/nonsense"] {
            assert_eq!(admin.get(path).await.header("cache-control"), Some("no-store"), "{path}");
        }
        let answer = app.nobody().get("/api/docs/").await;
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }

    async fn a_saturated_database_answers_503(app: &TestApp) {
        let admin = app.admin().await;
        // The write lock is held elsewhere for longer than anybody waits.
        let blocker = Blocker::take(app).await;
        let answer = admin.post("/api/v1/events", event_body("Jazz")).await;
        answer.expect_problem(503, "overloaded");
        assert!(answer.header("retry-after").is_some());
        blocker.release().await;
        admin.post("/api/v1/events", event_body("Jazz")).await.expect(201);
    }
}

/// Holds a lock that every new event needs.
pub enum Blocker {
    Sqlite(diesel::SqliteConnection),
    Postgres(tokio_postgres::Client),
}

impl Blocker {
    pub async fn take(app: &TestApp) -> Self {
        match app.database.kind {
            Kind::Sqlite => {
                use diesel::Connection;
                use diesel::connection::SimpleConnection;
                let file = app.database.file();
                let mut conn = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                conn.batch_execute("BEGIN IMMEDIATE").unwrap();
                Self::Sqlite(conn)
            }
            Kind::Postgres => {
                let (client, connection) =
                    tokio_postgres::connect(&app.database.url, tokio_postgres::NoTls)
                        .await
                        .unwrap();
                tokio::spawn(connection);
                client
                    .batch_execute("BEGIN; LOCK TABLE events")
                    .await
                    .unwrap();
                Self::Postgres(client)
            }
        }
    }

    pub async fn release(self) {
        match self {
            Self::Sqlite(mut conn) => {
                use diesel::connection::SimpleConnection;
                conn.batch_execute("ROLLBACK").unwrap();
            }
            Self::Postgres(client) => client.batch_execute("ROLLBACK").await.unwrap(),
        }
    }
}

#[test]
fn a_body_that_does_not_arrive_is_given_up() {
    run(Kind::Sqlite, &[], async |app| {
        let mut stream = TcpStream::connect(address(app)).await.unwrap();
        let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                    content-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        let started = Instant::now();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("request_timeout"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(30));
    });
}

#[test]
fn anybody_may_call_300_times_a_minute() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let admin = app.admin().await;
        let nobody = app.nobody();
        let mut limited = None;
        for _ in 0..320 {
            let answer = nobody.get("/api/v1/version").await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.expect("the 301st call is refused");
        limited.expect_problem(429, "rate_limited");
        assert_eq!(limited.body["retryable"], true);
        assert!(limited.header("retry-after").is_some());
        // Made-up tokens do not help, and a caller is counted apart from the address.
        let forger = app.nobody().with_tokens(&json!({"access_token": "x.y.z"}));
        forger
            .get("/api/v1/version")
            .await
            .expect_problem(429, "rate_limited");
        admin.get("/api/v1/me").await.expect(200);
    });
}

#[test]
fn a_forwarded_address_counts_behind_a_trusted_proxy_only() {
    let forwarded = async |app: &TestApp, client: &str| {
        let nobody = app.nobody();
        let body = json!({"email": "nobody@example.com", "password": "x"});
        let request = nobody
            .request("POST", "/api/v1/auth/login")
            .header("X-Forwarded-For", client);
        nobody.send(request.json(&body)).await.status
    };
    let settings = [("RATE_LIMITS", "on"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    run(Kind::Sqlite, &settings, async |app| {
        for number in 1..=12 {
            assert_eq!(forwarded(app, &format!("203.0.113.{number}")).await, 401);
        }
    });
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let mut statuses = Vec::new();
        for number in 1..=12 {
            let body = json!({"email": format!("r{number}@example.com"), "password": PASSWORD, "name": "R"});
            let nobody = app.nobody();
            let client = format!("203.0.113.{number}");
            let request = nobody
                .request("POST", "/api/v1/auth/register")
                .header("X-Forwarded-For", client);
            statuses.push(nobody.send(request.json(&body)).await.status);
        }
        for number in 13..=21 {
            let body = json!({"email": format!("r{number}@example.com"), "password": PASSWORD, "name": "R"});
            statuses.push(
                app.nobody()
                    .post("/api/v1/auth/register", body)
                    .await
                    .status,
            );
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 20);
        assert_eq!(statuses.last(), Some(&429));
    });
}

#[test]
fn browsers_of_known_front_ends_may_call() {
    let settings = [
        ("RETURN_ORIGINS", "https://shop.example.com"),
        ("APP_ENV", "test"),
    ];
    run(Kind::Sqlite, &settings, async |app| {
        let nobody = app.nobody();
        let preflight = async |origin: &str| {
            let request = nobody
                .request("OPTIONS", "/api/v1/events")
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header(
                    "Access-Control-Request-Headers",
                    "authorization,content-type,idempotency-key",
                );
            nobody.send(request).await
        };
        for origin in ["https://shop.example.com", "http://localhost:5173"] {
            let answer = preflight(origin).await;
            assert_eq!(
                answer.expect(200).header("access-control-allow-origin"),
                Some(origin)
            );
            let request = nobody
                .request("GET", "/api/v1/events")
                .header("Origin", origin);
            let answer = nobody.send(request).await;
            assert_eq!(
                answer.expect(200).header("access-control-allow-origin"),
                Some(origin)
            );
            assert!(
                answer
                    .header("access-control-expose-headers")
                    .unwrap()
                    .contains("etag")
            );
        }
        for origin in [
            "https://evil.example.com",
            "https://shop.example.com.evil.com",
            "null",
        ] {
            let answer = preflight(origin).await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                None,
                "{origin}"
            );
        }
    });
}
