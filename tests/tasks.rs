//! What waits for a person: seen by who handles the money, and done once.

use std::slice::from_ref;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{
    Purchase, Shop, VIP, expect_true_books, message, set_charge, tell, text,
};
use crate::support::{Answer, Client, TestApp, on_both};

const TASKS: &str = "/api/v1/tasks";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn objects(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    data.iter().map(|task| text(&task["object"])).collect()
}

async fn find(client: &Client, query: &str) -> Vec<String> {
    objects(&client.get(&format!("{TASKS}?{query}")).await)
}

async fn only(client: &Client, query: &str) -> Value {
    let found = client.get(&format!("{TASKS}?{query}")).await;
    assert_eq!(objects(&found).len(), 1, "{}", found.text);
    found.body["data"][0].clone()
}

async fn finish(client: &Client, task: &Value, body: Value) -> Answer {
    let path = format!("{TASKS}/{}/done", text(&task["id"]));
    client.post(&path, body).await
}

/// A payment of the shop of which another amount came.
async fn pay_wrong_amount(app: &TestApp, shop: &Shop) -> Purchase {
    let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
    let payment = purchase.payment().await;
    set_charge(app, &payment, "status = 'succeeded', amount_minor = 1").await;
    let mut message = message("payment.succeeded", &payment);
    message["data"]["amount_minor"] = json!(1);
    tell(app, &message).await;
    purchase
}

/// News of a payment that is nobody's: a task of the platform's.
async fn tell_of_unknown_money(app: &TestApp) {
    let payment = json!({
        "id": "pay_01h455vb4pex5vsknk084sn02q", "reference": "ffffffffffffffffffff",
        "amount_minor": VIP, "currency": "TZS",
    });
    tell(app, &message("payment.succeeded", &payment)).await;
}

/// A payment whose gateway says nothing any more.
async fn lose_sight(app: &TestApp, purchase: &Purchase) {
    let payment = purchase.payment().await;
    let statement = format!(
        "UPDATE payments SET status = 'unknown', provider = 'silent' WHERE reference = '{}'",
        text(&payment["reference"])
    );
    app.database.execute(&statement).await;
}

async fn see_again(app: &TestApp) {
    let statement = "UPDATE payments SET provider = 'dummy'";
    app.database.execute(statement).await;
}

