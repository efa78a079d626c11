//! News that is not ours is kept; money that is not what was asked for waits for somebody.

use serde_json::json;

use super::{HOLD_IS_OVER, count, expect_status, open_purchase, succeed};
use crate::support::sale::{
    Shop, VIP, count_mails, count_postings, expect_stock, expect_true_books, message, set_charge,
    sign, tell,
};
use crate::support::{DUMMY_WEBHOOK_SECRET, TestApp, on_both};

on_both! {
    async fn news_of_a_payment_that_we_do_not_know_is_kept(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let mut message = message("payment.succeeded", &payment);
        message["data"]["reference"] = json!("ffffffffffffffffffff");
        message["data"]["payment_id"] = json!("pay_01h455vb4pex5vsknk084sn02q");
        for _ in 0..2 {
            tell(app, &message).await;
        }
        assert_eq!(count(app, "webhook_events WHERE status = 'unmatched'").await, 1);
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (1, 0));
        assert_eq!(count(app, "tasks WHERE kind = 'unmatched'").await, 1);
        assert_eq!(purchase.payment().await, payment);
    }

    async fn a_kind_of_news_that_we_do_not_know_is_ignored(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        for kind in [
            "payment.success", "charge.succeeded", "checkout.session.completed", "payment.succeeded.", "PAYMENT.SUCCEEDED",
        ] {
            tell(app, &message(kind, &payment)).await;
        }
        assert_eq!(count(app, "webhook_events WHERE status = 'ignored'").await, 5);
        expect_status(&purchase, "requires_action", "pending", "unpaid").await;
        assert_eq!(count(app, "journals").await, 0);
    }

    async fn news_of_a_refund_voids_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        tell(app, &message("payment.refunded", &purchase.payment().await)).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(purchase.order().await["tickets"][0]["status"], "valid");
    }

    async fn another_amount_is_for_somebody_to_decide(app: &TestApp) {
        let shop = Shop::open(app).await;
        for amount in [1, VIP - 1, VIP + 1] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            set_charge(app, &payment, &format!("status = 'succeeded', amount_minor = {amount}")).await;
            let mut message = message("payment.succeeded", &payment);
            message["data"]["amount_minor"] = json!(amount);
            tell(app, &message).await;
            tell(app, &message).await;
            expect_status(&purchase, "review", "pending", "processing").await;
            let order = purchase.order().await;
            assert_eq!((&order["paid_minor"], &order["tickets"][0]["status"]), (&json!(0), &json!("reserved")));
            assert_eq!(count_postings(app, "clearing:dummy", "suspense:unmatched", amount).await, 1);
            assert_eq!(purchase.session().await["status"], "processing");
            purchase.pay_again(json!({})).await.expect_problem(409, "payment_in_progress");
            purchase.cancel().await.expect_problem(409, "payment_in_progress");
        }
        assert_eq!(count(app, "tasks WHERE kind = 'review' AND done_at IS NULL").await, 3);
        assert_eq!(count_postings(app, "clearing:dummy", "receivable", VIP).await, 0);
        assert_eq!(count_mails(app, "order_confirmation").await, 0);
        expect_stock(app, "VIP", 3, 0).await;
        expect_true_books(app).await;
    }

    async fn what_is_in_review_keeps_its_stock(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded', amount_minor = 5").await;
        let mut message = message("payment.succeeded", &payment);
        message["data"]["amount_minor"] = json!(5);
        tell(app, &message).await;
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        expect_status(&purchase, "review", "pending", "processing").await;
        expect_stock(app, "VIP", 1, 0).await;
        assert_eq!(count(app, "journals").await, 1);
        expect_true_books(app).await;
    }

    async fn another_currency_is_for_somebody_to_decide(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded', currency = 'KES'").await;
        let mut message = message("payment.succeeded", &payment);
        message["data"]["currency"] = json!("KES");
        tell(app, &message).await;
        expect_status(&purchase, "review", "pending", "processing").await;
        assert_eq!(count(app, "tasks WHERE kind = 'review' AND done_at IS NULL").await, 1);
        let apart = "postings WHERE credit_account = 'suspense:unmatched' AND currency = 'KES'";
        assert_eq!((count(app, apart).await, count(app, "postings").await), (1, 1));
        assert_eq!(purchase.order().await["paid_minor"], 0);
        expect_true_books(app).await;
    }

    async fn money_of_the_other_mode_is_for_somebody_to_decide(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let mut message = message("payment.succeeded", &payment);
        message["data"]["livemode"] = json!(true);
        tell(app, &message).await;
        expect_status(&purchase, "review", "pending", "processing").await;
        assert_eq!(count(app, "tasks WHERE kind = 'review' AND done_at IS NULL").await, 1);
        assert_eq!(count_postings(app, "clearing:dummy", "receivable", VIP).await, 0);
    }

    async fn a_currency_in_small_letters_is_the_same(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let mut message = message("payment.succeeded", &payment);
        message["data"]["currency"] = json!("tzs");
        tell(app, &message).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
    }

    async fn the_right_money_ends_a_review(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let mut wrong = message("payment.succeeded", &payment);
        wrong["data"]["amount_minor"] = json!(7);
        tell(app, &wrong).await;
        tell(app, &message("payment.failed", &payment)).await;
        assert_eq!(purchase.payment().await["status"], "review");
        succeed(app, &payment).await;
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
        assert_eq!(purchase.order().await["paid_minor"], VIP);
        assert_eq!(count(app, "tasks WHERE kind = 'review' AND done_at IS NULL").await, 0);
        expect_true_books(app).await;
    }

    async fn a_further_query_parameter_does_no_harm(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let text = message("payment.succeeded", &payment).to_string();
        let signature = sign(DUMMY_WEBHOOK_SECRET, app.clock.now().unix_seconds(), &text);
        let nobody = app.nobody();
        let path = "/api/v1/webhooks/dummy?account=default&utm_source=x&a[]=1&=&b=%00";
        let request = nobody.request("POST", path).header("X-Dummy-Signature", signature);
        let answer = nobody.send(request.body(text)).await;
        assert_eq!(answer.expect(200).body, json!({"status": "received"}));
        expect_status(&purchase, "succeeded", "confirmed", "paid").await;
    }
}
