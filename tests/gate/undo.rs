//! An entry by mistake is taken back by a manager, for a reason that is written down.

use serde_json::{Value, json};

use super::{CHECKINS, code, count, expect_accepted, expect_rejected, open, scan};
use crate::support::sale::text;
use crate::support::{Answer, Client, TestApp, on_both};
use crate::tickets::{give_free, read};

async fn undo(client: &Client, scan: &Value) -> Answer {
    let path = format!("{CHECKINS}/{}/undo", text(&scan["scan_id"]));
    client
        .post(&path, json!({"reason": "Scanned the wrong phone"}))
        .await
}

on_both! {
    async fn the_ticket_is_good_again(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        expect_accepted(&entry);
        let undone = undo(&manager, &entry).await;
        assert!(undone.expect(200).text.contains(&text(&entry["scan_id"])), "{}", undone.text);
        let ticket = read(&holder.guest, &holder.ticket).await;
        assert_eq!((&ticket["status"], &ticket["used_at"]), (&json!("valid"), &Value::Null));
        assert_eq!(count(app, "admissions WHERE closed_at IS NULL").await, 0);
        expect_accepted(&scan(&gate, code(&holder)).await);
        expect_rejected(&scan(&gate, code(&holder)).await, "already_used");
    }

    async fn it_is_written_down(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        undo(&manager, &entry).await.expect(200);
        let log = manager.get(&format!("/api/v1/audit-log?actor={}", manager.user_id())).await;
        let entries = log.expect(200).body["data"].as_array().unwrap();
        let told = entries.iter().filter(|entry| text(&entry["action"]).contains("undo"));
        assert_eq!(told.count(), 1, "{}", log.text);
        // The scan itself stays: nothing that happened at a gate disappears.
        let scans = manager.get(&format!("{CHECKINS}?ticket_id={}", holder.ticket)).await;
        assert!(scans.expect(200).text.contains(&text(&entry["scan_id"])), "{}", scans.text);
        assert!(count(app, "scans WHERE result = 'accepted'").await >= 1);
    }

    async fn it_is_done_once_and_to_an_entry(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        let refused = scan(&gate, code(&holder)).await;
        undo(&shop.admin, &refused).await.expect_problem(409, "invalid_transition");
        undo(&shop.admin, &entry).await.expect(200);
        undo(&shop.admin, &entry).await.expect_problem(409, "invalid_transition");
        // Nor does an old one end the next visit.
        expect_accepted(&scan(&gate, code(&holder)).await);
        undo(&shop.admin, &entry).await.expect_problem(409, "invalid_transition");
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
    }

    async fn it_needs_a_reason(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        let path = format!("{CHECKINS}/{}/undo", text(&entry["scan_id"]));
        for body in [json!({}), json!({"reason": ""}), json!({"reason": 1})] {
            shop.admin.post(&path, body).await.expect_problem(422, "validation_failed");
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
    }

    async fn only_managers_do_it(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let other = app.member(&elsewhere, "manager", "other@example.com").await;
        let asha = app.user("asha@example.com").await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        for member in [&gate, &finance] {
            undo(member, &entry).await.expect_problem(403, "forbidden");
        }
        for stranger in [&other, &asha] {
            undo(stranger, &entry).await.expect_problem(404, "not_found");
        }
        undo(&app.nobody(), &entry).await.expect_problem(401, "unauthenticated");
        let nothing = json!({"scan_id": "scn_01h455vb4pex5vsknk084sn02q"});
        undo(&shop.admin, &nothing).await.expect_problem(404, "not_found");
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
    }
}