on_both! {
    async fn tasks_are_seen_by_who_handles_the_organizers_money(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let own = pay_wrong_amount(app, &shop).await;
        let elsewhere = pay_wrong_amount(app, &other).await;
        tell_of_unknown_money(app).await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        for member in [&finance, &manager] {
            assert_eq!(find(member, "").await, from_ref(&own.payment));
        }
        gate.get(TASKS).await.expect_problem(403, "forbidden");
        app.nobody().get(TASKS).await.expect_problem(401, "unauthenticated");

        let all = shop.admin.get(TASKS).await;
        assert_eq!(objects(&all)[1..], [elsewhere.payment.clone(), own.payment.clone()]);
        let platform = &all.body["data"][0];
        assert_eq!((&platform["kind"], &platform["organizer_id"]), (&json!("unmatched"), &Value::Null));
        let task = &all.body["data"][2];
        assert_eq!((&task["kind"], &task["organizer_id"]), (&json!("review"), &json!(shop.organizer)));
        assert!(task["done_at"].is_null() && task["note"].is_string(), "{task}");
        let page = shop.admin.get(&format!("{TASKS}?limit=2")).await;
        let after = text(&page.expect(200).body["next_cursor"]);
        assert_eq!(find(&shop.admin, &format!("limit=2&after={after}")).await, [own.payment]);
    }

    async fn tasks_are_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let own = pay_wrong_amount(app, &shop).await.payment;
        let elsewhere = pay_wrong_amount(app, &other).await.payment;
        tell_of_unknown_money(app).await;
        let admin = &shop.admin;
        assert_eq!(find(admin, "kind=review").await, [elsewhere.clone(), own.clone()]);
        assert_eq!(find(admin, "kind=unmatched,refund_due").await.len(), 1);
        assert_eq!(find(admin, &format!("object={own}")).await, from_ref(&own));
        let of = format!("organizer_id={}", other.organizer);
        assert_eq!(find(admin, &of).await, [elsewhere]);
        assert!(find(admin, "done=true").await.is_empty());
        assert_eq!(find(admin, "done=false").await.len(), 3);
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        assert!(find(&finance, &of).await.is_empty());
        for query in ["kind=lost", "done=maybe", "organizer_id=x"] {
            let refused = admin.get(&format!("{TASKS}?{query}")).await;
            refused.expect_problem(422, "validation_failed");
        }
    }

    async fn a_task_is_done_once_and_remembers_by_whom(app: &TestApp) {
        let shop = Shop::open(app).await;
        tell_of_unknown_money(app).await;
        let task = only(&shop.admin, "").await;
        let body = json!({"note": "It was a test of the gateway's."});
        let done = finish(&shop.admin, &task, body).await;
        assert_eq!(done.expect(200).body["done_note"], "It was a test of the gateway's.");
        assert!(text(&done.body["done_by"]).starts_with("usr_"), "{}", done.text);
        assert!(done.body["done_at"].is_string(), "{}", done.text);
        assert!(find(&shop.admin, "").await.is_empty());
        assert_eq!(only(&shop.admin, "done=true").await, done.body);
        let again = finish(&shop.admin, &task, json!({})).await;
        again.expect_problem(409, "invalid_transition");
        let log = shop.admin.get("/api/v1/audit-log?action=task.done").await;
        assert_eq!(log.expect(200).body["data"][0]["object"], task["id"]);
        // The same news once more is no new task.
        tell_of_unknown_money(app).await;
        assert!(find(&shop.admin, "object=ffffffffffffffffffff").await.is_empty());
    }

    async fn the_same_request_twice_is_answered_alike(app: &TestApp) {
        let admin = app.admin().await;
        tell_of_unknown_money(app).await;
        let task = only(&admin, "").await;
        let path = format!("{TASKS}/{}/done", text(&task["id"]));
        let first = admin.keyed("done with it", "POST", &path, json!({})).await;
        let second = admin.keyed("done with it", "POST", &path, json!({})).await;
        assert_eq!(first.expect(200).body, second.expect(200).body);
        assert_eq!(second.header("idempotency-replayed"), Some("true"));
    }

    async fn a_task_about_money_that_stands_apart_is_not_waved_away(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = pay_wrong_amount(app, &shop).await;
        let task = only(&shop.admin, "kind=review").await;
        finish(&shop.admin, &task, json!({})).await.expect_problem(409, "invalid_transition");
        assert_eq!(find(&shop.admin, "").await, [purchase.payment]);
    }

    async fn others_cannot_do_an_organizers_task(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        lose_sight(app, &purchase).await;
        app.clock.advance(2 * HOUR);
        app.drain().await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let other = app.member(&elsewhere, "finance", "other@example.com").await;
        let task = only(&finance, "").await;
        for stranger in [&gate, &other, &app.user("stranger@example.com").await] {
            finish(stranger, &task, json!({})).await.expect_problem(404, "not_found");
        }
        finish(&finance, &task, json!({})).await.expect(200);
        see_again(app).await;
    }

    async fn a_payment_that_stays_unknown_for_an_hour_is_a_task(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        lose_sight(app, &purchase).await;
        app.clock.advance(HOUR / 2);
        app.drain().await;
        let tasks = "SELECT count(*) FROM tasks WHERE kind = 'unknown_too_long'";
        assert_eq!(app.database.count(tasks).await, 0);
        for _ in 0..4 {
            app.clock.advance(HOUR / 2);
            app.drain().await;
        }
        assert_eq!(app.database.count(tasks).await, 1);
        let task = only(&app.admin().await, "").await;
        assert_eq!((&task["kind"], &task["object"]), (&json!("unknown_too_long"), &json!(purchase.payment)));
        assert_eq!(task["organizer_id"], shop.organizer.as_str());
        see_again(app).await;
    }

    async fn a_payment_that_is_known_again_needs_nobody(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let charge = purchase.payment().await;
        lose_sight(app, &purchase).await;
        app.clock.advance(2 * HOUR);
        app.drain().await;
        let admin = app.admin().await;
        assert_eq!(find(&admin, "").await, from_ref(&purchase.payment));
        see_again(app).await;
        set_charge(app, &charge, "status = 'failed'").await;
        app.clock.advance(HOUR / 6);
        app.drain().await;
        assert!(find(&admin, "").await.is_empty());
        let done = only(&admin, "done=true").await;
        assert!(done["done_at"].is_string() && done["done_by"].is_null(), "{done}");
        expect_true_books(app).await;
    }
}
