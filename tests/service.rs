//! What the service says of itself.

use std::io::Read;

use crate::support::{Kind, TestApp, on_both, run};
use flate2::read::GzDecoder;
use serde_json::json;

on_both! {
    async fn it_lives_and_is_ready(app: &TestApp) {
        let nobody = app.nobody();
        assert_eq!(nobody.get("/healthz").await.expect(200).body, json!({"status": "ok"}));
        let ready = nobody.get("/readyz").await;
        assert_eq!(ready.expect(200).body["migrations_applied"], true);
        assert!(ready.body["queues"]["emails_oldest_seconds"].is_u64());
    }

    async fn a_queue_that_nobody_works_on_grows_old(app: &TestApp) {
        app.user("asha@example.com").await;
        app.clock.advance(std::time::Duration::from_secs(600));
        let ready = app.nobody().get("/readyz").await;
        let age = ready.expect(200).body["queues"]["emails_oldest_seconds"].as_u64().unwrap();
        assert!((600..700).contains(&age), "{age}");
        app.drain().await;
        let ready = app.nobody().get("/readyz").await;
        assert_eq!(ready.body["queues"]["emails_oldest_seconds"], 0);
    }

    async fn a_database_that_is_behind_is_not_ready(app: &TestApp) {
        app.database
            .execute("DELETE FROM __diesel_schema_migrations WHERE version > '20261121000001'")
            .await;
        app.nobody().get("/readyz").await.expect(503);
    }
}

#[test]
fn the_catalogue_explains_every_code() {
    run(Kind::Sqlite, &[], async |app| {
        let nobody = app.nobody();
        let catalogue = nobody.get("/api/v1/errors").await;
        let entries = catalogue.expect(200).body["data"]
            .as_array()
            .unwrap()
            .clone();
        assert!(entries.len() >= 60);
        for entry in entries {
            let code = entry["code"].as_str().unwrap();
            let one = nobody.get(&format!("/api/v1/errors/{code}")).await;
            assert_eq!(one.expect(200).body, entry);
            assert!(!entry["advice"].as_str().unwrap().is_empty());
        }
        nobody
            .get("/api/v1/errors/nonsense")
            .await
            .expect_problem(404, "not_found");
    });
}

/// The list of `api.md` §12.
#[test]
fn every_code_of_the_contract_is_there_with_its_status() {
    let contract = [
        (
            400,
            "malformed_json idempotency_key_required token_invalid webhook_signature_invalid webhook_payload_invalid",
        ),
        (
            401,
            "unauthenticated token_expired invalid_credentials refresh_reused",
        ),
        (402, "payment_declined"),
        (403, "forbidden"),
        (404, "not_found"),
        (408, "request_timeout"),
        (412, "precondition_failed"),
        (413, "payload_too_large"),
        (415, "unsupported_media_type"),
        (
            409,
            "email_taken invalid_transition idempotency_in_progress event_has_orders capacity_below_sold sold_out booth_taken price_changed event_not_on_sale too_many_open_orders order_already_paid order_expired payment_in_progress amount_mismatch not_cancelable payment_not_refundable refund_exceeds_payment refund_window_closed refund_in_progress ticket_not_issued ticket_void ticket_used ticket_suspended nonce_reused",
        ),
        (
            422,
            "validation_failed unknown_field unknown_parameter invalid_cursor money_not_integer weak_password idempotency_key_reused quantity_out_of_range ticket_type_not_found booth_type_not_found return_url_not_allowed currency_not_supported provider_not_available amount_too_small qr_parameters_invalid",
        ),
        (429, "rate_limited"),
        (500, "internal"),
        (502, "provider_error provider_misconfigured"),
        (503, "overloaded"),
    ];
    run(Kind::Sqlite, &[], async |app| {
        let catalogue = app.nobody().get("/api/v1/errors").await;
        let entries = catalogue.body["data"].as_array().unwrap().clone();
        let mut expected = 0;
        for (status, codes) in contract {
            for code in codes.split(' ') {
                expected += 1;
                let entry = entries.iter().find(|entry| entry["code"] == code);
                assert_eq!(entry.unwrap()["status"], status, "{code}");
            }
        }
        assert_eq!(entries.len(), expected);
        let retryable: Vec<&str> = entries
            .iter()
            .filter(|entry| entry["retryable"] == true)
            .map(|entry| entry["code"].as_str().unwrap())
            .collect();
        for code in [
            "payment_declined",
            "idempotency_in_progress",
            "rate_limited",
            "provider_error",
            "overloaded",
        ] {
            assert!(retryable.contains(&code), "{code}");
        }
    });
}

#[test]
fn the_front_door_has_links_and_the_keys_are_public() {
    run(Kind::Sqlite, &[], async |app| {
        let nobody = app.nobody();
        let index = nobody.get("/api/v1").await;
        assert_eq!(index.expect(200).body["livemode"], false);
        assert_eq!(
            index.body["links"]["docs"],
            "http://tollgate.test/api/docs/"
        );
        nobody.get("/api/v1/version").await.expect(200);
        let jwks = nobody.get("/.well-known/jwks.json").await;
        let key = &jwks.expect(200).body["keys"][0];
        assert_eq!(
            (&key["kty"], &key["crv"]),
            (&json!("OKP"), &json!("Ed25519"))
        );
        assert!(key.get("d").is_none(), "the private half is private");
        let docs = nobody.request("GET", "/api/docs/").send().await.unwrap();
        assert_eq!(docs.headers()["content-encoding"], "gzip");
        let packed = docs.bytes().await.unwrap();
        let mut page = String::new();
        GzDecoder::new(packed.as_ref())
            .read_to_string(&mut page)
            .unwrap();
        assert!(page.contains("swagger-ui"), "{page}");
        assert!(!page.contains("https://"), "nothing from elsewhere: {page}");
        let contract = nobody.get("/api/v1/openapi.json").await;
        assert_eq!(contract.expect(200).body["openapi"], "3.1.0");
    });
}
