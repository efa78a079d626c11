//! Looking at a ticket tells what a gate must know, no more, and changes nothing.

use serde_json::{Value, json};

use super::{code, count, expect_accepted, open, scan};
use crate::support::sale::{BUYER, Shop};
use crate::support::{TestApp, on_both};
use crate::tickets::{VERIFY, actions, give_free, path, payload, read};

on_both! {
    async fn it_tells_what_a_gate_must_know(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let attendee = json!({"attendee": {"name": "Asha Mwinyi", "email": "asha@example.com"}});
        holder.guest.patch(&path(&holder.ticket), attendee).await.expect(200);
        let ticket = read(&holder.guest, &holder.ticket).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for client in [&gate, &manager, &shop.admin] {
            let looked = client.post(VERIFY, code(&holder)).await;
            let told = &looked.expect(200).body;
            for (member, expected) in [
                ("result", json!("valid")), ("is_valid", json!(true)), ("reason", json!("ok")),
                ("ticket_id", json!(holder.ticket)), ("serial", ticket["serial"].clone()),
                ("status", json!("valid")), ("event_name", json!("Sauti za Busara")),
                ("ticket_type_name", json!("Free")), ("attendee_name", json!("Asha Mwinyi")),
                ("issued_at", ticket["issued_at"].clone()), ("used_at", Value::Null),
                ("previous_scan", Value::Null),
            ] {
                assert_eq!(told[member], expected, "{member}");
            }
            for secret in ["asha@example.com", BUYER, "+255713000222", &holder.order, "TG1:", "ogt_"] {
                assert!(!looked.text.contains(secret), "{secret}: {}", looked.text);
            }
            assert_eq!(looked.header("cache-control"), Some("no-store"));
        }
    }

    async fn it_changes_nothing(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let before = read(&holder.guest, &holder.ticket).await;
        let done = actions(&shop.admin, &holder.ticket).await;
        let first = gate.post(VERIFY, code(&holder)).await;
        for _ in 0..3 {
            assert_eq!(gate.post(VERIFY, code(&holder)).await.expect(200).body, first.body);
        }
        gate.post(VERIFY, json!({"code": "nonsense"})).await.expect(200);
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (0, 0));
        assert_eq!(read(&holder.guest, &holder.ticket).await, before);
        assert_eq!(actions(&shop.admin, &holder.ticket).await, done);
        expect_accepted(&scan(&gate, code(&holder)).await);
    }

    async fn after_an_entry_it_shows_that_entry(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, json!({"code": holder.code, "gate": "North 2"})).await;
        expect_accepted(&entry);
        let told = gate.post(VERIFY, code(&holder)).await.expect(200).body.clone();
        assert_eq!((&told["is_valid"], &told["reason"]), (&json!(false), &json!("already_used")));
        assert_eq!((&told["status"], &told["ticket_id"]), (&json!("used"), &json!(holder.ticket)));
        assert!(told["used_at"].is_string(), "{told}");
        assert!(told["previous_scan"].is_object(), "{told}");
        assert_eq!(count(app, "scans").await, 1);
    }

    async fn a_code_belongs_in_no_address(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        for path in [format!("{VERIFY}?code=TG1"), format!("{VERIFY}/TG1")] {
            let answer = gate.get(&path).await;
            assert!(matches!(answer.status, 403 | 404 | 405 | 422), "{}", answer.text);
        }
        let unknown = json!({"code": holder.code, "event": shop.event});
        gate.post(VERIFY, unknown).await.expect_problem(422, "unknown_field");
    }

    async fn another_organizers_ticket_is_unknown(app: &TestApp) {
        let (_, gate) = open(app).await;
        let other = Shop::open(app).await;
        let paid = other.buy(app, other.items(&[("vip", 1)])).await;
        let ticket = paid.body["tickets"][0]["id"].as_str().unwrap();
        let vip = payload(&paid.guest, ticket).await;
        let free = give_free(app, &other).await.code;
        for code in [vip, free] {
            let told = gate.post(VERIFY, json!({"code": code})).await.expect(200).body.clone();
            assert_eq!((&told["is_valid"], &told["reason"]), (&json!(false), &json!("unknown_ticket")));
            for member in ["ticket_id", "serial", "status", "event_name", "ticket_type_name", "attendee_name",
                "issued_at", "used_at", "previous_scan"] {
                assert!(told[member].is_null(), "{member}: {told}");
            }
        }
    }
}
