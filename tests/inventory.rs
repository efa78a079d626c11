//! Ticket types, their stock, and what is left.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, event_body, on_both};

async fn event(client: &Client) -> String {
    let made = client.post("/api/v1/events", event_body("Jazz")).await;
    let path = format!("/api/v1/events/{}", made.expect(201).id());
    client
        .post(&format!("{path}/publish"), json!({}))
        .await
        .expect(200);
    path
}

fn ticket_type(name: &str, price_minor: i64, capacity: i64) -> Value {
    json!({"name": name, "price_minor": price_minor, "capacity": capacity})
}

on_both! {
    async fn a_type_is_made_read_and_changed(app: &TestApp) {
        let admin = app.admin().await;
        let event = event(&admin).await;
        let types = format!("{event}/ticket-types");
        let made = admin.post(&types, ticket_type("VIP", 15_000_000, 200)).await;
        made.expect(201);
        assert_eq!(made.body["slug"], "vip");
        assert_eq!(made.body["currency"], "TZS");
        assert_eq!(made.body["price_display"], "150,000.00 TZS");
        assert_eq!((&made.body["available"], &made.body["capacity"]), (&json!(200), &json!(200)));
        assert_eq!(made.body["min_per_order"], 1);

        let path = format!("{types}/{}", made.id());
        let nobody = app.nobody();
        let read = nobody.get(&path).await;
        assert_eq!(read.expect(200).body, made.body);
        let tag = read.header("etag").unwrap().to_owned();
        nobody.send(nobody.request("GET", &path).header("If-None-Match", &tag)).await.expect(304);

        let change = json!({"capacity": 250, "name": "VIP Gold", "sales_end": "2027-02-10T00:00:00Z"});
        let changed = admin.send(admin.request("PATCH", &path).header("If-Match", &tag).json(&change)).await;
        assert_eq!(changed.expect(200).body["available"], 250);
        assert_eq!(changed.body["slug"], "vip");
        let stale = admin.send(admin.request("PATCH", &path).header("If-Match", &tag).json(&change)).await;
        stale.expect_problem(412, "precondition_failed");
        // What is left moves without a version: a copy of before is not good any more.
        admin.patch(&path, json!({"capacity": 260})).await.expect(200);
        nobody.send(nobody.request("GET", &path).header("If-None-Match", &tag)).await.expect(200);

        admin.delete(&path).await.expect(204);
        nobody.get(&path).await.expect_problem(404, "not_found");
    }

    async fn money_is_a_whole_number_of_minor_units(app: &TestApp) {
        let admin = app.admin().await;
        let types = format!("{}/ticket-types", event(&admin).await);
        for json in ["12.5", "12.0", "1e3", "99999999999999999999"] {
            let body = format!(r#"{{"name":"VIP","capacity":1,"price_minor":{json}}}"#);
            let request = admin.request("POST", &types).header("content-type", "application/json");
            admin.send(request.body(body)).await.expect_problem(422, "money_not_integer");
        }
        for price in [json!(-1), json!(1_i64 << 53), json!("1000")] {
            let body = json!({"name": "VIP", "capacity": 1, "price_minor": price});
            admin.post(&types, body).await.expect_problem(422, "validation_failed");
        }
        admin.post(&types, ticket_type("Free", 0, 0)).await.expect(201);
        admin.post(&types, ticket_type("Most", (1 << 53) - 1, 1)).await.expect(201);
    }

    async fn a_price_fixes_the_currency(app: &TestApp) {
        let admin = app.admin().await;
        let event = event(&admin).await;
        admin.patch(&event, json!({"currency": "KES"})).await.expect(200);
        let made = admin.post(&format!("{event}/ticket-types"), ticket_type("VIP", 1, 1)).await;
        assert_eq!(made.expect(201).body["currency"], "KES");
        admin.patch(&event, json!({"currency": "TZS"})).await.expect_problem(409, "invalid_transition");
        admin.patch(&event, json!({"currency": "kes", "name": "Blues"})).await.expect(200);
    }

    async fn a_capacity_is_not_set_below_what_is_sold(app: &TestApp) {
        let admin = app.admin().await;
        let types = format!("{}/ticket-types", event(&admin).await);
        let made = admin.post(&types, ticket_type("VIP", 1, 100)).await;
        let path = format!("{types}/{}", made.expect(201).id());
        app.database.execute("UPDATE inventory SET sold = 60, held = 10").await;
        let refused = admin.patch(&path, json!({"capacity": 69, "name": "Lost"})).await;
        refused.expect_problem(409, "capacity_below_sold");
        assert_eq!((&refused.body["sold"], &refused.body["held"]), (&json!(60), &json!(10)));
        assert_eq!(admin.get(&path).await.body["name"], "VIP");
        let changed = admin.patch(&path, json!({"capacity": 70})).await;
        assert_eq!(changed.expect(200).body["available"], 0);
        app.database.execute("UPDATE inventory SET sold = 0, held = 0").await;
    }

    async fn hidden_types_are_for_managers(app: &TestApp) {
        let admin = app.admin().await;
        let event = event(&admin).await;
        let types = format!("{event}/ticket-types");
        let mut body = ticket_type("Crew", 0, 10);
        body["hidden"] = json!(true);
        let crew = admin.post(&types, body).await;
        let path = format!("{types}/{}", crew.expect(201).id());
        let stranger = app.user("stranger@example.com").await;
        stranger.get(&path).await.expect_problem(404, "not_found");
        let count = async |client: &Client| client.get(&types).await.expect(200).body["data"].as_array().unwrap().len();
        assert_eq!((count(&stranger).await, count(&admin).await), (0, 1));
        let availability = admin.get(&format!("{event}/availability")).await;
        assert_eq!(availability.expect(200).body, json!({"data": []}));
    }

    async fn what_is_left_is_told_for_every_type(app: &TestApp) {
        let admin = app.admin().await;
        let event = event(&admin).await;
        let types = format!("{event}/ticket-types");
        for (name, more) in [
            ("Open", json!({})),
            ("Low", json!({})),
            ("Gone", json!({"capacity": 0})),
            ("Early", json!({"sales_start": "2105-01-01T00:00:00Z"})),
            ("Late", json!({"sales_end": "2000-01-02T00:00:00Z"})),
        ] {
            let mut body = ticket_type(name, 100, 100);
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            admin.post(&types, body).await.expect(201);
        }
        app.database.execute("UPDATE inventory SET sold = 80, held = 10 WHERE name = 'Low'").await;
        let kind = admin.post(&format!("{event}/booth-types"), json!({"name": "Corner", "price_minor": 5})).await;
        let body = json!({"booth_type_id": kind.expect(201).id(), "numbers": ["1", "2"]});
        admin.post(&format!("{event}/booths"), body).await.expect(201);

        let left = app.nobody().get(&format!("{event}/availability")).await;
        let left = left.expect(200).body["data"].as_array().unwrap().clone();
        let told: Vec<_> = left
            .iter()
            .map(|t| (t["name"].as_str().unwrap(), t["available"].as_i64().unwrap(), t["status"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [
            ("Open", 100, "available"),
            ("Low", 10, "low"),
            ("Gone", 0, "sold_out"),
            ("Early", 100, "not_started"),
            ("Late", 100, "ended"),
            ("Corner", 2, "available"),
        ]);
        assert!(left[0]["ticket_type_id"].is_string() && left[5]["booth_type_id"].is_string());
        app.database.execute("UPDATE inventory SET sold = 0, held = 0").await;
    }

    async fn a_type_names_a_session_of_its_own_event(app: &TestApp) {
        let admin = app.admin().await;
        let own = event(&admin).await;
        let other = event(&admin).await;
        let friday = json!({"name": "Friday", "starts_at": "2027-02-12T15:00:00Z"});
        let mine = admin.post(&format!("{own}/sessions"), friday.clone()).await.expect(201).id();
        let theirs = admin.post(&format!("{other}/sessions"), friday).await.expect(201).id();
        let types = format!("{own}/ticket-types");
        let mut body = ticket_type("Friday", 1, 1);
        body["session_id"] = json!(theirs);
        let refused = admin.post(&types, body.clone()).await;
        refused.expect_problem(422, "validation_failed");
        assert_eq!(refused.faults(), [("/session_id".to_owned(), "not_found".to_owned())]);
        body["session_id"] = json!(mine);
        let made = admin.post(&types, body).await;
        assert_eq!(made.expect(201).body["session_id"], mine.as_str());
        // A session that a type is sold for stays.
        admin.delete(&format!("{own}/sessions/{mine}")).await.expect_problem(409, "invalid_transition");
        let path = format!("{types}/{}", made.id());
        admin.patch(&path, json!({"session_id": null})).await.expect(200);
        admin.delete(&format!("{own}/sessions/{mine}")).await.expect(204);
    }

    async fn windows_and_limits_fit(app: &TestApp) {
        let admin = app.admin().await;
        let types = format!("{}/ticket-types", event(&admin).await);
        let mut body = ticket_type("VIP", 1, 1);
        for (name, value) in [
            ("sales_start", json!("2027-02-02T00:00:00Z")), ("sales_end", json!("2027-02-01T00:00:00Z")),
            ("valid_from", json!("2027-02-02T00:00:00Z")), ("valid_until", json!("2027-02-02T00:00:00Z")),
            ("min_per_order", json!(4)), ("max_per_order", json!(3)),
        ] {
            body[name] = value;
        }
        let refused = admin.post(&types, body).await;
        refused.expect_problem(422, "validation_failed");
        let pointers: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/sales_end", "/valid_until", "/max_per_order"]);
        let made = admin.post(&types, ticket_type("VIP", 1, 1)).await;
        let path = format!("{types}/{}", made.expect(201).id());
        let change = json!({"min_per_order": 5, "max_per_order": 2});
        admin.patch(&path, change).await.expect_problem(422, "validation_failed");
    }
}
