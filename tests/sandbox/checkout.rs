//! Checkout Sessions: from their making to what the customer does with them.

use serde_json::{Value, json};

use super::{SESSION, Sandbox, run, text};

async fn read(sandbox: &Sandbox, session: &Value) -> Value {
    let path = format!(
        "checkout/sessions/{}?expand[]=payment_intent",
        text(&session["id"])
    );
    sandbox.get(&path).await.expect(200).body.clone()
}

#[test]
fn a_new_session_has_a_page_and_no_payment_intent() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        assert_eq!(
            (&session["status"], &session["payment_status"]),
            (&json!("open"), &json!("unpaid"))
        );
        assert_eq!(
            (&session["amount_total"], &session["currency"]),
            (&json!(3_000), &json!("usd"))
        );
        assert_eq!(
            (&session["payment_intent"], &session["ui_mode"]),
            (&Value::Null, &json!("hosted_page"))
        );
        assert!(text(&session["id"]).starts_with("cs_test_"));
        assert!(
            text(&session["url"]).starts_with(&format!("{}/stripe/pay/cs_test_", sandbox.base))
        );
        let (created, expires) = (
            session["created"].as_i64().unwrap(),
            session["expires_at"].as_i64().unwrap(),
        );
        assert_eq!(expires - created, 24 * 60 * 60);
        let lines = sandbox
            .get(&format!(
                "checkout/sessions/{}/line_items",
                text(&session["id"])
            ))
            .await;
        assert_eq!(lines.expect(200).body["data"][0]["amount_total"], 3_000);
    });
}

#[test]
fn paying_completes_it() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        sandbox.act(&text(&session["id"]), "pay").await;
        let paid = read(sandbox, &session).await;
        assert_eq!(
            (&paid["status"], &paid["payment_status"], &paid["url"]),
            (&json!("complete"), &json!("paid"), &Value::Null)
        );
        let intent = &paid["payment_intent"];
        assert_eq!(
            (&intent["status"], &intent["amount_received"]),
            (&json!("succeeded"), &json!(3_000))
        );
        assert_eq!(intent["metadata"], json!({"reference": "ref_7"}));
        let told = [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ];
        assert_eq!(sandbox.events().await, told);
        let late = sandbox
            .post(
                &format!("checkout/sessions/{}/expire", text(&session["id"])),
                "",
            )
            .await;
        late.expect_error(400, "invalid_request_error", "checkout_session_not_open");
        let canceled = sandbox
            .post(
                &format!("payment_intents/{}/cancel", text(&intent["id"])),
                "",
            )
            .await;
        canceled.expect(400);
    });
}

#[test]
fn a_declined_card_leaves_it_open() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        sandbox.act("ref_7", "decline").await;
        let open = read(sandbox, &session).await;
        assert_eq!(
            (&open["status"], &open["payment_status"]),
            (&json!("open"), &json!("unpaid"))
        );
        assert_eq!(open["payment_intent"]["status"], "requires_payment_method");
        assert_eq!(
            open["payment_intent"]["last_payment_error"]["code"],
            "card_declined"
        );
        sandbox.act("ord_7", "pay").await;
        let paid = read(sandbox, &session).await;
        assert_eq!(paid["payment_status"], "paid");
        assert_eq!(paid["payment_intent"]["id"], open["payment_intent"]["id"]);
    });
}

#[test]
fn three_d_secure_waits_for_the_bank() {
    run(async |sandbox| {
        for (then, status, payment) in [
            ("pay", "complete", "succeeded"),
            ("decline", "open", "requires_payment_method"),
        ] {
            let session = sandbox.session().await;
            let id = text(&session["id"]);
            let waiting = sandbox.act(&id, "require_action").await;
            assert_eq!(waiting["payment_intent"]["status"], "requires_action");
            sandbox.act(&id, then).await;
            let session = read(sandbox, &session).await;
            assert_eq!(
                (&session["status"], &session["payment_intent"]["status"]),
                (&json!(status), &json!(payment))
            );
        }
    });
}

