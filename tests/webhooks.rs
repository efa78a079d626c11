//! What a gateway tells us: believed when it is signed, applied once, in any order, and
//! never lost.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::sale::{
    BUYER, CORNER, Purchase, Shop, VIP, count_mails, count_postings, expect_stock,
    expect_true_books, lose_messages, message, payment, post_text, post_webhook, set_charge, sign,
    simulate, tell, text,
};
use crate::support::{Answer, DUMMY_WEBHOOK_SECRET, TestApp, on_both};

const MINUTE: Duration = Duration::from_secs(60);

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

/// One VIP ticket that waits for its payment, and that payment.
async fn open_purchase(app: &TestApp, shop: &Shop) -> (Purchase, Value) {
    let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
    let payment = purchase.payment().await;
    (purchase, payment)
}

/// The gateway has the money, and says so.
async fn succeed(app: &TestApp, payment: &Value) {
    set_charge(app, payment, "status = 'succeeded'").await;
    tell(app, &message("payment.succeeded", payment)).await;
}

/// An order whose time is over, and its payment.
async fn expired_purchase(app: &TestApp, shop: &Shop, items: Vec<Value>) -> (Purchase, Value) {
    let purchase = shop.purchase(app, items).await;
    let payment = purchase.payment().await;
    app.clock.advance(HOLD_IS_OVER);
    app.drain().await;
    assert_eq!(purchase.order().await["status"], "expired");
    (purchase, payment)
}

async fn expect_status(purchase: &Purchase, payment: &str, order: &str, money: &str) {
    let seen = purchase.order().await;
    assert_eq!(purchase.payment().await["status"], payment);
    assert_eq!(
        (&seen["status"], &seen["payment_status"]),
        (&json!(order), &json!(money)),
        "{seen}"
    );
}

/// The money stands apart, somebody must give it back, and the buyer was told.
async fn expect_refund_due(app: &TestApp, amount: i64) {
    assert_eq!(
        count_postings(app, "clearing:dummy", "suspense:late", amount).await,
        1
    );
    let due = "tasks WHERE kind = 'refund_due' AND done_at IS NULL";
    assert_eq!(count(app, due).await, 1);
    assert_eq!(count_mails(app, "payment_late").await, 1);
    let mails = app.mails().await;
    assert!(
        mails
            .iter()
            .any(|mail| mail.contains(&format!("To: {BUYER}")))
    );
}

async fn post_now(app: &TestApp, text: &str) -> Answer {
    let at = app.clock.now().unix_seconds();
    let signature = sign(DUMMY_WEBHOOK_SECRET, at, text);
    post_text(app, text, Some(&signature)).await
}

// Once ----------------------------------------------------------------------

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

// In any order --------------------------------------------------------------

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

// Not believed --------------------------------------------------------------

