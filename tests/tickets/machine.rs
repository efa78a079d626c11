//! Staff voids, suspends and reinstates tickets, along the machine's arrows and for a reason.

use serde_json::{Value, json};

use super::{PICTURES, actions, give_free, go, path, qr, read, step, verify};
use crate::support::sale::{Shop, text};
use crate::support::{TestApp, on_both};

const STEPS: [&str; 3] = ["void", "suspend", "reinstate"];

on_both! {
    async fn only_the_arrows_of_the_machine_exist(app: &TestApp) {
        let shop = Shop::open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for (way, status, refused) in [
            ("", "valid", "reinstate"),
            ("suspend", "suspended", "suspend"),
            ("suspend reinstate", "valid", "reinstate"),
            ("void", "void", "void suspend reinstate"),
            ("suspend void", "void", "void suspend reinstate"),
            ("suspend reinstate suspend reinstate void", "void", "void suspend reinstate"),
        ] {
            let holder = give_free(app, &shop).await;
            for step in way.split_whitespace() {
                go(&manager, &holder.ticket, step).await.expect(200);
            }
            let before = read(&holder.guest, &holder.ticket).await;
            assert_eq!(before["status"], status, "{way}");
            for step in refused.split(' ') {
                go(&manager, &holder.ticket, step).await.expect_problem(409, "invalid_transition");
            }
            assert_eq!(read(&holder.guest, &holder.ticket).await, before);
        }
    }

    async fn a_used_ticket_may_be_suspended_but_not_voided(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let entry = json!({"code": holder.code});
        let entered = shop.admin.post("/api/v1/checkins", entry).await;
        assert_eq!(entered.expect(200).body["result"], "accepted");
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
        go(&shop.admin, &holder.ticket, "void").await.expect_problem(409, "invalid_transition");
        go(&shop.admin, &holder.ticket, "reinstate").await.expect_problem(409, "invalid_transition");
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        let back = go(&shop.admin, &holder.ticket, "reinstate").await;
        assert_eq!(back.expect(200).body["status"], "used");
        assert!(back.body["used_at"].is_string(), "{}", back.text);
    }

    async fn an_unpaid_ticket_is_not_suspended(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let ticket = text(&purchase.body["tickets"][0]["id"]);
        for step in ["suspend", "reinstate"] {
            go(&shop.admin, &ticket, step).await.expect_problem(409, "invalid_transition");
        }
        assert_eq!(read(&purchase.guest, &ticket).await["status"], "reserved");
    }

    async fn a_stopped_ticket_shows_no_code(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for (step, code, reason) in [
            ("suspend", Some("ticket_suspended"), "suspended"), ("reinstate", None, "ok"),
            ("void", Some("ticket_void"), "void"),
        ] {
            go(&shop.admin, &holder.ticket, step).await.expect(200);
            assert_eq!(verify(&shop.admin, &holder.code).await["reason"], reason);
            let Some(code) = code else {
                assert_eq!(qr(&holder.guest, &holder.ticket).await["qr_payload"], holder.code.as_str());
                continue;
            };
            for way in ["qr"].iter().chain(&PICTURES) {
                for client in [&holder.guest, &shop.admin] {
                    let path = format!("{}/{way}", path(&holder.ticket));
                    client.get(&path).await.expect_problem(409, code);
                }
            }
        }
    }

    async fn each_needs_a_reason_and_a_key(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for name in STEPS {
            for body in [json!({}), json!({"reason": ""}), json!({"reason": " "}), json!({"reason": 1}),
                json!({"reason": null}), json!({"reason": "a\u{0}b"}), json!({"reason": "x".repeat(5_001)})] {
                let refused = step(&shop.admin, &holder.ticket, name, body).await;
                refused.expect_problem(422, "validation_failed");
            }
            let more = json!({"reason": "Sold twice", "status": "valid"});
            step(&shop.admin, &holder.ticket, name, more).await.expect_problem(422, "unknown_field");
            let path = format!("{}/{name}", path(&holder.ticket));
            let keyless = shop.admin.post(&path, json!({"reason": "Sold twice"})).await;
            keyless.expect_problem(400, "idempotency_key_required");
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
    }

    async fn it_is_told_who_did_it(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for step in ["suspend", "reinstate", "void"] {
            go(&manager, &holder.ticket, step).await.expect(200);
        }
        go(&manager, &holder.ticket, "suspend").await.expect(409);
        let done = actions(&shop.admin, &holder.ticket).await;
        let told = ["ticket.suspended", "ticket.reinstated", "ticket.voided"];
        assert!(done.ends_with(&told.map(str::to_owned)), "{done:?}");
        let log = shop.admin.get(&format!("/api/v1/audit-log?object={}&limit=1", holder.ticket)).await;
        assert_eq!(log.expect(200).body["data"][0]["actor"], manager.user_id());
        let ticket = read(&manager, &holder.ticket).await;
        assert_eq!((&ticket["status"], &ticket["used_at"]), (&json!("void"), &Value::Null));
    }
}
