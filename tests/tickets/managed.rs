//! Managers find the tickets of their organizer.

use std::slice::from_ref;

use serde_json::json;

use super::{TICKETS, add_session, give, give_for, give_free, go, ids, read};
use crate::support::sale::{Shop, text};
use crate::support::{TestApp, on_both};

on_both! {
    async fn managers_see_those_of_their_organizer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let own = give_free(app, &shop).await;
        let theirs = give_free(app, &other).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let seen = manager.get(TICKETS).await;
        assert_eq!(ids(&seen), from_ref(&own.ticket));
        assert_eq!(seen.header("cache-control"), Some("no-store"));
        assert_eq!(read(&manager, &own.ticket).await, seen.body["data"][0]);
        let elsewhere = manager.get(&format!("{TICKETS}?event_id={}", other.event)).await;
        assert!(ids(&elsewhere).is_empty());
        assert_eq!(ids(&shop.admin.get(TICKETS).await), [theirs.ticket, own.ticket]);
        for (role, email) in [("gate", "gate@example.com"), ("finance", "finance@example.com")] {
            let member = app.member(&shop.organizer, role, email).await;
            member.get(TICKETS).await.expect_problem(403, "forbidden");
        }
        app.nobody().get(TICKETS).await.expect_problem(401, "unauthenticated");
    }

    async fn they_are_filtered_and_counted(app: &TestApp) {
        let shop = Shop::open(app).await;
        let friday = add_session(&shop, "Friday", 12).await;
        let first = give_free(app, &shop).await;
        let second = give_for(app, &shop, shop.type_id("free"), Some(&friday)).await;
        let late = shop.add_type(json!({"name": "Late", "price_minor": 0, "capacity": 9})).await;
        let third = give(app, &shop, &late).await;
        go(&shop.admin, &second.ticket, "suspend").await.expect(200);

        let find = async |query: &str| ids(&shop.admin.get(&format!("{TICKETS}?{query}")).await);
        assert_eq!(find(&format!("order_id={}", second.order)).await, from_ref(&second.ticket));
        assert_eq!(find("status=suspended").await, from_ref(&second.ticket));
        assert_eq!(find("status=valid").await, [third.ticket.clone(), first.ticket.clone()]);
        let serial = text(&read(&first.guest, &first.ticket).await["serial"]);
        assert_eq!(find(&format!("serial={serial}")).await, from_ref(&first.ticket));
        assert!(find("serial=TKT-0000-0000-000").await.is_empty());
        assert_eq!(find(&format!("event_id={}&status=used", shop.event)).await, Vec::<String>::new());
        let counted = shop.admin.get(&format!("{TICKETS}?include_total=true&limit=1")).await;
        assert_eq!(counted.expect(200).body["count"], 3);
        assert_eq!(ids(&counted), from_ref(&third.ticket));
        let after = text(&counted.body["next_cursor"]);
        assert_eq!(find(&format!("include_total=true&limit=1&after={after}")).await, from_ref(&second.ticket));
        shop.admin.get(&format!("{TICKETS}?status=open")).await.expect_problem(422, "validation_failed");
        shop.admin.get(&format!("{TICKETS}?order_id=1")).await.expect_problem(422, "validation_failed");
        shop.admin.get(&format!("{TICKETS}?attendee=x")).await.expect_problem(422, "unknown_parameter");
    }
}
