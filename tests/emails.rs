//! What was mailed: seen by who may see it, and sent again.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, on_both};

const EMAILS: &str = "/api/v1/emails";

/// Turns the mails to `recipient` into order mails of the organizer `Own`.
async fn make_own(app: &TestApp, recipient: &str) {
    let data = r#"{"name": "Asha", "orders": []}"#;
    let statement = format!(
        "UPDATE emails SET template = 'order_links', data = '{data}', organizer_id = \
         (SELECT id FROM organizers WHERE name = 'Own') WHERE recipient = '{recipient}'"
    );
    app.database.execute(&statement).await;
}

fn recipients(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap();
    let to = |mail: &Value| mail["to"].as_str().unwrap().to_owned();
    data.iter().map(to).collect()
}

fn first_id(answer: &Answer) -> String {
    let id = answer.expect(200).body["data"][0]["id"].as_str();
    id.unwrap().to_owned()
}

on_both! {
    async fn managers_see_their_organizers_mails_and_admins_all(app: &TestApp) {
        let own = app.organizer("Own").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let manager = app.member(&own, "manager", "manager@example.com").await;
        let other = app.member(&elsewhere, "manager", "other@example.com").await;
        let gate = app.member(&own, "gate", "gate@example.com").await;
        let admin = app.admin().await;
        // Mails about accounts are nobody's but the platform's.
        assert!(recipients(&manager.get(EMAILS).await).is_empty());
        make_own(app, "gate@example.com").await;

        let seen = manager.get(EMAILS).await;
        assert_eq!(recipients(&seen), ["gate@example.com"]);
        let mail = &seen.body["data"][0];
        assert_eq!((&mail["template"], &mail["status"]), (&json!("order_links"), &json!("queued")));
        assert_eq!((&mail["organizer_id"], &mail["data"]), (&json!(own), &Value::Null));
        let path = format!("{EMAILS}/{}", first_id(&seen));
        assert_eq!(&manager.get(&path).await.expect(200).body, mail);

        assert!(recipients(&other.get(EMAILS).await).is_empty());
        gate.get(EMAILS).await.expect_problem(403, "forbidden");
        for stranger in [&other, &gate] {
            stranger.get(&path).await.expect_problem(404, "not_found");
            let resent = stranger.post(&format!("{path}/resend"), json!({})).await;
            resent.expect_problem(404, "not_found");
        }
        let all = ["gate@example.com", "other@example.com", "manager@example.com"];
        assert_eq!(recipients(&admin.get(EMAILS).await), all);
        let first = admin.get(&format!("{EMAILS}?limit=2")).await;
        let after = first.expect(200).body["next_cursor"].as_str().unwrap().to_owned();
        let second = admin.get(&format!("{EMAILS}?limit=2&after={after}")).await;
        assert_eq!(recipients(&second), ["manager@example.com"]);
    }

    async fn mails_are_found_by_status_and_template(app: &TestApp) {
        app.organizer("Own").await;
        app.user("asha@example.com").await;
        app.user("juma@example.com").await;
        make_own(app, "juma@example.com").await;
        let admin = app.admin().await;
        let find = async |filter: &str| recipients(&admin.get(&format!("{EMAILS}?{filter}")).await);
        assert_eq!(find("template=verify_email").await, ["asha@example.com"]);
        assert_eq!(find("status=queued&template=order_links").await, ["juma@example.com"]);
        assert!(find("status=sent").await.is_empty());
        app.database.execute("UPDATE emails SET recipient = 'no address' WHERE template = 'order_links'").await;
        app.drain().await;
        assert_eq!(find("status=sent").await, ["asha@example.com"]);
        let dead = admin.get(&format!("{EMAILS}?status=dead")).await;
        let mail = &dead.expect(200).body["data"][0];
        assert!(mail["last_error"].is_string() && mail["sent_at"].is_null(), "{mail}");
        let refused = admin.get(&format!("{EMAILS}?status=lost")).await;
        refused.expect_problem(422, "validation_failed");

        // One that was given up can still reach somebody.
        let path = format!("{EMAILS}/{}/resend", first_id(&dead));
        admin.post(&path, json!({"email": "juma@example.com"})).await.expect(202);
        app.drain().await;
        assert_eq!(find("status=sent&template=order_links").await, ["juma@example.com"]);
        app.database.execute("DELETE FROM emails WHERE status = 'dead'").await;
    }

    async fn a_mail_is_sent_again_as_a_new_one(app: &TestApp) {
        let own = app.organizer("Own").await;
        let manager = app.member(&own, "manager", "manager@example.com").await;
        app.user("asha@example.com").await;
        make_own(app, "asha@example.com").await;
        let id = first_id(&manager.get(EMAILS).await);
        let path = format!("{EMAILS}/{id}/resend");

        let again = manager.post(&path, json!({})).await;
        assert_eq!(again.expect(202).body["to"], "asha@example.com");
        assert_eq!((&again.body["status"], &again.body["attempts"]), (&json!("queued"), &json!(0)));
        assert_ne!(again.id(), id);
        let location = format!("{EMAILS}/{}", again.id());
        assert_eq!(again.header("location"), Some(location.as_str()));
        manager.get(&location).await.expect(200);
        manager.send(manager.request("POST", &path)).await.expect(202);
        let elsewhere = manager.post(&path, json!({"email": "Juma@Example.com"})).await;
        assert_eq!(elsewhere.expect(202).body["to"], "juma@example.com");
        let refused = manager.post(&path, json!({"email": "juma"})).await;
        refused.expect_problem(422, "validation_failed");

        // The same request twice is one mail.
        let key = "a key of sixteen or more";
        let first = manager.keyed(key, "POST", &path, json!({})).await;
        let second = manager.keyed(key, "POST", &path, json!({})).await;
        assert_eq!(first.expect(202).id(), second.expect(202).id());
        assert_eq!(second.header("idempotency-replayed"), Some("true"));

        let mails = app.mails().await;
        let count = |to: &str| mails.iter().filter(|mail| {
            mail.contains("Subject: The links to your orders") && mail.contains(&format!("To: {to}"))
        }).count();
        assert_eq!((count("asha@example.com"), count("juma@example.com")), (4, 1));
        let log = manager.get("/api/v1/audit-log?action=email.resent").await;
        assert_eq!(log.expect(200).body["data"].as_array().unwrap().len(), 4);
    }

    async fn what_opens_an_account_is_not_sent_again(app: &TestApp) {
        app.user("asha@example.com").await;
        let admin = app.admin().await;
        let body = json!({"email": "juma@example.com", "name": "Juma"});
        admin.post("/api/v1/users", body).await.expect(201);
        let forgot = json!({"email": "asha@example.com"});
        app.nobody().post("/api/v1/auth/password/forgot", forgot).await.expect(202);
        app.drain().await;
        for template in ["verify_email", "welcome", "reset_password"] {
            let found = admin.get(&format!("{EMAILS}?template={template}")).await;
            let path = format!("{EMAILS}/{}/resend", first_id(&found));
            let refused = admin.post(&path, json!({"email": "thief@example.com"})).await;
            refused.expect_problem(409, "invalid_transition");
        }
        assert_eq!(app.mails().await.len(), 3);
    }
}
