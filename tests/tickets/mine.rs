//! Whoever is signed in finds all tickets that are theirs, a guest's among them.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{TICKETS, add_session, go, ids, path, payload, read};
use crate::support::sale::{BUYER, Shop, text};
use crate::support::{Client, TestApp, on_both};

const MINE: &str = "/api/v1/me/tickets";

/// Takes free tickets, and answers their ids.
async fn take(shop: &Shop, client: &Client, quantity: i64, session: Option<&str>) -> Vec<String> {
    let mut body = shop.body(shop.items(&[("free", quantity)]));
    body["session_id"] = json!(session);
    let placed = shop.place(client, body).await;
    let tickets = placed.expect(201).body["tickets"]
        .as_array()
        .unwrap()
        .clone();
    tickets.iter().map(|ticket| text(&ticket["id"])).collect()
}

fn set(ids: &[String]) -> HashSet<&String> {
    ids.iter().collect()
}

on_both! {
    async fn everybody_finds_the_own_ones_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let bahati = app.user("bahati@example.com").await;
        let first = take(&shop, &asha, 2, None).await;
        let second = take(&shop, &asha, 1, None).await;
        take(&shop, &app.nobody(), 1, None).await;
        let mine = asha.get(MINE).await;
        let found = ids(&mine);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], second[0]);
        assert_eq!(set(&found[1..]), set(&first));
        assert_eq!(mine.header("cache-control"), Some("no-store"));
        let one = mine.body["data"].as_array().unwrap().iter().find(|one| one["id"] == second[0].as_str());
        assert_eq!(one.unwrap(), &read(&asha, &second[0]).await);
        assert!(ids(&bahati.get(MINE).await).is_empty());
        app.nobody().get(MINE).await.expect_problem(401, "unauthenticated");
        // What staff sees is not theirs.
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for staff in [&manager, &shop.admin] {
            assert!(ids(&staff.get(MINE).await).is_empty());
        }
    }

    async fn a_guests_tickets_join_a_verified_account(app: &TestApp) {
        let shop = Shop::open(app).await;
        let taken = take(&shop, &app.nobody(), 1, None).await;
        let juma = app.user(BUYER).await;
        assert!(ids(&juma.get(MINE).await).is_empty());
        juma.get(&path(&taken[0])).await.expect_problem(404, "not_found");
        let token = app.mailed_token(BUYER, "Please confirm your e-mail address").await;
        app.nobody().post("/api/v1/auth/email/verify", json!({"token": token})).await.expect(204);
        assert_eq!(ids(&juma.get(MINE).await), taken);
        assert!(payload(&juma, &taken[0]).await.starts_with("TG1:"));
        // Somebody else's order stays somebody else's, whatever e-mail it names.
        let bahati = app.user("bahati@example.com").await;
        take(&shop, &bahati, 1, None).await;
        assert_eq!(ids(&juma.get(MINE).await), taken);
    }

    async fn they_are_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let friday = add_session(&shop, "Friday", 12).await;
        let saturday = add_session(&shop, "Saturday", 13).await;
        let here = take(&shop, &asha, 1, None).await;
        let on_friday = take(&shop, &asha, 1, Some(&friday)).await;
        let there = take(&other, &asha, 1, None).await;
        let body = shop.body(shop.items(&[("vip", 1)]));
        let reserved = shop.place(&asha, body).await.expect(201).body["tickets"][0]["id"].clone();
        go(&shop.admin, &here[0], "void").await.expect(200);

        let find = async |query: &str| ids(&asha.get(&format!("{MINE}?{query}")).await);
        assert_eq!(find(&format!("event_id={}", other.event)).await, there);
        assert_eq!(find(&format!("event_id={}", shop.event)).await.len(), 3);
        assert_eq!(find("status=void").await, here);
        assert_eq!(find("status=reserved").await, [text(&reserved)]);
        assert_eq!(find("status=valid,void").await, [there.clone(), on_friday.clone(), here.clone()].concat());
        assert_eq!(find(&format!("session_id={friday}")).await, on_friday);
        assert!(find(&format!("session_id={saturday}")).await.is_empty());
        assert!(find(&format!("event_id={}&session_id={friday}", other.event)).await.is_empty());
        asha.get(&format!("{MINE}?status=good")).await.expect_problem(422, "validation_failed");
        asha.get(&format!("{MINE}?event_id=evt_x")).await.expect_problem(422, "validation_failed");
        asha.get(&format!("{MINE}?email=x")).await.expect_problem(422, "unknown_parameter");
        asha.get(&format!("{TICKETS}?status=valid")).await.expect_problem(403, "forbidden");
    }

    async fn they_come_in_pages_and_are_counted_when_asked_for(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let taken = take(&shop, &asha, 5, None).await;
        let voided = &taken[0];
        go(&shop.admin, voided, "void").await.expect(200);
        assert!(asha.get(MINE).await.body["count"].is_null());
        let counted = asha.get(&format!("{MINE}?include_total=true&limit=2")).await;
        assert_eq!((&counted.expect(200).body["count"], &counted.body["has_more"]), (&json!(5), &json!(true)));
        let valid = asha.get(&format!("{MINE}?include_total=true&status=valid&limit=1")).await;
        assert_eq!(valid.expect(200).body["count"], 4);
        asha.get(&format!("{MINE}?include_total=perhaps")).await.expect_problem(422, "validation_failed");

        let mut found = Vec::new();
        let mut after = String::new();
        for _ in 0..3 {
            let page = asha.get(&format!("{MINE}?limit=2{after}")).await;
            found.extend(ids(&page));
            if page.body["has_more"] == true {
                after = format!("&after={}", text(&page.body["next_cursor"]));
            } else {
                assert_eq!(page.body["next_cursor"], Value::Null);
            }
        }
        assert_eq!((found.len(), set(&found)), (5, set(&taken)));
        asha.get(&format!("{MINE}?limit=201")).await.expect_problem(422, "validation_failed");
        asha.get(&format!("{MINE}?after=x")).await.expect_problem(422, "invalid_cursor");
    }
}
