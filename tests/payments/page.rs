//! The dummy gateway's page: opened with its own key, and every button does what it says.

use serde_json::json;

use super::{CART, THANKS, come_back, purchase_from_front_end};
use crate::support::sale::{
    BUYER, Purchase, Shop, VIP, browse, count_mails, expect_true_books, simulate, text,
};
use crate::support::{TestApp, on_both};

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
