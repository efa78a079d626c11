//! Prices: quoted without a hold, compared with what is expected, never the buyer's to name.

use serde_json::{Value, json};

use super::{count, list, quote_body, read};
use crate::support::sale::{REGULAR, Shop, VIP, expect_stock, key, tickets};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_quote_tells_lines_total_and_what_is_left(app: &TestApp) {
        let shop = Shop::open(app).await;
        let items = shop.items(&[("vip", 2), ("regular", 1)]);
        let quote = app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await;
        quote.expect(200);
        assert_eq!(quote.body["total_minor"], 2 * VIP + REGULAR);
        assert_eq!(quote.body["currency"], "TZS");
        let lines = list(&quote.body, "lines");
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["ticket_type_id"], shop.type_id("vip"));
        assert_eq!(lines[0]["quantity"], 2);
        assert_eq!(lines[0]["unit_price_minor"], VIP);
        assert_eq!(lines[0]["total_minor"], 2 * VIP);
        assert_eq!((&lines[0]["available"], &lines[1]["available"]), (&json!(10), &json!(100)));
    }

    async fn a_quote_holds_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let items = shop.items(&[("vip", 10)]);
        app.nobody().post("/api/v1/quotes", quote_body(&shop, items.clone())).await.expect(200);
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!((count(app, "orders").await, count(app, "holds").await), (0, 0));
        // All of it can still be bought.
        shop.order(&app.nobody(), items).await.expect(201);
    }

    async fn a_quote_refuses_what_an_order_refuses(app: &TestApp) {
        let shop = Shop::open(app).await;
        let quote = async |items: Vec<Value>| {
            app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await
        };
        let unknown = vec![tickets("tty_01h455vb4pex5vsknk084sn02q", 1)];
        quote(unknown).await.expect_problem(422, "ticket_type_not_found");
        let too_many = shop.items(&[("regular", 21)]);
        quote(too_many).await.expect_problem(422, "quantity_out_of_range");
    }

    async fn an_expected_total_is_compared(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut body = shop.body(shop.items(&[("vip", 2)]));
        for wrong in [0, 1, 2 * VIP - 1, 2 * VIP + 1] {
            body["expected_total_minor"] = json!(wrong);
            shop.place(&app.nobody(), body.clone()).await.expect_problem(409, "price_changed");
        }
        expect_stock(app, "VIP", 0, 0).await;
        body["expected_total_minor"] = json!(2 * VIP);
        body["currency"] = json!("tzs");
        shop.place(&app.nobody(), body.clone()).await.expect(201);
        body["currency"] = json!("USD");
        shop.place(&app.nobody(), body).await.expect_problem(422, "currency_not_supported");
    }

    async fn nobody_names_their_own_price(app: &TestApp) {
        let shop = Shop::open(app).await;
        for member in ["price_minor", "unit_price_minor", "total_minor", "amount"] {
            let mut items = shop.items(&[("vip", 1)]);
            items[0][member] = json!(1);
            let refused = shop.order(&app.nobody(), items).await;
            refused.expect_problem(422, "unknown_field");
            assert_eq!(refused.faults(), [(format!("/items/0/{member}"), "unknown_field".to_owned())]);
        }
        for member in ["total_minor", "amount_minor", "status", "payment_status", "owner_id"] {
            let mut body = shop.body(shop.items(&[("vip", 1)]));
            body[member] = json!(1);
            shop.place(&app.nobody(), body).await.expect_problem(422, "unknown_field");
        }
        assert_eq!(count(app, "orders").await, 0);
    }

    async fn an_ordered_price_stays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let vip = format!("{}/ticket-types/{}", shop.path(), shop.type_id("vip"));
        shop.admin.patch(&vip, json!({"price_minor": 1})).await.expect(200);
        assert_eq!(read(&guest, &order).await["total_minor"], VIP);
        let body = json!({"order_id": order["id"]});
        let intent = guest.keyed(&key(), "POST", "/api/v1/payment-intents", body).await;
        assert_eq!(intent.expect(201).body["amount_minor"], VIP);
        // Whoever still believes in the old price is told.
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["expected_total_minor"] = json!(VIP);
        shop.place(&app.nobody(), body).await.expect_problem(409, "price_changed");
    }
}
