//! Without a message from the gateway we ask it, and everything ends right.

use serde_json::json;

use super::{MINUTE, count, return_of, step};
use crate::support::sale::{
    Shop, browse, count_mails, expect_stock, expect_true_books, lose_messages, set_charge, simulate,
};
use crate::support::{Kind, TestApp, on_both, run};

on_both! {
    async fn with_all_messages_lost_everything_ends_right(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut purchases = Vec::new();
        for (outcome, payment, order) in [
            ("succeed", "succeeded", "confirmed"), ("fail", "failed", "pending"),
            ("cancel", "canceled", "pending"), ("process", "processing", "pending"),
        ] {
            let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            purchase.simulate(outcome).await;
            purchases.push((purchase, payment, order));
        }
        lose_messages(app).await;
        app.drain().await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        for (purchase, payment, order) in &purchases {
            assert_eq!(purchase.payment().await["status"], *payment);
            assert_eq!(purchase.order().await["status"], *order, "{payment}");
        }
        assert_eq!(count(app, "webhook_events").await, 0);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_true_books(app).await;

        let (under_way, ..) = &purchases[3];
        under_way.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(20 * MINUTE);
        app.drain().await;
        assert_eq!(under_way.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn money_of_the_last_minute_is_not_lost(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        app.clock.advance(14 * MINUTE);
        app.drain().await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        app.clock.advance(15 * MINUTE);
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 2);
        expect_stock(app, "VIP", 0, 2).await;
        expect_true_books(app).await;
    }

    async fn an_unknown_outcome_is_resolved_by_asking(app: &TestApp) {
        let shop = Shop::open(app).await;
        let paid = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let open = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let charge = paid.payment().await;
        // Its creation was never answered, yet it was made, and paid.
        app.database.execute("UPDATE payments SET status = 'unknown', provider_payment_id = NULL").await;
        app.database.execute("UPDATE orders SET payment_status = 'processing'").await;
        set_charge(app, &charge, "status = 'succeeded'").await;
        assert_eq!(paid.session().await["status"], "processing");
        let refused = paid.pay_again(json!({})).await;
        refused.expect_problem(409, "payment_in_progress");
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        assert_eq!(paid.order().await["status"], "confirmed");
        assert_eq!(open.payment().await["status"], "requires_action");
        assert_eq!(open.order().await["status"], "pending");
        expect_true_books(app).await;
    }

    async fn a_payment_that_never_reached_the_gateway_fails(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        app.database.execute("UPDATE payments SET status = 'unknown', provider_payment_id = NULL").await;
        app.database.execute("DELETE FROM dummy_charge").await;
        app.clock.advance(10 * MINUTE);
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "failed");
        assert_eq!(purchase.order().await["status"], "pending");
        // The buyer can try again.
        let second = purchase.pay_again(json!({})).await;
        simulate(&purchase.guest, &second.expect(201).id(), "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn a_buyer_asks_the_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let sync = async || step(&purchase.guest, &purchase.payment, "sync").await;
        assert_eq!(sync().await.expect(200).body["status"], "requires_action");
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        // Reading asks nobody.
        assert_eq!(purchase.payment().await["status"], "requires_action");
        assert_eq!(purchase.order().await["status"], "pending");
        assert_eq!(sync().await.expect(200).body["status"], "succeeded");
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(sync().await.expect(200).body["status"], "succeeded");
        assert_eq!(count(app, "journals").await, 2);
        expect_true_books(app).await;
    }

    async fn a_manager_asks_the_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        let synced = step(&manager, &purchase.payment, "sync").await;
        assert_eq!(synced.expect(200).body["status"], "succeeded");
    }

    async fn many_ask_at_once_and_one_success_is_booked(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let url = return_of(&purchase.payment().await);
        purchase.simulate("succeed").await;
        app.clock.advance(MINUTE);
        // The message, the sweeper, the buyer and the browser, all at the same moment.
        let (_, synced, again, back) = tokio::join!(
            Box::pin(app.drain()),
            step(&purchase.guest, &purchase.payment, "sync"),
            step(&purchase.guest, &purchase.payment, "sync"),
            browse(app, &url),
        );
        for answer in [synced, again] {
            answer.expect(200);
        }
        assert!(back.status < 400, "{}", back.html);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count(app, "journals").await, 2);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_true_books(app).await;
    }
}

#[test]
fn a_buyer_asks_the_gateway_once_in_ten_seconds() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let other = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        step(&purchase.guest, &purchase.payment, "sync")
            .await
            .expect(200);
        let again = step(&purchase.guest, &purchase.payment, "sync").await;
        again.expect_problem(429, "rate_limited");
        assert!(again.header("retry-after").is_some());
        step(&other.guest, &other.payment, "sync").await.expect(200);
    });
}
