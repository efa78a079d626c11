//! Figures for who is on call: on a port of their own, and nowhere else.

use serde_json::json;

use crate::commands::{Server, tollgate};
use crate::mail::free_port;
use crate::support::{Client, block_on};

/// A figure's value, by its name and labels as they are shown.
fn figure(shown: &str, name: &str) -> Option<f64> {
    let line = shown.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

#[test]
fn figures_are_shown_on_their_own_port() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = format!("127.0.0.1:{}", free_port());
    let mut command = tollgate(folder.path());
    let server = Server::start(command.env("METRICS_LISTEN", &metrics));
    block_on(async {
        let nobody = Client::new(&server.base);
        nobody.get("/api/v1/version").await.expect(200);
        nobody.get("/api/v1/version").await.expect(200);
        nobody.get("/metrics").await.expect(404);
        let forged = nobody.post("/api/v1/webhooks/dummy", json!({})).await;
        forged.expect_problem(400, "webhook_signature_invalid");
        let address = format!("http://{metrics}/metrics");
        let shown = reqwest::get(&address).await.unwrap();
        assert_eq!(shown.status(), 200);
        let shown = shown.text().await.unwrap();
        for (name, value) in [
            (
                r#"tollgate_http_requests_total{method="GET",route="/api/v1/version",status="200"}"#,
                2.0,
            ),
            (
                r#"tollgate_http_request_seconds_count{method="GET",route="/api/v1/version"}"#,
                2.0,
            ),
            (
                r#"tollgate_webhooks_total{provider="dummy",result="refused"}"#,
                1.0,
            ),
            (r#"tollgate_queue_given_up{queue="jobs"}"#, 0.0),
            ("tollgate_tasks_open", 0.0),
            // A gauge keeps what it was last set to, so that none is said too.
            (r#"tollgate_payments_unfinished{status="unknown"}"#, 0.0),
            ("tollgate_database_up", 1.0),
        ] {
            assert_eq!(figure(&shown, name), Some(value), "{name}\n{shown}");
        }
        for name in [
            r#"tollgate_queue_oldest_seconds{queue="webhooks"}"#,
            r#"tollgate_db_pool_connections{pool="writer",state="open"}"#,
            "tollgate_db_pool_wait_seconds_count",
        ] {
            assert!(figure(&shown, name).is_some(), "{name}\n{shown}");
        }
        // The rest of the API is not there.
        let elsewhere = reqwest::get(format!("http://{metrics}/api/v1/version")).await;
        assert_eq!(elsewhere.unwrap().status(), 404);
    });
    assert_eq!(server.stop().0, 0);
}
