//! An order has quantities and lines that somebody can mean, and all its faults are told.

use std::collections::HashSet;

use serde_json::json;

use super::{count, quote_body};
use crate::support::sale::{Shop, expect_stock, text, tickets};
use crate::support::{Answer, TestApp, on_both};

/// A quantity that cannot be meant is refused, in the one way or the other.
fn expect_bad_quantity(answer: &Answer) {
    answer.expect(422);
    let code = text(&answer.body["code"]);
    let is_right = ["quantity_out_of_range", "validation_failed"].contains(&code.as_str());
    assert!(is_right, "{code}: {}", answer.text);
}

on_both! {
    async fn quantities_that_nobody_can_mean(app: &TestApp) {
        let shop = Shop::open(app).await;
        for quantity in [
            json!(0), json!(-1), json!(1_000_000_000), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX),
            json!("2"), json!("two"), json!(1.5), json!(true), json!(null), json!([1]), json!({}),
        ] {
            let mut items = shop.items(&[("vip", 1)]);
            items[0]["quantity"] = quantity;
            expect_bad_quantity(&shop.order(&app.nobody(), items.clone()).await);
            let quote = app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await;
            expect_bad_quantity(&quote);
        }
        let mut items = shop.items(&[("vip", 1)]);
        items[0].as_object_mut().unwrap().remove("quantity");
        shop.order(&app.nobody(), items).await.expect_problem(422, "validation_failed");
        assert_eq!((count(app, "orders").await, count(app, "tickets").await), (0, 0));
        expect_stock(app, "VIP", 0, 0).await;
    }

    async fn a_type_has_a_least_and_a_most(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = json!({
            "name": "Family", "price_minor": 100, "capacity": 100, "min_per_order": 2, "max_per_order": 4,
        });
        let family = shop.add_type(body).await;
        for wrong in [vec![1], vec![5], vec![3, 3]] {
            let items = wrong.into_iter().map(|n| tickets(&family, n)).collect();
            let refused = shop.order(&app.nobody(), items).await;
            refused.expect_problem(422, "quantity_out_of_range");
        }
        for right in [vec![2], vec![4], vec![2, 2]] {
            let items = right.into_iter().map(|n| tickets(&family, n)).collect();
            shop.order(&app.nobody(), items).await.expect(201);
        }
    }

    async fn an_event_has_a_most_for_one_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        for too_many in [vec![("regular", 21)], vec![("regular", 15), ("student", 6)]] {
            let refused = shop.order(&app.nobody(), shop.items(&too_many)).await;
            refused.expect_problem(422, "quantity_out_of_range");
        }
        shop.order(&app.nobody(), shop.items(&[("regular", 15), ("student", 5)])).await.expect(201);
        shop.admin.patch(&shop.path(), json!({"max_per_order": 3})).await.expect(200);
        let refused = shop.order(&app.nobody(), shop.items(&[("regular", 4)])).await;
        refused.expect_problem(422, "quantity_out_of_range");
        shop.order(&app.nobody(), shop.items(&[("regular", 3)])).await.expect(201);
    }

    async fn an_order_has_one_to_fifty_lines(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.admin.patch(&shop.path(), json!({"max_per_order": 100})).await.expect(200);
        shop.order(&app.nobody(), Vec::new()).await.expect_problem(422, "validation_failed");
        let mut body = shop.body(Vec::new());
        body.as_object_mut().unwrap().remove("items");
        shop.place(&app.nobody(), body).await.expect_problem(422, "validation_failed");
        let lines = |count: usize| vec![tickets(shop.type_id("regular"), 1); count];
        shop.order(&app.nobody(), lines(51)).await.expect_problem(422, "validation_failed");
        shop.order(&app.nobody(), lines(50)).await.expect(201);
    }

    async fn a_body_with_several_faults_tells_all(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut booth = shop.booth(None);
        booth.as_object_mut().unwrap().remove("company_name");
        booth["contact_email"] = json!("nobody");
        let mut body = shop.body(vec![booth]);
        body["buyer"]["email"] = json!("no address");
        body["buyer"]["name"] = json!("Juma\r\nBcc: all@example.com");
        let refused = shop.place(&app.nobody(), body).await;
        refused.expect_problem(422, "validation_failed");
        let pointers: HashSet<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
        for pointer in ["/items/0/company_name", "/items/0/contact_email", "/buyer/email", "/buyer/name"] {
            assert!(pointers.contains(pointer), "{pointer}: {}", refused.text);
        }
    }
}
