//! Only contacts and attendees of an order change, its mails are sent again, and it stays.

use serde_json::json;

use super::{list, path, read, step};
use crate::support::sale::{BUYER, Shop, buy, count_mails};
use crate::support::{TestApp, on_both};

on_both! {
    async fn buyer_and_attendees_change_until_the_order_is_confirmed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        let order = json!({"id": purchase.order});
        let ticket = purchase.body["tickets"][0]["id"].clone();
        let change = json!({
            "buyer": {"name": "Juma A. Ali", "phone": "+255719000999"},
            "attendees": [{"ticket_id": ticket, "name": "Asha Mwinyi", "email": "asha@example.com"}],
        });
        let changed = purchase.guest.patch(&path(&order), change.clone()).await;
        assert_eq!(changed.expect(200).body["buyer"]["name"], "Juma A. Ali");
        assert_eq!(changed.body["buyer"]["email"], BUYER);
        let tickets = list(&changed.body, "tickets");
        let changed = tickets.iter().find(|one| one["id"] == ticket).unwrap();
        assert_eq!(changed["attendee"]["name"], "Asha Mwinyi");

        purchase.simulate("succeed").await;
        app.drain().await;
        let late = purchase.guest.patch(&path(&order), change).await;
        late.expect_problem(409, "invalid_transition");
    }

    async fn only_contacts_and_attendees_are_changed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        for member in ["total_minor", "status", "items", "expires_at", "payment_status"] {
            let mut change = json!({});
            change[member] = json!(1);
            guest.patch(&path(&order), change).await.expect_problem(422, "unknown_field");
        }
        let bad = json!({"buyer": {"email": "no address"}});
        guest.patch(&path(&order), bad).await.expect_problem(422, "validation_failed");
        // Another order's ticket.
        let (_, other) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let ticket = &other["tickets"][0]["id"];
        let change = json!({"attendees": [{"ticket_id": ticket, "name": "Mallory"}]});
        guest.patch(&path(&order), change).await.expect_problem(422, "validation_failed");
        let written = "SELECT count(*) FROM tickets WHERE attendee_name = 'Mallory'";
        assert_eq!(app.database.count(written).await, 0);
    }

    async fn a_confirmed_orders_mails_are_sent_again(app: &TestApp) {
        let (guest, checkout) = buy(app).await;
        let order = json!({"id": checkout["order_id"]});
        let before = app.mails().await.len();
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        let answer = step(&guest, &order, "resend", json!({})).await;
        assert!(matches!(answer.status, 200 | 202 | 204), "{}", answer.text);
        assert_eq!(app.mails().await.len(), before + 1);
        assert_eq!(count_mails(app, "order_confirmation").await, 2);
    }

    async fn an_event_with_orders_stays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        shop.admin.delete(&shop.path()).await.expect_problem(409, "event_has_orders");
        step(&guest, &order, "cancel", json!({})).await.expect(200);
        // Also when they are over: they are somebody's history.
        shop.admin.delete(&shop.path()).await.expect_problem(409, "event_has_orders");
        read(&guest, &order).await;
    }
}
