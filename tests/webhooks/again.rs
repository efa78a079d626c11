//! What gateways have posted: seen by managers, and taken once more where that helps.

use serde_json::{Value, json};

use super::{count, expect_status, open_purchase, succeed};
use crate::support::sale::{Shop, expect_true_books, message, set_charge, tell, text};
use crate::support::{Answer, Client, TestApp, on_both};

const EVENTS: &str = "/api/v1/webhook-events";

async fn list(client: &Client, query: &str) -> Vec<Value> {
    let found = client.get(&format!("{EVENTS}?{query}")).await;
    found.expect(200).body["data"].as_array().unwrap().clone()
}

async fn only(client: &Client, query: &str) -> Value {
    let found = list(client, query).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

async fn reprocess(client: &Client, event: &Value) -> Answer {
    let path = format!("{EVENTS}/{}/reprocess", text(&event["id"]));
    client.post(&path, json!({})).await
}

/// Our side forgets by which name the gateway knows a payment, as an old backup does.
async fn forget(app: &TestApp, payment: &Value) {
    rename(app, &text(&payment["reference"]), "forgotten").await;
}

async fn remember(app: &TestApp, payment: &Value) {
    rename(app, "forgotten", &text(&payment["reference"])).await;
}

async fn rename(app: &TestApp, from: &str, to: &str) {
    let statement = format!("UPDATE payments SET reference = '{to}' WHERE reference = '{from}'");
    app.database.execute(&statement).await;
}

on_both! {
    async fn managers_see_what_was_told_of_their_payments(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, payment) = open_purchase(app, &shop).await;
        succeed(app, &payment).await;
        let mut unknown = message("payment.succeeded", &payment);
        unknown["data"]["reference"] = json!("ffffffffffffffffffff");
        tell(app, &unknown).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let event = only(&manager, "").await;
        assert_eq!((&event["payment_id"], &event["status"]), (&payment["id"], &json!("applied")));
        assert_eq!((&event["provider"], &event["type"]), (&json!("dummy"), &json!("payment.succeeded")));
        assert_eq!(event["organizer_id"], shop.organizer.as_str());

        let all = list(&shop.admin, "").await;
        assert_eq!((all.len(), &all[1]), (2, &event));
        assert_eq!((&all[0]["status"], &all[0]["organizer_id"]), (&json!("unmatched"), &Value::Null));
        let path = |event: &Value| format!("{EVENTS}/{}", text(&event["id"]));
        manager.get(&path(&all[0])).await.expect_problem(404, "not_found");
        for role in ["gate", "finance"] {
            let member = app.member(&shop.organizer, role, &format!("{role}@example.com")).await;
            member.get(EVENTS).await.expect_problem(403, "forbidden");
            member.get(&path(&event)).await.expect_problem(404, "not_found");
            reprocess(&member, &event).await.expect_problem(404, "not_found");
        }
    }

    async fn messages_are_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, payment) = open_purchase(app, &shop).await;
        for kind in ["payment.processing", "payment.renamed"] {
            tell(app, &message(kind, &payment)).await;
        }
        succeed(app, &payment).await;
        let count = async |query: &str| list(&shop.admin, query).await.len();
        assert_eq!(count("").await, 3);
        assert_eq!(count("status=applied").await, 2);
        assert_eq!(count("status=ignored,dead").await, 1);
        assert_eq!(count("type=payment.processing").await, 1);
        assert_eq!((count("provider=dummy").await, count("provider=stripe").await), (3, 0));
        let page = shop.admin.get(&format!("{EVENTS}?limit=2")).await;
        let after = text(&page.expect(200).body["next_cursor"]);
        assert_eq!(only(&shop.admin, &format!("limit=2&after={after}")).await["type"], "payment.processing");
        let refused = shop.admin.get(&format!("{EVENTS}?status=lost")).await;
        refused.expect_problem(422, "validation_failed");
    }

    async fn a_message_shows_what_it_says_and_not_its_text(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, payment) = open_purchase(app, &shop).await;
        let mut message = message("payment.processing", &payment);
        message["data"]["card_holder"] = json!("Juma Ali, 4242");
        tell(app, &message).await;
        let event = only(&shop.admin, "").await;
        assert!(event.get("says").is_none(), "{event}");
        let shown = shop.admin.get(&format!("{EVENTS}/{}", text(&event["id"]))).await;
        let says = &shown.expect(200).body["says"];
        assert_eq!((&says["reference"], &says["status"]), (&payment["reference"], &json!("processing")));
        assert_eq!((&says["amount_minor"], &says["currency"]), (&payment["amount_minor"], &json!("TZS")));
        assert_eq!(shown.body["provider_event_id"], message["id"]);
        assert!(!shown.text.contains("Juma"), "{}", shown.text);
        assert_eq!(shown.header("cache-control"), Some("no-store"));
    }

    async fn news_of_a_payment_that_is_known_by_now_is_applied(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        forget(app, &payment).await;
        succeed(app, &payment).await;
        let event = only(&shop.admin, "status=unmatched").await;
        // As long as it is not known, nothing comes of it.
        let still = reprocess(&shop.admin, &event).await;
        assert_eq!(still.expect(200).body["status"], "unmatched");
        assert_eq!(count(app, "tasks WHERE done_at IS NULL").await, 1);
        remember(app, &payment).await;

        let applied = reprocess(&shop.admin, &event).await;
        assert_eq!(applied.expect(200).body["status"], "applied");
        assert_eq!(applied.body["payment_id"], payment["id"]);
        assert_eq!(applied.body["organizer_id"], shop.organizer.as_str());
        assert!(applied.body["applied_at"].is_string(), "{}", applied.text);
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(count(app, "tasks WHERE done_at IS NULL").await, 0);
        let log = shop.admin.get("/api/v1/audit-log?action=webhook_event.reprocessed").await;
        assert_eq!(log.expect(200).body["data"].as_array().unwrap().len(), 2);
        expect_true_books(app).await;
    }

    async fn news_that_comes_again_is_applied_when_its_payment_is_known(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        forget(app, &payment).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let message = message("payment.succeeded", &payment);
        tell(app, &message).await;
        remember(app, &payment).await;
        tell(app, &message).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(only(&shop.admin, "").await["status"], "applied");
        assert_eq!(count(app, "tasks WHERE done_at IS NULL").await, 0);
        expect_true_books(app).await;
    }

    async fn what_was_applied_is_not_taken_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        succeed(app, &payment).await;
        tell(app, &message("payment.renamed", &payment)).await;
        for status in ["applied", "ignored"] {
            let event = only(&shop.admin, &format!("status={status}")).await;
            let refused = reprocess(&shop.admin, &event).await;
            refused.expect_problem(409, "invalid_transition");
        }
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(count(app, "journals").await, 2);
    }

    async fn what_went_wrong_is_taken_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        for status in ["failed", "dead"] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            tell(app, &message("payment.processing", &payment)).await;
            let statement = format!("UPDATE webhook_events SET status = '{status}' WHERE applied_at IS NOT NULL");
            app.database.execute(&statement).await;
            let event = only(&shop.admin, &format!("status={status}")).await;
            let applied = reprocess(&shop.admin, &event).await;
            assert_eq!(applied.expect(200).body["status"], "applied");
            app.database.execute("UPDATE webhook_events SET applied_at = NULL").await;
            assert_eq!(purchase.payment().await["status"], "processing");
        }
    }

    async fn what_cannot_be_read_any_more_is_asked_for(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        tell(app, &message("payment.processing", &payment)).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        app.database.execute("UPDATE webhook_events SET raw = '{\"id\": \"devt_', status = 'failed'").await;
        let event = only(&shop.admin, "").await;
        let asked = reprocess(&shop.admin, &event).await;
        assert_eq!(asked.expect(202).body["status"], "received");
        app.drain().await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(only(&shop.admin, "").await["status"], "applied");
        expect_true_books(app).await;
    }

    async fn what_passed_between_us_and_the_gateway_is_listed_oldest_first(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let (_, other) = open_purchase(app, &shop).await;
        app.drain().await;
        for kind in ["payment.processing", "payment.failed"] {
            tell(app, &message(kind, &payment)).await;
            tell(app, &message(kind, &other)).await;
        }
        app.script_fault("find", "http_500", 1);
        app.script_fault("retrieve", "http_500", 1);
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let sync = format!("/api/v1/payment-intents/{}/sync", purchase.payment);
        manager.post(&sync, json!({})).await.expect(200);
        app.drain().await;
        succeed(app, &payment).await;
        let path = format!("/api/v1/payment-intents/{}/events", purchase.payment);
        let shown = |answer: &Answer| -> Vec<String> {
            let data = answer.expect(200).body["data"].as_array().unwrap();
            let members = ["direction", "type", "outcome"];
            let words = |it: &Value| members.map(|name| it[name].as_str().unwrap_or("-").to_owned());
            data.iter().map(|it| words(it).join(" ")).collect()
        };
        let all = manager.get(&path).await;
        assert_eq!(shown(&all), [
            "out create answered", "in payment.processing -", "in payment.failed -",
            "out retrieve unknown", "in payment.succeeded -",
        ]);
        assert!(all.body["data"][0]["took_ms"].as_i64().unwrap() >= 0);
        let first = manager.get(&format!("{path}?limit=2")).await;
        assert_eq!(shown(&first), shown(&all)[..2]);
        let after = text(&first.body["next_cursor"]);
        let second = manager.get(&format!("{path}?limit=3&after={after}")).await;
        assert_eq!((shown(&second), &second.body["has_more"]), (shown(&all)[2..].to_vec(), &json!(false)));
        purchase.guest.get(&path).await.expect_problem(403, "forbidden");
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        finance.get(&path).await.expect_problem(403, "forbidden");
    }
}
