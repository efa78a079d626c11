//! Paying: the checkout, the gateway's page and the way back, attempts, and the books.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{
    BUYER, CORNER, Purchase, REGULAR, Shop, VIP, browse, count_mails, count_postings, expect_stock,
    expect_true_books, key, lose_messages, payment, set_charge, simulate, text,
};
use crate::support::{Answer, Client, Kind, TestApp, on_both, run};

const CHECKOUT: &str = "/api/v1/checkout-sessions";
const INTENTS: &str = "/api/v1/payment-intents";
const THANKS: &str = "http://localhost:5173/thanks";
const CART: &str = "http://localhost:5173/cart";
const MINUTE: Duration = Duration::from_secs(60);

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

async fn start(client: &Client, body: Value) -> Answer {
    client.keyed(&key(), "POST", CHECKOUT, body).await
}

/// A checkout that says how it is to be paid.
fn body_with(shop: &Shop, payment: Value) -> Value {
    let mut body = shop.body(shop.items(&[("vip", 1)]));
    body["payment"] = payment;
    body
}

/// One VIP ticket of somebody who returns to a front end.
async fn purchase_from_front_end(app: &TestApp, shop: &Shop) -> Purchase {
    let body = body_with(shop, json!({"success_url": THANKS, "cancel_url": CART}));
    let started = start(&app.nobody(), body).await;
    Purchase::of(app, started.expect(201))
}

async fn step(client: &Client, payment: &str, step: &str) -> Answer {
    let path = format!("{INTENTS}/{payment}/{step}");
    client.keyed(&key(), "POST", &path, json!({})).await
}

fn statuses(order: &Value, list: &str) -> Vec<String> {
    let list = order[list].as_array().unwrap().iter();
    list.map(|one| text(&one["status"])).collect()
}

fn ids(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    data.iter().map(|one| text(&one["id"])).collect()
}

/// Where a returning browser is sent.
async fn come_back(app: &TestApp, url: &str) -> String {
    let back = browse(app, url).await;
    assert_eq!(back.status, 303, "{}", back.html);
    back.location.unwrap()
}

fn return_of(payment: &Value) -> String {
    let reference = text(&payment["reference"]);
    format!("/api/v1/returns/dummy?reference={reference}")
}

// The whole way -------------------------------------------------------------

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

    async fn a_payment_is_shown_to_its_buyer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        let payment = purchase.payment().await;
        assert_eq!(payment["status"], "requires_action");
        assert_eq!((&payment["amount_minor"], &payment["currency"]), (&json!(2 * VIP), &json!("TZS")));
        assert_eq!((&payment["attempt_no"], &payment["livemode"]), (&json!(1), &json!(false)));
        assert_eq!((&payment["provider"], &payment["account"]), (&json!("dummy"), &json!("default")));
        assert_eq!(payment["order_id"], purchase.order.as_str());
        assert_eq!(payment["next_action"], purchase.body["next_action"]);
        assert_eq!((&payment["refunded_minor"], &payment["superseded"]), (&json!(0), &json!(false)));
        assert!(payment["completed_at"].is_null() && payment["failure"].is_null(), "{payment}");
        assert!(payment["provider_payment_id"].is_null(), "it is for managers: {payment}");
        // A guessed reference would let anybody speak of other people's payments.
        assert!(text(&payment["reference"]).len() >= 16, "{payment}");

        purchase.simulate("succeed").await;
        app.drain().await;
        let payment = purchase.payment().await;
        assert_eq!((&payment["status"], &payment["refundable_minor"]), (&json!("succeeded"), &json!(2 * VIP)));
        assert!(payment["completed_at"].is_string(), "{payment}");
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let seen = manager.get(&format!("{INTENTS}/{}", purchase.payment)).await;
        assert!(seen.expect(200).body["provider_payment_id"].is_string(), "{}", seen.text);
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
        assert!(text(&again.body["order_token"]).starts_with("ogt_"));
        Purchase::of(app, &again).order().await;
        let stored = "idempotency WHERE CAST(answer AS text) LIKE '%ogt_%'";
        assert_eq!(count(app, stored).await, 0);
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

    async fn buyers_return_to_known_front_ends_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        for url in [
            "https://evil.example.com/thanks", "http://localhost.evil.example.com/", "//evil.example.com/",
            "http://localhost:5173@evil.example.com/", "http://tollgate.test.evil.example.com/",
            "javascript:alert(1)", "data:text/html,x", "ftp://localhost/x", "/thanks", "thanks",
        ] {
            for member in ["success_url", "cancel_url"] {
                let body = body_with(&shop, json!({member: url}));
                let refused = start(&app.nobody(), body).await;
                refused.expect_problem(422, "return_url_not_allowed");
            }
        }
        for url in [THANKS, "http://127.0.0.1:3000/x?y=z", "http://tollgate.test/done"] {
            let body = body_with(&shop, json!({"success_url": url, "cancel_url": url}));
            start(&app.nobody(), body).await.expect(201);
        }
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let body = json!({"order_id": order["id"], "success_url": "https://evil.example.com/"});
        guest.keyed(&key(), "POST", INTENTS, body).await.expect_problem(422, "return_url_not_allowed");
    }
}

