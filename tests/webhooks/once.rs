//! Whatever is told several times, even at the same moment, is applied once.

use futures_util::future::join_all;
use serde_json::Value;

use super::{count, expect_status, open_purchase, succeed};
use crate::support::sale::{
    Shop, VIP, count_mails, count_postings, expect_stock, expect_true_books, message, set_charge,
    tell,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_signed_success_confirms_the_order_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        succeed(app, &payment).await;
        // In the commit of the message: nothing else has to run.
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        let order = purchase.order().await;
        assert_eq!(order["tickets"][0]["status"], "valid");
        assert_eq!(count_postings(app, "clearing:dummy", "receivable", VIP).await, 1);
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", VIP).await, 1);
        assert_eq!(count(app, "webhook_events WHERE status = 'applied'").await, 1);
        expect_stock(app, "VIP", 0, 1).await;
        expect_true_books(app).await;
    }

    async fn the_same_message_twice_is_applied_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let message = message("payment.succeeded", &payment);
        tell(app, &message).await;
        let order = purchase.order().await;
        for _ in 0..3 {
            tell(app, &message).await;
        }
        assert_eq!(purchase.order().await, order);
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (1, 2));
        app.drain().await;
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
    }

    async fn the_same_news_in_another_message_changes_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        for _ in 0..3 {
            succeed(app, &payment).await;
        }
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (3, 2));
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        assert_eq!(count(app, "tickets").await, 1);
        expect_true_books(app).await;
    }

    async fn five_equal_messages_at_once_are_applied_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let message = message("payment.succeeded", &payment);
        join_all((0..5).map(|_| tell(app, &message))).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (1, 2));
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_stock(app, "VIP", 0, 1).await;
        expect_true_books(app).await;
    }

    async fn five_different_messages_at_once_are_one_payment(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let all: Vec<Value> = (0..5).map(|_| message("payment.succeeded", &payment)).collect();
        join_all(all.iter().map(|message| tell(app, message))).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (5, 2));
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_stock(app, "VIP", 0, 1).await;
        expect_true_books(app).await;
    }

    async fn many_payments_succeed_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut purchases = Vec::new();
        for _ in 0..8 {
            purchases.push(open_purchase(app, &shop).await);
        }
        for (_, payment) in &purchases {
            set_charge(app, payment, "status = 'succeeded'").await;
        }
        let all: Vec<Value> = purchases.iter().map(|(_, p)| message("payment.succeeded", p)).collect();
        join_all(all.iter().map(|message| tell(app, message))).await;
        for (purchase, _) in &purchases {
            expect_status(purchase, "succeeded", "confirmed", "paid").await;
        }
        expect_stock(app, "VIP", 0, 8).await;
        expect_true_books(app).await;
    }
}