#[test]
fn a_delayed_method_completes_it_before_the_money_comes() {
    run(async |sandbox| {
        for (outcome, status, kind) in [
            (
                "async_succeed",
                "paid",
                "checkout.session.async_payment_succeeded",
            ),
            (
                "async_fail",
                "unpaid",
                "checkout.session.async_payment_failed",
            ),
        ] {
            let session = sandbox.session().await;
            let id = text(&session["id"]);
            sandbox.act(&id, "process").await;
            let waiting = read(sandbox, &session).await;
            assert_eq!(
                (&waiting["status"], &waiting["payment_status"]),
                (&json!("complete"), &json!("unpaid"))
            );
            assert_eq!(waiting["payment_intent"]["status"], "processing");
            sandbox.act(&id, outcome).await;
            assert_eq!(read(sandbox, &session).await["payment_status"], status);
            assert_eq!(sandbox.events().await.last().unwrap(), kind);
        }
    });
}

#[test]
fn it_expires_when_told_and_by_itself() {
    run(async |sandbox| {
        let told = sandbox.session().await;
        sandbox.act(&text(&told["id"]), "decline").await;
        let expired = sandbox
            .post(
                &format!("checkout/sessions/{}/expire", text(&told["id"])),
                "",
            )
            .await;
        assert_eq!(
            (&expired.expect(200).body["status"], &expired.body["url"]),
            (&json!("expired"), &Value::Null)
        );
        assert_eq!(
            read(sandbox, &told).await["payment_intent"]["status"],
            "canceled"
        );
        let again = sandbox
            .post(
                &format!("checkout/sessions/{}/expire", text(&told["id"])),
                "",
            )
            .await;
        again.expect(400);
        let soon = told["created"].as_i64().unwrap() + 31 * 60;
        let session = sandbox
            .post("checkout/sessions", &format!("{SESSION}&expires_at={soon}"))
            .await;
        let session = session.expect(200).body.clone();
        sandbox.wait(30 * 60);
        assert_eq!(read(sandbox, &session).await["status"], "open");
        sandbox.wait(60);
        assert_eq!(read(sandbox, &session).await["status"], "expired");
        assert_eq!(
            sandbox.events().await.last().unwrap(),
            "checkout.session.expired"
        );
        let late = sandbox
            .control(
                &format!("stripe/payments/{}", text(&session["id"])),
                json!({"outcome": "pay"}),
            )
            .await;
        late.expect(409);
    });
}

#[test]
fn what_makes_no_session() {
    run(async |sandbox| {
        let now = sandbox.session().await["created"].as_i64().unwrap();
        let without = |name: &str| {
            let kept = SESSION.split('&').filter(|pair| !pair.starts_with(name));
            kept.collect::<Vec<_>>().join("&")
        };
        for (form, param) in [
            (without("success_url"), "success_url"),
            (without("mode"), "mode"),
            (without("line_items"), "line_items"),
            (
                without("line_items[0][quantity]"),
                "line_items[0][quantity]",
            ),
            (
                format!("{SESSION}&expires_at={}", now + 29 * 60),
                "expires_at",
            ),
            (
                format!("{SESSION}&expires_at={}", now + 24 * 60 * 60 + 60),
                "expires_at",
            ),
            (format!("{SESSION}&ui_mode=elements"), "ui_mode"),
            (format!("{SESSION}&ui_mode=hosted"), "ui_mode"),
            (
                format!("{SESSION}&payment_method_types[]=card"),
                "payment_method_types",
            ),
            (SESSION.replace("=1500", "=10"), "line_items"),
            (SESSION.replace("http://shop.test/no", "shop"), "cancel_url"),
            (
                format!(
                    "{SESSION}&line_items[1][quantity]=1&line_items[1][price_data][currency]=eur\
                &line_items[1][price_data][unit_amount]=100&line_items[1][price_data][product_data][name]=A"
                ),
                "line_items",
            ),
        ] {
            let refused = sandbox.post("checkout/sessions", &form).await;
            assert_eq!(
                refused.expect(400).body["error"]["param"],
                param,
                "{}",
                refused.text
            );
        }
    });
}

#[test]
fn what_costs_nothing_needs_no_payment() {
    run(async |sandbox| {
        let free = sandbox
            .post("checkout/sessions", &SESSION.replace("=1500", "=0"))
            .await;
        assert_eq!(
            free.expect(200).body["payment_status"],
            "no_payment_required"
        );
        sandbox.act(&free.id(), "pay").await;
        let done = read(sandbox, &free.body).await;
        assert_eq!(
            (&done["status"], &done["payment_intent"]),
            (&json!("complete"), &Value::Null)
        );
    });
}
