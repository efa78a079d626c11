//! Our books beside the gateway's: what differs is found, mended by asking, or told to somebody.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{
    Purchase, Shop, VIP, expect_true_books, key, lose_messages, set_charge, text,
};
use crate::support::{Answer, Client, TestApp, on_both};

const RUNS: &str = "/api/v1/reconciliation/runs";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The last day, and the next.
fn lately(app: &TestApp) -> Value {
    let now = app.clock.now();
    json!({"provider": "dummy", "from": now.minus(DAY), "until": now.plus(DAY)})
}

async fn start(client: &Client, body: Value) -> Answer {
    client.keyed(&key(), "POST", RUNS, body).await
}

/// A comparison of the last day, brought to its end.
async fn compare(app: &TestApp, client: &Client) -> Value {
    let started = start(client, lately(app)).await;
    assert_eq!(started.expect(202).body["status"], "queued");
    app.app.drain_jobs().await.unwrap();
    read(client, &started.id()).await
}

async fn read(client: &Client, id: &str) -> Value {
    let run = client.get(&format!("{RUNS}/{id}")).await;
    run.expect(200).body.clone()
}

#[track_caller]
fn expect_counts(run: &Value, expected: Value) {
    assert_eq!(run["status"], "done", "{run}");
    assert_eq!(run["counts"], expected, "{run}");
}

/// Counts of `ours` and `theirs`, and no difference but these.
fn counts(ours: i64, theirs: i64, differences: &[&str]) -> Value {
    let mut counts = json!({
        "ours": ours, "theirs": theirs, "missing_here": 0, "missing_there": 0,
        "amount_differs": 0, "status_differs": 0,
    });
    for kind in differences {
        counts[*kind] = json!(1);
    }
    counts
}

async fn open_tasks(client: &Client) -> Vec<Value> {
    let tasks = client.get("/api/v1/tasks?kind=unmatched").await;
    tasks.expect(200).body["data"].as_array().unwrap().clone()
}

/// Money that is at the gateway alone.
async fn add_charge(app: &TestApp, reference: &str) {
    let statement = format!(
        "INSERT INTO dummy_charge SELECT '{reference}', 'elsewhere', amount_minor, currency, \
         'succeeded', created_at, updated_at FROM dummy_charge LIMIT 1"
    );
    app.database.execute(&statement).await;
}

async fn remove_charge(app: &TestApp, reference: &str) {
    let statement = format!("DELETE FROM dummy_charge WHERE reference = '{reference}'");
    app.database.execute(&statement).await;
}

async fn sell(app: &TestApp, shop: &Shop) -> (Purchase, Value) {
    let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
    let payment = purchase.payment().await;
    (purchase, payment)
}

