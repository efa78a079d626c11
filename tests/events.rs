//! Events: made, changed, published, found.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, event_body, on_both};

async fn publish(client: &Client, body: Value) -> String {
    let made = client.post("/api/v1/events", body).await;
    let id = made.expect(201).id();
    let path = format!("/api/v1/events/{id}/publish");
    client.post(&path, json!({})).await.expect(200);
    id
}

fn names(answer: &crate::support::Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    let name = |event: &Value| event["name"].as_str().unwrap().to_owned();
    data.iter().map(name).collect()
}

on_both! {
    async fn a_manager_puts_an_event_on_the_programme_and_everybody_finds_it(app: &TestApp) {
        let organizer = app.organizer("Zanzibar Nights").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let body = json!({
            "organizer_id": organizer, "name": "Sauti za Busara 2027", "currency": "tzs",
            "starts_at": "2027-02-11T16:00:00+03:00", "ends_at": "2027-02-14T22:00:00Z",
            "time_zone": "Africa/Dar_es_Salaam", "category": "festival",
            "description": "Four days of African music.", "metadata": {"season": "27"},
            "venue": {"name": "Old Fort", "city": "Zanzibar", "country": "TZ"},
        });
        let made = manager.post("/api/v1/events", body).await;
        made.expect(201);
        assert_eq!(made.body["slug"], "sauti-za-busara-2027");
        assert_eq!(made.body["status"], "draft");
        assert_eq!(made.body["currency"], "TZS");
        assert_eq!(made.body["starts_at"], "2027-02-11T13:00:00Z");
        assert_eq!(made.body["max_per_order"], 20);
        assert_eq!(made.body["metadata"], json!({"season": "27"}));
        assert_eq!(made.body["venue"]["city"], "Zanzibar");

        let nobody = app.nobody();
        let path = format!("/api/v1/events/{}", made.id());
        nobody.get(&path).await.expect_problem(404, "not_found");
        assert!(names(&nobody.get("/api/v1/events").await).is_empty());
        assert_eq!(names(&manager.get("/api/v1/events").await).len(), 1);

        manager.post(&format!("{path}/publish"), json!({})).await.expect(200);
        let found = nobody.get("/api/v1/events?q=BUSARA%20fort").await;
        assert_eq!(names(&found), ["Sauti za Busara 2027"]);
        let by_slug = nobody.get("/api/v1/events/sauti-za-busara-2027").await;
        assert_eq!(by_slug.expect(200).body["id"], made.body["id"]);
        assert_eq!(by_slug.header("etag"), Some("\"2\""));
    }

    async fn only_the_arrows_of_the_model_exist(app: &TestApp) {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/events", event_body("Jazz")).await;
        let path = format!("/api/v1/events/{}", made.expect(201).id());
        let go = async |step: &str| admin.post(&format!("{path}/{step}"), json!({})).await;
        go("unpublish").await.expect_problem(409, "invalid_transition");
        go("publish").await.expect(200);
        go("publish").await.expect_problem(409, "invalid_transition");
        go("unpublish").await.expect(200);
        app.nobody().get(&path).await.expect_problem(404, "not_found");
    }

    async fn a_change_says_what_it_was_made_on(app: &TestApp) {
        let admin = app.admin().await;
        let made = admin.post("/api/v1/events", event_body("Jazz")).await;
        let path = format!("/api/v1/events/{}", made.expect(201).id());
        let patch = async |tag: &str, body: Value| {
            let request = admin.request("PATCH", &path).header("If-Match", tag);
            admin.send(request.json(&body)).await
        };
        patch("\"1\"", json!({"venue": {"name": "Fort"}, "category": "music"})).await.expect(200);
        patch("\"1\"", json!({"name": "Lost"})).await.expect_problem(412, "precondition_failed");
        patch("\"nonsense\"", json!({"name": "Lost"})).await.expect_problem(412, "precondition_failed");
        let changed = patch("*", json!({"name": "Blues", "venue": null})).await;
        assert_eq!(changed.expect(200).body["venue"], json!(null));
        assert_eq!(changed.body["category"], "music");
        assert_eq!(changed.body["version"], 3);
        assert_eq!(changed.body["slug"], "jazz");
    }

    async fn what_ends_must_start_before(app: &TestApp) {
        let admin = app.admin().await;
        let mut body = event_body("Jazz");
        body["ends_at"] = json!("2027-02-11T13:00:00Z");
        let refused = admin.post("/api/v1/events", body).await;
        refused.expect_problem(422, "validation_failed");
        assert_eq!(refused.faults(), [("/ends_at".to_owned(), "out_of_range".to_owned())]);
        let made = admin.post("/api/v1/events", event_body("Jazz")).await;
        let path = format!("/api/v1/events/{}", made.expect(201).id());
        let early = json!({"ends_at": "2027-02-10T13:00:00Z"});
        admin.patch(&path, early).await.expect_problem(422, "validation_failed");
    }

    async fn slugs_are_unique(app: &TestApp) {
        let admin = app.admin().await;
        let first = admin.post("/api/v1/events", event_body("Jazz Night")).await;
        let second = admin.post("/api/v1/events", event_body("Jazz Night")).await;
        assert_eq!(first.expect(201).body["slug"], "jazz-night");
        let slug = second.expect(201).body["slug"].as_str().unwrap();
        assert!(slug.starts_with("jazz-night-"), "{slug}");
        let mut body = event_body("Other");
        body["slug"] = json!("jazz-night");
        let taken = admin.post("/api/v1/events", body).await;
        taken.expect_problem(422, "validation_failed");
        assert_eq!(taken.faults(), [("/slug".to_owned(), "taken".to_owned())]);
        let path = format!("/api/v1/events/{}", second.id());
        let taken = admin.patch(&path, json!({"slug": "jazz-night"})).await;
        taken.expect_problem(422, "validation_failed");
    }

    async fn the_programme_is_searched(app: &TestApp) {
        let admin = app.admin().await;
        for (name, starts_at, currency, city) in [
            ("Blues", "2027-03-01T10:00:00Z", "KES", "Nairobi"),
            ("Älva 100%", "2027-01-01T10:00:00Z", "TZS", "Zanzibar"),
            ("Jazz_Night", "2027-02-01T10:00:00Z", "TZS", "Zanzibar"),
        ] {
            let mut body = event_body(name);
            body["starts_at"] = json!(starts_at);
            body["currency"] = json!(currency);
            body["category"] = json!("music");
            body["venue"] = json!({"name": "Fort", "city": city, "country": "Tanzania"});
            publish(&admin, body).await;
        }
        let find = async |query: &str| names(&app.nobody().get(&format!("/api/v1/events?{query}")).await);
        assert_eq!(find("").await, ["Jazz_Night", "Älva 100%", "Blues"]);
        assert_eq!(find("sort=starts_at").await, ["Älva 100%", "Jazz_Night", "Blues"]);
        assert_eq!(find("sort=-starts_at").await, ["Blues", "Jazz_Night", "Älva 100%"]);
        assert_eq!(find("sort=name").await, ["Blues", "Jazz_Night", "Älva 100%"]);
        assert_eq!(find("sort=-name").await, ["Älva 100%", "Jazz_Night", "Blues"]);
        assert_eq!(find("currency=tzs&sort=name").await, ["Jazz_Night", "Älva 100%"]);
        assert_eq!(find("city=Nairobi").await, ["Blues"]);
        assert_eq!(find("category=music&country=Tanzania&city=Nairobi").await, ["Blues"]);
        assert_eq!(find("starts_at[gte]=2027-02-01T10:00:00Z&starts_at[lte]=2027-02-28T00:00:00Z").await, ["Jazz_Night"]);
        assert_eq!(find("q=zanzibar&sort=name").await, ["Jazz_Night", "Älva 100%"]);
        // What LIKE reads as a pattern is taken literally; case is folded in every script.
        assert_eq!(find("q=%25").await, ["Älva 100%"]);
        assert_eq!(find("q=_").await, ["Jazz_Night"]);
        assert_eq!(find("q=%C3%A4LVA").await, ["Älva 100%"]);
        assert_eq!(find("q=fort%20blues").await, ["Blues"]);
        assert!(find("status=draft").await.is_empty());
        assert!(find("organizer_id=org_01h455vb4pex5vsknk084sn02q").await.is_empty());
    }

    async fn pages_neither_skip_nor_repeat(app: &TestApp) {
        let admin = app.admin().await;
        for number in 0..7 {
            let mut body = event_body(&format!("Event {}", number / 2));
            body["starts_at"] = json!(format!("2027-02-0{}T10:00:00Z", number / 3 + 1));
            publish(&admin, body).await;
        }
        for sort in ["", "&sort=starts_at", "&sort=-starts_at", "&sort=name", "&sort=-name"] {
            let whole = app.nobody().get(&format!("/api/v1/events?limit=200{sort}")).await;
            let whole: Vec<Value> = whole.expect(200).body["data"].as_array().unwrap().clone();
            assert_eq!(whole.len(), 7);
            let (mut walked, mut after) = (Vec::new(), String::new());
            loop {
                let page = app.nobody().get(&format!("/api/v1/events?limit=2{sort}{after}")).await;
                page.expect(200);
                walked.extend(page.body["data"].as_array().unwrap().clone());
                assert_eq!(page.body["has_more"], !page.body["next_cursor"].is_null());
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                after = format!("&after={cursor}");
            }
            assert_eq!(walked, whole, "{sort}");
        }
    }

    async fn a_cursor_belongs_to_its_list(app: &TestApp) {
        let admin = app.admin().await;
        for name in ["One", "Two"] {
            publish(&admin, event_body(name)).await;
        }
        let page = app.nobody().get("/api/v1/events?limit=1&sort=name").await;
        let cursor = page.expect(200).body["next_cursor"].as_str().unwrap();
        for query in [
            format!("after={cursor}"),
            format!("sort=-name&after={cursor}"),
            format!("sort=name&q=x&after={cursor}"),
            "after=nonsense".to_owned(),
            "after=".to_owned(),
        ] {
            let refused = app.nobody().get(&format!("/api/v1/events?{query}")).await;
            refused.expect_problem(422, "invalid_cursor");
        }
        app.nobody().get("/api/v1/events?limt=5").await.expect_problem(422, "unknown_parameter");
        for query in ["limit=0", "limit=201", "limit=x", "sort=price", "status=gone", "currency=x"] {
            let refused = app.nobody().get(&format!("/api/v1/events?{query}")).await;
            refused.expect_problem(422, "validation_failed");
        }
    }

    async fn an_event_belongs_to_an_organizer_that_the_caller_manages(app: &TestApp) {
        let own = app.organizer("Own").await;
        let other = app.organizer("Other").await;
        let manager = app.member(&own, "manager", "manager@example.com").await;
        let gate = app.member(&own, "gate", "gate@example.com").await;
        let with = |organizer: &str| {
            let mut body = event_body("Jazz");
            body["organizer_id"] = json!(organizer);
            body
        };
        manager.post("/api/v1/events", with(&own)).await.expect(201);
        for organizer in [other.as_str(), "org_01h455vb4pex5vsknk084sn02q"] {
            let refused = manager.post("/api/v1/events", with(organizer)).await;
            refused.expect_problem(422, "validation_failed");
            assert_eq!(refused.faults(), [("/organizer_id".to_owned(), "not_found".to_owned())]);
        }
        manager.post("/api/v1/events", with("usr_01h455vb4pex5vsknk084sn02q")).await.expect_problem(422, "validation_failed");
        manager.post("/api/v1/events", event_body("Jazz")).await.expect_problem(403, "forbidden");
        gate.post("/api/v1/events", with(&own)).await.expect_problem(403, "forbidden");
    }

    async fn what_is_visible_but_not_allowed_is_403(app: &TestApp) {
        let admin = app.admin().await;
        let id = publish(&admin, event_body("Jazz")).await;
        let path = format!("/api/v1/events/{id}");
        let stranger = app.user("stranger@example.com").await;
        stranger.patch(&path, json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
        stranger.delete(&path).await.expect_problem(403, "forbidden");
        app.nobody().delete(&path).await.expect_problem(401, "unauthenticated");
    }

    async fn an_event_has_sessions(app: &TestApp) {
        let admin = app.admin().await;
        let id = publish(&admin, event_body("Jazz")).await;
        let other = publish(&admin, event_body("Other")).await;
        let path = format!("/api/v1/events/{id}/sessions");
        let body = |name: &str, day: u32| {
            json!({"name": name, "starts_at": format!("2027-02-{day}T15:00:00Z")})
        };
        let saturday = admin.post(&path, body("Saturday", 13)).await;
        let friday = admin.post(&path, body("Friday", 12)).await;
        saturday.expect(201);
        let list = app.nobody().get(&path).await;
        assert_eq!(names(&list), ["Friday", "Saturday"]);
        let first = app.nobody().get(&format!("{path}?limit=1")).await;
        let cursor = first.expect(200).body["next_cursor"].as_str().unwrap();
        let second = app.nobody().get(&format!("{path}?limit=1&after={cursor}")).await;
        assert_eq!(names(&second), ["Saturday"]);

        let one = format!("{path}/{}", friday.expect(201).id());
        let changed = admin.patch(&one, json!({"ends_at": "2027-02-12T20:00:00Z"})).await;
        assert_eq!(changed.expect(200).body["version"], 2);
        let early = json!({"ends_at": "2027-02-12T10:00:00Z"});
        admin.patch(&one, early).await.expect_problem(422, "validation_failed");
        let elsewhere = format!("/api/v1/events/{other}/sessions/{}", friday.id());
        app.nobody().get(&elsewhere).await.expect_problem(404, "not_found");
        admin.patch(&elsewhere, json!({"name": "x"})).await.expect_problem(404, "not_found");
        admin.delete(&elsewhere).await.expect_problem(404, "not_found");
        admin.delete(&one).await.expect(204);
        app.nobody().get(&one).await.expect_problem(404, "not_found");
        // The event takes its sessions with it.
        admin.delete(&format!("/api/v1/events/{id}")).await.expect(204);
        app.nobody().get(&path).await.expect_problem(404, "not_found");
    }
}
