//! Why a list takes no ticket: each reason by itself.

use serde_json::json;

use super::{
    add_list, at, code, default_list, expect_accepted, expect_refused, expect_rejected, open, scan,
};
use crate::support::{TestApp, event_body, on_both};
use crate::tickets::{add_session, give, give_for, give_free, read};

on_both! {
    async fn wrong_event(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let mut body = event_body("The other evening");
        body["organizer_id"] = json!(shop.organizer);
        let other = shop.admin.post("/api/v1/events", body).await.expect(201).id();
        shop.admin.post(&format!("/api/v1/events/{other}/publish"), json!({})).await.expect(200);
        let holder = give_free(app, &shop).await;
        let list = default_list(&gate, &other).await;
        let there = json!({"code": holder.code, "list_id": list});
        expect_refused(&gate, there, "wrong_event").await;
        expect_accepted(&scan(&gate, code(&holder)).await);
    }

    async fn wrong_list_for_its_type(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let press = shop.add_type(json!({"name": "Press", "price_minor": 0, "capacity": 9})).await;
        let types = json!([press, shop.type_id("vip")]);
        let list = add_list(&shop, json!({"name": "Press and VIP", "ticket_type_ids": types})).await;
        let (free, pressed) = (give_free(app, &shop).await, give(app, &shop, &press).await);
        let there = json!({"code": free.code, "list_id": list});
        expect_refused(&gate, there, "wrong_list").await;
        expect_accepted(&scan(&gate, at(&pressed, &list, "entry")).await);
        assert_eq!(read(&free.guest, &free.ticket).await["status"], "valid");
        // The default list takes them all.
        for holder in [&free, &pressed] {
            expect_accepted(&scan(&gate, code(holder)).await);
        }
    }

    async fn wrong_list_for_its_session(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let friday = add_session(&shop, "Friday", 12).await;
        let saturday = add_session(&shop, "Saturday", 13).await;
        let list = add_list(&shop, json!({"name": "Friday", "session_id": friday})).await;
        let free = shop.type_id("free");
        let on_friday = give_for(app, &shop, free, Some(&friday)).await;
        let on_saturday = give_for(app, &shop, free, Some(&saturday)).await;
        expect_accepted(&scan(&gate, at(&on_friday, &list, "entry")).await);
        let there = json!({"code": on_saturday.code, "list_id": list});
        expect_refused(&gate, there, "wrong_list").await;
        // A type that is sold for a session is its session's.
        let body = json!({"name": "Saturday", "price_minor": 0, "capacity": 9, "session_id": saturday});
        let kind = shop.add_type(body).await;
        let typed = give(app, &shop, &kind).await;
        let there = json!({"code": typed.code, "list_id": list});
        expect_refused(&gate, there, "wrong_list").await;
    }

    async fn exit_without_entry(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let out = json!({"code": holder.code, "direction": "exit"});
        let scanned = scan(&gate, out).await;
        expect_rejected(&scanned, "exit_without_entry");
        let ticket = read(&holder.guest, &holder.ticket).await;
        assert_eq!(ticket["status"], "valid");
        expect_accepted(&scan(&gate, code(&holder)).await);
    }
}
