//! Messages come in any order, and end in the same state.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{count, expect_status, open_purchase, succeed};
use crate::support::sale::{
    Shop, VIP, count_mails, expect_stock, expect_true_books, message, set_charge, tell,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn success_stays_whatever_comes_after(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        succeed(app, &payment).await;
        for kind in ["payment.processing", "payment.failed", "payment.canceled", "payment.processing"] {
            tell(app, &message(kind, &payment)).await;
            expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        }
        let order = purchase.order().await;
        assert_eq!((&order["paid_minor"], &order["tickets"][0]["status"]), (&json!(VIP), &json!("valid")));
        assert_eq!(count(app, "journals").await, 2);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
    }

    async fn the_first_of_two_ends_stays(app: &TestApp) {
        let shop = Shop::open(app).await;
        for (first, second, status) in [
            ("payment.failed", "payment.canceled", "failed"),
            ("payment.canceled", "payment.failed", "canceled"),
        ] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            set_charge(app, &payment, &format!("status = '{status}'")).await;
            tell(app, &message(first, &payment)).await;
            tell(app, &message(second, &payment)).await;
            expect_status(&purchase, status, "pending", "unpaid").await;
        }
    }

    async fn a_success_after_a_failure_counts(app: &TestApp) {
        let shop = Shop::open(app).await;
        for kind in ["payment.failed", "payment.canceled"] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            tell(app, &message(kind, &payment)).await;
            succeed(app, &payment).await;
            expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        }
        expect_true_books(app).await;
    }

    async fn the_order_of_messages_does_not_matter(app: &TestApp) {
        let shop = Shop::open(app).await;
        let kinds = ["payment.processing", "payment.failed", "payment.succeeded"];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            set_charge(app, &payment, "status = 'succeeded'").await;
            for index in order {
                // Tripled, as well.
                let message = message(kinds[index], &payment);
                for _ in 0..3 {
                    tell(app, &message).await;
                }
            }
            expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        }
        assert_eq!(count(app, "journals").await, 12);
        assert_eq!(count_mails(app, "order_confirmation").await, 6);
        expect_stock(app, "VIP", 0, 6).await;
        expect_true_books(app).await;
    }

    async fn success_and_failure_at_the_same_moment(app: &TestApp) {
        let shop = Shop::open(app).await;
        for _ in 0..5 {
            let (purchase, payment) = open_purchase(app, &shop).await;
            set_charge(app, &payment, "status = 'succeeded'").await;
            let kinds = ["payment.failed", "payment.succeeded", "payment.processing", "payment.canceled"];
            let all: Vec<Value> = kinds.iter().map(|kind| message(kind, &payment)).collect();
            join_all(all.iter().map(|message| tell(app, message))).await;
            expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        }
        expect_true_books(app).await;
    }
}
