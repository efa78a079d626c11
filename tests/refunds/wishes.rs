//! Buyers ask, within the event's policy; finance says yes or no.

use std::time::Duration;

use serde_json::json;

use super::{REFUNDS, ask, bought, expect_sound, go, read, statuses, tickets};
use crate::support::sale::VIP;
use crate::support::{TestApp, on_both};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_both! {
    async fn a_wish_waits_for_finance(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let wish = ask(&sale.guest, &sale.order, json!({})).await.expect(201).body.clone();
        assert_eq!((&wish["status"], &wish["approval_required"]), (&json!("requested"), &json!(true)));
        app.drain().await;
        assert_eq!(statuses(&sale).await, ["valid", "valid"]);
        // The amount is kept back meanwhile.
        assert_eq!(sale.order().await["payments"][0]["refundable_minor"], 0);
        go(&sale.guest, &wish, "approve", json!({})).await.expect_problem(403, "forbidden");
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let listed = finance.get(&format!("{REFUNDS}?status=requested")).await;
        assert_eq!(listed.expect(200).body["data"][0]["id"], wish["id"]);
        go(&finance, &wish, "approve", json!({})).await.expect(200);
        go(&finance, &wish, "approve", json!({})).await.expect_problem(409, "invalid_transition");
        app.drain().await;
        assert_eq!(read(&sale.guest, &wish).await["status"], "succeeded");
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        expect_sound(app).await;
    }

    async fn a_wish_that_is_refused_leaves_everything_as_it_was(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let wish = ask(&sale.guest, &sale.order, json!({})).await.expect(201).body.clone();
        go(&shop.admin, &wish, "reject", json!({})).await.expect(200);
        app.drain().await;
        assert_eq!(read(&sale.guest, &wish).await["status"], "rejected");
        assert_eq!(sale.order().await["payments"][0]["refundable_minor"], 2 * VIP);
        assert_eq!(app.count_mails("refund_rejected").await, 1);
        let again = ask(&sale.guest, &sale.order, json!({})).await.expect(201).body.clone();
        go(&shop.admin, &again, "cancel", json!({})).await.expect(200);
        assert_eq!(statuses(&sale).await, ["valid", "valid"]);
        expect_sound(app).await;
    }

    async fn the_policy_decides_what_buyers_may(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let path = format!("{}/refund-policy", shop.path());
        let policy = app.nobody().get(&path).await.expect(200).body.clone();
        let standard = json!({
            "window_days": 90, "buyer_may_request": true, "auto_approve": false,
            "used_tickets": "refuse", "version": 1
        });
        assert_eq!(policy, standard);
        let set = async |change: serde_json::Value| {
            shop.admin.send(shop.admin.request("PUT", &path).json(&change)).await.expect(200);
        };
        // A buyer names tickets or nothing.
        let amount = ask(&sale.guest, &sale.order, json!({"amount_minor": 1})).await;
        amount.expect_problem(403, "forbidden");
        set(json!({"buyer_may_request": false})).await;
        ask(&sale.guest, &sale.order, json!({})).await.expect_problem(403, "forbidden");
        set(json!({"buyer_may_request": true, "auto_approve": true, "window_days": 2})).await;
        let ids = tickets(&sale);
        let code = sale.guest.get(&format!("/api/v1/tickets/{}/qr", ids[0])).await;
        let code = json!({"code": code.expect(200).body["qr_payload"]});
        shop.admin.post("/api/v1/checkins", code).await.expect(200);
        ask(&sale.guest, &sale.order, json!({})).await.expect_problem(409, "ticket_used");
        let unused = ask(&sale.guest, &sale.order, json!({"ticket_ids": [ids[1]]})).await;
        assert_eq!(unused.expect(201).body["status"], "approved");
        app.drain().await;
        assert_eq!(statuses(&sale).await, ["used", "void"]);
        set(json!({"used_tickets": "allow"})).await;
        app.clock.advance(2 * DAY + Duration::from_secs(1));
        ask(&sale.guest, &sale.order, json!({})).await.expect_problem(409, "refund_window_closed");
        // Finance is not bound by it.
        ask(&shop.admin, &sale.order, json!({})).await.expect_problem(401, "token_expired");
        let admin = app.admin().await;
        ask(&admin, &sale.order, json!({})).await.expect(201);
        app.drain().await;
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        expect_sound(app).await;
    }

    async fn nobody_asks_for_the_money_of_others(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let stranger = app.user("stranger@example.com").await;
        ask(&stranger, &sale.order, json!({})).await.expect_problem(422, "validation_failed");
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        ask(&gate, &sale.order, json!({})).await.expect_problem(403, "forbidden");
        let unpaid = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        ask(&unpaid.guest, &unpaid.order, json!({})).await.expect_problem(409, "payment_not_refundable");
        for body in [
            json!({"reason": "other"}),
            json!({"order_id": sale.order, "payment_id": sale.payment, "reason": "other"}),
            json!({"order_id": sale.order, "amount_minor": 1, "ticket_ids": tickets(&sale), "reason": "other"}),
            json!({"order_id": sale.order, "amount_minor": 0, "reason": "other"}),
            json!({"order_id": sale.order}),
        ] {
            let refused = shop.admin.keyed(&crate::support::sale::key(), "POST", REFUNDS, body).await;
            refused.expect(422);
        }
    }
}
