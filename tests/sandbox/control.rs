//! Control routes: who may use them, the clock, what they refuse.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::json;
use tollgate::clock::Clock;
use tollgate::sandbox::{self, SandboxError, Settings};

use super::{Sandbox, run};
use crate::support::block_on;

fn settings(listen: &str, token: Option<&str>) -> Settings {
    Settings {
        listen: listen.parse::<SocketAddr>().unwrap(),
        token: token.map(str::to_owned),
        clock: Clock::default(),
    }
}

#[test]
fn without_a_token_it_stays_on_this_machine() {
    block_on(async {
        let open = sandbox::start(settings("0.0.0.0:0", None));
        assert!(matches!(open.err(), Some(SandboxError::Unguarded)));
        let guarded = sandbox::start(settings("0.0.0.0:0", Some("a token")));
        guarded
            .unwrap_or_else(|error| panic!("{error}"))
            .stop()
            .await;
        let taken = sandbox::start(settings("127.0.0.1:1", None));
        // Where anybody may listen there, it is free.
        if let Ok(running) = taken {
            running.stop().await;
        }
    });
}

#[test]
fn a_token_guards_the_control_routes() {
    block_on(async {
        let mut sandbox = Sandbox::start();
        let guarded = sandbox::start(settings("127.0.0.1:0", Some("a token")));
        let guarded = guarded.unwrap_or_else(|error| panic!("{error}"));
        sandbox.base = format!("http://{}", guarded.address());
        let request = || sandbox.request(Method::GET, "/control/stripe/truth");
        for (request, status) in [
            (request(), 401),
            (request().bearer_auth("another"), 401),
            (request().bearer_auth("a token"), 200),
            (
                sandbox
                    .request(Method::POST, "/control/clock")
                    .json(&json!({"advance_seconds": 1})),
                401,
            ),
        ] {
            sandbox.send(request).await.expect(status);
        }
        sandbox.get("customers").await.expect(200);
        guarded.stop().await;
        sandbox.running.stop().await;
    });
}

#[test]
fn the_clock_goes_forward_only() {
    run(async |sandbox| {
        let before = sandbox.clock.now();
        let moved = sandbox
            .control("clock", json!({"advance_seconds": 3_600}))
            .await;
        let unix = moved.expect(200).body["unix"].as_i64().unwrap();
        assert!((3_600..3_660).contains(&(unix - before.unix_seconds())));
        assert!(
            sandbox.clock.now().unix_seconds() >= unix,
            "whoever shares it sees it"
        );
        let customer = sandbox.post("customers", "name=A").await;
        assert!(customer.body["created"].as_i64().unwrap() >= unix);
        sandbox
            .control("clock", json!({"now": "2050-01-01T00:00:00Z"}))
            .await
            .expect(200);
        assert_eq!(
            sandbox.clock.now().to_string().split('T').next(),
            Some("2050-01-01")
        );
        for (body, status) in [
            (json!({"now": "2049-01-01T00:00:00Z"}), 409),
            (json!({}), 400),
            (json!({"advance_seconds": -1}), 400),
            (json!({"advance_seconds": u64::MAX}), 400),
            (json!({"now": "tomorrow"}), 400),
        ] {
            sandbox.control("clock", body).await.expect(status);
        }
    });
}

#[test]
fn a_page_elsewhere_cannot_use_it() {
    run(async |sandbox| {
        let request = sandbox.request(Method::POST, "/control/stripe/settings");
        let plain = request
            .header("content-type", "text/plain")
            .body(r#"{"slow_refunds": true}"#);
        sandbox.send(plain).await.expect(400);
    });
}

#[test]
fn payments_are_found_by_what_they_are_called() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        let alone = sandbox
            .post(
                "payment_intents",
                &format!("{}&metadata[tollgate_reference]=ref_8", super::INTENT),
            )
            .await;
        for reference in [
            super::text(&session["id"]),
            "ord_7".to_owned(),
            "ref_7".to_owned(),
        ] {
            let found = sandbox.act(&reference, "cancel").await;
            assert_eq!(found["session"]["id"], session["id"]);
        }
        for reference in [alone.id(), "ref_8".to_owned()] {
            let found = sandbox.act(&reference, "decline").await;
            assert_eq!(found["payment_intent"]["id"], alone.id());
        }
        sandbox.act("ref_8", "pay").await;
        let truth = sandbox.truth().await;
        // Declined twice, then paid.
        assert_eq!(truth["charges"].as_array().unwrap().len(), 3);
        assert_eq!(truth["charges"][2]["reference"], "ref_8");
        for (reference, outcome, status) in [
            ("ref_9", "pay", 404),
            ("ref_8", "pay", 409),
            ("ref_8", "expire", 409),
            ("ref_8", "async_succeed", 409),
            ("ref_7", "refund", 409),
            ("ref_7", "dispute", 409),
            ("ref_7", "explode", 400),
        ] {
            let refused = sandbox
                .control(
                    &format!("stripe/payments/{reference}"),
                    json!({"outcome": outcome}),
                )
                .await;
            assert!(refused.expect(status).body["error"].is_string());
        }
        sandbox.act("ref_7", "expire").await;
    });
}
