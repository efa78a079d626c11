//! The audit log tells who did what, and shows every alteration.

use serde_json::{Value, json};

use crate::support::{TestApp, event_body, on_both};

fn actions(list: &crate::support::Answer) -> Vec<String> {
    let data = list.expect(200).body["data"].as_array().unwrap();
    let action = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
    data.iter().map(action).collect()
}

on_both! {
    async fn what_is_done_is_told_and_sealed(app: &TestApp) {
        let admin = app.admin().await;
        let event = admin.post("/api/v1/events", event_body("Jazz")).await;
        let id = event.expect(201).id();
        admin.post(&format!("/api/v1/events/{id}/publish"), json!({})).await.expect(200);
        let list = admin.get(&format!("/api/v1/audit-log?object={id}")).await;
        assert_eq!(actions(&list), ["event.published", "event.created"]);
        let entry = &list.body["data"][0];
        assert_eq!(entry["actor"], admin.user_id());
        assert_eq!(entry["seq"], json!(null));

        let before = admin.get("/api/v1/audit-log/verify").await;
        assert_eq!(before.expect(200).body["checked"], 0);
        let written = before.body["unsealed"].as_i64().unwrap();
        assert!(written >= 3);
        app.drain().await;
        let after = admin.get("/api/v1/audit-log/verify").await;
        assert_eq!(after.expect(200).body, json!({"ok": true, "checked": written, "unsealed": 0}));
        let by_action = admin.get("/api/v1/audit-log?action=event.created&limit=1").await;
        assert_eq!(actions(&by_action), ["event.created"]);
        assert!(by_action.body["data"][0]["hash"].is_string());
    }

    async fn the_first_altered_row_is_named(app: &TestApp) {
        let admin = app.admin().await;
        for name in ["One", "Two", "Three", "Four"] {
            admin.post("/api/v1/events", event_body(name)).await.expect(201);
        }
        app.drain().await;
        let verify = async || admin.get("/api/v1/audit-log/verify").await.expect(200).body.clone();
        assert_eq!(verify().await["ok"], true);
        for (spoil, mend) in [
            ("UPDATE audit SET actor = actor || 'x' WHERE seq = 3", "UPDATE audit SET actor = substr(actor, 1, length(actor) - 1) WHERE seq = 3"),
            ("UPDATE audit SET organizer_id = NULL WHERE seq = 3", ""),
        ] {
            app.database.execute(spoil).await;
            let verdict = verify().await;
            assert_eq!((&verdict["ok"], &verdict["first_bad"]), (&json!(false), &json!(3)), "{spoil}");
            app.database.execute(mend).await;
        }
        app.database.execute("DELETE FROM audit WHERE seq = 2").await;
        assert_eq!(verify().await["first_bad"], 2);
    }

    async fn managers_see_their_own(app: &TestApp) {
        let organizer = app.organizer("Own").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let gate = app.member(&organizer, "gate", "gate@example.com").await;
        app.admin().await.post("/api/v1/events", event_body("Elsewhere")).await.expect(201);
        let mut body = event_body("Own event");
        body["organizer_id"] = json!(organizer);
        manager.post("/api/v1/events", body).await.expect(201);

        let list = manager.get("/api/v1/audit-log").await;
        assert_eq!(actions(&list), ["event.created", "member.put", "member.put", "organizer.created"]);
        manager.get("/api/v1/audit-log/verify").await.expect(200);
        gate.get("/api/v1/audit-log").await.expect_problem(403, "forbidden");
        let future = manager.get("/api/v1/audit-log?at[gte]=2100-01-01T00:00:00Z").await;
        assert!(actions(&future).is_empty());
    }
}