#[test]
fn other_front_ends_are_named_in_the_settings() {
    let settings = [("RETURN_ORIGINS", "https://shop.example.com")];
    run(Kind::Sqlite, &settings, async |app| {
        let shop = Shop::open(app).await;
        let good = json!({"success_url": "https://shop.example.com/thanks"});
        start(&app.nobody(), body_with(&shop, good))
            .await
            .expect(201);
        for url in [
            "https://shop.example.com.evil.com/",
            "http://shop.example.com/",
        ] {
            let bad = body_with(&shop, json!({"success_url": url}));
            let refused = start(&app.nobody(), bad).await;
            refused.expect_problem(422, "return_url_not_allowed");
        }
    });
}

// The gateway's page --------------------------------------------------------

on_both! {
    async fn the_page_shows_the_amount_and_four_buttons(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let page = browse(app, &text(&purchase.body["payment_url"])).await;
        assert_eq!(page.status, 200);
        assert!(page.content_type.starts_with("text/html"), "{}", page.content_type);
        assert!(page.html.contains("150,000.00"), "{}", page.html);
        for word in ["pay", "decline", "cancel", "leave"] {
            assert!(page.has_button(word), "{word}: {}", page.html);
        }
        assert!(!page.html.contains(BUYER), "{}", page.html);
    }

    async fn the_page_opens_with_its_own_key_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        let first = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let second = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let key_of = |purchase: &Purchase| {
            let url = text(&purchase.body["payment_url"]);
            url.split_once("?k=").unwrap().1.to_owned()
        };
        let path = format!("/simulate/{}", first.payment);
        for query in [String::new(), "?k=".to_owned(), "?k=x".to_owned(), format!("?k={}", key_of(&second))] {
            let page = browse(app, &format!("{path}{query}")).await;
            assert!(matches!(page.status, 400 | 403 | 404), "{query}: {}", page.status);
            assert!(!page.html.contains("150,000.00") && !page.has_button("pay"), "{query}");
        }
        let right = browse(app, &format!("{path}?k={}", key_of(&first))).await;
        assert!(right.has_button("pay"), "{}", right.html);
    }

    async fn every_button_does_what_it_says(app: &TestApp) {
        let shop = Shop::open(app).await;
        for (word, payment, order, target) in [
            ("pay", "succeeded", "confirmed", THANKS),
            ("decline", "failed", "pending", CART),
            ("cancel", "canceled", "pending", CART),
            ("leave", "requires_action", "pending", CART),
        ] {
            let purchase = purchase_from_front_end(app, &shop).await;
            let page = browse(app, &text(&purchase.body["payment_url"])).await;
            let pressed = page.press(app, word).await;
            app.drain().await;
            assert_eq!(purchase.payment().await["status"], payment, "{word}");
            assert_eq!(purchase.order().await["status"], order, "{word}");
            let back = come_back(app, &pressed.way_back()).await;
            assert!(back.starts_with(target), "{word}: {back}");
        }
        expect_true_books(app).await;
    }

    async fn who_presses_twice_pays_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let url = text(&purchase.body["payment_url"]);
        let page = browse(app, &url).await;
        tokio::join!(page.press(app, "pay"), page.press(app, "pay"));
        page.press(app, "cancel").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["paid_minor"]), (&json!("confirmed"), &json!(VIP)));
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        assert!(!browse(app, &url).await.has_button("pay"));
        expect_true_books(app).await;
    }

    async fn only_the_buyer_decides_on_the_dummy_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let stranger = app.user("stranger@example.com").await;
        simulate(&stranger, &purchase.payment, "succeed").await.expect_problem(404, "not_found");
        simulate(&app.nobody(), &purchase.payment, "succeed").await.expect_problem(401, "unauthenticated");
        for outcome in ["refund", "SUCCEED", ""] {
            let refused = simulate(&purchase.guest, &purchase.payment, outcome).await;
            refused.expect_problem(422, "validation_failed");
        }
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "requires_action");
    }
}

