//! A code exists once its ticket is paid for; everybody can check it against the published keys.

use serde_json::{Value, json};

use super::code::{Code, is_signed, published_keys, uuid};
use super::{PICTURES, add_session, give, give_for, give_free, go, path, payload, qr, read};
use crate::support::sale::{BUYER, Shop, VIP, text};
use crate::support::{TestApp, on_both};

/// 2027-02-11, noon and eleven at night, in unix seconds.
const NOON: u32 = 1_802_347_200;
const NIGHT: u32 = 1_802_386_800;

on_both! {
    async fn an_unpaid_ticket_has_no_code(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let ticket = text(&purchase.body["tickets"][0]["id"]);
        let reserved = read(&purchase.guest, &ticket).await;
        assert_eq!((&reserved["status"], &reserved["order_status"]), (&json!("reserved"), &json!("pending")));
        assert_eq!(reserved["issued_at"], Value::Null);
        for way in ["qr"].iter().chain(&PICTURES) {
            let path = format!("{}/{way}", path(&ticket));
            for client in [&purchase.guest, &shop.admin] {
                client.get(&path).await.expect_problem(409, "ticket_not_issued");
            }
        }
        purchase.simulate("fail").await;
        app.drain().await;
        let refused = purchase.guest.get(&format!("{}/qr", path(&ticket))).await;
        refused.expect_problem(409, "ticket_not_issued");
    }

    async fn a_paid_ticket_has_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        let ticket = text(&purchase.body["tickets"][0]["id"]);
        let valid = read(&purchase.guest, &ticket).await;
        let serial = text(&valid["serial"]);
        let groups: Vec<usize> = serial.split('-').map(str::len).collect();
        assert_eq!(groups, [3, 4, 4, 3], "{serial}");
        for (member, expected) in [
            ("status", json!("valid")), ("event_id", json!(shop.event)),
            ("event_name", json!("Sauti za Busara")), ("ticket_type_name", json!("VIP")),
            ("ticket_type_id", json!(shop.type_id("vip"))), ("order_id", json!(purchase.order)),
            ("order_status", json!("confirmed")), ("price_minor", json!(VIP)),
            ("currency", json!("TZS")), ("session", Value::Null), ("used_at", Value::Null),
            ("credential_version", json!(1)), ("valid_from", Value::Null),
        ] {
            assert_eq!(valid[member], expected, "{member}");
        }
        assert!(valid["issued_at"].is_string(), "{valid}");

        let answer = purchase.guest.get(&format!("{}/qr", path(&ticket))).await;
        let told = &answer.expect(200).body;
        for (member, expected) in [
            ("ticket_id", json!(ticket)), ("serial", json!(serial)), ("status", json!("valid")),
            ("credential_version", json!(1)), ("event_name", json!("Sauti za Busara")),
            ("ticket_type_name", json!("VIP")), ("used_at", Value::Null),
            ("issued_at", valid["issued_at"].clone()),
        ] {
            assert_eq!(told[member], expected, "{member}");
        }
        assert_eq!(told["kid"], Code::read(&text(&told["qr_payload"])).kid);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(!answer.text.contains(BUYER) && !answer.text.contains("Juma"), "{}", answer.text);
        // The manager sees the same code; it is no other each time.
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for client in [&manager, &purchase.guest] {
            assert_eq!(qr(client, &ticket).await["qr_payload"], told["qr_payload"]);
        }
    }

    async fn a_code_says_what_it_should_and_its_key_is_published(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 2)])).await;
        let keys = published_keys(app).await;
        assert_eq!(keys.len(), 1);
        let mut codes = Vec::new();
        for ticket in purchase.body["tickets"].as_array().unwrap() {
            let ticket = text(&ticket["id"]);
            let code = payload(&purchase.guest, &ticket).await;
            // It fits the QR code's alphabet, and no more than version 8.
            assert_eq!(code.len(), 169, "{code}");
            assert_eq!(Code::read(&code), Code {
                kid: *keys.keys().next().unwrap(),
                event: uuid(&shop.event), ticket: uuid(&ticket), version: 1,
                not_before: 0, not_after: 0,
            });
            assert!(is_signed(app, &code).await, "{code}");
            codes.push(code);
        }
        assert_ne!(codes[0], codes[1]);
    }

    async fn a_code_carries_the_window_of_its_type(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (from, until) = ("2027-02-11T15:00:00+03:00", "2027-02-11T23:00:00Z");
        for (number, window, expected) in [
            (1, json!({"valid_from": from, "valid_until": until}), (NOON, NIGHT)),
            (2, json!({"valid_from": from}), (NOON, 0)),
            (3, json!({"valid_until": until}), (0, NIGHT)),
        ] {
            let mut body = json!({"name": format!("Evening {number}"), "price_minor": 0, "capacity": 9});
            body.as_object_mut().unwrap().extend(window.as_object().unwrap().clone());
            let evening = shop.add_type(body).await;
            let holder = give(app, &shop, &evening).await;
            let code = Code::read(&holder.code);
            assert_eq!((code.not_before, code.not_after), expected);
            assert!(is_signed(app, &holder.code).await);
            let ticket = read(&holder.guest, &holder.ticket).await;
            assert_eq!(ticket["valid_from"].is_string(), expected.0 > 0, "{ticket}");
            assert_eq!(ticket["valid_until"].is_string(), expected.1 > 0, "{ticket}");
        }
    }

    async fn a_ticket_names_its_session(app: &TestApp) {
        let shop = Shop::open(app).await;
        let friday = add_session(&shop, "Friday", 12).await;
        let holder = give_for(app, &shop, shop.type_id("free"), Some(&friday)).await;
        let session = read(&holder.guest, &holder.ticket).await["session"].clone();
        assert_eq!((&session["id"], &session["name"]), (&json!(friday), &json!("Friday")));
        assert_eq!(session["starts_at"], "2027-02-12T15:00:00Z");
        assert!(session["ends_at"].is_null(), "{session}");
    }

    async fn a_ticket_has_a_version(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let first = holder.guest.get(&path(&holder.ticket)).await;
        let tag = first.expect(200).header("etag").unwrap().to_owned();
        assert_eq!(first.header("cache-control"), Some("no-store"));
        let again = async || {
            let request = holder.guest.request("GET", &path(&holder.ticket));
            holder.guest.send(request.header("If-None-Match", &tag)).await
        };
        again().await.expect(304);
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        assert_eq!(again().await.expect(200).body["status"], "suspended");
    }
}
