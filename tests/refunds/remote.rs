//! Refunds that somebody makes at the gateway are noticed, and booked.

use serde_json::json;

use super::{REFUNDS, ask, bought, expect_sound, statuses};
use crate::support::sale::{VIP, lose_messages};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_part_that_went_back_there_is_booked_here(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        assert!(app.refund_there(&sale, "r1", 700).await);
        app.drain().await;
        let order = sale.order().await;
        assert_eq!((&order["payment_status"], &order["refunded_minor"]), (&json!("partially_refunded"), &json!(700)));
        let listed = shop.admin.get(&format!("{REFUNDS}?order_id={}", sale.order)).await;
        let refund = listed.expect(200).body["data"][0].clone();
        assert_eq!((&refund["source"], &refund["status"]), (&json!("external"), &json!("succeeded")));
        assert_eq!(statuses(&sale).await, ["valid", "valid"]);
        expect_sound(app).await;
    }

    async fn all_that_went_back_there_ends_the_tickets(app: &TestApp) {
        let (_, sale) = bought(app).await;
        assert!(app.refund_there(&sale, "r1", 2 * VIP).await);
        app.drain().await;
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        assert_eq!(sale.order().await["payment_status"], "refunded");
        expect_sound(app).await;
    }

    async fn a_lost_message_is_made_up_for_by_asking(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        assert!(app.refund_there(&sale, "r1", 700).await);
        lose_messages(app).await;
        app.drain().await;
        assert_eq!(sale.order().await["refunded_minor"], 0);
        let path = format!("/api/v1/payment-intents/{}/sync", sale.payment);
        for _ in 0..2 {
            shop.admin.post(&path, json!({})).await.expect(200);
            assert_eq!(sale.order().await["refunded_minor"], 700);
        }
        let left = ask(&shop.admin, &sale.order, json!({})).await;
        assert_eq!(left.expect(201).body["amount_minor"], 2 * VIP - 700);
        app.drain().await;
        expect_sound(app).await;
    }
}
