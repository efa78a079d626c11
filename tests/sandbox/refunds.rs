//! Refunds: never more than there is, pending, failing late, called back.

use serde_json::{Value, json};

use super::{Sandbox, run, text};

/// A paid PaymentIntent's id, and its charge's.
async fn paid(sandbox: &Sandbox, method: &str) -> (String, String) {
    let paid = sandbox.pay(method).await;
    (paid.expect(200).id(), text(&paid.body["latest_charge"]))
}

async fn refunded(sandbox: &Sandbox, charge: &str) -> (i64, bool) {
    let charge = sandbox.get(&format!("charges/{charge}")).await;
    (
        charge.body["amount_refunded"].as_i64().unwrap(),
        charge.body["refunded"] == true,
    )
}

#[test]
fn never_more_than_there_is() {
    run(async |sandbox| {
        let (intent, charge) = paid(sandbox, "pm_card_visa").await;
        let first = sandbox
            .post(
                "refunds",
                &format!(
                    "payment_intent={intent}&amount=500&reason=duplicate&metadata[reference]=rf_1"
                ),
            )
            .await;
        assert_eq!(
            (&first.expect(200).body["status"], &first.body["charge"]),
            (&json!("succeeded"), &json!(charge))
        );
        assert_eq!(first.body["metadata"]["reference"], "rf_1");
        let more = sandbox
            .post("refunds", &format!("charge={charge}&amount=1501"))
            .await;
        let error = more.expect_error(400, "invalid_request_error", "");
        assert_eq!(
            error["message"],
            "Refund amount (15.01 USD) is greater than unrefunded amount on charge (15.00 USD)"
        );
        assert_eq!(refunded(sandbox, &charge).await, (500, false));
        let rest = sandbox
            .post("refunds", &format!("payment_intent={intent}"))
            .await;
        assert_eq!(rest.expect(200).body["amount"], 1_500);
        assert_eq!(refunded(sandbox, &charge).await, (2_000, true));
        for form in [
            format!("charge={charge}"),
            format!("payment_intent={intent}&amount=1"),
        ] {
            let none = sandbox.post("refunds", &form).await;
            none.expect_error(400, "invalid_request_error", "charge_already_refunded");
        }
        let all = sandbox
            .get(&format!("refunds?payment_intent={intent}"))
            .await;
        assert_eq!(all.body["data"].as_array().unwrap().len(), 2);
        let truth = &sandbox.truth().await["charges"][0];
        assert_eq!(
            (&truth["refunded_minor"], &truth["refunds"][0]["reference"]),
            (&json!(2_000), &json!("rf_1"))
        );
        let told = sandbox.events().await;
        assert_eq!(
            told.iter().filter(|kind| *kind == "refund.created").count(),
            2
        );
        assert_eq!(
            told.iter()
                .filter(|kind| *kind == "charge.refunded")
                .count(),
            2
        );
    });
}

#[test]
fn what_cannot_be_refunded() {
    run(async |sandbox| {
        let declined = sandbox.pay("pm_card_chargeDeclined").await;
        let intent = text(&declined.body["error"]["payment_intent"]["id"]);
        let (_, disputed) = paid(sandbox, "pm_card_createDispute").await;
        let (good, _) = paid(sandbox, "pm_card_visa").await;
        for (form, status, code) in [
            (String::new(), 400, "parameter_missing"),
            ("charge=ch_none".to_owned(), 404, "resource_missing"),
            ("payment_intent=pi_none".to_owned(), 404, "resource_missing"),
            (
                format!("payment_intent={intent}"),
                400,
                "payment_intent_unexpected_state",
            ),
            (format!("charge={disputed}"), 400, "charge_disputed"),
            (
                format!("payment_intent={good}&amount=0"),
                400,
                "parameter_invalid_integer",
            ),
            (
                format!("payment_intent={good}&amount=-5"),
                400,
                "parameter_invalid_integer",
            ),
            (format!("payment_intent={good}&reason=other"), 400, ""),
            (
                format!("payment_intent={good}&colour=red"),
                400,
                "parameter_unknown",
            ),
        ] {
            let refused = sandbox.post("refunds", &form).await;
            refused.expect_error(status, "invalid_request_error", code);
        }
        assert_eq!(sandbox.get("refunds").await.body["data"], json!([]));
    });
}

