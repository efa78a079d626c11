//! An order is paid in attempts, of which one at most is open, and one succeeds.

use serde_json::{Value, json};

use super::{CHECKOUT, HOLD_IS_OVER, INTENTS, count, statuses};
use crate::support::sale::{
    Shop, VIP, count_mails, expect_stock, expect_true_books, key, payment, simulate, text,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_payment_is_under_way_and_then_succeeds(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let accepted = simulate(&purchase.guest, &purchase.payment, "process").await;
        assert_eq!(accepted.expect(202).id(), purchase.payment);
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "processing");
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("processing")));
        assert_eq!(purchase.session().await["status"], "processing");
        assert_eq!(count(app, "journals").await, 0);
        purchase.simulate("succeed").await;
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(purchase.session().await["status"], "complete");
        expect_true_books(app).await;
    }

    async fn a_payment_under_way_keeps_what_is_held(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 10)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "pending");
        shop.order(&app.nobody(), shop.items(&[("vip", 1)])).await.expect_problem(409, "sold_out");
        purchase.simulate("succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!(order["status"], "confirmed");
        assert!(statuses(&order, "tickets").iter().all(|status| status == "valid"));
        assert_eq!(count_mails(app, "order_expired").await, 0);
        expect_stock(app, "VIP", 0, 10).await;
    }

    async fn a_declined_attempt_keeps_the_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("fail").await;
        app.drain().await;
        let failed = purchase.payment().await;
        assert_eq!(failed["status"], "failed");
        assert!(failed["failure"]["code"].is_string() && failed["failure"]["message"].is_string(), "{failed}");
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
        assert_eq!(statuses(&order, "tickets"), ["reserved"]);
        assert!(order["allowed_actions"].as_array().unwrap().contains(&json!("pay")));
        assert_eq!(purchase.session().await["status"], "open");
        expect_stock(app, "VIP", 1, 0).await;

        let second = purchase.pay_again(json!({})).await;
        assert_eq!(second.expect(201).body["attempt_no"], 2);
        assert_eq!(second.body["next_action"]["type"], "redirect");
        simulate(&purchase.guest, &second.id(), "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(purchase.payment().await["status"], "failed");
        assert_eq!(purchase.session().await["payment_id"], second.id().as_str());
        expect_true_books(app).await;
    }

    async fn a_new_attempt_takes_the_place_of_an_open_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let second = purchase.pay_again(json!({})).await;
        assert_eq!(second.expect(201).body["amount_minor"], VIP);
        assert_eq!(purchase.payment().await["status"], "canceled");
        assert_eq!(count(app, "dummy_charge WHERE status = 'canceled'").await, 1);
        // The first one's page, still open in another window.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "canceled");
        assert_eq!(purchase.order().await["status"], "pending");
        simulate(&purchase.guest, &second.id(), "succeed").await.expect(202);
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["payment_status"], &order["paid_minor"]), (&json!("paid"), &json!(VIP)));
        expect_true_books(app).await;
    }

    async fn two_attempts_at_the_same_moment_leave_one_open(app: &TestApp) {
        let shop = Shop::open(app).await;
        for _ in 0..6 {
            let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            let (first, second) = tokio::join!(purchase.pay_again(json!({})), purchase.pay_again(json!({})));
            assert!(first.status == 201 || second.status == 201, "{} {}", first.text, second.text);
            for answer in [&first, &second] {
                assert!(matches!(answer.status, 201 | 409), "{}", answer.text);
            }
            let all = purchase.guest.get(INTENTS).await;
            let all = all.expect(200).body["data"].as_array().unwrap().clone();
            let is_open = |one: &&Value| one["status"] == "requires_action" && one["superseded"] == false;
            let open: Vec<&Value> = all.iter().filter(is_open).collect();
            assert_eq!(open.len(), 1, "{all:?}");
            simulate(&purchase.guest, &text(&open[0]["id"]), "succeed").await.expect(202);
            app.drain().await;
            let order = purchase.order().await;
            assert_eq!((&order["status"], &order["paid_minor"]), (&json!("confirmed"), &json!(VIP)));
        }
        expect_true_books(app).await;
    }

    async fn equal_attempts_are_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let (key, body) = (key(), json!({"order_id": order["id"]}));
        let all = (0..8).map(|_| guest.keyed(&key, "POST", INTENTS, body.clone()));
        for answer in futures_util::future::join_all(all).await {
            if answer.status != 201 {
                answer.expect_problem(409, "idempotency_in_progress");
            }
        }
        guest.keyed(&key, "POST", INTENTS, body).await.expect(201);
        assert_eq!((count(app, "payments").await, count(app, "dummy_charge").await), (1, 1));
    }

    async fn a_buyer_with_an_account_pays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let started = shop.checkout(&asha, &key(), shop.items(&[("vip", 1)])).await;
        assert!(started.expect(201).body["order_token"].is_null(), "{}", started.text);
        let id = text(&started.body["payment_id"]);
        simulate(&asha, &id, "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(payment(&asha, &id).await["status"], "succeeded");
        let path = format!("{CHECKOUT}/{}", started.id());
        assert_eq!(asha.get(&path).await.expect(200).body["status"], "complete");
    }
}
