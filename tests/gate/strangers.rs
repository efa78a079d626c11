//! Only gate staff and managers of the organizer stand at its gate.

use serde_json::{Value, json};

use super::{CHECKINS, code, count, expect_accepted, expect_refused, open, scan};
use crate::support::sale::{Shop, key};
use crate::support::{TestApp, on_both};
use crate::tickets::{VERIFY, give_free, path, payload, read};

on_both! {
    async fn buyers_finance_and_strangers_stay_outside(app: &TestApp) {
        let (shop, _) = open(app).await;
        let holder = give_free(app, &shop).await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let stranger = app.user("stranger@example.com").await;
        let asha = app.user("asha@example.com").await;
        let own = shop.order(&asha, shop.items(&[("free", 1)])).await;
        let own = own.expect(201).body["tickets"][0]["id"].as_str().unwrap().to_owned();
        let hers = payload(&asha, &own).await;
        for client in [&finance, &stranger, &asha] {
            for body in [code(&holder), json!({"code": hers}), json!({"code": "x"})] {
                for path in [VERIFY, CHECKINS] {
                    client.post(path, body.clone()).await.expect_problem(403, "forbidden");
                }
            }
            let by_id = json!({"ticket_id": own, "reason_note": "Mine"});
            client.post(CHECKINS, by_id).await.expect_problem(403, "forbidden");
        }
        // The ticket of one's own order is there, but not for oneself to let in.
        let note = json!({"reason_note": "Mine"});
        let at_path = format!("{}/checkin", path(&own));
        for (client, status) in [(&asha, 403), (&finance, 403), (&stranger, 404)] {
            let answer = client.keyed(&key(), "POST", &at_path, note.clone()).await;
            assert_eq!(answer.status, status, "{}", answer.text);
        }
        for client in [&holder.guest, &app.nobody()] {
            for path in [VERIFY, CHECKINS, &at_path] {
                let body = if path == at_path { note.clone() } else { code(&holder) };
                let answer = client.keyed(&key(), "POST", path, body).await;
                assert!(matches!(answer.status, 401 | 403 | 404), "{path}: {}", answer.text);
            }
        }
        app.nobody().post(CHECKINS, code(&holder)).await.expect_problem(401, "unauthenticated");
        app.nobody().post(VERIFY, code(&holder)).await.expect_problem(401, "unauthenticated");
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (0, 0));
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
    }

    async fn another_gate_knows_no_ticket_of_ours(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let other = Shop::open(app).await;
        let elsewhere = app.member(&other.organizer, "gate", "other@example.com").await;
        let manager = app.member(&other.organizer, "manager", "manager@example.com").await;
        let holder = give_free(app, &shop).await;
        for client in [&elsewhere, &manager] {
            expect_refused(client, code(&holder), "unknown_ticket").await;
            let scanned = scan(client, code(&holder)).await;
            assert_eq!((&scanned["ticket"], &scanned["previous_scan"]), (&Value::Null, &Value::Null));
        }
        // Their scans leave no trace in ours.
        expect_accepted(&scan(&gate, code(&holder)).await);
        let ours = shop.admin.get(&format!("{CHECKINS}?event_id={}", shop.event)).await;
        assert_eq!(ours.expect(200).body["data"].as_array().unwrap().len(), 1);
    }

    async fn who_left_the_team_is_outside_at_once(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let member = format!("/api/v1/organizers/{}/members/{}", shop.organizer, gate.user_id());
        shop.admin.delete(&member).await.expect(204);
        for path in [VERIFY, CHECKINS] {
            gate.post(path, code(&holder)).await.expect_problem(403, "forbidden");
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
    }
}
