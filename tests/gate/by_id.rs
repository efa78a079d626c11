//! Without a code staff lets in by the ticket's id, and says why.

use serde_json::{Value, json};

use super::{CHECKINS, code, count, expect_accepted, expect_rejected, open, scan};
use crate::support::sale::{Shop, key};
use crate::support::{Answer, Client, TestApp, on_both};
use crate::tickets::{Holder, give_free, path, read};

/// Checks a ticket in by its own path.
async fn check_in(client: &Client, ticket: &str, body: Value) -> Answer {
    let path = format!("{}/checkin", path(ticket));
    client.keyed(&key(), "POST", &path, body).await
}

fn by_id(holder: &Holder) -> Value {
    json!({"ticket_id": holder.ticket, "reason_note": "Phone is dead, passport seen"})
}

/// How often somebody stands in the audit log.
async fn count_deeds(admin: &Client, user: &Client) -> usize {
    let path = format!("/api/v1/audit-log?actor={}", user.user_id());
    let log = admin.get(&path).await;
    log.expect(200).body["data"].as_array().unwrap().len()
}

on_both! {
    async fn it_needs_a_reason_and_is_written_down(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        for wrong in [
            json!({"ticket_id": holder.ticket}), json!({"ticket_id": holder.ticket, "reason_note": ""}),
            json!({"ticket_id": holder.ticket, "reason_note": "  "}), json!({"ticket_id": "tkt_x", "reason_note": "x"}),
            json!({"ticket_id": holder.order, "reason_note": "x"}), json!({"reason_note": "x"}),
        ] {
            gate.post(CHECKINS, wrong).await.expect_problem(422, "validation_failed");
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
        let before = count_deeds(&shop.admin, &gate).await;
        expect_accepted(&scan(&gate, by_id(&holder)).await);
        assert_eq!(count_deeds(&shop.admin, &gate).await, before + 1);
        expect_rejected(&scan(&gate, by_id(&holder)).await, "already_used");
        expect_rejected(&scan(&gate, code(&holder)).await, "already_used");
        let scans = shop.admin.get(&format!("{CHECKINS}?ticket_id={}", holder.ticket)).await;
        assert_eq!(scans.expect(200).body["data"].as_array().unwrap().len(), 3);
        assert!(scans.text.contains("Phone is dead, passport seen"), "{}", scans.text);
    }

    async fn the_tickets_own_path_does_the_same(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let refused = check_in(&gate, &holder.ticket, json!({})).await;
        refused.expect_problem(422, "validation_failed");
        let note = json!({"reason_note": "Phone is dead, passport seen"});
        let entered = check_in(&gate, &holder.ticket, note.clone()).await;
        expect_accepted(&entered.expect(200).body);
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
        let again = check_in(&gate, &holder.ticket, note.clone()).await;
        expect_rejected(&again.expect(200).body, "already_used");
        assert_eq!(count(app, "scans").await, 2);
        check_in(&gate, "tkt_01h455vb4pex5vsknk084sn02q", note.clone()).await.expect_problem(404, "not_found");
        let more = json!({"reason_note": "x", "code": holder.code});
        check_in(&gate, &holder.ticket, more).await.expect_problem(422, "unknown_field");
    }

    async fn an_unpaid_ticket_stays_outside(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let ticket = purchase.body["tickets"][0]["id"].as_str().unwrap();
        let body = json!({"ticket_id": ticket, "reason_note": "Says it was paid"});
        expect_rejected(&scan(&gate, body).await, "not_paid");
        let note = json!({"reason_note": "Says it was paid"});
        let refused = check_in(&gate, ticket, note).await;
        expect_rejected(&refused.expect(200).body, "not_paid");
        assert_eq!(read(&purchase.guest, ticket).await["status"], "reserved");
    }

    async fn another_organizers_ticket_is_not_let_in(app: &TestApp) {
        let (_, gate) = open(app).await;
        let other = Shop::open(app).await;
        let holder = give_free(app, &other).await;
        let answer = gate.post(CHECKINS, by_id(&holder)).await;
        let is_unknown = answer.status == 200 && answer.body["reason"] == "unknown_ticket";
        assert!(is_unknown || answer.status == 422, "{}", answer.text);
        let note = json!({"reason_note": "x"});
        check_in(&gate, &holder.ticket, note).await.expect_problem(404, "not_found");
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
        assert_eq!(count(app, "admissions").await, 0);
    }
}