#[test]
fn an_inquiry_leaves_the_charge_refundable() {
    run(async |sandbox| {
        let (intent, _) = paid(sandbox, "pm_card_createDisputeInquiry").await;
        sandbox
            .post("refunds", &format!("payment_intent={intent}"))
            .await
            .expect(200);
    });
}

#[test]
fn a_pending_refund_is_decided() {
    run(async |sandbox| {
        sandbox
            .control("stripe/settings", json!({"slow_refunds": true}))
            .await
            .expect(200);
        for (outcome, status, left) in [("succeed", "succeeded", 2_000), ("fail", "failed", 0)] {
            let (intent, charge) = paid(sandbox, "pm_card_visa").await;
            let refund = sandbox
                .post("refunds", &format!("payment_intent={intent}"))
                .await;
            assert_eq!(
                (
                    &refund.expect(200).body["status"],
                    &refund.body["pending_reason"]
                ),
                (&json!("pending"), &json!("processing"))
            );
            // What is on its way cannot go back twice.
            sandbox
                .post("refunds", &format!("payment_intent={intent}&amount=1"))
                .await
                .expect(400);
            sandbox
                .post(&format!("refunds/{}/cancel", refund.id()), "")
                .await
                .expect(400);
            let decided = sandbox
                .control(
                    &format!("stripe/refunds/{}", refund.id()),
                    json!({"outcome": outcome}),
                )
                .await;
            assert_eq!(decided.expect(200).body["status"], status);
            let read = sandbox.get(&format!("refunds/{}", refund.id())).await;
            assert_eq!(
                read.body["failure_reason"],
                if left == 0 {
                    json!("lost_or_stolen_card")
                } else {
                    Value::Null
                }
            );
            assert_eq!(refunded(sandbox, &charge).await.0, left);
        }
        let told = sandbox.events().await;
        assert!(
            told.contains(&"refund.updated".to_owned())
                && told.contains(&"refund.failed".to_owned())
        );
    });
}

#[test]
fn the_published_cards_refund_later_or_not() {
    run(async |sandbox| {
        for (method, at_first, later, left) in [
            ("pm_card_pendingRefund", "pending", "succeeded", 2_000),
            ("pm_card_refundFail", "succeeded", "failed", 0),
        ] {
            let (intent, charge) = paid(sandbox, method).await;
            let refund = sandbox
                .post("refunds", &format!("payment_intent={intent}"))
                .await;
            assert_eq!(refund.expect(200).body["status"], at_first);
            sandbox.wait(300);
            let read = sandbox.get(&format!("refunds/{}", refund.id())).await;
            assert_eq!(read.body["status"], later);
            assert_eq!(refunded(sandbox, &charge).await.0, left);
        }
    });
}

#[test]
fn a_refund_that_waits_for_the_customer_can_be_called_back() {
    run(async |sandbox| {
        sandbox
            .control("stripe/settings", json!({"slow_refunds": true}))
            .await
            .expect(200);
        let (intent, charge) = paid(sandbox, "pm_card_visa").await;
        let refund = sandbox
            .post("refunds", &format!("payment_intent={intent}&amount=700"))
            .await;
        let path = format!("stripe/refunds/{}", refund.id());
        sandbox
            .control(&path, json!({"outcome": "require_action"}))
            .await
            .expect(200);
        let canceled = sandbox
            .post(&format!("refunds/{}/cancel", refund.id()), "")
            .await;
        assert_eq!(canceled.expect(200).body["status"], "canceled");
        assert_eq!(refunded(sandbox, &charge).await, (0, false));
    });
}

#[test]
fn staff_refunds_in_the_dashboard() {
    run(async |sandbox| {
        sandbox.session().await;
        sandbox.act("ref_7", "pay").await;
        let part = sandbox
            .control(
                "stripe/payments/ref_7",
                json!({"outcome": "refund", "amount_minor": 1_000}),
            )
            .await;
        part.expect(200);
        let truth = &sandbox.truth().await["charges"][0];
        assert_eq!(
            (&truth["reference"], &truth["refunded_minor"]),
            (&json!("ref_7"), &json!(1_000))
        );
        sandbox.act("ref_7", "refund").await;
        let more = sandbox
            .control("stripe/payments/ref_7", json!({"outcome": "refund"}))
            .await;
        more.expect(409);
        assert_eq!(sandbox.truth().await["charges"][0]["refunded_minor"], 3_000);
    });
}
