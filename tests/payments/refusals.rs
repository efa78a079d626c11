//! No attempt is begun or canceled once money is under way, paid, over, or of a wrong amount.

use serde_json::{Value, json};

use super::{HOLD_IS_OVER, INTENTS, MINUTE, count, step};
use crate::support::sale::{
    REGULAR, Shop, VIP, expect_true_books, key, lose_messages, simulate, text,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn no_second_attempt_while_one_is_under_way(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        let refused = purchase.pay_again(json!({})).await;
        refused.expect_problem(409, "payment_in_progress");
        assert_eq!(refused.body["payment_id"], purchase.payment.as_str());
        assert_eq!(count(app, "payments").await, 1);
    }

    async fn no_second_attempt_after_a_success_that_nobody_told_us(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        let refused = purchase.pay_again(json!({})).await;
        refused.expect(409);
        let code = text(&refused.body["code"]);
        assert!(matches!(code.as_str(), "order_already_paid" | "payment_in_progress"), "{}", refused.text);
        app.clock.advance(MINUTE);
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["paid_minor"]), (&json!("confirmed"), &json!(VIP)));
        assert_eq!(count(app, "dummy_charge WHERE status IN ('open', 'processing')").await, 0);
        expect_true_books(app).await;
    }

    async fn what_is_paid_or_over_is_not_paid_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        let paid = shop.buy(app, shop.items(&[("vip", 1)])).await;
        paid.pay_again(json!({})).await.expect_problem(409, "order_already_paid");
        let late = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        app.clock.advance(HOLD_IS_OVER);
        // Also before anybody has noted that its time is over.
        late.pay_again(json!({})).await.expect_problem(409, "order_expired");
        app.drain().await;
        late.pay_again(json!({})).await.expect_problem(409, "order_expired");
        assert_eq!(count(app, "payments").await, 2);
        assert_eq!(late.session().await["status"], "expired");
    }

    async fn a_canceled_orders_checkout_is_over(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        assert_eq!(purchase.session().await["status"], "open");
        purchase.cancel().await.expect(200);
        assert_eq!(purchase.session().await["status"], "expired");
    }

    async fn the_amount_is_the_orders(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1), ("regular", 1)])).await;
        let pay = async |more: Value| {
            let mut body = json!({"order_id": order["id"]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            guest.keyed(&key(), "POST", INTENTS, body).await
        };
        for wrong in [1, VIP + REGULAR - 1, VIP + REGULAR + 1] {
            pay(json!({"expected_amount_minor": wrong})).await.expect_problem(409, "amount_mismatch");
        }
        pay(json!({"expected_currency": "USD"})).await.expect_problem(409, "amount_mismatch");
        pay(json!({"expected_amount_minor": 1.5})).await.expect_problem(422, "money_not_integer");
        pay(json!({"amount_minor": 1})).await.expect_problem(422, "unknown_field");
        pay(json!({"provider": "stripe"})).await.expect_problem(422, "provider_not_available");
        assert_eq!(count(app, "payments").await, 0);
        let right = json!({"expected_amount_minor": VIP + REGULAR, "expected_currency": "tzs"});
        assert_eq!(pay(right).await.expect(201).body["amount_minor"], VIP + REGULAR);
    }

    async fn an_attempt_is_canceled_by_its_buyer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let canceled = step(&purchase.guest, &purchase.payment, "cancel").await;
        assert_eq!(canceled.expect(200).body["status"], "canceled");
        assert_eq!(count(app, "dummy_charge WHERE status = 'canceled'").await, 1);
        assert_eq!(purchase.order().await["status"], "pending");
        step(&purchase.guest, &purchase.payment, "cancel").await.expect_problem(409, "not_cancelable");
        // Canceled is canceled, whatever is pressed on the page.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "canceled");
        purchase.pay_again(json!({})).await.expect(201);
    }

    async fn what_is_under_way_or_paid_is_not_cancelable(app: &TestApp) {
        let shop = Shop::open(app).await;
        for outcome in ["process", "succeed"] {
            let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            purchase.simulate(outcome).await;
            app.drain().await;
            step(&purchase.guest, &purchase.payment, "cancel").await.expect_problem(409, "not_cancelable");
        }
        // The gateway knows better than we do.
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        step(&purchase.guest, &purchase.payment, "cancel").await.expect_problem(409, "not_cancelable");
        app.clock.advance(MINUTE);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }
}
