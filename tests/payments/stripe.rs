//! What is Stripe's alone: its two ways to pay, its sessions' time, secrets that change, disputes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::conformance::stripe::{WEBHOOK_SECRET, open};
use crate::conformance::{Decision, Message, Rig};
use crate::support::sale::{Purchase, Shop, key, sign, text};
use crate::support::{Kind, block_on};

const MINUTE: Duration = Duration::from_secs(60);

/// On both databases, with further settings.
fn run(settings: &[(&str, &str)], test: impl AsyncFn(&Rig)) {
    block_on(async {
        for kind in [Kind::Sqlite, Kind::Postgres] {
            let Some(mut rig) = open(kind, settings).await else {
                continue;
            };
            test(&rig).await;
            rig.settle().await;
            rig.expect_truth().await;
            rig.app.finish().await;
        }
    });
}

async fn purchase(rig: &Rig) -> (Shop, Purchase) {
    let shop = Shop::open(&rig.app).await;
    let items = shop.items(&[("regular", 1)]);
    let sale = shop.purchase(&rig.app, items).await;
    (shop, sale)
}

fn expect_status(order: &Value, status: &str, money: &str) {
    let seen = (&order["status"], &order["payment_status"]);
    assert_eq!(seen, (&json!(status), &json!(money)), "{order}");
}

#[test]
fn what_a_buyer_pays_with_is_told_again_and_stored_nowhere() {
    run(&[], async |rig| {
        let (_, sale) = purchase(rig).await;
        let (key, path) = (key(), "/api/v1/payment-intents");
        let ask = async || {
            let body = json!({"order_id": sale.order});
            sale.guest.keyed(&key, "POST", path, body).await
        };
        let first = ask().await.expect(201).body.clone();
        let secret = text(&first["next_action"]["client_secret"]);
        assert!(secret.contains("_secret_"), "{secret}");
        let again = ask().await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.expect(201).body, first);
        let list = format!("{path}?order_id={}", &sale.order);
        let list = sale.guest.get(&list).await.expect(200).body.clone();
        let of_list = list["data"].as_array().unwrap();
        let shown = of_list.iter().find(|it| it["id"] == first["id"]);
        assert_eq!(shown.unwrap()["next_action"], first["next_action"]);

        let stored = rig.app.database.dump().await;
        assert!(stored.contains(&text(&first["reference"])), "a whole dump");
        assert!(!stored.contains(&secret));
        let (intent, _) = secret.split_once("_secret_").unwrap();
        assert!(stored.contains(intent) && !stored.contains("_secret_"));
    });
}

#[test]
fn a_checkout_is_paid_on_stripes_page_and_an_intent_on_ones_own() {
    run(&[], async |rig| {
        let (shop, sale) = purchase(rig).await;
        assert_eq!(sale.body["next_action"]["type"], "redirect");
        let url = text(&sale.body["next_action"]["url"]);
        assert!(url.contains("/stripe/pay/cs_"), "{url}");
        let second = sale.pay_again(json!({})).await;
        let action = second.expect(201).body["next_action"].clone();
        assert_eq!(
            (&action["type"], &action["provider"]),
            (&json!("sdk"), &json!("stripe"))
        );
        assert!(text(&action["client_secret"]).starts_with("pi_"));
        assert!(text(&action["publishable_key"]).starts_with("pk_test_"));
        let path = format!("/api/v1/payment-intents/{}", second.id());
        let again = sale.guest.get(&path).await;
        assert_eq!(again.expect(200).body["next_action"], action);
        let manager = shop.admin.get(&path).await;
        assert_eq!(
            manager.expect(200).body["next_action"],
            json!({"type": "none"})
        );
        assert!(!manager.text.contains("_secret_"), "{}", manager.text);
        let order = shop
            .admin
            .get(&format!("/api/v1/orders/{}", sale.order))
            .await;
        assert!(
            !order.expect(200).text.contains("_secret_"),
            "{}",
            order.text
        );
        let config = rig.app.nobody().get("/api/v1/config/public").await;
        let gateways = config.expect(200).body["gateways"].clone();
        let stripe = gateways
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["id"] == "stripe");
        assert_eq!(
            stripe.unwrap()["publishable_key"],
            action["publishable_key"]
        );
        let third = json!({"success_url": "http://localhost:5173/done"});
        let third = sale.pay_again(third).await.expect(201).body.clone();
        assert_eq!(third["next_action"]["type"], "redirect");
    });
}

#[test]
fn an_intent_is_paid_by_whoever_confirms_it() {
    run(&[], async |rig| {
        let shop = Shop::open(&rig.app).await;
        let items = shop.items(&[("regular", 2)]);
        let (guest, order) = shop.guest_order(&rig.app, items).await;
        let body = json!({"order_id": order["id"]});
        let path = "/api/v1/payment-intents";
        let made = guest.keyed(&key(), "POST", path, body).await;
        let reference = text(&made.expect(201).body["reference"]);
        for decision in [Decision::Decline, Decision::Pay] {
            assert!(rig.far.decide(&rig.app, &reference, decision).await);
            rig.settle().await;
            let seen = guest
                .get(&format!("/api/v1/orders/{}", text(&order["id"])))
                .await;
            match decision {
                Decision::Pay => expect_status(&seen.expect(200).body, "confirmed", "paid"),
                _ => expect_status(&seen.expect(200).body, "pending", "unpaid"),
            }
        }
    });
}

