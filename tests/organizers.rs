//! Organizers and their members.

use serde_json::json;

use crate::support::{TestApp, on_both};

on_both! {
    async fn one_exists_from_the_first_start(app: &TestApp) {
        let list = app.admin().await.get("/api/v1/organizers").await;
        let data = list.expect(200).body["data"].as_array().unwrap().clone();
        assert_eq!(data.len(), 1);
        assert_eq!(data[0]["slug"], "default");
        assert_eq!(data[0]["default_currency"], "TZS");
    }

    async fn an_admin_makes_one_and_its_manager_changes_it(app: &TestApp) {
        let admin = app.admin().await;
        let body = json!({
            "name": "Zanzibar Nights", "default_currency": "tzs", "time_zone": "Africa/Dar_es_Salaam",
        });
        let made = admin.post("/api/v1/organizers", body.clone()).await;
        assert_eq!(made.expect(201).body["slug"], "zanzibar-nights");
        assert_eq!(made.body["default_currency"], "TZS");
        let taken = admin.post("/api/v1/organizers", body).await;
        taken.expect_problem(422, "validation_failed");
        assert_eq!(taken.faults(), [("/slug".to_owned(), "taken".to_owned())]);

        let manager = app.member(&made.id(), "manager", "manager@example.com").await;
        let path = format!("/api/v1/organizers/{}", made.id());
        let changed = manager.patch(&path, json!({"name": "Pwani Nights", "slug": "pwani"})).await;
        assert_eq!(changed.expect(200).body["name"], "Pwani Nights");
        assert_eq!(changed.body["version"], 2);
        let own = manager.get("/api/v1/organizers").await;
        assert_eq!(own.expect(200).body["data"].as_array().unwrap().len(), 1);
        manager.patch(&path, json!({"slug": "default"})).await.expect_problem(422, "validation_failed");
    }

    async fn the_default_ones_slug_stays(app: &TestApp) {
        let admin = app.admin().await;
        let list = admin.get("/api/v1/organizers").await;
        let path = format!("/api/v1/organizers/{}", list.body["data"][0]["id"].as_str().unwrap());
        admin.patch(&path, json!({"slug": "mine"})).await.expect_problem(409, "invalid_transition");
        admin.patch(&path, json!({"slug": "default", "name": "Mine"})).await.expect(200);
    }

    async fn members_come_change_and_go_at_once(app: &TestApp) {
        let organizer = app.organizer("Zanzibar Nights").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let gate = app.user("gate@example.com").await;
        let members = format!("/api/v1/organizers/{organizer}/members");
        let path = format!("{members}/{}", gate.user_id());

        manager.get(&path).await.expect_problem(404, "not_found");
        let put = manager.put(&path, json!({"role": "gate"})).await;
        assert_eq!(put.expect(200).body["role"], "gate");
        let me = gate.get("/api/v1/me").await;
        assert_eq!(me.body["memberships"][0]["organizer_id"], organizer.as_str());
        assert_eq!(me.body["memberships"][0]["role"], "gate");
        gate.get(&members).await.expect_problem(403, "forbidden");

        manager.put(&path, json!({"role": "manager"})).await.expect(200);
        let list = gate.get(&members).await;
        assert_eq!(list.expect(200).body["data"].as_array().unwrap().len(), 2);
        manager.delete(&path).await.expect(204);
        gate.get(&members).await.expect_problem(404, "not_found");
        manager.delete(&path).await.expect_problem(404, "not_found");

        let unknown = format!("{members}/usr_01h455vb4pex5vsknk084sn02q");
        manager.put(&unknown, json!({"role": "gate"})).await.expect_problem(404, "not_found");
        manager.put(&path, json!({"role": "owner"})).await.expect_problem(422, "validation_failed");
    }
}
