//! Finance gives money back: all of it, an amount, or some tickets' price.

use futures_util::future::join_all;
use serde_json::json;

use super::{ask, bought, expect_sound, go, read, statuses, tickets};
use crate::support::sale::{Shop, VIP, expect_stock};
use crate::support::{TestApp, on_both};

on_both! {
    async fn all_that_is_left_goes_back(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let asked = ask(&shop.admin, &sale.order, json!({})).await;
        let refund = asked.expect(201).body.clone();
        assert_eq!((&refund["status"], &refund["amount_minor"]), (&json!("approved"), &json!(2 * VIP)));
        assert_eq!(refund["approval_required"], false);
        assert_eq!(statuses(&sale).await, ["suspended", "suspended"]);
        app.drain().await;
        let after = read(&sale.guest, &refund).await;
        assert_eq!((&after["status"], &after["source"]), (&json!("succeeded"), &json!("ours")));
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        let order = sale.order().await;
        let money = (&order["payment_status"], &order["paid_minor"], &order["refunded_minor"]);
        assert_eq!(money, (&json!("refunded"), &json!(2 * VIP), &json!(2 * VIP)));
        let payment = &order["payments"][0];
        assert_eq!((&payment["refunded_minor"], &payment["refundable_minor"]), (&json!(2 * VIP), &json!(0)));
        // It can be sold again.
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!(app.count_mails("refunded").await, 1);
        let again = ask(&shop.admin, &sale.order, json!({})).await;
        let refused = again.expect_problem(409, "refund_exceeds_payment");
        assert_eq!(refused.body["refundable_minor"], 0);
        expect_sound(app).await;
    }

    async fn an_amount_leaves_the_tickets_good(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let refund = ask(&shop.admin, &sale.order, json!({"amount_minor": 500})).await;
        app.drain().await;
        assert_eq!(read(&sale.guest, &refund.expect(201).body).await["status"], "succeeded");
        assert_eq!(statuses(&sale).await, ["valid", "valid"]);
        let order = sale.order().await;
        assert_eq!((&order["payment_status"], &order["refunded_minor"]), (&json!("partially_refunded"), &json!(500)));
        let more = ask(&shop.admin, &sale.order, json!({"amount_minor": 2 * VIP})).await;
        let refused = more.expect_problem(409, "refund_exceeds_payment");
        assert_eq!(refused.body["refundable_minor"], 2 * VIP - 500);
        expect_sound(app).await;
    }

    async fn a_ticket_goes_back_at_its_price(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let ids = tickets(&sale);
        let chosen = json!({"ticket_ids": [ids[1]]});
        let refund = ask(&shop.admin, &sale.order, chosen.clone()).await;
        let refund = refund.expect(201).body.clone();
        assert_eq!((&refund["amount_minor"], &refund["ticket_ids"]), (&json!(VIP), &json!([ids[1]])));
        let twice = ask(&shop.admin, &sale.order, chosen.clone()).await;
        twice.expect_problem(409, "refund_in_progress");
        app.drain().await;
        assert_eq!(statuses(&sale).await, ["valid", "void"]);
        expect_stock(app, "VIP", 0, 1).await;
        let gone = ask(&shop.admin, &sale.order, chosen).await;
        gone.expect_problem(409, "ticket_void");
        let stranger = json!({"ticket_ids": ["tkt_01h455vb4pex5vsknk084sn02q"]});
        ask(&shop.admin, &sale.order, stranger).await.expect_problem(422, "validation_failed");
        expect_sound(app).await;
    }

    async fn booths_of_a_full_refund_are_free_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("regular", 1)]);
        items.push(shop.booth(Some(0)));
        let sale = shop.buy(app, items).await;
        assert_eq!(shop.available(app, "Corner").await, 2);
        ask(&shop.admin, &sale.order, json!({})).await.expect(201);
        app.drain().await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        assert_eq!(shop.available(app, "Regular").await, 100);
        expect_sound(app).await;
    }

    async fn ten_clicks_are_one_refund(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let clicks = join_all((0..10).map(|_| ask(&shop.admin, &sale.order, json!({})))).await;
        let done = clicks.iter().filter(|click| click.status == 201).count();
        assert_eq!(done, 1);
        for refused in clicks.iter().filter(|click| click.status != 201) {
            refused.expect_problem(409, "refund_exceeds_payment");
        }
        app.drain().await;
        assert_eq!(app.database.count("SELECT count(*) FROM dummy_refund").await, 1);
        expect_sound(app).await;
    }

    async fn a_hundred_parts_are_never_more_than_the_whole(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let part = json!({"amount_minor": 2 * VIP / 40});
        let asks = join_all((0..100).map(|_| ask(&shop.admin, &sale.order, part.clone()))).await;
        assert_eq!(asks.iter().filter(|ask| ask.status == 201).count(), 40);
        app.drain().await;
        let order = sale.order().await;
        assert_eq!((&order["payment_status"], &order["refunded_minor"]), (&json!("refunded"), &json!(2 * VIP)));
        expect_sound(app).await;
    }

    async fn what_is_refunded_opens_no_gate(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        let ids = tickets(&sale);
        let code = sale.guest.get(&format!("/api/v1/tickets/{}/qr", ids[0])).await;
        let code = json!({"code": code.expect(200).body["qr_payload"]});
        app.slow_refunds(true);
        ask(&shop.admin, &sale.order, json!({"ticket_ids": [ids[0]]})).await.expect(201);
        let scan = async || {
            let scan = shop.admin.post("/api/v1/checkins", code.clone()).await;
            scan.expect(200).body["reason"].clone()
        };
        assert_eq!(scan().await, "suspended");
        app.drain().await;
        assert_eq!(scan().await, "suspended");
        app.decide_refunds(&sale, true).await;
        assert_eq!(scan().await, "void");
        expect_sound(app).await;
    }

    async fn a_bank_that_refuses_lets_the_tickets_be_good(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        app.slow_refunds(true);
        let refund = ask(&shop.admin, &sale.order, json!({})).await.expect(201).body.clone();
        app.drain().await;
        assert_eq!(read(&shop.admin, &refund).await["status"], "pending");
        go(&shop.admin, &refund, "cancel", json!({})).await.expect_problem(409, "invalid_transition");
        app.decide_refunds(&sale, false).await;
        let failed = read(&shop.admin, &refund).await;
        assert_eq!((&failed["status"], &failed["failure"]["code"]), (&json!("failed"), &json!("bank_refused")));
        assert_eq!(statuses(&sale).await, ["valid", "valid"]);
        assert_eq!(sale.order().await["payments"][0]["refundable_minor"], 2 * VIP);
        app.slow_refunds(false);
        let retried = go(&shop.admin, &refund, "retry", json!({})).await;
        let retried = retried.expect(200).body.clone();
        assert_eq!((&retried["status"], &retried["attempt_no"]), (&json!("approved"), &json!(2)));
        assert_ne!(retried["reference"], failed["reference"]);
        app.drain().await;
        assert_eq!(read(&shop.admin, &refund).await["status"], "succeeded");
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        expect_sound(app).await;
    }

    async fn what_was_given_back_by_hand_is_marked(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        app.slow_refunds(true);
        let refund = ask(&shop.admin, &sale.order, json!({})).await.expect(201).body.clone();
        app.drain().await;
        app.decide_refunds(&sale, false).await;
        let body = json!({"reference": "CRDB-1"});
        let done = go(&shop.admin, &refund, "mark-done", body.clone()).await;
        let done = done.expect(200).body.clone();
        assert_eq!((&done["status"], &done["provider_refund_id"]), (&json!("succeeded"), &json!("CRDB-1")));
        assert_eq!(statuses(&sale).await, ["void", "void"]);
        go(&shop.admin, &refund, "mark-done", body).await.expect_problem(409, "invalid_transition");
        assert_eq!(app.database.count("SELECT count(*) FROM tasks WHERE done_at IS NULL").await, 0);
    }

    async fn refunds_stand_among_the_transactions(app: &TestApp) {
        let (shop, sale) = bought(app).await;
        ask(&shop.admin, &sale.order, json!({"amount_minor": 500})).await.expect(201);
        app.drain().await;
        let path = format!("/api/v1/transactions?order_id={}", sale.order);
        let all = shop.admin.get(&path).await.expect(200).body["data"].clone();
        assert_eq!((&all[0]["kind"], &all[1]["kind"]), (&json!("refund"), &json!("payment")));
        assert_eq!((&all[0]["amount_minor"], &all[0]["status"]), (&json!(-500), &json!("succeeded")));
        let one = format!("/api/v1/transactions/{}", all[0]["id"].as_str().unwrap());
        assert_eq!(sale.guest.get(&one).await.expect(200).body["kind"], "refund");
        let first = shop.admin.get(&format!("{path}&limit=1")).await.expect(200).body.clone();
        let next = format!("{path}&limit=1&after={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(shop.admin.get(&next).await.expect(200).body["data"], json!([all[1]]));
        let only = shop.admin.get(&format!("{path}&kind=refund")).await;
        assert_eq!(only.expect(200).body["data"], json!([all[0]]));
        let none = shop.admin.get(&format!("{path}&status=expired")).await;
        assert_eq!(none.expect(200).body["data"], json!([]));
    }
}