on_both! {
    async fn what_is_not_signed_by_the_gateway_changes_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let before = (purchase.order().await, payment.clone());
        let text = message("payment.succeeded", &payment).to_string();
        let now = app.clock.now().unix_seconds();
        let good = sign(DUMMY_WEBHOOK_SECRET, now, &text);
        let (_, digest) = good.split_once(",v1=").unwrap();
        let old = sign(DUMMY_WEBHOOK_SECRET, now - 400, &text);
        for signature in [
            None,
            Some(String::new()),
            Some("nonsense".to_owned()),
            Some(format!("t={now}")),
            Some(format!("v1={digest}")),
            Some(format!("t={now},v1=")),
            Some(format!("t={now},v1={}", "0".repeat(64))),
            Some(format!("t={now},v1={digest}00")),
            Some(format!("t={},v1={digest}", now + 1)),
            Some(old.replace(&format!("t={}", now - 400), &format!("t={now}"))),
            Some(sign("another-secret-of-somebody-0123456789", now, &text)),
            Some(sign("", now, &text)),
            Some(sign(DUMMY_WEBHOOK_SECRET, now, &text.replace("succeeded", "failed"))),
        ] {
            let refused = post_text(app, &text, signature.as_deref()).await;
            refused.expect_problem(400, "webhook_signature_invalid");
        }
        app.drain().await;
        assert_eq!((purchase.order().await, purchase.payment().await), before);
        assert_eq!((count(app, "webhook_events").await, count(app, "journals").await), (0, 0));
    }

    async fn a_message_is_good_for_five_minutes(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        set_charge(app, &payment, "status = 'succeeded'").await;
        let message = message("payment.succeeded", &payment);
        let post = async |seconds: i64| {
            let at = app.clock.now().unix_seconds() + seconds;
            post_webhook(app, &message, DUMMY_WEBHOOK_SECRET, at).await
        };
        for seconds in [-301, -100_000, 310, 100_000] {
            post(seconds).await.expect_problem(400, "webhook_signature_invalid");
        }
        assert_eq!(purchase.order().await["status"], "pending");
        // Refused, and not remembered: the same message may come again in time.
        post(-290).await.expect(200);
        assert_eq!(purchase.order().await["status"], "confirmed");
        post(290).await.expect(200);
    }

    async fn a_recorded_message_is_worth_nothing_later(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let text = message("payment.failed", &payment).to_string();
        let signature = sign(DUMMY_WEBHOOK_SECRET, app.clock.now().unix_seconds(), &text);
        app.clock.advance(6 * MINUTE);
        let refused = post_text(app, &text, Some(&signature)).await;
        refused.expect_problem(400, "webhook_signature_invalid");
        assert_eq!(purchase.payment().await["status"], "requires_action");
    }

    async fn a_body_that_was_cut_or_changed_is_not_the_signed_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let other = purchase.payment().await;
        let text = message("payment.failed", &other).to_string();
        let at = app.clock.now().unix_seconds();
        let signature = sign(DUMMY_WEBHOOK_SECRET, at, &text);
        let half: String = text.chars().take(text.len() / 2).collect();
        for changed in [
            half,
            String::new(),
            format!("{text} "),
            text.replace("payment.failed", "payment.succeeded"),
            text.replace(&VIP.to_string(), "1"),
        ] {
            assert_ne!(changed, text);
            let refused = post_text(app, &changed, Some(&signature)).await;
            refused.expect_problem(400, "webhook_signature_invalid");
        }
        assert_eq!(purchase.payment().await, payment);
        assert_eq!(count(app, "webhook_events").await, 0);
    }

    async fn what_is_signed_but_cannot_be_read(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (purchase, payment) = open_purchase(app, &shop).await;
        let mut texts: Vec<String> = ["", "nonsense", "{", "[]", "null", "1", "{}", "<xml/>"].map(str::to_owned).into();
        for member in ["id", "type", "data"] {
            let mut message = message("payment.succeeded", &payment);
            message.as_object_mut().unwrap().remove(member);
            texts.push(message.to_string());
        }
        for (member, value) in [
            ("amount_minor", json!(1.5)), ("amount_minor", json!("15000000")), ("amount_minor", json!(null)),
            ("reference", json!(null)), ("reference", json!(7)), ("currency", json!("SHILLING")), ("currency", json!(1)),
        ] {
            let mut message = message("payment.succeeded", &payment);
            message["data"][member] = value;
            texts.push(message.to_string());
        }
        for text in texts {
            let refused = post_now(app, &text).await;
            refused.expect_problem(400, "webhook_payload_invalid");
        }
        assert_eq!(purchase.payment().await, payment);
        assert_eq!(count(app, "webhook_events").await, 0);
    }

    async fn a_success_of_nothing_is_no_success(app: &TestApp) {
        let shop = Shop::open(app).await;
        for amount in [0, -VIP] {
            let (purchase, payment) = open_purchase(app, &shop).await;
            let mut message = message("payment.succeeded", &payment);
            message["data"]["amount_minor"] = json!(amount);
            let answer = post_now(app, &message.to_string()).await;
            assert!(matches!(answer.status, 200 | 400), "{}", answer.text);
            assert_eq!(purchase.order().await["status"], "pending", "{amount}");
            assert_ne!(purchase.payment().await["status"], "succeeded", "{amount}");
        }
    }

    async fn a_gateway_that_is_not_configured_is_not_found(app: &TestApp) {
        let text = "{}";
        let signature = sign(DUMMY_WEBHOOK_SECRET, app.clock.now().unix_seconds(), text);
        let nobody = app.nobody();
        for provider in ["nonsense", "stripe", "DUMMY"] {
            let path = format!("/api/v1/webhooks/{provider}");
            let request = nobody.request("POST", &path).header("X-Dummy-Signature", &signature);
            let answer = nobody.send(request.body(text)).await;
            answer.expect_problem(404, "not_found");
        }
        assert_eq!(count(app, "webhook_events").await, 0);
    }
}

// Not ours, or not what was asked for ---------------------------------------

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

// Too late, or once too often -----------------------------------------------

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
        expect_refund_due(app, 2 * VIP).await;
        // The other buyer's, and no more.
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        purchase.pay_again(json!({})).await.expect_problem(409, "order_expired");
        let list = app.admin().await.get("/api/v1/orders?payment_status=refund_due,overpaid").await;
        assert_eq!(list.expect(200).body["data"][0]["id"], purchase.order.as_str());
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
