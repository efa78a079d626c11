//! Lists: pages, filters, and what is expanded in them.

use serde_json::{Value, json};

use super::{INTENT, Sandbox, run, text};

async fn ids(sandbox: &Sandbox, path: &str) -> (Vec<String>, bool) {
    let list = sandbox.get(path).await;
    assert_eq!(list.expect(200).body["object"], "list");
    let rows = list.body["data"].as_array().unwrap().iter();
    (
        rows.map(|row| text(&row["id"])).collect(),
        list.body["has_more"] == true,
    )
}

#[test]
fn pages_go_both_ways() {
    run(async |sandbox| {
        let mut all = Vec::new();
        for name in 0..7 {
            all.insert(
                0,
                sandbox
                    .post("customers", &format!("name={name}"))
                    .await
                    .id(),
            );
        }
        assert_eq!(ids(sandbox, "customers").await, (all.clone(), false));
        assert_eq!(
            ids(sandbox, "customers?limit=3").await,
            (all[..3].to_vec(), true)
        );
        let after = |index: usize| format!("customers?limit=3&starting_after={}", all[index]);
        assert_eq!(ids(sandbox, &after(2)).await, (all[3..6].to_vec(), true));
        assert_eq!(ids(sandbox, &after(5)).await, (all[6..].to_vec(), false));
        assert_eq!(ids(sandbox, &after(6)).await, (Vec::new(), false));
        let before = |index: usize| format!("customers?limit=3&ending_before={}", all[index]);
        assert_eq!(ids(sandbox, &before(6)).await, (all[3..6].to_vec(), true));
        assert_eq!(ids(sandbox, &before(3)).await, (all[..3].to_vec(), false));
        assert_eq!(ids(sandbox, &before(0)).await, (Vec::new(), false));
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "starting_after=cus_none",
            "colour=red",
        ] {
            sandbox.get(&format!("customers?{query}")).await.expect(400);
        }
    });
}

#[test]
fn lists_are_filtered() {
    run(async |sandbox| {
        let early = sandbox.post("customers", "email=a@b.c").await;
        let created = early.body["created"].as_i64().unwrap();
        sandbox.wait(100);
        let late = sandbox.post("customers", "email=d@e.f").await;
        assert_eq!(ids(sandbox, "customers?email=a@b.c").await.0, [early.id()]);
        for (bound, expected) in [
            (format!("created[gt]={created}"), late.id()),
            (format!("created[lte]={created}"), early.id()),
            (format!("created[gte]={}", created + 50), late.id()),
            (format!("created[lt]={}", created + 50), early.id()),
            (format!("created={created}"), early.id()),
        ] {
            assert_eq!(
                ids(sandbox, &format!("customers?{bound}")).await.0,
                [expected],
                "{bound}"
            );
        }
        let owner = sandbox
            .post(
                "payment_intents",
                &format!("{INTENT}&customer={}", late.id()),
            )
            .await;
        sandbox.post("payment_intents", INTENT).await.expect(200);
        assert_eq!(
            ids(sandbox, &format!("payment_intents?customer={}", late.id()))
                .await
                .0,
            [owner.id()]
        );
        let session = sandbox.session().await;
        assert_eq!(
            ids(sandbox, "checkout/sessions?status=open").await.0,
            [text(&session["id"])]
        );
        assert_eq!(
            ids(sandbox, "checkout/sessions?status=complete").await.0,
            Vec::<String>::new()
        );
    });
}

#[test]
fn events_are_filtered_and_forgotten_after_thirty_days() {
    run(async |sandbox| {
        sandbox.pay("pm_card_visa").await.expect(200);
        let path = "events?types[]=payment_intent.succeeded&types[]=charge.succeeded";
        let found = sandbox.get(path).await;
        assert_eq!(found.expect(200).body["data"].as_array().unwrap().len(), 2);
        let one = sandbox.get("events?type=payment_intent.succeeded").await;
        let event = &one.body["data"][0];
        assert_eq!(
            (&event["data"]["object"]["status"], &event["livemode"]),
            (&json!("succeeded"), &json!(false))
        );
        assert_eq!(event["api_version"], "2026-10-28.endive");
        assert!(text(&event["request"]["id"]).starts_with("req_"));
        let read = sandbox.get(&format!("events/{}", text(&event["id"]))).await;
        assert_eq!(read.expect(200).body, *event);
        let many: String = (0..21).map(|n| format!("types[]=t{n}&")).collect();
        sandbox.get(&format!("events?{many}")).await.expect(400);
        sandbox.wait(30 * 24 * 60 * 60 + 1);
        // The charge has settled since.
        assert_eq!(
            sandbox
                .get("events?type=payment_intent.succeeded")
                .await
                .body["data"],
            json!([])
        );
    });
}

#[test]
fn ids_are_expanded() {
    run(async |sandbox| {
        let paid = sandbox.pay("pm_card_visa").await;
        sandbox.wait(10);
        let path = format!(
            "payment_intents/{}?expand[]=latest_charge.balance_transaction&expand[]=payment_method",
            paid.id()
        );
        let full = sandbox.get(&path).await;
        let charge = &full.expect(200).body["latest_charge"];
        assert_eq!(
            charge["balance_transaction"]["object"],
            "balance_transaction"
        );
        assert_eq!(full.body["payment_method"]["card"]["last4"], "4242");
        let list = sandbox
            .get("payment_intents?expand[]=data.latest_charge")
            .await;
        assert_eq!(
            list.expect(200).body["data"][0]["latest_charge"]["id"],
            charge["id"]
        );
        let form =
            format!("{INTENT}&confirm=true&payment_method=pm_card_visa&expand[]=latest_charge");
        let made = sandbox.post("payment_intents", &form).await;
        assert_eq!(made.expect(200).body["latest_charge"]["object"], "charge");
        sandbox
            .post("refunds", &format!("payment_intent={}", made.id()))
            .await
            .expect(200);
        let path = format!(
            "charges/{}?expand[]=refunds",
            text(&made.body["latest_charge"]["id"])
        );
        assert_eq!(
            sandbox.get(&path).await.body["refunds"]["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        for path in [
            "amount",
            "latest_charge.amount",
            "data.latest_charge",
            "latest_charge.payment_intent.latest_charge.payment_intent.latest_charge",
        ] {
            let refused = sandbox
                .get(&format!("payment_intents/{}?expand[]={path}", made.id()))
                .await;
            refused.expect_error(400, "invalid_request_error", "");
        }
        assert_eq!(full.body["customer"], Value::Null);
    });
}
