//! Who comes with a ticket is named by its owner or by a manager.

use serde_json::{Value, json};

use super::{give_free, go, path, payload, read};
use crate::support::sale::Shop;
use crate::support::{TestApp, on_both};

on_both! {
    async fn owner_and_manager_name_who_comes(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let path = path(&holder.ticket);
        for (client, name, email) in [
            (&holder.guest, "Asha Mwinyi", json!("asha@example.com")),
            (&manager, "Bahati «B» Otieno", json!("bahati@example.com")),
            (&holder.guest, "Neema Said", Value::Null),
        ] {
            let change = json!({"attendee": {"name": name, "email": email}});
            let changed = client.patch(&path, change).await;
            let attendee = &changed.expect(200).body["attendee"];
            assert_eq!((&attendee["name"], &attendee["email"]), (&json!(name), &email));
            assert_eq!(read(&holder.guest, &holder.ticket).await, changed.body);
            assert!(changed.header("etag").is_some());
        }
        // The code is who has it, whoever that is.
        assert_eq!(payload(&holder.guest, &holder.ticket).await, holder.code);
    }

    async fn a_change_that_is_no_good_changes_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let before = holder.guest.get(&path(&holder.ticket)).await;
        let path = path(&holder.ticket);
        for wrong in [
            json!({"attendee": {"name": ""}}), json!({"attendee": {"name": "a\u{0}b"}}),
            json!({"attendee": {"name": "x".repeat(201)}}), json!({"attendee": "Asha"}),
            json!({"attendee": {"name": "Asha", "email": "no address"}}),
            json!({"attendee": {"name": "Asha", "email": "a@example.com\r\nBcc: x@y.z"}}),
        ] {
            holder.guest.patch(&path, wrong).await.expect_problem(422, "validation_failed");
        }
        for wrong in [json!({"status": "used"}), json!({"credential_version": 9}), json!({"serial": "x"})] {
            holder.guest.patch(&path, wrong).await.expect_problem(422, "unknown_field");
        }
        let nested = json!({"attendee": {"name": "Asha", "vip": true}});
        holder.guest.patch(&path, nested).await.expect_problem(422, "unknown_field");
        let after = holder.guest.get(&path).await;
        assert_eq!((after.header("etag"), &after.body), (before.header("etag"), &before.body));
    }

    async fn a_change_over_an_older_version_is_refused(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let path = path(&holder.ticket);
        let seen = holder.guest.get(&path).await.header("etag").unwrap().to_owned();
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        go(&shop.admin, &holder.ticket, "reinstate").await.expect(200);
        let change = json!({"attendee": {"name": "Asha Mwinyi"}});
        let request = holder.guest.request("PATCH", &path).header("If-Match", seen);
        holder.guest.send(request.json(&change)).await.expect_problem(412, "precondition_failed");
        let now = holder.guest.get(&path).await.header("etag").unwrap().to_owned();
        let request = holder.guest.request("PATCH", &path).header("If-Match", now);
        holder.guest.send(request.json(&change)).await.expect(200);
    }
}
