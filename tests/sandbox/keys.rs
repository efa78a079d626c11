//! Idempotency keys: one call, one answer, for a day.

use serde_json::json;

use super::{INTENT, run};

#[test]
fn the_same_call_is_answered_the_same() {
    run(async |sandbox| {
        let form = format!("{INTENT}&confirm=true&payment_method=pm_card_visa");
        let first = sandbox.keyed("k1", "payment_intents", &form).await;
        let second = sandbox.keyed("k1", "payment_intents", &form).await;
        assert_eq!(first.expect(200).text, second.expect(200).text);
        assert_eq!(
            (
                first.header("idempotent-replayed"),
                second.header("idempotent-replayed")
            ),
            ("", "true")
        );
        assert_eq!(
            second.header("original-request"),
            first.header("request-id")
        );
        assert_ne!(second.header("request-id"), first.header("request-id"));
        assert_eq!(second.header("idempotency-key"), "k1");
        assert_eq!(
            sandbox.truth().await["charges"].as_array().unwrap().len(),
            1
        );
        let other = sandbox.keyed("k2", "payment_intents", &form).await;
        assert_ne!(other.expect(200).id(), first.id());
    });
}

#[test]
fn a_key_is_good_for_one_call_only() {
    run(async |sandbox| {
        sandbox
            .keyed("k", "payment_intents", INTENT)
            .await
            .expect(200);
        let other = sandbox
            .keyed("k", "payment_intents", &format!("{INTENT}&description=x"))
            .await;
        other.expect_error(400, "idempotency_error", "");
        let elsewhere = sandbox.keyed("k", "customers", INTENT).await;
        elsewhere.expect_error(400, "idempotency_error", "");
        let long = sandbox.keyed(&"k".repeat(256), "customers", "name=A").await;
        long.expect_error(400, "idempotency_error", "");
    });
}

#[test]
fn a_declined_card_stays_declined_under_its_key() {
    run(async |sandbox| {
        let form = format!("{INTENT}&confirm=true&payment_method=pm_card_chargeDeclined");
        let first = sandbox.keyed("k", "payment_intents", &form).await;
        first.expect_error(402, "card_error", "card_declined");
        let second = sandbox.keyed("k", "payment_intents", &form).await;
        assert_eq!(
            (second.status, second.header("idempotent-replayed")),
            (402, "true")
        );
        assert_eq!(
            sandbox.truth().await["charges"].as_array().unwrap().len(),
            1
        );
    });
}

#[test]
fn what_was_not_begun_is_not_kept() {
    run(async |sandbox| {
        sandbox
            .keyed("k", "payment_intents", "amount=1&currency=usd")
            .await
            .expect(400);
        sandbox
            .fault("payment_intents.create", "rate_limit", 1)
            .await;
        let slow = sandbox.keyed("k", "payment_intents", INTENT).await;
        slow.expect_error(429, "invalid_request_error", "rate_limit");
        assert_eq!(slow.header("retry-after"), "1");
        sandbox.fault("payment_intents.create", "html_502", 1).await;
        let proxy = sandbox.keyed("k", "payment_intents", INTENT).await;
        assert!(proxy.expect(502).text.starts_with("<html>"));
        let made = sandbox.keyed("k", "payment_intents", INTENT).await;
        assert_eq!(made.expect(200).header("idempotent-replayed"), "");
    });
}

#[test]
fn a_failure_of_stripe_is_kept() {
    run(async |sandbox| {
        sandbox.fault("payment_intents.create", "http_500", 1).await;
        for replayed in ["", "true"] {
            let failed = sandbox.keyed("k", "payment_intents", INTENT).await;
            failed.expect_error(500, "api_error", "");
            assert_eq!(failed.header("idempotent-replayed"), replayed);
        }
        assert_eq!(sandbox.truth().await["payment_intents"], json!([]));
        sandbox.wait(24 * 60 * 60);
        sandbox
            .keyed("k", "payment_intents", INTENT)
            .await
            .expect(200);
    });
}

#[test]
fn a_key_at_work_is_in_use() {
    run(async |sandbox| {
        sandbox.fault("payment_intents.create", "stuck", 1).await;
        let first = sandbox.keyed("k", "payment_intents", INTENT);
        let others = async {
            while sandbox.truth().await["faults"][0]["fired"] != 1 {
                tokio::task::yield_now().await;
            }
            let second = sandbox.keyed("k", "payment_intents", INTENT).await;
            second.expect_error(409, "idempotency_error", "idempotency_key_in_use");
            let heal = sandbox.request(reqwest::Method::DELETE, "/control/stripe/faults");
            sandbox.send(heal).await.expect(200);
        };
        let (first, ()) = tokio::join!(first, others);
        first.expect(200);
        let replayed = sandbox.keyed("k", "payment_intents", INTENT).await;
        assert_eq!(replayed.expect(200).text, first.text);
    });
}