on_both! {
    async fn books_that_agree_have_no_findings(app: &TestApp) {
        let shop = Shop::open(app).await;
        sell(app, &shop).await;
        shop.purchase(app, shop.items(&[("vip", 1)])).await.simulate("fail").await;
        shop.purchase(app, shop.items(&[("vip", 1)])).await;
        app.drain().await;
        let run = compare(app, &shop.admin).await;
        expect_counts(&run, counts(3, 3, &[]));
        assert_eq!((&run["findings"], &run["organizer_id"]), (&json!([]), &Value::Null));
        assert!(run["started_at"].is_string() && run["finished_at"].is_string(), "{run}");
        assert!(open_tasks(&shop.admin).await.is_empty());
        let log = shop.admin.get("/api/v1/audit-log?action=reconciliation.started").await;
        assert_eq!(log.expect(200).body["data"][0]["object"], run["id"]);
    }

    async fn money_that_we_do_not_know_is_found(app: &TestApp) {
        let shop = Shop::open(app).await;
        sell(app, &shop).await;
        add_charge(app, "dddddddddddddddddddd").await;
        for _ in 0..2 {
            let run = compare(app, &shop.admin).await;
            expect_counts(&run, counts(1, 2, &["missing_here"]));
            let finding = &run["findings"][0];
            assert_eq!((&finding["kind"], &finding["reference"]), (&json!("missing_here"), &json!("dddddddddddddddddddd")));
            assert_eq!(finding["theirs"], json!({"status": "succeeded", "amount_minor": VIP, "currency": "TZS"}));
            assert!(finding["ours"].is_null() && finding["payment_id"].is_null(), "{finding}");
        }
        // One task, however often it is found; it is the platform's.
        let tasks = open_tasks(&shop.admin).await;
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        assert_eq!(tasks[0]["object"], "dummy:dch_dddddddddddddddddddd");
        assert!(tasks[0]["organizer_id"].is_null(), "{tasks:?}");
    }

    async fn a_payment_that_the_gateway_does_not_know_is_found(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = sell(app, &shop).await;
        remove_charge(app, &text(&payment["reference"])).await;
        let run = compare(app, &shop.admin).await;
        expect_counts(&run, counts(1, 0, &["missing_there"]));
        let finding = &run["findings"][0];
        assert_eq!((&finding["payment_id"], &finding["theirs"]), (&json!(purchase.payment), &Value::Null));
        assert_eq!(finding["ours"], json!({"status": "succeeded", "amount_minor": VIP, "currency": "TZS"}));
        let tasks = open_tasks(&shop.admin).await;
        assert_eq!((&tasks[0]["object"], &tasks[0]["organizer_id"]), (&json!(purchase.payment), &json!(shop.organizer)));
    }

    async fn another_amount_or_currency_is_found(app: &TestApp) {
        let shop = Shop::open(app).await;
        for (set, amount, currency) in [("amount_minor = 1", 1, "TZS"), ("currency = 'KES', amount_minor = 15000000", VIP, "KES")] {
            let (purchase, payment) = sell(app, &shop).await;
            set_charge(app, &payment, set).await;
            let run = compare(app, &shop.admin).await;
            let findings = run["findings"].as_array().unwrap();
            let found = findings.iter().find(|it| it["payment_id"] == purchase.payment.as_str()).unwrap();
            assert_eq!(found["kind"], "amount_differs");
            assert_eq!(found["theirs"], json!({"status": "succeeded", "amount_minor": amount, "currency": currency}));
        }
        assert_eq!(open_tasks(&shop.admin).await.len(), 2);
    }

    async fn money_that_we_wait_for_is_asked_for(app: &TestApp) {
        let shop = Shop::open(app).await;
        let open = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let over = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        over.simulate("fail").await;
        app.drain().await;
        open.simulate("succeed").await;
        lose_messages(app).await;
        set_charge(app, &over.payment().await, "status = 'succeeded'").await;
        let run = compare(app, &shop.admin).await;
        let mut expected = counts(2, 2, &[]);
        expected["status_differs"] = json!(2);
        expect_counts(&run, expected);
        // Before the sweeper would have asked by itself.
        app.clock.advance(Duration::from_secs(3));
        app.drain().await;
        for purchase in [&open, &over] {
            assert_eq!(purchase.payment().await["status"], "succeeded");
            assert_eq!(purchase.order().await["status"], "confirmed");
        }
        assert!(open_tasks(&shop.admin).await.is_empty());
        expect_true_books(app).await;
        expect_counts(&compare(app, &shop.admin).await, counts(2, 2, &[]));
    }

    async fn a_success_that_the_gateway_takes_back_is_for_a_person(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = sell(app, &shop).await;
        set_charge(app, &payment, "status = 'failed'").await;
        let run = compare(app, &shop.admin).await;
        expect_counts(&run, counts(1, 1, &["status_differs"]));
        assert_eq!(open_tasks(&shop.admin).await[0]["object"], purchase.payment.as_str());
        assert_eq!(purchase.payment().await["status"], "succeeded");
    }

    async fn money_in_review_is_known(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let payment = purchase.payment().await;
        set_charge(app, &payment, "status = 'succeeded', amount_minor = 1").await;
        app.clock.advance(Duration::from_secs(60));
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "review");
        expect_counts(&compare(app, &shop.admin).await, counts(1, 1, &[]));
    }

    async fn a_run_compares_its_time_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, payment) = sell(app, &shop).await;
        remove_charge(app, &text(&payment["reference"])).await;
        add_charge_at_other_time(app, &shop).await;
        let until = app.clock.now().minus(2 * DAY);
        let body = json!({"provider": "dummy", "from": until.minus(DAY), "until": until});
        let run = start(&shop.admin, body).await;
        app.drain().await;
        expect_counts(&read(&shop.admin, &run.expect(202).id()).await, counts(0, 0, &[]));
    }

    async fn an_organizers_run_is_about_its_payments_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let (_, own) = sell(app, &shop).await;
        let (_, elsewhere) = sell(app, &other).await;
        add_charge(app, "dddddddddddddddddddd").await;
        for payment in [&own, &elsewhere] {
            set_charge(app, payment, "amount_minor = 1").await;
        }
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let run = compare(app, &finance).await;
        expect_counts(&run, counts(1, 1, &["amount_differs"]));
        assert_eq!(run["organizer_id"], shop.organizer.as_str());
        assert_eq!(run["findings"][0]["payment_id"], own["id"]);
        assert_eq!(open_tasks(&shop.admin).await.len(), 1);
        // An admin may narrow a run to an organizer too.
        let mut body = lately(app);
        body["organizer_id"] = json!(other.organizer);
        let run = start(&shop.admin, body).await;
        app.drain().await;
        let run = read(&shop.admin, &run.expect(202).id()).await;
        assert_eq!(run["findings"][0]["payment_id"], elsewhere["id"]);
    }

    async fn runs_are_seen_by_who_handles_the_money(app: &TestApp) {
        let shop = Shop::open(app).await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let other = app.member(&elsewhere, "manager", "other@example.com").await;
        let own = start(&finance, lately(app)).await.expect(202).id();
        let all = start(&shop.admin, lately(app)).await.expect(202).id();
        app.drain().await;
        for (client, run, status) in [
            (&manager, &own, 200), (&shop.admin, &own, 200), (&gate, &own, 404), (&other, &own, 404),
            (&finance, &all, 404), (&manager, &all, 404), (&shop.admin, &all, 200),
        ] {
            client.get(&format!("{RUNS}/{run}")).await.expect(status);
        }
        start(&gate, lately(app)).await.expect_problem(403, "forbidden");
    }

    async fn who_handles_several_organizers_money_names_one(app: &TestApp) {
        let own = app.organizer("Own").await;
        let second = app.organizer("Second").await;
        let foreign = app.organizer("Foreign").await;
        let finance = app.member(&own, "finance", "finance@example.com").await;
        let path = format!("/api/v1/organizers/{second}/members/{}", finance.user_id());
        let admin = app.admin().await;
        admin.put(&path, json!({"role": "finance"})).await.expect(200);
        let start_for = async |client: &Client, organizer: Option<&str>| {
            let mut body = lately(app);
            body["organizer_id"] = json!(organizer);
            start(client, body).await
        };
        let fault = |answer: &Answer| answer.expect_problem(422, "validation_failed").faults();
        let pointer = "/organizer_id".to_owned();
        let refused = start_for(&finance, None).await;
        assert_eq!(fault(&refused), [(pointer.clone(), "required".to_owned())]);
        let unknown = "org_01h455vb4pex5vsknk084sn02q";
        for (client, organizer) in [(&finance, foreign.as_str()), (&finance, unknown), (&admin, unknown)] {
            let refused = start_for(client, Some(organizer)).await;
            assert_eq!(fault(&refused), [(pointer.clone(), "not_found".to_owned())]);
        }
        let started = start_for(&finance, Some(&second)).await;
        assert_eq!(started.expect(202).body["organizer_id"], second.as_str());
    }

    async fn what_cannot_be_compared_is_refused(app: &TestApp) {
        let admin = app.admin().await;
        let (now, span) = (app.clock.now(), 31 * DAY);
        let body = |provider: &str, from, until| json!({"provider": provider, "from": from, "until": until});
        let good = body("dummy", now.minus(span), now);
        admin.post(RUNS, good.clone()).await.expect_problem(400, "idempotency_key_required");
        let refused = start(&admin, body("stripe", now.minus(DAY), now)).await;
        refused.expect_problem(422, "provider_not_available");
        for (from, until) in [(now, now), (now, now.minus(DAY)), (now.minus(span + Duration::from_secs(1)), now)] {
            let refused = start(&admin, body("dummy", from, until)).await;
            refused.expect_problem(422, "validation_failed");
            assert_eq!(refused.faults(), [("/until".to_owned(), "out_of_range".to_owned())]);
        }
        // The same request twice is one run.
        let first = admin.keyed("one comparison", "POST", RUNS, good.clone()).await;
        let second = admin.keyed("one comparison", "POST", RUNS, good).await;
        assert_eq!(first.expect(202).id(), second.expect(202).id());
        let location = format!("{RUNS}/{}", first.id());
        assert_eq!(first.header("location"), Some(location.as_str()));
    }

    async fn a_gateway_that_does_not_answer_fails_the_run(app: &TestApp) {
        let admin = app.admin().await;
        app.database.execute("ALTER TABLE dummy_charge RENAME TO elsewhere").await;
        let run = compare(app, &admin).await;
        app.database.execute("ALTER TABLE elsewhere RENAME TO dummy_charge").await;
        assert_eq!((&run["status"], &run["counts"]), (&json!("failed"), &Value::Null));
        // What went wrong in detail is for the log.
        assert_eq!(run["error"], "The gateway did not answer.");
        assert!(run["finished_at"].is_string(), "{run}");
        expect_counts(&compare(app, &admin).await, counts(0, 0, &[]));
    }
}

/// Money that came to the gateway five days ago.
async fn add_charge_at_other_time(app: &TestApp, shop: &Shop) {
    shop.purchase(app, shop.items(&[("vip", 1)])).await;
    add_charge(app, "dddddddddddddddddddd").await;
    let at = app.clock.now().minus(5 * DAY);
    let statement = format!(
        "UPDATE dummy_charge SET created_at = '{at}' WHERE reference = 'dddddddddddddddddddd'"
    );
    app.database.execute(&statement).await;
}
