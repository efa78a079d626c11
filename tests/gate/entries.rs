//! Who is let in, out and in again.

use serde_json::{Value, json};

use super::{
    CHECKINS, add_list, at, code, count, default_list, expect_accepted, expect_rejected, open, scan,
};
use crate::support::sale::{BUYER, text};
use crate::support::{TestApp, on_both};
use crate::tickets::{give_free, path, read};

on_both! {
    async fn a_ticket_lets_in_once(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let attendee = json!({"attendee": {"name": "Asha Mwinyi", "email": "asha@example.com"}});
        holder.guest.patch(&path(&holder.ticket), attendee).await.expect(200);
        let answer = gate.post(CHECKINS, json!({"code": holder.code, "gate": "North 2"})).await;
        let entry = &answer.expect(200).body;
        expect_accepted(entry);
        assert!(text(&entry["scan_id"]).starts_with("scn_"), "{entry}");
        assert!(entry["message"].is_string() && entry["previous_scan"].is_null(), "{entry}");
        assert!(entry["ticket"].is_object(), "{entry}");
        for secret in ["asha@example.com", BUYER, "TG1:", "ogt_"] {
            assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
        }
        let used = read(&holder.guest, &holder.ticket).await;
        assert_eq!(used["status"], "used");
        assert!(used["used_at"].is_string(), "{used}");

        app.clock.advance(std::time::Duration::from_secs(60));
        let again = scan(&gate, code(&holder)).await;
        expect_rejected(&again, "already_used");
        // Which entry it was, so that staff can decide.
        let previous = again["previous_scan"].to_string();
        assert!(previous.contains(&text(&entry["scan_id"])), "{previous}");
        assert_ne!(again["scan_id"], entry["scan_id"]);
        assert_eq!(read(&holder.guest, &holder.ticket).await["used_at"], used["used_at"]);
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (2, 1));
        // Who shows the code of a used ticket sees that it is.
        let qr = holder.guest.get(&format!("{}/qr", path(&holder.ticket))).await;
        assert_eq!((&qr.expect(200).body["status"], &qr.body["used_at"]), (&json!("used"), &used["used_at"]));
    }

    async fn managers_let_in_too(app: &TestApp) {
        let (shop, _) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for client in [&manager, &shop.admin] {
            let holder = give_free(app, &shop).await;
            expect_accepted(&scan(client, code(&holder)).await);
        }
    }

    async fn no_list_means_the_default_one(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        expect_accepted(&scan(&gate, code(&holder)).await);
        let list = default_list(&gate, &shop.event).await;
        expect_rejected(&scan(&gate, at(&holder, &list, "entry")).await, "already_used");
    }

    async fn each_list_lets_in_for_itself(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let lounge = add_list(&shop, json!({"name": "Lounge"})).await;
        expect_accepted(&scan(&gate, code(&holder)).await);
        expect_accepted(&scan(&gate, at(&holder, &lounge, "entry")).await);
        for list in [None, Some(&lounge)] {
            let again = scan(&gate, json!({"code": holder.code, "list_id": list})).await;
            expect_rejected(&again, "already_used");
        }
        assert_eq!(count(app, "admissions").await, 2);
    }

    async fn where_one_may_come_back_one_comes_back(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let list = add_list(&shop, json!({"name": "Festival", "multi_entry": true})).await;
        let pass = async |direction: &str| scan(&gate, at(&holder, &list, direction)).await;
        expect_rejected(&pass("exit").await, "exit_without_entry");
        for _ in 0..3 {
            expect_accepted(&pass("entry").await);
            expect_rejected(&pass("entry").await, "already_used");
            expect_accepted(&pass("exit").await);
            expect_rejected(&pass("exit").await, "exit_without_entry");
        }
        expect_accepted(&pass("entry").await);
        let ticket = read(&holder.guest, &holder.ticket).await;
        assert_eq!(ticket["status"], "used");
        assert_eq!(count(app, "admissions WHERE closed_at IS NULL").await, 1);
    }

    async fn elsewhere_one_does_not(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let list = default_list(&gate, &shop.event).await;
        expect_rejected(&scan(&gate, at(&holder, &list, "exit")).await, "exit_without_entry");
        expect_accepted(&scan(&gate, at(&holder, &list, "entry")).await);
        expect_accepted(&scan(&gate, at(&holder, &list, "exit")).await);
        expect_rejected(&scan(&gate, at(&holder, &list, "entry")).await, "already_used");
        expect_rejected(&scan(&gate, at(&holder, &list, "exit")).await, "exit_without_entry");
        assert_eq!(count(app, "admissions").await, 1);
    }

    async fn the_first_entry_is_when_it_was_used(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let list = add_list(&shop, json!({"name": "Festival", "multi_entry": true})).await;
        expect_accepted(&scan(&gate, at(&holder, &list, "entry")).await);
        let first = read(&holder.guest, &holder.ticket).await["used_at"].clone();
        app.clock.advance(std::time::Duration::from_secs(60));
        expect_accepted(&scan(&gate, at(&holder, &list, "exit")).await);
        expect_accepted(&scan(&gate, at(&holder, &list, "entry")).await);
        assert_eq!(read(&holder.guest, &holder.ticket).await["used_at"], first);
    }

    async fn a_scan_that_cannot_be_read_is_none(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let nothing = "lst_01h455vb4pex5vsknk084sn02q";
        for wrong in [
            json!({}), json!({"code": holder.code, "ticket_id": holder.ticket, "reason_note": "x"}),
            json!({"code": holder.code, "direction": "through"}), json!({"code": Value::Null}),
            json!({"code": holder.code, "list_id": nothing}), json!({"code": holder.code, "list_id": "x"}),
            json!({"code": holder.code, "nonce": ""}), json!({"code": holder.code, "nonce": "x".repeat(101)}),
            json!({"code": holder.code, "nonce": 7}), json!({"code": holder.code, "gate": 7}),
        ] {
            gate.post(CHECKINS, wrong).await.expect_problem(422, "validation_failed");
        }
        let unknown = json!({"code": holder.code, "force": true});
        gate.post(CHECKINS, unknown).await.expect_problem(422, "unknown_field");
        assert_eq!(count(app, "scans").await, 0);
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
    }
}