#[test]
fn a_declined_try_is_told_until_another_one_is_better() {
    run(&[], async |rig| {
        let (_, sale) = purchase(rig).await;
        let before = sale.payment().await;
        assert_eq!(before["failure"], Value::Null);
        assert!(rig.decide(&sale, Decision::Decline).await);
        rig.settle().await;
        let declined = sale.payment().await;
        assert_eq!(declined["status"], "requires_action", "{declined}");
        assert_eq!(declined["failure"]["code"], "generic_decline");
        assert_eq!(declined["next_action"], before["next_action"]);
        assert!(declined["version"].as_i64() > before["version"].as_i64());
        rig.settle().await;
        let asked = sale
            .guest
            .post(
                &format!("/api/v1/payment-intents/{}/sync", sale.payment),
                json!({}),
            )
            .await
            .expect(200)
            .body
            .clone();
        assert_eq!(asked, declined, "told again, it is no news");
        assert!(rig.decide(&sale, Decision::Pay).await);
        rig.settle().await;
        let paid = sale.payment().await;
        assert_eq!(
            (&paid["status"], &paid["failure"]),
            (&json!("succeeded"), &Value::Null)
        );
    });
}

#[test]
fn a_session_that_is_completed_and_unpaid_is_not_paid() {
    run(&[], async |rig| {
        let (_, sale) = purchase(rig).await;
        assert!(rig.decide(&sale, Decision::Process).await);
        rig.settle().await;
        expect_status(&sale.order().await, "pending", "processing");
        assert!(rig.decide(&sale, Decision::Pay).await);
        rig.settle().await;
        expect_status(&sale.order().await, "confirmed", "paid");
    });
}

#[test]
fn a_session_ends_with_its_order_though_stripe_would_keep_it_longer() {
    run(&[("HOLD_TTL", "10m")], async |rig| {
        let (_, sale) = purchase(rig).await;
        rig.app.clock.advance(11 * MINUTE);
        rig.app.drain().await;
        expect_status(&sale.order().await, "expired", "unpaid");
        assert_eq!(sale.payment().await["status"], "expired");
        assert!(!rig.decide(&sale, Decision::Pay).await, "it can be paid");
    });
}

#[test]
fn a_payment_that_is_faster_than_the_end_of_its_order_counts() {
    run(&[("HOLD_TTL", "10m")], async |rig| {
        let (_, sale) = purchase(rig).await;
        assert!(rig.decide(&sale, Decision::Pay).await);
        rig.far.take_messages(&rig.app).await;
        rig.app.clock.advance(11 * MINUTE);
        rig.look_twice().await;
        expect_status(&sale.order().await, "confirmed", "paid");
    });
}

#[test]
fn a_message_under_the_old_secret_is_believed_while_both_are_set() {
    let both = format!("whsec_the_new_one_of_the_two,{WEBHOOK_SECRET}");
    run(&[("STRIPE_WEBHOOK_SECRET", &both)], async |rig| {
        let (_, sale) = purchase(rig).await;
        assert!(rig.decide(&sale, Decision::Pay).await);
        let messages = rig.far.take_messages(&rig.app).await;
        let at = rig.app.clock.now().unix_seconds();
        for message in &messages {
            let body = std::str::from_utf8(&message.body).unwrap();
            for (secret, at, status) in [
                ("whsec_somebody_else", at, 400),
                (WEBHOOK_SECRET, at - 301, 400),
                (WEBHOOK_SECRET, at, 200),
                ("whsec_the_new_one_of_the_two", at, 200),
            ] {
                let headers = vec![("stripe-signature".to_owned(), sign(secret, at, body))];
                let body = message.body.clone();
                rig.post(&Message { headers, body }).await.expect(status);
            }
        }
        rig.app.drain().await;
        expect_status(&sale.order().await, "confirmed", "paid");
        assert_eq!(rig.app.count_mails("order_confirmation").await, 1);
    });
}

#[test]
fn a_dispute_is_a_task() {
    run(&[], async |rig| {
        let (shop, sale) = purchase(rig).await;
        assert!(rig.decide(&sale, Decision::Pay).await);
        rig.settle().await;
        let reference = rig.reference(&sale.guest, &sale.payment).await;
        assert!(rig.far.dispute(&rig.app, &reference).await);
        rig.settle().await;
        let tasks = shop.admin.get("/api/v1/tasks?kind=dispute").await;
        let tasks = tasks.expect(200).body["data"].clone();
        assert_eq!(tasks.as_array().unwrap().len(), 1, "{tasks}");
        assert!(text(&tasks[0]["note"]).contains(&sale.payment), "{tasks}");
    });
}

#[test]
fn nothing_personal_is_kept_of_a_message() {
    run(&[], async |rig| {
        let (_, sale) = purchase(rig).await;
        assert!(rig.decide(&sale, Decision::Pay).await);
        rig.settle().await;
        let raw = rig
            .app
            .database
            .texts("SELECT raw AS text FROM webhook_events")
            .await;
        assert!(raw.len() >= 2, "{}", raw.len());
        for text in raw {
            for secret in ["juma", "Juma", "_secret_", "@example.com"] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
    });
}
