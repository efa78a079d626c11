//! Money that comes too late, twice, or is not what was asked for: none is kept for nothing.

use serde_json::{Value, json};

use super::{REFUNDS, expect_sound, statuses};
use crate::support::sale::{Shop, VIP, key};
use crate::support::{TestApp, on_both};
use crate::webhooks::{expired_purchase, succeed};

async fn refunds(shop: &Shop, order: &str) -> Value {
    let listed = shop.admin.get(&format!("{REFUNDS}?order_id={order}")).await;
    listed.expect(200).body["data"].clone()
}

on_both! {
    async fn late_money_without_a_seat_goes_back(app: &TestApp) {
        let mut shop = Shop::open(app).await;
        let (late, payment) = expired_purchase(app, &shop, shop.items(&[("vip", 2)])).await;
        shop.buy(app, shop.items(&[("vip", 9)])).await;
        succeed(app, &payment).await;
        app.drain().await;
        shop.admin = app.admin().await;
        let order = late.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("expired"), &json!("refunded")));
        let refunds = refunds(&shop, &late.order).await;
        assert_eq!((&refunds[0]["source"], &refunds[0]["status"]), (&json!("automatic"), &json!("succeeded")));
        assert_eq!(refunds[0]["amount_minor"], 2 * VIP);
        let open = "SELECT count(*) FROM tasks WHERE done_at IS NULL";
        assert_eq!(app.database.count(open).await, 0);
        assert_eq!((app.count_mails("payment_late").await, app.count_mails("refunded").await), (1, 1));
        expect_sound(app).await;
    }

    async fn the_second_of_two_payments_goes_back(app: &TestApp) {
        let shop = Shop::open(app).await;
        let sale = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let first = sale.payment.clone();
        app.script_fault("cancel", "timeout_before", 9);
        let second = sale.pay_again(json!({})).await.expect(201).id();
        sale.simulate("succeed").await;
        app.drain().await;
        assert_ne!(first, second);
        let paid = crate::support::sale::simulate(&sale.guest, &second, "succeed").await;
        paid.expect(202);
        app.drain().await;
        let order = sale.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!((&order["paid_minor"], &order["refunded_minor"]), (&json!(2 * VIP), &json!(VIP)));
        assert_eq!(statuses(&sale).await, ["valid"]);
        assert_eq!(refunds(&shop, &sale.order).await[0]["reason"], "duplicate");
        expect_sound(app).await;
    }

    async fn finance_decides_about_another_amount(app: &TestApp) {
        let shop = Shop::open(app).await;
        for (decision, came, told) in [("accept", VIP + 5, 200), ("accept", VIP - 5, 409), ("refund", VIP - 5, 200)] {
            let sale = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            let charge = format!("UPDATE dummy_charge SET amount_minor = {came} WHERE payment = '{}'", sale.payment);
            app.database.execute(&charge).await;
            sale.simulate("succeed").await;
            app.drain().await;
            assert_eq!(sale.order().await["payments"][0]["status"], "review");
            let path = format!("/api/v1/payment-intents/{}/review", sale.payment);
            let body = json!({"decision": decision, "note": "seen"});
            let told_now = shop.admin.keyed(&key(), "POST", &path, body).await;
            told_now.expect(told);
            app.drain().await;
            let order = sale.order().await;
            match (decision, told) {
                ("accept", 200) => {
                    assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("overpaid")));
                }
                ("refund", _) => {
                    assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
                    let refunds = refunds(&shop, &sale.order).await;
                    assert_eq!((&refunds[0]["status"], &refunds[0]["amount_minor"]), (&json!("succeeded"), &json!(came)));
                }
                _ => drop(told_now.expect_problem(409, "amount_mismatch")),
            }
            expect_sound(app).await;
        }
    }
}
