//! An unpaid order expires or is canceled, and gives back what it held; a paid one stays.

use std::time::Duration;

use serde_json::json;

use super::{MINUTE, allows, count, list, only, read, step, ticket_statuses};
use crate::support::sale::{BUYER, Shop, buy, count_mails, expect_stock, simulate, text};
use crate::support::{TestApp, on_both};

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

on_both! {
    async fn an_unpaid_order_expires(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 3)]);
        items.push(shop.booth(Some(2)));
        let (guest, order) = shop.guest_order(app, items).await;
        app.clock.advance(14 * MINUTE);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "pending");
        expect_stock(app, "VIP", 3, 0).await;

        app.clock.advance(2 * MINUTE);
        app.drain().await;
        let expired = read(&guest, &order).await;
        assert_eq!((&expired["status"], &expired["payment_status"]), (&json!("expired"), &json!("unpaid")));
        assert_eq!(ticket_statuses(&expired), only("void"));
        assert!(!allows(&expired, "pay") && !allows(&expired, "cancel") && !allows(&expired, "edit"));
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        assert_eq!(count(app, "holds WHERE status = 'active'").await, 0);
        assert_eq!(count_mails(app, "order_expired").await, 1);
        let mails = app.mails().await;
        assert!(mails.iter().any(|mail| mail.contains(&format!("To: {BUYER}"))), "{mails:#?}");
        // The next one gets it.
        shop.order(&app.nobody(), vec![shop.booth(Some(2))]).await.expect(201);
    }

    async fn an_order_expires_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.guest_order(app, shop.items(&[("vip", 3)])).await;
        app.clock.advance(HOLD_IS_OVER);
        let workers = (0..4).map(|_| app.app.drain_jobs());
        for outcome in futures_util::future::join_all(workers).await {
            outcome.unwrap();
        }
        app.clock.advance(MINUTE);
        app.drain().await;
        assert_eq!(count_mails(app, "order_expired").await, 1);
        expect_stock(app, "VIP", 0, 0).await;
    }

    async fn a_buyer_cancels_an_unpaid_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 3)]);
        items.push(shop.booth(Some(0)));
        let (guest, order) = shop.guest_order(app, items).await;
        let canceled = step(&guest, &order, "cancel", json!({})).await;
        assert_eq!(canceled.expect(200).body["status"], "canceled");
        assert_eq!(ticket_statuses(&read(&guest, &order).await), only("void"));
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        step(&guest, &order, "cancel", json!({})).await.expect_problem(409, "invalid_transition");
        // What is canceled does not expire as well.
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "canceled");
        assert_eq!(count_mails(app, "order_expired").await, 0);
    }

    async fn a_canceled_order_cannot_be_paid_any_more(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.cancel().await.expect(200);
        app.clock.advance(MINUTE);
        app.drain().await;
        let payment = purchase.payment().await;
        assert!(matches!(text(&payment["status"]).as_str(), "canceled" | "expired"), "{payment}");
        // Whatever the buyer presses now.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["paid_minor"]), (&json!("canceled"), &json!(0)));
        purchase.pay_again(json!({})).await.expect(409);
    }

    async fn a_paid_order_is_not_canceled_by_its_buyer(app: &TestApp) {
        let (guest, checkout) = buy(app).await;
        let order = json!({"id": checkout["order_id"]});
        step(&guest, &order, "cancel", json!({})).await.expect_problem(409, "order_already_paid");
        let order = read(&guest, &order).await;
        assert_eq!(order["status"], "confirmed");
        assert_eq!(ticket_statuses(&order), only("valid"));
        assert!(allows(&order, "resend") && !allows(&order, "pay") && !allows(&order, "cancel"));
    }

    async fn an_order_whose_payment_is_under_way_is_not_canceled(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        purchase.cancel().await.expect_problem(409, "payment_in_progress");
        assert_eq!(purchase.order().await["status"], "pending");
    }

    async fn a_free_order_is_confirmed_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("free", 2)])).await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!((&order["total_minor"], &order["paid_minor"]), (&json!(0), &json!(0)));
        let order = read(&guest, &order).await;
        assert_eq!(ticket_statuses(&order), only("valid"));
        assert_eq!(list(&order, "tickets").len(), 2);
        assert!(list(&order, "payments").is_empty());
        expect_stock(app, "Free", 0, 2).await;
        assert_eq!((count(app, "payments").await, count(app, "postings").await), (0, 0));
        app.drain().await;
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        // It stays when others' time is over.
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "confirmed");
    }
}
