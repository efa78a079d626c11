//! Late money confirms the order while there is stock, and otherwise is to be given back.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    HOLD_IS_OVER, MINUTE, count, expect_refund_due, expect_status, open_purchase, succeed,
};
use crate::support::sale::{
    CORNER, Purchase, Shop, VIP, count_mails, count_postings, expect_stock, expect_true_books,
    message, set_charge, tell, text,
};
use crate::support::{TestApp, on_both};

/// An order whose time is over, and its payment.
pub async fn expired_purchase(app: &TestApp, shop: &Shop, items: Vec<Value>) -> (Purchase, Value) {
    let purchase = shop.purchase(app, items).await;
    let payment = purchase.payment().await;
    app.clock.advance(HOLD_IS_OVER);
    app.drain().await;
    assert_eq!(purchase.order().await["status"], "expired");
    (purchase, payment)
}

on_both! {
    async fn late_money_confirms_while_there_is_stock(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 2)]);
        items.push(shop.booth(Some(0)));
        let (purchase, payment) = expired_purchase(app, &shop, items).await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        let order = purchase.order().await;
        let of = |status: &str| {
            let tickets = order["tickets"].as_array().unwrap().iter();
            tickets.filter(|ticket| ticket["status"] == status).count()
        };
        assert_eq!((of("valid"), of("reserved")), (2, 0), "{order}");
        assert_eq!(order["paid_minor"], 2 * VIP + CORNER);
        assert_eq!(purchase.session().await["status"], "complete");
        expect_stock(app, "VIP", 0, 2).await;
        assert_eq!(count(app, "booths WHERE status = 'booked'").await, 1);
        assert_eq!(count(app, "tasks").await, 0);
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", 2 * VIP).await, 1);
        assert_eq!(count_postings(app, "receivable", "revenue:booths", CORNER).await, 1);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        assert_eq!(count_mails(app, "payment_late").await, 0);
        expect_true_books(app).await;
    }

    async fn late_money_for_a_canceled_order_confirms_too(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        purchase.cancel().await.expect(200);
        app.clock.advance(MINUTE);
        app.drain().await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        expect_stock(app, "VIP", 0, 1).await;
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 1);
        expect_true_books(app).await;
    }

    async fn late_money_keeps_the_attendees(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 1)]);
        items[0]["attendees"] = json!([{"name": "Asha Mwinyi", "email": "asha@example.com"}]);
        let (purchase, payment) = expired_purchase(app, &shop, items).await;
        succeed(app, &payment).await;
        let order = purchase.order().await;
        let tickets = order["tickets"].as_array().unwrap();
        let valid = tickets.iter().find(|ticket| ticket["status"] == "valid").unwrap();
        assert_eq!(valid["attendee"]["name"], "Asha Mwinyi");
        assert_eq!(valid["attendee"]["email"], "asha@example.com");
    }

    async fn late_money_without_stock_is_to_be_given_back(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = expired_purchase(app, &shop, shop.items(&[("vip", 2)])).await;
        shop.buy(app, shop.items(&[("vip", 9)])).await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "expired", "refund_due").await;
        let order = purchase.order().await;
        assert_eq!(order["paid_minor"], 2 * VIP);
        assert!(order["tickets"].as_array().unwrap().iter().all(|ticket| ticket["status"] == "void"));
        expect_stock(app, "VIP", 0, 9).await;
        let list = app.admin().await.get("/api/v1/orders?payment_status=refund_due,overpaid").await;
        assert_eq!(list.expect(200).body["data"][0]["id"], purchase.order.as_str());
        expect_refund_due(app, 2 * VIP).await;
        // The other buyer's, and no more.
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        purchase.pay_again(json!({})).await.expect_problem(409, "order_expired");
        expect_true_books(app).await;
    }

    async fn late_money_for_a_canceled_order_without_stock(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        purchase.cancel().await.expect(200);
        shop.buy(app, shop.items(&[("vip", 10)])).await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "canceled", "refund_due").await;
        expect_stock(app, "VIP", 0, 10).await;
        expect_refund_due(app, VIP).await;
        expect_true_books(app).await;
    }

    async fn late_money_for_a_booth_that_somebody_else_has(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = expired_purchase(app, &shop, vec![shop.booth(Some(0))]).await;
        shop.buy(app, vec![shop.booth(Some(0))]).await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "expired", "refund_due").await;
        assert_eq!(count(app, "booths WHERE status = 'booked'").await, 1);
        expect_refund_due(app, CORNER).await;
        expect_true_books(app).await;
    }

    async fn late_money_takes_all_or_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("regular", 3), ("vip", 1)]);
        items.push(shop.booth(Some(1)));
        let (purchase, payment) = expired_purchase(app, &shop, items).await;
        shop.buy(app, shop.items(&[("vip", 10)])).await;
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "expired", "refund_due").await;
        expect_stock(app, "Regular", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 10);
        expect_true_books(app).await;
    }

    async fn five_late_messages_at_once_are_one_late_payment(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (kept, kept_payment) = expired_purchase(app, &shop, shop.items(&[("regular", 1)])).await;
        let (lost, lost_payment) = expired_purchase(app, &shop, shop.items(&[("vip", 1)])).await;
        shop.buy(app, shop.items(&[("vip", 10)])).await;
        let mut all = Vec::new();
        for payment in [&kept_payment, &lost_payment] {
            set_charge(app, payment, "status = 'succeeded'").await;
            all.extend((0..5).map(|_| message("payment.succeeded", payment)));
        }
        join_all(all.iter().map(|message| tell(app, message))).await;
        expect_status(&kept, "succeeded", "confirmed", "paid").await;
        expect_status(&lost, "succeeded", "expired", "refund_due").await;
        expect_stock(app, "Regular", 0, 1).await;
        expect_refund_due(app, VIP).await;
        expect_true_books(app).await;
    }

    async fn two_late_payments_want_the_last_ticket(app: &TestApp) {
        let shop = Shop::open(app).await;
        let first = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let second = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let payments = [first.payment().await, second.payment().await];
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        shop.buy(app, shop.items(&[("vip", 9)])).await;
        for payment in &payments {
            set_charge(app, payment, "status = 'succeeded'").await;
        }
        let all: Vec<Value> = payments.iter().map(|payment| message("payment.succeeded", payment)).collect();
        join_all(all.iter().map(|message| tell(app, message))).await;
        let mut statuses = [text(&first.order().await["status"]), text(&second.order().await["status"])];
        statuses.sort();
        assert_eq!(statuses, ["confirmed", "expired"]);
        expect_stock(app, "VIP", 0, 10).await;
        expect_refund_due(app, VIP).await;
        expect_true_books(app).await;
    }

    async fn late_news_of_a_failure_changes_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = expired_purchase(app, &shop, shop.items(&[("vip", 1)])).await;
        for kind in ["payment.failed", "payment.canceled"] {
            tell(app, &message(kind, &payment)).await;
        }
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("expired"), &json!("unpaid")));
        assert_eq!(count(app, "journals").await, 0);
        expect_stock(app, "VIP", 0, 0).await;
    }
}
