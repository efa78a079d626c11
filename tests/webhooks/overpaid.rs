//! Of several attempts, each success counts, and what is too much is to be given back.

use serde_json::json;

use super::{MINUTE, count, expect_refund_due, expect_status, open_purchase, succeed};
use crate::support::sale::{
    Shop, VIP, count_mails, count_postings, expect_stock, expect_true_books, lose_messages,
    message, payment, simulate, tell,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_second_attempt_that_succeeds_too_is_overpaid(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, first) = open_purchase(app, &shop).await;
        let second = purchase.pay_again(json!({})).await.expect(201).id();
        simulate(&purchase.guest, &second, "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(purchase.order().await["payment_status"], "paid");
        // The buyer had paid on the first page as well.
        succeed(app, &first).await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("overpaid")));
        assert_eq!(order["paid_minor"], 2 * VIP);
        assert_eq!(purchase.payment().await["status"], "succeeded");
        assert_eq!(payment(&purchase.guest, &second).await["status"], "succeeded");
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 1);
        expect_stock(app, "VIP", 0, 1).await;
        expect_refund_due(app, VIP).await;
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", VIP).await, 1);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_true_books(app).await;
    }

    async fn the_superseded_attempt_pays_and_the_new_one_is_closed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, first) = open_purchase(app, &shop).await;
        let second = purchase.pay_again(json!({})).await.expect(201).id();
        succeed(app, &first).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        // What is left open must not be paid as well.
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        simulate(&purchase.guest, &second, "succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["payment_status"], &order["paid_minor"]), (&json!("paid"), &json!(VIP)));
        expect_true_books(app).await;
    }

    async fn a_success_beside_a_lost_message_is_booked_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        tell(app, &message("payment.succeeded", &payment)).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(count(app, "journals").await, 2);
        expect_true_books(app).await;
    }
}
