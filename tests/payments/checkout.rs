//! A checkout leads to valid tickets, once per key, and leaves nothing behind when it is wrong.

use serde_json::{Value, json};

use super::{CART, CHECKOUT, INTENTS, THANKS, body_with, come_back, count, start, statuses};
use crate::support::sale::{
    BUYER, CORNER, Purchase, Shop, VIP, browse, count_mails, count_postings, expect_stock,
    expect_true_books, key, text,
};
use crate::support::{Answer, TestApp, on_both};

on_both! {
    async fn from_the_checkout_to_valid_tickets(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut body = body_with(&shop, json!({"success_url": THANKS, "cancel_url": CART}));
        body["items"].as_array_mut().unwrap().push(shop.booth(Some(0)));
        let started = start(&app.nobody(), body).await;
        let purchase = Purchase::of(app, started.expect(201));

        let page = browse(app, &text(&purchase.body["payment_url"])).await;
        assert_eq!(page.status, 200);
        let paid = page.press(app, "pay").await;
        // The gateway's message, as it arrives.
        app.drain().await;
        let target = come_back(app, &paid.way_back()).await;
        assert!(target.starts_with(THANKS) && target.contains(&format!("session={}", purchase.id)), "{target}");

        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(order["paid_minor"], VIP + CORNER);
        assert_eq!(statuses(&order, "tickets"), ["valid"]);
        assert_eq!(statuses(&order, "payments"), ["succeeded"]);
        assert_eq!(purchase.session().await["status"], "complete");
        expect_stock(app, "VIP", 0, 1).await;
        assert_eq!(count(app, "booths WHERE status = 'booked'").await, 1);
        assert_eq!(shop.available(app, "Corner").await, 2);

        assert_eq!(count_postings(app, "clearing:dummy", "receivable", VIP + CORNER).await, 1);
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", VIP).await, 1);
        assert_eq!(count_postings(app, "receivable", "revenue:booths", CORNER).await, 1);
        assert_eq!((count(app, "journals").await, count(app, "postings").await), (2, 3));
        expect_true_books(app).await;

        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        let mails = app.mails().await;
        let to = |address: &str| mails.iter().filter(|mail| mail.contains(&format!("To: {address}"))).count();
        assert_eq!(to(BUYER), 1);
        assert_eq!(to("neema@kahawa.example.com"), 1);
    }

    async fn a_checkout_answers_all_that_a_front_end_needs(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 2)]);
        items.push(shop.booth(Some(1)));
        let started = shop.checkout(&app.nobody(), &key(), items).await;
        let body = &started.expect(201).body;
        for (member, prefix) in [
            ("id", "chs_"), ("order_id", "ord_"), ("order_token", "ogt_"), ("payment_id", "pay_"),
            ("payment_url", "http://tollgate.test/simulate/pay_"),
        ] {
            assert!(text(&body[member]).starts_with(prefix), "{member}: {body}");
        }
        assert_eq!(body["provider"], "dummy");
        assert_eq!((&body["status"], &body["payment_status"]), (&json!("open"), &json!("unpaid")));
        assert_eq!((&body["total_minor"], &body["currency"]), (&json!(2 * VIP + CORNER), &json!("TZS")));
        assert_eq!(body["next_action"], json!({"type": "redirect", "url": body["payment_url"]}));
        assert!(body["expires_at"].is_string());
        assert_eq!(statuses(body, "tickets"), ["reserved", "reserved"]);
        assert_eq!(body["tickets"][0]["ticket_type_name"], "VIP");
        assert_eq!(body["tickets"][0]["price_minor"], VIP);
        assert!(text(&body["tickets"][0]["serial"]).starts_with("TKT-"));
        assert_eq!(body["booths"][0]["booth_number"], "A-2");
        assert_eq!(body["booths"][0]["price_minor"], CORNER);
    }

    async fn a_free_checkout_needs_no_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let started = shop.checkout(&app.nobody(), &key(), shop.items(&[("free", 2)])).await;
        let body = &started.expect(201).body;
        assert!(body["payment_id"].is_null(), "{body}");
        assert_eq!(body["next_action"], json!({"type": "none"}));
        assert_eq!((&body["status"], &body["payment_status"]), (&json!("complete"), &json!("paid")));
        assert_eq!((count(app, "payments").await, count(app, "dummy_charge").await), (0, 0));
        expect_stock(app, "Free", 0, 2).await;
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 2);
        app.drain().await;
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
    }

    async fn the_same_key_starts_one_purchase(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (nobody, key) = (app.nobody(), key());
        let items = shop.items(&[("vip", 1)]);
        let first = shop.checkout(&nobody, &key, items.clone()).await;
        let again = shop.checkout(&nobody, &key, items).await;
        assert_eq!(first.expect(201).header("idempotency-replayed"), None);
        assert_eq!(again.expect(201).header("idempotency-replayed"), Some("true"));
        // With the token, which is derived again: the first answer may have been lost.
        assert_eq!(again.body, first.body);
        let token = text(&again.body["order_token"]);
        assert!(token.starts_with("ogt_"));
        Purchase::of(app, &again).order().await;
        let stored = app.database.dump().await;
        assert!(stored.contains(&text(&again.body["provider_reference"])), "a whole dump");
        assert!(!stored.contains(&token));
        let other = shop.checkout(&nobody, &key, shop.items(&[("vip", 2)])).await;
        other.expect_problem(422, "idempotency_key_reused");
        assert_eq!((count(app, "orders").await, count(app, "dummy_charge").await), (1, 1));
    }

    async fn twenty_equal_checkouts_start_one_purchase(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (nobody, key) = (app.nobody(), key());
        let all = (0..20).map(|_| shop.checkout(&nobody, &key, shop.items(&[("vip", 1)])));
        let answers = futures_util::future::join_all(all).await;
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "idempotency_in_progress");
            assert_eq!(answer.body["retryable"], true);
            assert!(answer.header("retry-after").is_some());
        }
        let again = shop.checkout(&nobody, &key, shop.items(&[("vip", 1)])).await;
        assert_eq!(again.expect(201).header("idempotency-replayed"), Some("true"));
        let answered: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert!(!answered.is_empty());
        assert!(answered.iter().all(|answer| answer.body == again.body));
        let counts = (count(app, "orders").await, count(app, "payments").await, count(app, "dummy_charge").await);
        assert_eq!(counts, (1, 1, 1));
    }

    async fn a_checkout_and_an_attempt_need_a_key(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = shop.body(shop.items(&[("vip", 1)]));
        let nobody = app.nobody();
        nobody.post(CHECKOUT, body.clone()).await.expect_problem(400, "idempotency_key_required");
        nobody.keyed("short-key", "POST", CHECKOUT, body).await.expect_problem(422, "validation_failed");
        assert_eq!(count(app, "orders").await, 0);
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let unkeyed = guest.post(INTENTS, json!({"order_id": order["id"]})).await;
        unkeyed.expect_problem(400, "idempotency_key_required");
        assert_eq!(count(app, "payments").await, 0);
    }

    async fn what_is_wrong_with_a_checkout_leaves_nothing_behind(app: &TestApp) {
        let shop = Shop::open(app).await;
        let refuse = async |member: &str, value: Value, status: u16, code: &str| {
            let mut body = shop.body(shop.items(&[("vip", 1)]));
            body[member] = value;
            start(&app.nobody(), body).await.expect_problem(status, code);
        };
        refuse("expected_total_minor", json!(1), 409, "price_changed").await;
        refuse("expected_total_minor", json!(1.5), 422, "money_not_integer").await;
        refuse("currency", json!("USD"), 422, "currency_not_supported").await;
        refuse("amount_minor", json!(1), 422, "unknown_field").await;
        refuse("payment", json!({"amount_minor": 1}), 422, "unknown_field").await;
        refuse("payment", json!({"provider": "stripe"}), 422, "provider_not_available").await;
        refuse("payment", json!({"provider": "nonsense"}), 422, "provider_not_available").await;
        refuse("payment", json!({"success_url": "https://evil.example.com/"}), 422, "return_url_not_allowed").await;
        assert_eq!((count(app, "orders").await, count(app, "payments").await), (0, 0));
        expect_stock(app, "VIP", 0, 0).await;
        // What the client believes rightly does no harm.
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["expected_total_minor"] = json!(VIP);
        body["currency"] = json!("TZS");
        body["payment"] = json!({"provider": "dummy"});
        start(&app.nobody(), body).await.expect(201);
    }
}