// The way back --------------------------------------------------------------

on_both! {
    async fn a_return_proves_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        let payment = purchase.payment().await;
        app.clock.advance(MINUTE);
        for claim in ["", "&status=success", "&result=000&paid=true&amount=15000000", "&outcome=cancel"] {
            let target = come_back(app, &format!("{}{claim}", return_of(&payment))).await;
            assert!(target.starts_with(CART), "{claim}: {target}");
            assert!(target.contains(&format!("session={}", purchase.id)), "{target}");
        }
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
        assert_eq!(purchase.payment().await["status"], "requires_action");
        assert_eq!(count(app, "journals").await, 0);
    }

    async fn a_return_does_not_undo_a_payment(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("succeed").await;
        app.drain().await;
        let url = format!("{}&status=canceled", return_of(&purchase.payment().await));
        for _ in 0..3 {
            assert!(come_back(app, &url).await.starts_with(THANKS));
        }
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        assert_eq!(count(app, "journals").await, 2);
    }

    async fn who_returns_before_the_message_is_not_sent_to_the_cart(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        let page = browse(app, &text(&purchase.body["payment_url"])).await;
        let paid = page.press(app, "pay").await;
        // The gateway is asked, and knows that it was paid.
        let target = come_back(app, &paid.way_back()).await;
        assert!(target.starts_with(THANKS), "{target}");
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count(app, "journals").await, 2);
    }

    async fn who_returns_after_a_lost_message_has_paid(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        let target = come_back(app, &return_of(&purchase.payment().await)).await;
        assert!(target.starts_with(THANKS), "{target}");
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn a_payment_under_way_returns_to_the_good_page(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("process").await;
        app.drain().await;
        let target = come_back(app, &return_of(&purchase.payment().await)).await;
        assert!(target.starts_with(THANKS), "{target}");
        assert_eq!(purchase.session().await["status"], "processing");
    }

    async fn a_return_url_keeps_its_own_parameters(app: &TestApp) {
        let shop = Shop::open(app).await;
        let url = format!("{THANKS}?from=radio#top");
        let body = body_with(&shop, json!({"success_url": url, "cancel_url": CART}));
        let started = start(&app.nobody(), body).await;
        let purchase = Purchase::of(app, started.expect(201));
        purchase.simulate("succeed").await;
        app.drain().await;
        let target = come_back(app, &return_of(&purchase.payment().await)).await;
        assert_eq!(target, format!("{THANKS}?from=radio&session={}#top", purchase.id));
    }

    async fn an_attempt_without_a_checkout_returns_with_order_and_payment(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let body = json!({"order_id": order["id"], "success_url": THANKS, "cancel_url": CART});
        let intent = guest.keyed(&key(), "POST", INTENTS, body).await;
        let id = intent.expect(201).id();
        simulate(&guest, &id, "succeed").await.expect(202);
        app.drain().await;
        let target = come_back(app, &return_of(&payment(&guest, &id).await)).await;
        assert!(target.starts_with(THANKS), "{target}");
        assert!(target.contains(&format!("order={}", text(&order["id"]))), "{target}");
        assert!(target.contains(&format!("payment={id}")), "{target}");
    }

    async fn without_any_url_a_page_says_that_it_is_over(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        for url in [return_of(&purchase.payment().await), "/api/v1/returns/dummy?reference=nonsense".to_owned(),
            "/api/v1/returns/dummy?a=%00&b=<script>".to_owned(), "/api/v1/returns/dummy".to_owned()] {
            let page = browse(app, &url).await;
            assert_eq!(page.status, 200, "{url}: {}", page.html);
            assert!(page.content_type.starts_with("text/html"), "{url}: {}", page.content_type);
            assert!(page.html.to_lowercase().contains("closed"), "{url}: {}", page.html);
        }
        assert_eq!(browse(app, "/api/v1/returns/nonsense?reference=x").await.status, 404);
    }
}

