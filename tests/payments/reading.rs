//! Payments, transactions and gateways are read by those whose business they are.

use std::slice::from_ref;

use serde_json::json;

use super::{INTENTS, MINUTE};
use crate::support::sale::{Shop, VIP, text};
use crate::support::{Answer, TestApp, on_both};

fn ids(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    data.iter().map(|one| text(&one["id"])).collect()
}

on_both! {
    async fn a_payment_is_shown_to_its_buyer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        let payment = purchase.payment().await;
        assert_eq!(payment["status"], "requires_action");
        assert_eq!((&payment["amount_minor"], &payment["currency"]), (&json!(2 * VIP), &json!("TZS")));
        assert_eq!((&payment["attempt_no"], &payment["livemode"]), (&json!(1), &json!(false)));
        assert_eq!((&payment["provider"], &payment["account"]), (&json!("dummy"), &json!("default")));
        assert_eq!(payment["order_id"], purchase.order.as_str());
        assert_eq!(payment["next_action"], purchase.body["next_action"]);
        assert_eq!((&payment["refunded_minor"], &payment["superseded"]), (&json!(0), &json!(false)));
        assert!(payment["completed_at"].is_null() && payment["failure"].is_null(), "{payment}");
        assert!(payment["provider_payment_id"].is_null(), "it is for managers: {payment}");
        // A guessed reference would let anybody speak of other people's payments.
        assert!(text(&payment["reference"]).len() >= 16, "{payment}");

        purchase.simulate("succeed").await;
        app.drain().await;
        let payment = purchase.payment().await;
        assert_eq!((&payment["status"], &payment["refundable_minor"]), (&json!("succeeded"), &json!(2 * VIP)));
        assert!(payment["completed_at"].is_string(), "{payment}");
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let seen = manager.get(&format!("{INTENTS}/{}", purchase.payment)).await;
        assert!(seen.expect(200).body["provider_payment_id"].is_string(), "{}", seen.text);
    }

    async fn payments_are_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let first = shop.buy(app, shop.items(&[("vip", 1)])).await;
        app.clock.advance(MINUTE);
        let later = app.clock.now().to_string();
        let second = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let find = async |query: &str| ids(&shop.admin.get(&format!("{INTENTS}?{query}")).await);
        assert_eq!(find("").await, [second.payment.clone(), first.payment.clone()]);
        assert_eq!(find("status=succeeded").await, from_ref(&first.payment));
        assert_eq!(find("status=requires_action,processing").await, from_ref(&second.payment));
        assert_eq!(find("provider=dummy&limit=1").await, from_ref(&second.payment));
        assert!(find("provider=stripe").await.is_empty());
        assert_eq!(find(&format!("order_id={}", first.order)).await, from_ref(&first.payment));
        let reference = text(&second.payment().await["reference"]);
        assert_eq!(find(&format!("reference={reference}")).await, from_ref(&second.payment));
        assert_eq!(find(&format!("created_at[gte]={later}")).await, from_ref(&second.payment));
        assert_eq!(ids(&first.guest.get(INTENTS).await), from_ref(&first.payment));
        shop.admin.get(&format!("{INTENTS}?state=x")).await.expect_problem(422, "unknown_parameter");
    }

    async fn all_money_is_read_in_one_place(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        let failed = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        failed.simulate("fail").await;
        app.drain().await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let all = "/api/v1/transactions";
        assert_eq!(ids(&purchase.guest.get(all).await), from_ref(&purchase.payment));
        assert_eq!(ids(&manager.get(all).await), [failed.payment.clone(), purchase.payment.clone()]);
        for client in [&purchase.guest, &manager] {
            let one = client.get(&format!("{all}/{}", purchase.payment)).await;
            let one = &one.expect(200).body;
            assert_eq!((&one["id"], &one["kind"]), (&json!(purchase.payment), &json!("payment")));
            assert_eq!((&one["status"], &one["amount_minor"]), (&json!("succeeded"), &json!(VIP)));
            assert_eq!((&one["currency"], &one["provider"]), (&json!("TZS"), &json!("dummy")));
            assert_eq!(one["order_id"], purchase.order.as_str());
            assert!(one["created_at"].is_string() && one["completed_at"].is_string(), "{one}");
        }
        let one = manager.get(&format!("{all}/{}", failed.payment)).await;
        assert!(one.expect(200).body["failure"]["code"].is_string(), "{}", one.text);
        let unknown = format!("{all}/pay_01h455vb4pex5vsknk084sn02q");
        manager.get(&unknown).await.expect_problem(404, "not_found");
    }

    async fn managers_see_the_gateways(app: &TestApp) {
        let organizer = app.organizer("Own").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let stranger = app.user("stranger@example.com").await;
        let seen = manager.get("/api/v1/providers").await;
        let gateways = seen.expect(200).body["data"].as_array().unwrap().clone();
        let dummy = gateways.iter().find(|gateway| gateway["id"] == "dummy").unwrap();
        assert_eq!(dummy["livemode"], false);
        stranger.get("/api/v1/providers").await.expect_problem(403, "forbidden");
        app.nobody().get("/api/v1/providers").await.expect_problem(401, "unauthenticated");
    }

    async fn a_front_end_learns_how_to_sell(app: &TestApp) {
        let config = app.nobody().get("/api/v1/config/public").await;
        let config_text = &config.expect(200).text;
        let gateways = config.body["gateways"].as_array().unwrap();
        assert_eq!(gateways[0]["id"], "dummy");
        assert_eq!(gateways[0]["next_actions"], json!(["redirect"]));
        assert_eq!(config.body["hold_ttl_seconds"], 900);
        assert!(!config_text.contains(crate::support::DUMMY_WEBHOOK_SECRET));
    }

    async fn a_payment_has_a_version(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let path = format!("{INTENTS}/{}", purchase.payment);
        let seen = purchase.guest.get(&path).await;
        let tag = seen.expect(200).header("etag").unwrap().to_owned();
        let again = async || {
            let request = purchase.guest.request("GET", &path).header("If-None-Match", &tag);
            purchase.guest.send(request).await.status
        };
        assert_eq!(again().await, 304);
        purchase.simulate("fail").await;
        app.drain().await;
        assert_eq!(again().await, 200);
    }
}
