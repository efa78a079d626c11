//! Check-in lists: who is taken where, from when to when, and whether one may come back.

use serde_json::{Value, json};

use super::{add_list, at, default_list, expect_accepted, open, scan};
use crate::support::sale::{Shop, text};
use crate::support::{TestApp, event_body, on_both};
use crate::tickets::{add_session, give_free};

fn path(shop: &Shop) -> String {
    format!("{}/checkin-lists", shop.path())
}

on_both! {
    async fn every_event_has_one_for_all(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let mut body = event_body("Just made");
        body["organizer_id"] = json!(shop.organizer);
        let draft = manager.post("/api/v1/events", body).await.expect(201).id();
        let (one, other) = (default_list(&gate, &shop.event).await, default_list(&manager, &draft).await);
        assert_ne!(one, other);
        assert_eq!(one, default_list(&shop.admin, &shop.event).await);
        let list = gate.get(&format!("{}/{one}", path(&shop))).await;
        let list = &list.expect(200).body;
        assert_eq!((&list["id"], &list["name"]), (&json!(one), &json!("default")));
        assert_eq!((&list["default"], &list["multi_entry"]), (&json!(true), &json!(false)));
        assert!(text(&list["id"]).starts_with("lst_"), "{list}");
        for open in ["session_id", "opens_at", "closes_at"] {
            assert!(list[open].is_null(), "{open}: {list}");
        }
    }

    async fn a_manager_makes_and_changes_one(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let friday = add_session(&shop, "Friday", 12).await;
        let body = json!({
            "name": "VIP, Friday", "ticket_type_ids": [shop.type_id("vip"), shop.type_id("free")],
            "session_id": friday, "multi_entry": true,
            "opens_at": "2027-02-12T15:00:00+03:00", "closes_at": "2027-02-12T23:00:00Z",
        });
        let made = manager.post(&path(&shop), body).await;
        let list = &made.expect(201).body;
        assert!(made.header("location").unwrap().ends_with(&made.id()));
        assert_eq!((&list["name"], &list["default"]), (&json!("VIP, Friday"), &json!(false)));
        assert_eq!(list["multi_entry"], true);
        assert_eq!((&list["session_id"], &list["opens_at"]), (&json!(friday), &json!("2027-02-12T12:00:00Z")));
        let types = list["ticket_type_ids"].as_array().unwrap();
        assert!(types.len() == 2 && types.contains(&json!(shop.type_id("free"))), "{list}");

        let one = format!("{}/{}", path(&shop), made.id());
        let read = gate.get(&one).await;
        assert_eq!(&read.expect(200).body, list);
        let tag = read.header("etag").unwrap().to_owned();
        let types = json!([shop.type_id("vip")]);
        let change = json!({"name": "VIP", "ticket_type_ids": types, "session_id": null, "closes_at": null});
        let changed = manager.patch(&one, change).await;
        let now = &changed.expect(200).body;
        assert_eq!((&now["name"], &now["ticket_type_ids"]), (&json!("VIP"), &types));
        assert!(now["session_id"].is_null() && now["closes_at"].is_null(), "{now}");
        assert_eq!((&now["opens_at"], &now["multi_entry"]), (&list["opens_at"], &json!(true)));
        let request = manager.request("PATCH", &one).header("If-Match", tag);
        let late = manager.send(request.json(&json!({"name": "Late"}))).await;
        late.expect_problem(412, "precondition_failed");
        let all = gate.get(&path(&shop)).await;
        assert_eq!(all.expect(200).body["data"].as_array().unwrap().len(), 2);
        assert!(!all.text.contains("Late"), "{}", all.text);
        // Null is all types again, as when it is left out.
        manager.patch(&one, json!({"ticket_type_ids": null, "opens_at": null})).await.expect(200);
        let holder = give_free(app, &shop).await;
        expect_accepted(&scan(&gate, at(&holder, &made.id(), "entry")).await);
    }

    async fn it_names_only_what_is_the_events_own(app: &TestApp) {
        let (shop, _) = open(app).await;
        let other = Shop::open(app).await;
        let theirs = add_session(&other, "Friday", 12).await;
        let one = format!("{}/{}", path(&shop), add_list(&shop, json!({"name": "North"})).await);
        for wrong in [
            json!({"ticket_type_ids": [other.type_id("vip")]}),
            json!({"ticket_type_ids": [shop.type_id("vip"), "tty_01h455vb4pex5vsknk084sn02q"]}),
            json!({"ticket_type_ids": ["vip"]}), json!({"ticket_type_ids": shop.type_id("vip")}),
            json!({"session_id": theirs}), json!({"session_id": "Friday"}),
            json!({"opens_at": "2027-02-12T23:00:00Z", "closes_at": "2027-02-12T15:00:00Z"}),
            json!({"opens_at": "tomorrow"}), json!({"multi_entry": "yes"}), json!({"name": ""}),
            json!({"name": "x".repeat(201)}),
        ] {
            let mut new = json!({"name": "South"});
            new.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            shop.admin.post(&path(&shop), new).await.expect_problem(422, "validation_failed");
            shop.admin.patch(&one, wrong).await.expect_problem(422, "validation_failed");
        }
        shop.admin.post(&path(&shop), json!({})).await.expect_problem(422, "validation_failed");
        for body in [json!({"name": "South", "default": true}), json!({"name": "South", "event_id": other.event})] {
            shop.admin.post(&path(&shop), body).await.expect_problem(422, "unknown_field");
        }
        let all = shop.admin.get(&path(&shop)).await;
        assert_eq!(all.expect(200).body["data"].as_array().unwrap().len(), 2);
        assert!(all.text.contains("North") && !all.text.contains("South"), "{}", all.text);
        // A window whose end alone is changed must still be one.
        shop.admin.patch(&one, json!({"opens_at": "2027-02-12T15:00:00Z"})).await.expect(200);
        let closed = json!({"closes_at": "2027-02-12T14:00:00Z"});
        shop.admin.patch(&one, closed).await.expect_problem(422, "validation_failed");
    }

    async fn a_list_is_found_under_its_own_event(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let other = Shop::open(app).await;
        let theirs = add_list(&other, json!({"name": "South"})).await;
        for list in [theirs.as_str(), "lst_01h455vb4pex5vsknk084sn02q", "1"] {
            let one = format!("{}/{list}", path(&shop));
            for client in [&gate, &shop.admin] {
                client.get(&one).await.expect_problem(404, "not_found");
                client.get(&format!("{one}/status")).await.expect_problem(404, "not_found");
            }
            shop.admin.patch(&one, json!({"name": "Mine"})).await.expect_problem(404, "not_found");
        }
    }

    async fn only_managers_change_them_and_only_staff_reads_them(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let other = app.member(&elsewhere, "manager", "other@example.com").await;
        let asha = app.user("asha@example.com").await;
        let one = format!("{}/{}", path(&shop), add_list(&shop, json!({"name": "North"})).await);
        gate.post(&path(&shop), json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
        gate.patch(&one, json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
        for client in [&finance, &other, &asha] {
            for answer in [
                client.get(&path(&shop)).await, client.get(&one).await,
                client.get(&format!("{one}/status")).await,
                client.post(&path(&shop), json!({"name": "Mine"})).await,
                client.patch(&one, json!({"name": "Mine"})).await,
            ] {
                assert!(matches!(answer.status, 403 | 404), "{}: {}", answer.status, answer.text);
            }
        }
        app.nobody().get(&path(&shop)).await.expect_problem(401, "unauthenticated");
        let kept = shop.admin.get(&one).await;
        assert_eq!((&kept.expect(200).body["name"], &kept.body["session_id"]), (&json!("North"), &Value::Null));
    }
}