#[test]
fn an_unknown_return_goes_to_the_default_page() {
    let settings = [
        ("DEFAULT_SUCCESS_URL", "http://localhost:5173/ok"),
        ("DEFAULT_CANCEL_URL", "http://localhost:5173/no"),
    ];
    run(Kind::Sqlite, &settings, async |app| {
        let target = come_back(app, "/api/v1/returns/dummy?reference=nonsense").await;
        assert!(target.starts_with("http://localhost:5173/no"), "{target}");
        // They also serve payments that name no page of their own.
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let url = return_of(&purchase.payment().await);
        assert!(
            come_back(app, &url)
                .await
                .starts_with("http://localhost:5173/no")
        );
        purchase.simulate("succeed").await;
        app.drain().await;
        let target = come_back(app, &url).await;
        assert!(
            target.starts_with("http://localhost:5173/ok?session=chs_"),
            "{target}"
        );
    });
}

// Attempts ------------------------------------------------------------------

on_both! {
    async fn a_payment_is_under_way_and_then_succeeds(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let accepted = simulate(&purchase.guest, &purchase.payment, "process").await;
        assert_eq!(accepted.expect(202).id(), purchase.payment);
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "processing");
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("processing")));
        assert_eq!(purchase.session().await["status"], "processing");
        assert_eq!(count(app, "journals").await, 0);
        purchase.simulate("succeed").await;
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(purchase.session().await["status"], "complete");
        expect_true_books(app).await;
    }

    async fn a_payment_under_way_keeps_what_is_held(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 10)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "pending");
        shop.order(&app.nobody(), shop.items(&[("vip", 1)])).await.expect_problem(409, "sold_out");
        purchase.simulate("succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!(order["status"], "confirmed");
        assert!(statuses(&order, "tickets").iter().all(|status| status == "valid"));
        assert_eq!(count_mails(app, "order_expired").await, 0);
        expect_stock(app, "VIP", 0, 10).await;
    }

    async fn a_declined_attempt_keeps_the_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("fail").await;
        app.drain().await;
        let failed = purchase.payment().await;
        assert_eq!(failed["status"], "failed");
        assert!(failed["failure"]["code"].is_string() && failed["failure"]["message"].is_string(), "{failed}");
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
        assert_eq!(statuses(&order, "tickets"), ["reserved"]);
        assert!(order["allowed_actions"].as_array().unwrap().contains(&json!("pay")));
        assert_eq!(purchase.session().await["status"], "open");
        expect_stock(app, "VIP", 1, 0).await;

        let second = purchase.pay_again(json!({})).await;
        assert_eq!(second.expect(201).body["attempt_no"], 2);
        assert_eq!(second.body["next_action"]["type"], "redirect");
        simulate(&purchase.guest, &second.id(), "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(purchase.payment().await["status"], "failed");
        assert_eq!(purchase.session().await["payment_id"], second.id().as_str());
        expect_true_books(app).await;
    }

    async fn a_new_attempt_takes_the_place_of_an_open_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let second = purchase.pay_again(json!({})).await;
        assert_eq!(second.expect(201).body["amount_minor"], VIP);
        assert_eq!(purchase.payment().await["status"], "canceled");
        assert_eq!(count(app, "dummy_charge WHERE status = 'canceled'").await, 1);
        // The first one's page, still open in another window.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "canceled");
        assert_eq!(purchase.order().await["status"], "pending");
        simulate(&purchase.guest, &second.id(), "succeed").await.expect(202);
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["payment_status"], &order["paid_minor"]), (&json!("paid"), &json!(VIP)));
        expect_true_books(app).await;
    }

    async fn two_attempts_at_the_same_moment_leave_one_open(app: &TestApp) {
        let shop = Shop::open(app).await;
        for _ in 0..6 {
            let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            let (first, second) = tokio::join!(purchase.pay_again(json!({})), purchase.pay_again(json!({})));
            assert!(first.status == 201 || second.status == 201, "{} {}", first.text, second.text);
            for answer in [&first, &second] {
                assert!(matches!(answer.status, 201 | 409), "{}", answer.text);
            }
            let all = purchase.guest.get(INTENTS).await;
            let all = all.expect(200).body["data"].as_array().unwrap().clone();
            let is_open = |one: &&Value| one["status"] == "requires_action" && one["superseded"] == false;
            let open: Vec<&Value> = all.iter().filter(is_open).collect();
            assert_eq!(open.len(), 1, "{all:?}");
            simulate(&purchase.guest, &text(&open[0]["id"]), "succeed").await.expect(202);
            app.drain().await;
            let order = purchase.order().await;
            assert_eq!((&order["status"], &order["paid_minor"]), (&json!("confirmed"), &json!(VIP)));
        }
        expect_true_books(app).await;
    }

    async fn equal_attempts_are_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let (key, body) = (key(), json!({"order_id": order["id"]}));
        let all = (0..8).map(|_| guest.keyed(&key, "POST", INTENTS, body.clone()));
        for answer in futures_util::future::join_all(all).await {
            if answer.status != 201 {
                answer.expect_problem(409, "idempotency_in_progress");
            }
        }
        guest.keyed(&key, "POST", INTENTS, body).await.expect(201);
        assert_eq!((count(app, "payments").await, count(app, "dummy_charge").await), (1, 1));
    }

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

    async fn a_buyer_with_an_account_pays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let started = shop.checkout(&asha, &key(), shop.items(&[("vip", 1)])).await;
        assert!(started.expect(201).body["order_token"].is_null(), "{}", started.text);
        let id = text(&started.body["payment_id"]);
        simulate(&asha, &id, "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(payment(&asha, &id).await["status"], "succeeded");
        let path = format!("{CHECKOUT}/{}", started.id());
        assert_eq!(asha.get(&path).await.expect(200).body["status"], "complete");
    }
}

