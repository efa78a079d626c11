//! Money that came by hand is noted once, and by the organizer's finance only.

use serde_json::json;

use super::{MINUTE, count, list, only, path, read, step, ticket_statuses};
use crate::support::sale::{
    Shop, VIP, count_mails, count_postings, expect_stock, expect_true_books, simulate,
};
use crate::support::{TestApp, on_both};

on_both! {
    async fn the_organizers_finance_notes_money_that_came_by_hand(app: &TestApp) {
        let shop = Shop::open(app).await;
        for role in ["finance", "manager"] {
            let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 2)])).await;
            let member = app.member(&shop.organizer, role, &format!("{role}@example.com")).await;
            let body = json!({"method": "bank_transfer", "reference": format!("NMB-{role}"), "note": "Slip seen"});
            let paid = step(&member, &order, "mark-paid", body.clone()).await;
            assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
            let order = read(&guest, &order).await;
            assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
            assert_eq!(order["paid_minor"], 2 * VIP);
            assert_eq!(ticket_statuses(&order), only("valid"));
            let payments = list(&order, "payments");
            assert_eq!(payments.len(), 1);
            assert_eq!(payments[0]["provider"], "manual");
            assert_eq!(payments[0]["status"], "succeeded");
            assert_eq!(payments[0]["amount_minor"], 2 * VIP);
            step(&member, &order, "mark-paid", body).await.expect_problem(409, "order_already_paid");
        }
        expect_stock(app, "VIP", 0, 4).await;
        assert_eq!(count_postings(app, "clearing:manual", "receivable", 2 * VIP).await, 2);
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", 2 * VIP).await, 2);
        assert_eq!(count_mails(app, "order_confirmation").await, 2);
    }

    async fn what_was_paid_by_hand_is_not_paid_again_online(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let order = json!({"id": purchase.order});
        let body = json!({"method": "cash", "reference": "R-1"});
        step(&shop.admin, &order, "mark-paid", body).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        // The gateway's page, still open in a window.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(order["paid_minor"], VIP);
        expect_true_books(app).await;
    }

    async fn money_by_hand_waits_for_a_payment_under_way(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        let order = json!({"id": purchase.order});
        let body = json!({"method": "cash", "reference": "R-1"});
        step(&shop.admin, &order, "mark-paid", body).await.expect_problem(409, "payment_in_progress");
    }

    async fn nobody_else_notes_money(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let body = json!({"method": "cash", "reference": "R-1"});
        for client in [&guest, &gate] {
            step(client, &order, "mark-paid", body.clone()).await.expect_problem(403, "forbidden");
        }
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        for faulty in [json!({}), json!({"method": "cash"}), json!({"method": "cash", "reference": ""})] {
            step(&finance, &order, "mark-paid", faulty).await.expect_problem(422, "validation_failed");
        }
        let unkeyed = finance.post(&format!("{}/mark-paid", path(&order)), body).await;
        unkeyed.expect_problem(400, "idempotency_key_required");
        assert_eq!(read(&guest, &order).await["status"], "pending");
        assert_eq!(count(app, "journals").await, 0);
    }
}
