//! Messages: signed, tried again, held, lost, doubled, late, forged.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::inbox::{Inbox, Message};
use super::{Sandbox, run, text};

const SECRET: &str = "whsec_of_the_test";

fn with_inbox(test: impl AsyncFnOnce(&Sandbox, &Inbox)) {
    run(async |sandbox| {
        let inbox = Inbox::open();
        test(sandbox, &inbox).await;
        inbox.close().await;
    });
}

async fn mode(sandbox: &Sandbox, mode: &str) {
    sandbox
        .control("stripe/deliveries", json!({"mode": mode}))
        .await
        .expect(200);
}

/// How often each event came.
fn counts(messages: &[Message]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(text(&message.body["id"])).or_default() += 1;
    }
    counts
}

async fn event_of(sandbox: &Sandbox, kind: &str) -> String {
    let events = sandbox.get(&format!("events?type={kind}")).await;
    text(&events.expect(200).body["data"][0]["id"])
}

#[test]
fn what_happens_is_told_in_order_and_signed() {
    with_inbox(async |sandbox, inbox| {
        sandbox.running.register_webhook(&inbox.url, SECRET);
        sandbox.session().await;
        sandbox.act("ref_7", "pay").await;
        sandbox.running.settled().await;
        let messages = inbox.take();
        let kinds: Vec<&str> = messages.iter().map(Message::kind).collect();
        assert_eq!(
            kinds,
            [
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.succeeded",
                "checkout.session.completed"
            ]
        );
        for message in &messages {
            assert!(message.is_signed(SECRET) && !message.is_signed("whsec_other"));
            assert_eq!(
                (&message.body["object"], &message.body["livemode"]),
                (&json!("event"), &json!(false))
            );
        }
        assert_eq!(messages[3].body["data"]["object"]["payment_status"], "paid");
        // As it was at that moment.
        assert_eq!(
            messages[0].body["data"]["object"]["status"],
            "requires_payment_method"
        );
    });
}

#[test]
fn an_endpoint_hears_what_it_asked_for_in_its_version() {
    with_inbox(async |sandbox, inbox| {
        let form = format!(
            "url={}&enabled_events[]=payment_intent.succeeded&api_version=2026-09-30.endive",
            inbox.url
        );
        let endpoint = sandbox.post("webhook_endpoints", &form).await;
        let secret = text(&endpoint.expect(200).body["secret"]);
        assert!(secret.starts_with("whsec_"));
        let path = format!("webhook_endpoints/{}", endpoint.id());
        assert_eq!(
            sandbox.get(&path).await.expect(200).body["secret"],
            Value::Null
        );
        sandbox.pay("pm_card_visa").await.expect(200);
        sandbox.running.settled().await;
        let messages = inbox.take();
        assert_eq!(
            messages.iter().map(Message::kind).collect::<Vec<_>>(),
            ["payment_intent.succeeded"]
        );
        assert!(messages[0].is_signed(&secret));
        assert_eq!(messages[0].body["api_version"], "2026-09-30.endive");
        let request = sandbox.request(reqwest::Method::DELETE, &format!("/stripe/v1/{path}"));
        sandbox
            .send(request.bearer_auth(super::KEY))
            .await
            .expect(200);
        sandbox.pay("pm_card_visa").await.expect(200);
        sandbox.running.settled().await;
        assert!(inbox.take().is_empty());
    });
}

#[test]
fn a_refused_message_is_tried_three_times() {
    with_inbox(async |sandbox, inbox| {
        let form = format!(
            "url={}&enabled_events[]=payment_intent.succeeded",
            inbox.url
        );
        sandbox.post("webhook_endpoints", &form).await.expect(200);
        inbox.answer(503);
        sandbox.pay("pm_card_visa").await.expect(200);
        let mut came = Vec::new();
        for wait in [0, 59, 1, 599, 1, 86_400] {
            sandbox.wait(wait);
            sandbox.running.settled().await;
            came.push(inbox.take().len());
        }
        assert_eq!(came, [1, 0, 1, 0, 1, 0]);
        let missed = sandbox
            .get("events?delivery_success=false&type=payment_intent.succeeded")
            .await;
        assert_eq!(missed.expect(200).body["data"].as_array().unwrap().len(), 1);
        // Also redirects are no success; an answer in time ends the tries.
        inbox.answer(302);
        sandbox.pay("pm_card_visa").await.expect(200);
        sandbox.running.settled().await;
        let first = inbox.take();
        inbox.answer(200);
        sandbox.wait(60);
        sandbox.running.settled().await;
        let second = inbox.take();
        assert_eq!((first.len(), second.len()), (1, 1));
        assert!(second[0].time() >= first[0].time() + 60, "signed anew");
        assert_eq!(second[0].body["id"], first[0].body["id"]);
        sandbox.wait(86_400);
        sandbox.running.settled().await;
        assert!(inbox.take().is_empty());
    });
}