// Without messages ----------------------------------------------------------

on_both! {
    async fn with_all_messages_lost_everything_ends_right(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut purchases = Vec::new();
        for (outcome, payment, order) in [
            ("succeed", "succeeded", "confirmed"), ("fail", "failed", "pending"),
            ("cancel", "canceled", "pending"), ("process", "processing", "pending"),
        ] {
            let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
            purchase.simulate(outcome).await;
            purchases.push((purchase, payment, order));
        }
        lose_messages(app).await;
        app.drain().await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        for (purchase, payment, order) in &purchases {
            assert_eq!(purchase.payment().await["status"], *payment);
            assert_eq!(purchase.order().await["status"], *order, "{payment}");
        }
        assert_eq!(count(app, "webhook_events").await, 0);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_true_books(app).await;

        let (under_way, ..) = &purchases[3];
        under_way.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(20 * MINUTE);
        app.drain().await;
        assert_eq!(under_way.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn money_of_the_last_minute_is_not_lost(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        app.clock.advance(14 * MINUTE);
        app.drain().await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        app.clock.advance(15 * MINUTE);
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(count(app, "tickets WHERE status = 'valid'").await, 2);
        expect_stock(app, "VIP", 0, 2).await;
        expect_true_books(app).await;
    }

    async fn an_unknown_outcome_is_resolved_by_asking(app: &TestApp) {
        let shop = Shop::open(app).await;
        let paid = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let open = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let charge = paid.payment().await;
        // Its creation was never answered, yet it was made, and paid.
        app.database.execute("UPDATE payments SET status = 'unknown', provider_payment_id = NULL").await;
        app.database.execute("UPDATE orders SET payment_status = 'processing'").await;
        set_charge(app, &charge, "status = 'succeeded'").await;
        assert_eq!(paid.session().await["status"], "processing");
        let refused = paid.pay_again(json!({})).await;
        refused.expect_problem(409, "payment_in_progress");
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        assert_eq!(paid.order().await["status"], "confirmed");
        assert_eq!(open.payment().await["status"], "requires_action");
        assert_eq!(open.order().await["status"], "pending");
        expect_true_books(app).await;
    }

    async fn a_payment_that_never_reached_the_gateway_fails(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        app.database.execute("UPDATE payments SET status = 'unknown', provider_payment_id = NULL").await;
        app.database.execute("DELETE FROM dummy_charge").await;
        app.clock.advance(10 * MINUTE);
        app.drain().await;
        assert_eq!(purchase.payment().await["status"], "failed");
        assert_eq!(purchase.order().await["status"], "pending");
        // The buyer can try again.
        let second = purchase.pay_again(json!({})).await;
        simulate(&purchase.guest, &second.expect(201).id(), "succeed").await.expect(202);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn a_buyer_asks_the_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let sync = async || step(&purchase.guest, &purchase.payment, "sync").await;
        assert_eq!(sync().await.expect(200).body["status"], "requires_action");
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        // Reading asks nobody.
        assert_eq!(purchase.payment().await["status"], "requires_action");
        assert_eq!(purchase.order().await["status"], "pending");
        assert_eq!(sync().await.expect(200).body["status"], "succeeded");
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(sync().await.expect(200).body["status"], "succeeded");
        assert_eq!(count(app, "journals").await, 2);
        expect_true_books(app).await;
    }

    async fn a_manager_asks_the_gateway(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        let synced = step(&manager, &purchase.payment, "sync").await;
        assert_eq!(synced.expect(200).body["status"], "succeeded");
    }

    async fn many_ask_at_once_and_one_success_is_booked(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let url = return_of(&purchase.payment().await);
        purchase.simulate("succeed").await;
        app.clock.advance(MINUTE);
        // The message, the sweeper, the buyer and the browser, all at the same moment.
        let (_, synced, again, back) = tokio::join!(
            Box::pin(app.drain()),
            step(&purchase.guest, &purchase.payment, "sync"),
            step(&purchase.guest, &purchase.payment, "sync"),
            browse(app, &url),
        );
        for answer in [synced, again] {
            answer.expect(200);
        }
        assert!(back.status < 400, "{}", back.html);
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count(app, "journals").await, 2);
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        expect_true_books(app).await;
    }
}

#[test]
fn a_buyer_asks_the_gateway_once_in_ten_seconds() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let other = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        step(&purchase.guest, &purchase.payment, "sync")
            .await
            .expect(200);
        let again = step(&purchase.guest, &purchase.payment, "sync").await;
        again.expect_problem(429, "rate_limited");
        assert!(again.header("retry-after").is_some());
        step(&other.guest, &other.payment, "sync").await.expect(200);
    });
}

