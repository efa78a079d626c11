//! Disputes: opened, answered, won, lost, given in to.

use serde_json::{Value, json};

use super::{Sandbox, run, text};

async fn disputed(sandbox: &Sandbox, method: &str) -> String {
    let paid = sandbox.pay(method).await;
    let disputes = sandbox
        .get(&format!(
            "disputes?charge={}",
            text(&paid.expect(200).body["latest_charge"])
        ))
        .await;
    text(&disputes.expect(200).body["data"][0]["id"])
}

fn amounts(dispute: &Value) -> Vec<i64> {
    let moved = dispute["balance_transactions"].as_array().unwrap().iter();
    moved
        .map(|transaction| transaction["amount"].as_i64().unwrap())
        .collect()
}

#[test]
fn evidence_decides_as_published() {
    run(async |sandbox| {
        for (text, status, moved, last) in [
            (
                "winning_evidence",
                "won",
                vec![-2_000, 2_000],
                "charge.dispute.funds_reinstated",
            ),
            (
                "losing_evidence",
                "lost",
                vec![-2_000],
                "charge.dispute.closed",
            ),
            (
                "He was there",
                "under_review",
                vec![-2_000],
                "charge.dispute.updated",
            ),
        ] {
            let id = disputed(sandbox, "pm_card_createDispute").await;
            let path = format!("disputes/{id}");
            let answered = sandbox
                .post(&path, &format!("evidence[uncategorized_text]={text}"))
                .await;
            assert_eq!(answered.expect(200).body["status"], status);
            assert_eq!(amounts(&answered.body), moved);
            assert_eq!(answered.body["evidence_details"]["submission_count"], 1);
            assert_eq!(sandbox.events().await.last().unwrap(), last);
        }
    });
}

#[test]
fn evidence_can_be_collected_first() {
    run(async |sandbox| {
        let path = format!(
            "disputes/{}",
            disputed(sandbox, "pm_card_createDispute").await
        );
        let kept = sandbox
            .post(&path, "evidence[receipt]=file_1&submit=false")
            .await;
        assert_eq!(
            (
                &kept.expect(200).body["status"],
                &kept.body["evidence"]["receipt"]
            ),
            (&json!("needs_response"), &json!("file_1"))
        );
        assert_eq!(
            kept.body["evidence_details"]["submission_method"],
            "not_submitted"
        );
        sandbox
            .post(&path, "evidence[poem]=roses")
            .await
            .expect_error(400, "invalid_request_error", "parameter_unknown");
    });
}

#[test]
fn closing_gives_in() {
    run(async |sandbox| {
        for (method, status) in [
            ("pm_card_createDispute", "lost"),
            ("pm_card_createDisputeInquiry", "warning_closed"),
        ] {
            let path = format!("disputes/{}", disputed(sandbox, method).await);
            let closed = sandbox.post(&format!("{path}/close"), "").await;
            assert_eq!(closed.expect(200).body["status"], status);
            sandbox
                .post(&format!("{path}/close"), "")
                .await
                .expect_error(400, "invalid_request_error", "dispute_closed");
        }
    });
}

#[test]
fn the_bank_decides() {
    run(async |sandbox| {
        sandbox.session().await;
        sandbox.act("ref_7", "pay").await;
        sandbox.act("ref_7", "dispute").await;
        let charge = &sandbox.truth().await["charges"][0];
        assert_eq!(
            (&charge["disputed"], &charge["disputes"][0]["amount_minor"]),
            (&json!(true), &json!(3_000))
        );
        let id = text(&charge["disputes"][0]["id"]);
        let told = sandbox.events().await;
        assert!(told.ends_with(
            &["charge.dispute.created", "charge.dispute.funds_withdrawn"].map(str::to_owned)
        ));
        let won = sandbox
            .control(&format!("stripe/disputes/{id}"), json!({"outcome": "win"}))
            .await;
        assert_eq!(won.expect(200).body["status"], "won");
        // A charge is disputed once.
        sandbox
            .control("stripe/payments/ref_7", json!({"outcome": "dispute"}))
            .await
            .expect(409);
        sandbox
            .post("refunds", &format!("charge={}", text(&charge["id"])))
            .await
            .expect(200);
    });
}
