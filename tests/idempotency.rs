//! The same request twice has one effect and one answer.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, event_body, on_both};

const EVENTS: &str = "/api/v1/events";

on_both! {
    async fn an_answer_is_repeated(app: &TestApp) {
        let admin = app.admin().await;
        let first = admin.keyed("first-key", "POST", EVENTS, event_body("Jazz")).await;
        first.expect(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        // Members in another order and white space are the same request.
        let text = r#"{ "currency":"TZS","time_zone":"Africa/Dar_es_Salaam",
            "starts_at":"2027-02-11T13:00:00Z","name":"Jazz" }"#;
        let request = admin.request("POST", EVENTS).header("Idempotency-Key", "first-key");
        let again = admin.send(request.header("content-type", "application/json").body(text)).await;
        again.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("etag"), first.header("etag"));
        assert_eq!(again.header("location"), first.header("location"));
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        let all = admin.get(EVENTS).await;
        assert_eq!(all.body["data"].as_array().unwrap().len(), 1);
    }

    async fn a_refusal_is_repeated(app: &TestApp) {
        let admin = app.admin().await;
        let event = admin.post(EVENTS, event_body("Jazz")).await;
        let path = format!("{EVENTS}/{}/unpublish", event.expect(201).id());
        let first = admin.keyed("refused-key", "POST", &path, json!({})).await;
        first.expect_problem(409, "invalid_transition");
        let publish = path.replace("unpublish", "publish");
        admin.post(&publish, json!({})).await.expect(200);
        let again = admin.keyed("refused-key", "POST", &path, json!({})).await;
        again.expect_problem(409, "invalid_transition");
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.body["detail"], first.body["detail"]);
    }

    async fn a_key_serves_one_request_of_one_caller_on_one_route(app: &TestApp) {
        let admin = app.admin().await;
        admin.keyed("shared-key", "POST", EVENTS, event_body("Jazz")).await.expect(201);
        let other = admin.keyed("shared-key", "POST", EVENTS, event_body("Blues")).await;
        other.expect_problem(422, "idempotency_key_reused");
        let body = json!({"name": "Own", "default_currency": "TZS"});
        let organizer = admin.keyed("shared-key", "POST", "/api/v1/organizers", body).await;
        organizer.expect(201);
        let manager = app.member(&organizer.id(), "manager", "m@example.com").await;
        let mut body = event_body("Jazz");
        body["organizer_id"] = json!(organizer.id());
        let theirs = manager.keyed("shared-key", "POST", EVENTS, body).await;
        theirs.expect(201);
        assert_eq!(theirs.header("idempotency-replayed"), None);
    }

    async fn twenty_at_once_have_one_effect(app: &TestApp) {
        let admin = app.admin().await;
        let all = (0..20).map(|_| admin.keyed("equal-key", "POST", EVENTS, event_body("Jazz")));
        let answers = futures_util::future::join_all(all).await;
        let first = answers[0].expect(201).id();
        for answer in &answers {
            assert_eq!(answer.expect(201).id(), first);
        }
        let replayed = |a: &&crate::support::Answer| a.header("idempotency-replayed").is_some();
        assert_eq!(answers.iter().filter(replayed).count(), 19);
        let all = admin.get(EVENTS).await;
        assert_eq!(all.body["data"].as_array().unwrap().len(), 1);
    }

    async fn an_answer_is_kept_for_three_days(app: &TestApp) {
        let admin = app.admin().await;
        admin.keyed("kept-key", "POST", EVENTS, event_body("Jazz")).await.expect(201);
        app.clock.advance(Duration::from_secs(71 * 3600));
        app.drain().await;
        let admin = app.admin().await;
        let again = admin.keyed("kept-key", "POST", EVENTS, event_body("Jazz")).await;
        assert_eq!(again.expect(201).header("idempotency-replayed"), Some("true"));
        app.clock.advance(Duration::from_secs(2 * 3600));
        app.drain().await;
        let admin = app.admin().await;
        let fresh = admin.keyed("kept-key", "POST", EVENTS, event_body("Jazz")).await;
        assert_eq!(fresh.expect(201).header("idempotency-replayed"), None);
    }

    async fn a_key_has_eight_to_255_printable_characters(app: &TestApp) {
        let admin = app.admin().await;
        let long = "x".repeat(256);
        for key in ["short", long.as_str()] {
            let refused = admin.keyed(key, "POST", EVENTS, event_body("Jazz")).await;
            refused.expect_problem(422, "validation_failed");
        }
        let request = admin.request("POST", EVENTS).header("Idempotency-Key", b"umlaut-\xc3\xa4-key".as_slice());
        let refused = admin.send(request.json(&event_body("Jazz"))).await;
        refused.expect_problem(422, "validation_failed");
        admin.keyed(&"x".repeat(255), "POST", EVENTS, event_body("Jazz")).await.expect(201);
    }

    async fn changes_and_deletions_are_repeated_too(app: &TestApp) {
        let admin = app.admin().await;
        let event = admin.post(EVENTS, event_body("Jazz")).await;
        let path = format!("{EVENTS}/{}", event.expect(201).id());
        for _ in 0..2 {
            let changed = admin.keyed("change-key", "PATCH", &path, json!({"name": "Blues"})).await;
            assert_eq!(changed.expect(200).body["version"], 2);
        }
    }

    async fn answers_with_tokens_are_never_stored(app: &TestApp) {
        let body = json!({"email": "a@example.com", "password": crate::support::PASSWORD, "name": "A"});
        let path = "/api/v1/auth/register";
        app.nobody().keyed("register-key-0001", "POST", path, body.clone()).await.expect(201);
        let again = app.nobody().keyed("register-key-0001", "POST", path, body).await;
        again.expect_problem(409, "email_taken");
    }
}
