//! Booth types and numbered booths.

use serde_json::json;

use crate::support::{TestApp, event_body, on_both};

on_both! {
    async fn booths_are_added_listed_blocked_and_deleted(app: &TestApp) {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/events", event_body("Fair")).await;
        let event = format!("/api/v1/events/{}", made.expect(201).id());
        admin.post(&format!("{event}/publish"), json!({})).await.expect(200);
        let types = format!("{event}/booth-types");
        let kind = admin.post(&types, json!({"name": "Corner", "price_minor": 90_000_000})).await;
        assert_eq!(kind.expect(201).body["price_display"], "900,000.00 TZS");
        let kind_path = format!("{types}/{}", kind.id());
        let changed = admin.patch(&kind_path, json!({"price_minor": 95_000_000})).await;
        assert_eq!(changed.expect(200).body["version"], 2);
        assert_eq!(app.nobody().get(&kind_path).await.expect(200).body["price_minor"], 95_000_000);

        let booths = format!("{event}/booths");
        let body = json!({"booth_type_id": kind.id(), "numbers": ["A-1", "A-2", "A-3"], "hall": "North"});
        let added = admin.post(&booths, body).await;
        assert_eq!(added.expect(201).body["data"].as_array().unwrap().len(), 3);
        // All or none.
        let body = json!({"booth_type_id": kind.id(), "numbers": ["A-4", "A-2"], "hall": "North"});
        let taken = admin.keyed("all-or-none", "POST", &booths, body).await;
        taken.expect_problem(422, "validation_failed");
        assert_eq!(taken.faults(), [("/numbers".to_owned(), "taken".to_owned())]);
        let body = json!({"booth_type_id": kind.id(), "number": "A-2", "hall": "South"});
        admin.post(&booths, body).await.expect(201);
        for body in [
            json!({"booth_type_id": kind.id()}),
            json!({"booth_type_id": kind.id(), "number": "1", "numbers": ["2"]}),
            json!({"booth_type_id": kind.id(), "numbers": []}),
            json!({"booth_type_id": "btp_01h455vb4pex5vsknk084sn02q", "number": "1"}),
        ] {
            admin.post(&booths, body).await.expect_problem(422, "validation_failed");
        }

        let list = app.nobody().get(&format!("{booths}?status=available&limit=3")).await;
        assert_eq!(list.expect(200).body["data"].as_array().unwrap().len(), 3);
        assert_eq!(list.body["has_more"], true);

        let first = added.body["data"][0]["id"].as_str().unwrap();
        let path = format!("{booths}/{first}");
        let blocked = admin.patch(&path, json!({"blocked": true})).await;
        assert_eq!(blocked.expect(200).body["status"], "blocked");
        admin.patch(&path, json!({"blocked": true})).await.expect_problem(409, "invalid_transition");
        admin.patch(&path, json!({"blocked": false})).await.expect(200);
        admin.delete(&kind_path).await.expect_problem(409, "invalid_transition");
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect_problem(404, "not_found");
    }

    async fn a_booth_that_somebody_holds_stays(app: &TestApp) {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/events", event_body("Fair")).await;
        let event = format!("/api/v1/events/{}", made.expect(201).id());
        let kind = admin.post(&format!("{event}/booth-types"), json!({"name": "Corner", "price_minor": 1})).await;
        let body = json!({"booth_type_id": kind.expect(201).id(), "number": "1"});
        let added = admin.post(&format!("{event}/booths"), body).await;
        let path = format!("{event}/booths/{}", added.expect(201).body["data"][0]["id"].as_str().unwrap());
        app.database.execute("UPDATE booths SET status = 'held'").await;
        admin.patch(&path, json!({"blocked": true})).await.expect_problem(409, "invalid_transition");
        admin.delete(&path).await.expect_problem(409, "invalid_transition");
        app.database.execute("UPDATE booths SET status = 'available'").await;
    }
}