// Reading -------------------------------------------------------------------

on_both! {
    async fn payments_are_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let first = shop.buy(app, shop.items(&[("vip", 1)])).await;
        app.clock.advance(MINUTE);
        let later = app.clock.now().to_string();
        let second = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let find = async |query: &str| ids(&shop.admin.get(&format!("{INTENTS}?{query}")).await);
        assert_eq!(find("").await, [second.payment.clone(), first.payment.clone()]);
        assert_eq!(find("status=succeeded").await, [first.payment.clone()]);
        assert_eq!(find("status=requires_action,processing").await, [second.payment.clone()]);
        assert_eq!(find("provider=dummy&limit=1").await, [second.payment.clone()]);
        assert!(find("provider=stripe").await.is_empty());
        assert_eq!(find(&format!("order_id={}", first.order)).await, [first.payment.clone()]);
        let reference = text(&second.payment().await["reference"]);
        assert_eq!(find(&format!("reference={reference}")).await, [second.payment.clone()]);
        assert_eq!(find(&format!("created_at[gte]={later}")).await, [second.payment.clone()]);
        assert_eq!(ids(&first.guest.get(INTENTS).await), [first.payment.clone()]);
        shop.admin.get(&format!("{INTENTS}?state=x")).await.expect_problem(422, "unknown_parameter");
    }

    async fn all_money_is_read_in_one_place(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        let failed = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        failed.simulate("fail").await;
        app.drain().await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let all = "/api/v1/transactions";
        assert_eq!(ids(&purchase.guest.get(all).await), [purchase.payment.clone()]);
        assert_eq!(ids(&manager.get(all).await), [failed.payment.clone(), purchase.payment.clone()]);
        for client in [&purchase.guest, &manager] {
            let one = client.get(&format!("{all}/{}", purchase.payment)).await;
            let one = &one.expect(200).body;
            assert_eq!((&one["id"], &one["kind"]), (&json!(purchase.payment), &json!("payment")));
            assert_eq!((&one["status"], &one["amount_minor"]), (&json!("succeeded"), &json!(VIP)));
            assert_eq!((&one["currency"], &one["provider"]), (&json!("TZS"), &json!("dummy")));
            assert_eq!(one["order_id"], purchase.order.as_str());
            assert!(one["created_at"].is_string() && one["completed_at"].is_string(), "{one}");
        }
        let one = manager.get(&format!("{all}/{}", failed.payment)).await;
        assert!(one.expect(200).body["failure"]["code"].is_string(), "{}", one.text);
        let unknown = format!("{all}/pay_01h455vb4pex5vsknk084sn02q");
        manager.get(&unknown).await.expect_problem(404, "not_found");
    }

    async fn managers_see_the_gateways(app: &TestApp) {
        let organizer = app.organizer("Own").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let stranger = app.user("stranger@example.com").await;
        let seen = manager.get("/api/v1/providers").await;
        let gateways = seen.expect(200).body["data"].as_array().unwrap().clone();
        let dummy = gateways.iter().find(|gateway| gateway["id"] == "dummy").unwrap();
        assert_eq!(dummy["livemode"], false);
        stranger.get("/api/v1/providers").await.expect_problem(403, "forbidden");
        app.nobody().get("/api/v1/providers").await.expect_problem(401, "unauthenticated");
    }

    async fn a_front_end_learns_how_to_sell(app: &TestApp) {
        let config = app.nobody().get("/api/v1/config/public").await;
        let config_text = &config.expect(200).text;
        let gateways = config.body["gateways"].as_array().unwrap();
        assert_eq!(gateways[0]["id"], "dummy");
        assert_eq!(gateways[0]["next_actions"], json!(["redirect"]));
        assert_eq!(config.body["hold_ttl_seconds"], 900);
        assert!(!config_text.contains(crate::support::DUMMY_WEBHOOK_SECRET));
    }

    async fn a_payment_has_a_version(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let path = format!("{INTENTS}/{}", purchase.payment);
        let seen = purchase.guest.get(&path).await;
        let tag = seen.expect(200).header("etag").unwrap().to_owned();
        let again = async || {
            let request = purchase.guest.request("GET", &path).header("If-None-Match", &tag);
            purchase.guest.send(request).await.status
        };
        assert_eq!(again().await, 304);
        purchase.simulate("fail").await;
        app.drain().await;
        assert_eq!(again().await, 200);
    }
}
