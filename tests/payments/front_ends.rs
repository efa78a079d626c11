//! Buyers return to known front ends only, each to its own page with what it needs.

use serde_json::json;

use super::{CART, INTENTS, THANKS, body_with, come_back, return_of, start};
use crate::support::sale::{Purchase, Shop, browse, key, payment, simulate, text};
use crate::support::{Kind, TestApp, on_both, run};

on_both! {
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
