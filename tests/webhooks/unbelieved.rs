//! What is not signed, too old, changed or unreadable is refused, and changes nothing.

use serde_json::json;

use super::{MINUTE, count, open_purchase};
use crate::support::sale::{Shop, VIP, message, post_text, post_webhook, set_charge, sign};
use crate::support::{Answer, DUMMY_WEBHOOK_SECRET, TestApp, on_both};

async fn post_now(app: &TestApp, text: &str) -> Answer {
    let at = app.clock.now().unix_seconds();
    let signature = sign(DUMMY_WEBHOOK_SECRET, at, text);
    post_text(app, text, Some(&signature)).await
}

on_both! {
    async fn what_is_not_signed_by_the_gateway_changes_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let before = (purchase.order().await, payment.clone());
        let text = message("payment.succeeded", &payment).to_string();
        let now = app.clock.now().unix_seconds();
        let good = sign(DUMMY_WEBHOOK_SECRET, now, &text);
        let (_, digest) = good.split_once(",v1=").unwrap();
        let old = sign(DUMMY_WEBHOOK_SECRET, now - 400, &text);
        for signature in [
            None,
            Some(String::new()),
            Some("nonsense".to_owned()),
            Some(format!("t={now}")),
            Some(format!("v1={digest}")),
            Some(format!("t={now},v1=")),
            Some(format!("t={now},v1={}", "0".repeat(64))),
            Some(format!("t={now},v1={digest}00")),
            Some(format!("t={},v1={digest}", now + 1)),
            Some(old.replace(&format!("t={}", now - 400), &format!("t={now}"))),
            Some(sign("another-secret-of-somebody-0123456789", now, &text)),
            Some(sign("", now, &text)),
            Some(sign(DUMMY_WEBHOOK_SECRET, now, &text.replace("succeeded", "failed"))),
        ] {
            let refused = post_text(app, &text, signature.as_deref()).await;
            refused.expect_problem(400, "webhook_signature_invalid");
        }
        app.drain().await;
        assert_eq!((purchase.order().await, purchase.payment().await), before);
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (0, 0));
    }

    async fn a_message_is_good_for_five_minutes(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let message = message("payment.succeeded", &payment);
        let post = async |seconds: i64| {
            let at = app.clock.now().unix_seconds() + seconds;
            post_webhook(app, &message, DUMMY_WEBHOOK_SECRET, at).await
        };
        for seconds in [-301, -100_000, 310, 100_000] {
            post(seconds).await.expect_problem(400, "webhook_signature_invalid");
        }
        assert_eq!(purchase.order().await["status"], "pending");
        // Refused, and not remembered: the same message may come again in time.
        post(-290).await.expect(200);
        assert_eq!(purchase.order().await["status"], "confirmed");
        post(290).await.expect(200);
    }

    async fn a_recorded_message_is_worth_nothing_later(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let text = message("payment.failed", &payment).to_string();
        let signature = sign(DUMMY_WEBHOOK_SECRET, app.clock.now().unix_seconds(), &text);
        app.clock.advance(6 * MINUTE);
        let refused = post_text(app, &text, Some(&signature)).await;
        refused.expect_problem(400, "webhook_signature_invalid");
        assert_eq!(purchase.payment().await["status"], "requires_action");
    }

    async fn a_body_that_was_cut_or_changed_is_not_the_signed_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let other = purchase.payment().await;
        let text = message("payment.failed", &other).to_string();
        let at = app.clock.now().unix_seconds();
        let signature = sign(DUMMY_WEBHOOK_SECRET, at, &text);
        let half: String = text.chars().take(text.len() / 2).collect();
        for changed in [
            half,
            String::new(),
            format!("{text} "),
            text.replace("payment.failed", "payment.succeeded"),
            text.replace(&VIP.to_string(), "1"),
        ] {
            assert_ne!(changed, text);
            let refused = post_text(app, &changed, Some(&signature)).await;
            refused.expect_problem(400, "webhook_signature_invalid");
        }
        assert_eq!(purchase.payment().await, payment);
        assert_eq!(count(app, "webhook_events").await, 0);
    }

    async fn what_is_signed_but_cannot_be_read(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let mut texts: Vec<String> = ["", "nonsense", "{", "[]", "null", "1", "{}", "<xml/>"].map(str::to_owned).into();
        for member in ["id", "type", "data"] {
            let mut message = message("payment.succeeded", &payment);
            message.as_object_mut().unwrap().remove(member);
            texts.push(message.to_string());
        }
        for (member, value) in [
            ("amount_minor", json!(1.5)), ("amount_minor", json!("15000000")), ("amount_minor", json!(null)),
            ("reference", json!(null)), ("reference", json!(7)), ("currency", json!("SHILLING")), ("currency", json!(1)),
        ] {
            let mut message = message("payment.succeeded", &payment);
            message["data"][member] = value;
            texts.push(message.to_string());
        }
        for text in texts {
            let refused = post_now(app, &text).await;
            refused.expect_problem(400, "webhook_payload_invalid");
        }
        assert_eq!(purchase.payment().await, payment);
        assert_eq!(count(app, "webhook_events").await, 0);
    }

    async fn a_success_of_nothing_is_no_success(app: &TestApp) {
        let shop = Shop::open(app).await;
        for amount in [0, -VIP] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            let mut message = message("payment.succeeded", &payment);
            message["data"]["amount_minor"] = json!(amount);
            let answer = post_now(app, &message.to_string()).await;
            assert!(matches!(answer.status, 200 | 400), "{}", answer.text);
            assert_eq!(purchase.order().await["status"], "pending", "{amount}");
            assert_ne!(purchase.payment().await["status"], "succeeded", "{amount}");
        }
    }

    async fn a_gateway_that_is_not_configured_is_not_found(app: &TestApp) {
        let text = "{}";
        let signature = sign(DUMMY_WEBHOOK_SECRET, app.clock.now().unix_seconds(), text);
        let nobody = app.nobody();
        for provider in ["nonsense", "stripe", "DUMMY"] {
            let path = format!("/api/v1/webhooks/{provider}");
            let request = nobody.request("POST", &path).header("X-Dummy-Signature", &signature);
            let answer = nobody.send(request.body(text)).await;
            answer.expect_problem(404, "not_found");
        }
        assert_eq!(count(app, "webhook_events").await, 0);
    }
}
