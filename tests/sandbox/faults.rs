//! What goes wrong was asked for, goes wrong as often as asked, and is counted.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{INTENT, Sandbox, run};

/// A call with a key of its own, by a client that does not wait for long.
async fn call(sandbox: &Sandbox, key: &str) -> reqwest::Result<super::Answer> {
    let form = sandbox
        .form("payment_intents", INTENT)
        .header("idempotency-key", key);
    sandbox
        .try_send(form.timeout(Duration::from_millis(500)))
        .await
}

async fn count(sandbox: &Sandbox) -> usize {
    sandbox.truth().await["payment_intents"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn what_is_lost_was_done_or_not() {
    run(async |sandbox| {
        for (fault, is_done) in [
            ("timeout_before", false),
            ("timeout_after", true),
            ("reset", true),
            ("garbage", true),
            ("html_502", false),
        ] {
            let before = count(sandbox).await;
            sandbox.fault("payment_intents.create", fault, 1).await;
            let lost = call(sandbox, fault).await;
            match fault {
                "timeout_before" | "timeout_after" => {
                    assert!(lost.unwrap_err().is_timeout(), "{fault}")
                }
                "reset" => {
                    let error = lost.unwrap_err();
                    assert!(
                        error.is_request() && !error.is_timeout() && !error.is_connect(),
                        "{error:?}"
                    );
                }
                "garbage" => {
                    let answer = lost.unwrap();
                    assert_eq!(
                        (answer.status, &answer.body),
                        (200, &Value::Null),
                        "{}",
                        answer.text
                    );
                }
                _ => assert_eq!(lost.unwrap().status, 502),
            }
            assert_eq!(
                count(sandbox).await,
                before + usize::from(is_done),
                "{fault}"
            );
            let again = call(sandbox, fault).await.unwrap();
            let replayed = if is_done { "true" } else { "" };
            assert_eq!(
                again.expect(200).header("idempotent-replayed"),
                replayed,
                "{fault}"
            );
            assert_eq!(count(sandbox).await, before + 1, "{fault}");
        }
    });
}

#[test]
fn they_come_in_turn_and_are_counted() {
    run(async |sandbox| {
        sandbox
            .fault("payment_intents.create", "rate_limit", 2)
            .await;
        sandbox.fault("payment_intents.create", "http_500", 1).await;
        sandbox.fault("customers.list", "html_502", 1).await;
        for status in [429, 429, 500, 200] {
            sandbox.post("payment_intents", INTENT).await.expect(status);
        }
        sandbox.get("customers").await.expect(502);
        let truth = sandbox.truth().await;
        assert_eq!(
            truth["faults"],
            json!([
                {"operation": "customers.list", "fault": "html_502", "fired": 1},
                {"operation": "payment_intents.create", "fault": "http_500", "fired": 1},
                {"operation": "payment_intents.create", "fault": "rate_limit", "fired": 2},
            ])
        );
        assert_eq!(
            truth["operations"],
            json!({"customers.list": 1, "payment_intents.create": 4})
        );
    });
}

#[test]
fn healing_ends_them() {
    run(async |sandbox| {
        sandbox
            .fault("payment_intents.create", "http_500", 100)
            .await;
        sandbox.post("payment_intents", INTENT).await.expect(500);
        let heal = sandbox.request(Method::DELETE, "/control/stripe/faults");
        sandbox.send(heal).await.expect(200);
        sandbox.post("payment_intents", INTENT).await.expect(200);
        assert_eq!(sandbox.truth().await["faults"][0]["fired"], 1);
    });
}

#[test]
fn only_what_is_known_can_go_wrong() {
    run(async |sandbox| {
        for (body, status) in [
            (
                json!({"operation": "payments.create", "fault": "reset", "times": 1}),
                404,
            ),
            (
                json!({"operation": "refunds.create", "fault": "earthquake", "times": 1}),
                400,
            ),
            (
                json!({"operation": "refunds.create", "fault": "reset", "times": 1_001}),
                400,
            ),
            (
                json!({"operation": "refunds.create", "fault": "reset", "tines": 1}),
                400,
            ),
        ] {
            let refused = sandbox.control("stripe/faults", body).await;
            assert!(refused.expect(status).body["error"].is_string());
        }
    });
}
