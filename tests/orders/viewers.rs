//! Owners and managers see their orders, list them, and read what happened to them.

use serde_json::{Value, json};

use super::{MINUTE, ORDERS, allows, ids, list, path, read, step};
use crate::support::sale::{Shop, text};
use crate::support::{TestApp, on_both};

on_both! {
    async fn who_is_signed_in_owns_the_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let bahati = app.user("bahati@example.com").await;
        let order = shop.order(&asha, shop.items(&[("vip", 1)])).await.expect(201).body.clone();
        assert!(order["order_token"].is_null(), "{order}");
        assert_eq!(ids(&asha.get(ORDERS).await), [text(&order["id"])]);
        read(&asha, &order).await;
        assert!(ids(&bahati.get(ORDERS).await).is_empty());
        bahati.get(&path(&order)).await.expect_problem(404, "not_found");
        step(&bahati, &order, "cancel", json!({})).await.expect_problem(404, "not_found");
        step(&asha, &order, "cancel", json!({})).await.expect(200);
    }

    async fn a_manager_sees_the_orders_of_the_own_organizer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        assert_eq!(ids(&manager.get(ORDERS).await), [text(&order["id"])]);
        let seen = read(&manager, &order).await;
        assert!(allows(&seen, "mark_paid"), "{seen}");
        let own = read(&guest, &order).await;
        assert!(allows(&own, "pay") && allows(&own, "cancel") && allows(&own, "edit"), "{own}");
        assert!(!allows(&own, "mark_paid"), "{own}");
        step(&manager, &order, "cancel", json!({})).await.expect(200);
    }

    async fn the_list_is_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let (guest, canceled) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        step(&guest, &canceled, "cancel", json!({})).await.expect(200);
        let (_, free) = shop.guest_order(app, shop.items(&[("free", 1)])).await;
        let (_, elsewhere) = other.guest_order(app, other.items(&[("vip", 1)])).await;
        app.clock.advance(MINUTE);
        let later = app.clock.now().to_string();
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["buyer"]["email"] = json!("asha@example.com");
        let asha = shop.place(&app.nobody(), body).await.expect(201).body.clone();

        let find = async |query: &str| ids(&shop.admin.get(&format!("{ORDERS}?{query}")).await);
        let id = |order: &Value| text(&order["id"]);
        assert_eq!(find("").await, [id(&asha), id(&elsewhere), id(&free), id(&canceled)]);
        assert_eq!(find("status=canceled").await, [id(&canceled)]);
        assert_eq!(find("status=canceled,confirmed").await, [id(&free), id(&canceled)]);
        assert_eq!(find("payment_status=paid").await, [id(&free)]);
        assert_eq!(find(&format!("event_id={}", other.event)).await, [id(&elsewhere)]);
        assert_eq!(find("email=asha@example.com").await, [id(&asha)]);
        assert_eq!(find(&format!("created_at[gte]={later}")).await, [id(&asha)]);
        assert_eq!(find(&format!("created_at[lte]={later}&status=pending")).await, [id(&elsewhere)]);
        assert!(find("email=nobody@example.com").await.is_empty());
        let first = shop.admin.get(&format!("{ORDERS}?limit=3")).await;
        assert_eq!(ids(&first).len(), 3);
        let cursor = text(&first.body["next_cursor"]);
        assert_eq!(find(&format!("limit=3&after={cursor}")).await, [id(&canceled)]);
        shop.admin.get(&format!("{ORDERS}?state=paid")).await.expect_problem(422, "unknown_parameter");
        shop.admin.get(&format!("{ORDERS}?status=paid")).await.expect_problem(422, "validation_failed");
    }

    async fn the_timeline_tells_what_happened(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        let path = format!("{ORDERS}/{}/timeline", purchase.order);
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for client in [&purchase.guest, &manager] {
            let told = client.get(&path).await;
            let entries = list(&told.expect(200).body, "data");
            assert!(entries.len() >= 3, "placed, paid, confirmed: {}", told.text);
            let times: Vec<String> = entries.iter().map(|entry| text(&entry["at"])).collect();
            let mut sorted = times.clone();
            sorted.sort();
            assert_eq!(times, sorted);
            assert!(told.text.contains("order.confirmed"), "{}", told.text);
            assert!(told.text.contains("payment.succeeded"), "{}", told.text);
        }
    }

    async fn who_of_the_staff_it_was_is_not_the_buyers_business(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        step(&manager, &order, "cancel", json!({})).await.expect(200);
        let told = guest.get(&format!("{}/timeline", path(&order))).await;
        assert!(told.expect(200).text.contains("order.canceled"), "{}", told.text);
        let (id, email) = (manager.user_id(), "manager@example.com");
        assert!(!told.text.contains(&id) && !told.text.contains(email), "{}", told.text);
    }
}