#[test]
fn held_messages_are_tripled_and_shuffled() {
    with_inbox(async |sandbox, inbox| {
        sandbox.running.register_webhook(&inbox.url, SECRET);
        mode(sandbox, "hold").await;
        for _ in 0..4 {
            sandbox.pay("pm_card_visa").await.expect(200);
        }
        sandbox.running.settled().await;
        assert!(inbox.take().is_empty());
        let released = sandbox
            .control(
                "stripe/deliveries/release",
                json!({"order": "shuffled", "times": 3}),
            )
            .await;
        assert_eq!(
            released.expect(200).body["sent"].as_array().unwrap().len(),
            36
        );
        let messages = inbox.take();
        let counts = counts(&messages);
        assert_eq!(
            (counts.len(), counts.values().all(|count| *count == 3)),
            (12, true)
        );
        assert!(messages.iter().all(|message| message.is_signed(SECRET)));
        let events = sandbox.get("events?limit=100").await;
        let given = events.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|event| text(&event["id"]));
        let given: Vec<String> = given.collect();
        let came: Vec<String> = messages
            .iter()
            .map(|message| text(&message.body["id"]))
            .collect();
        assert_ne!(came, [given.as_slice(); 3].concat(), "shuffled");
        let nothing = sandbox
            .control("stripe/deliveries/release", json!({"order": "given"}))
            .await;
        assert_eq!(nothing.expect(200).body["sent"], json!([]));
        sandbox.pay("pm_card_visa").await.expect(200);
        let given = sandbox
            .control(
                "stripe/deliveries/release",
                json!({"order": "given", "times": 2}),
            )
            .await;
        let kinds: Vec<String> = given.body["sent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["type"]))
            .collect();
        assert_eq!(
            kinds,
            [
                "payment_intent.created",
                "charge.succeeded",
                "payment_intent.succeeded"
            ]
            .repeat(2)
        );
        assert!(
            given.body["sent"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["status"] == 200)
        );
    });
}

#[test]
fn dropped_messages_never_come_and_can_be_sent_again() {
    with_inbox(async |sandbox, inbox| {
        sandbox.running.register_webhook(&inbox.url, SECRET);
        mode(sandbox, "drop").await;
        sandbox.pay("pm_card_visa").await.expect(200);
        mode(sandbox, "normal").await;
        sandbox.running.settled().await;
        assert!(inbox.take().is_empty());
        let event = event_of(sandbox, "payment_intent.succeeded").await;
        let path = format!("stripe/events/{event}");
        let again = json!({"deliver": "again", "api_version": "2031-01-01.zinnia"});
        let sent = sandbox.control(&path, again).await;
        assert_eq!(sent.expect(200).body["sent"][0]["status"], 200);
        let messages = inbox.take();
        assert_eq!(
            (messages.len(), &messages[0].body["api_version"]),
            (1, &json!("2031-01-01.zinnia"))
        );
        assert!(messages[0].is_signed(SECRET));
        sandbox
            .control("stripe/events/evt_none", json!({"deliver": "again"}))
            .await
            .expect(404);
    });
}

#[test]
fn messages_are_forged_stale_late_and_lost() {
    with_inbox(async |sandbox, inbox| {
        sandbox.running.register_webhook(&inbox.url, SECRET);
        mode(sandbox, "hold").await;
        sandbox.pay("pm_card_visa").await.expect(200);
        let event = event_of(sandbox, "payment_intent.succeeded").await;
        let path = format!("stripe/events/{event}");
        sandbox
            .control(&path, json!({"deliver": "forged"}))
            .await
            .expect(200);
        let forged = inbox.take();
        assert!(forged.len() == 1 && !forged[0].is_signed(SECRET));
        sandbox
            .control(&path, json!({"deliver": "stale", "after_seconds": 301}))
            .await
            .expect(200);
        let stale = inbox.take();
        let now = sandbox.clock.now().unix_seconds();
        assert!(stale[0].is_signed(SECRET) && (301..400).contains(&(now - stale[0].time())));
        let late = sandbox
            .control(&path, json!({"deliver": "late", "after_seconds": 120}))
            .await;
        assert_eq!(late.expect(200).body["changed"], 1);
        let lost = format!(
            "stripe/events/{}",
            event_of(sandbox, "charge.succeeded").await
        );
        let dropped = sandbox.control(&lost, json!({"deliver": "drop"})).await;
        assert_eq!(dropped.expect(200).body["changed"], 1);
        sandbox.wait(119);
        sandbox.running.settled().await;
        assert!(
            inbox
                .take()
                .iter()
                .all(|message| message.kind() == "charge.updated")
        );
        sandbox.wait(1);
        sandbox.running.settled().await;
        let came = inbox.take();
        assert_eq!(
            came.iter().map(Message::kind).collect::<Vec<_>>(),
            ["payment_intent.succeeded"]
        );
    });
}

#[test]
fn two_secrets_sign_while_one_is_rolled() {
    with_inbox(async |sandbox, inbox| {
        let endpoint = sandbox.running.register_webhook(&inbox.url, SECRET);
        let path = format!("stripe/webhook_endpoints/{endpoint}/roll");
        let rolled = sandbox.control(&path, json!({"keep_seconds": 3_600})).await;
        let new = text(&rolled.expect(200).body["secret"]);
        sandbox.post("customers", "name=A").await.expect(200);
        sandbox.running.settled().await;
        let both = inbox.take();
        assert!(both[0].is_signed(SECRET) && both[0].is_signed(&new));
        assert_eq!(both[0].signature.matches(",v1=").count(), 2);
        sandbox.wait(3_600);
        sandbox.post("customers", "name=B").await.expect(200);
        sandbox.running.settled().await;
        let one = inbox.take();
        assert!(!one[0].is_signed(SECRET) && one[0].is_signed(&new));
    });
}
