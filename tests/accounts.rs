//! Signing up, in and out; one's own account; everybody's, for admins.

use std::time::Duration;

use serde_json::json;

use crate::support::{ADMIN_EMAIL, Kind, PASSWORD, TestApp, on_both, run};

const MINUTE: Duration = Duration::from_secs(60);

on_both! {
    async fn a_person_signs_up_and_verifies_the_address(app: &TestApp) {
        let body = json!({
            "email": "Asha@Example.com", "password": PASSWORD, "name": "Asha Mwinyi",
            "phone": "+255 712 345 678",
        });
        let answer = app.nobody().post("/api/v1/auth/register", body).await;
        answer.expect(201);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 900);
        assert_eq!(answer.body["user"]["email"], "asha@example.com");
        assert_eq!(answer.body["user"]["role"], "user");
        assert_eq!(answer.body["user"]["email_verified"], false);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let asha = app.nobody().with_tokens(&answer.body);

        let token = app.mailed_token("asha@example.com", "Please confirm your e-mail address").await;
        let verify = json!({"token": token});
        app.nobody().post("/api/v1/auth/email/verify", verify.clone()).await.expect(204);
        assert_eq!(asha.get("/api/v1/me").await.body["email_verified"], true);
        app.nobody().post("/api/v1/auth/email/verify", verify).await.expect(204);
    }

    async fn an_address_is_taken_once_whatever_its_case(app: &TestApp) {
        app.user("asha@example.com").await;
        let body = json!({"email": "ASHA@example.com", "password": PASSWORD, "name": "Other"});
        let again = app.nobody().post("/api/v1/auth/register", body).await;
        again.expect_problem(409, "email_taken");
    }

    async fn every_fault_of_a_body_is_told_at_once(app: &TestApp) {
        let body = json!({"email": "nobody", "password": "short", "nmae": "Asha", "phone": 7});
        let answer = app.nobody().post("/api/v1/auth/register", body).await;
        answer.expect_problem(422, "validation_failed");
        let faults = answer.faults();
        let faults: Vec<_> = faults.iter().map(|(p, c)| (p.as_str(), c.as_str())).collect();
        assert_eq!(faults, [
            ("/email", "not_an_email"),
            ("/password", "weak_password"),
            ("/name", "required"),
            ("/phone", "wrong_type"),
            ("/nmae", "unknown_field"),
        ]);
    }

    async fn weak_passwords_are_refused(app: &TestApp) {
        for password in ["short", "password123", "asha.mwinyi1"] {
            let body = json!({"email": "asha.mwinyi1@example.com", "password": password, "name": "Asha"});
            let answer = app.nobody().post("/api/v1/auth/register", body).await;
            answer.expect_problem(422, "weak_password");
        }
    }

    async fn sign_in_does_not_tell_who_exists(app: &TestApp) {
        app.user("asha@example.com").await;
        let mut answers = Vec::new();
        for (email, password) in [
            ("asha@example.com", "wrong password 9"),
            ("nobody@example.com", "wrong password 9"),
            ("not even an address", "x"),
        ] {
            let body = json!({"email": email, "password": password});
            let mut answer = app.nobody().post("/api/v1/auth/login", body).await;
            answer.expect_problem(401, "invalid_credentials");
            answer.body["request_id"] = json!(null);
            answers.push(answer.body);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
    }

    async fn an_access_token_is_good_for_a_quarter_of_an_hour(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        app.clock.advance(MINUTE * 14);
        asha.get("/api/v1/me").await.expect(200);
        app.clock.advance(MINUTE * 2);
        let late = asha.get("/api/v1/me").await;
        late.expect_problem(401, "token_expired");
        assert!(late.header("www-authenticate").unwrap().starts_with("Bearer"));
    }

    async fn a_refresh_token_is_good_once(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let first = json!({"refresh_token": asha.refresh_token.clone().unwrap()});
        let second = app.nobody().post("/api/v1/auth/refresh", first.clone()).await;
        second.expect(200);
        // A lost answer is no theft: within 30 seconds the same successor comes again.
        app.clock.advance(Duration::from_secs(20));
        let again = app.nobody().post("/api/v1/auth/refresh", first.clone()).await;
        assert_eq!(again.expect(200).body["refresh_token"], second.body["refresh_token"]);

        app.clock.advance(Duration::from_secs(20));
        let stolen = app.nobody().post("/api/v1/auth/refresh", first).await;
        stolen.expect_problem(401, "refresh_reused");
        // The whole sign-in has ended.
        let third = json!({"refresh_token": second.body["refresh_token"]});
        let third = app.nobody().post("/api/v1/auth/refresh", third).await;
        third.expect_problem(401, "unauthenticated");
        let asha = app.nobody().with_tokens(&second.body);
        asha.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
    }

    async fn equal_refreshes_at_once_give_one_successor(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let body = json!({"refresh_token": asha.refresh_token.clone().unwrap()});
        let nobody = app.nobody();
        let all = (0..8).map(|_| nobody.post("/api/v1/auth/refresh", body.clone()));
        let answers = futures_util::future::join_all(all).await;
        let first = answers[0].expect(200).body["refresh_token"].clone();
        for answer in &answers {
            assert_eq!(answer.expect(200).body["refresh_token"], first);
        }
    }

    async fn a_sign_in_ends_after_thirty_days_and_forged_tokens_never_begin(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let token = asha.refresh_token.clone().unwrap();
        let (head, tail) = token.split_at(40);
        let swapped = format!("{tail}{head}");
        for forged in ["x", tail, head, &swapped, &format!("{token}A")] {
            let body = json!({"refresh_token": forged});
            let answer = app.nobody().post("/api/v1/auth/refresh", body).await;
            answer.expect_problem(401, "unauthenticated");
        }
        app.clock.advance(MINUTE * 60 * 24 * 31);
        let late = app.nobody().post("/api/v1/auth/refresh", json!({"refresh_token": token})).await;
        late.expect_problem(401, "token_expired");
    }

    async fn sign_out_cuts_at_once(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let other = app.sign_in("asha@example.com", PASSWORD).await;
        asha.post("/api/v1/auth/logout", json!({})).await.expect(204);
        asha.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
        other.get("/api/v1/me").await.expect(200);

        let third = app.sign_in("asha@example.com", PASSWORD).await;
        third.post("/api/v1/auth/logout-all", json!({})).await.expect(204);
        other.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
    }

    async fn sign_ins_are_listed_and_ended(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let phone = app.sign_in("asha@example.com", PASSWORD).await;
        let sessions = asha.get("/api/v1/me/sessions").await;
        let sessions = sessions.expect(200).body["data"].as_array().unwrap().clone();
        assert_eq!(sessions.len(), 2);
        assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(false), &json!(true)));

        let id = sessions[0]["id"].as_str().unwrap();
        let stranger = app.user("juma@example.com").await;
        stranger.delete(&format!("/api/v1/me/sessions/{id}")).await.expect_problem(404, "not_found");
        asha.delete(&format!("/api/v1/me/sessions/{id}")).await.expect(204);
        phone.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
        asha.delete(&format!("/api/v1/me/sessions/{id}")).await.expect_problem(404, "not_found");
    }

    async fn a_forgotten_password_is_chosen_anew_by_mail(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        for email in ["asha@example.com", "nobody@example.com"] {
            let answer = app.nobody().post("/api/v1/auth/password/forgot", json!({"email": email})).await;
            assert_eq!(answer.expect(202).text, "");
        }
        let subject = "Choose a new password";
        let token = app.mailed_token("asha@example.com", subject).await;
        assert!(!app.mails().await.iter().any(|mail| mail.contains("To: nobody@")));

        let reset = |password: &str| json!({"token": token, "password": password});
        let path = "/api/v1/auth/password/reset";
        app.nobody().post(path, reset("password123")).await.expect_problem(422, "weak_password");
        app.nobody().post(path, reset("green ladder 4 harvest")).await.expect(204);
        // Good once; and every sign-in has ended.
        app.nobody().post(path, reset("other ladder 4 harvest")).await.expect_problem(400, "token_invalid");
        asha.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
        let old = json!({"email": "asha@example.com", "password": PASSWORD});
        app.nobody().post("/api/v1/auth/login", old).await.expect_problem(401, "invalid_credentials");
        app.sign_in("asha@example.com", "green ladder 4 harvest").await;
    }

    async fn links_expire_and_serve_one_purpose(app: &TestApp) {
        app.user("asha@example.com").await;
        let verify = app.mailed_token("asha@example.com", "Please confirm your e-mail address").await;
        let body = json!({"token": verify, "password": "green ladder 4 harvest"});
        app.nobody().post("/api/v1/auth/password/reset", body).await.expect_problem(400, "token_invalid");

        let forgot = json!({"email": "asha@example.com"});
        app.nobody().post("/api/v1/auth/password/forgot", forgot).await.expect(202);
        let reset = app.mailed_token("asha@example.com", "Choose a new password").await;
        let wrong = app.nobody().post("/api/v1/auth/email/verify", json!({"token": reset})).await;
        wrong.expect_problem(400, "token_invalid");
        app.clock.advance(MINUTE * 60 * 3);
        let body = json!({"token": reset, "password": "green ladder 4 harvest"});
        app.nobody().post("/api/v1/auth/password/reset", body).await.expect_problem(400, "token_invalid");
    }

    async fn a_profile_is_changed_and_versioned(app: &TestApp) {
        let asha = app.user("asha@example.com").await;
        let read = asha.get("/api/v1/me").await;
        let tag = read.expect(200).header("etag").unwrap().to_owned();
        let known = asha.send(asha.request("GET", "/api/v1/me").header("If-None-Match", &tag)).await;
        assert_eq!(known.expect(304).text, "");

        let changed = asha.patch("/api/v1/me", json!({"phone": "+255 1 2345"})).await;
        assert_eq!(changed.expect(200).body["phone"], "+255 1 2345");
        assert_ne!(changed.header("etag").unwrap(), tag);
        let cleared = asha.patch("/api/v1/me", json!({"phone": null})).await;
        assert_eq!(cleared.expect(200).body["phone"], json!(null));
        assert_eq!(cleared.body["name"], "Asha Mwinyi");
        asha.patch("/api/v1/me", json!({"name": null})).await.expect_problem(422, "validation_failed");
        asha.patch("/api/v1/me", json!({"role": "admin"})).await.expect_problem(422, "unknown_field");

        let stale = asha.request("PATCH", "/api/v1/me").header("If-Match", tag);
        let stale = asha.send(stale.json(&json!({"name": "Other"}))).await;
        stale.expect_problem(412, "precondition_failed");
    }

    async fn admins_make_find_and_disable_accounts(app: &TestApp) {
        let admin = app.admin().await;
        let new = json!({"email": "gate@example.com", "name": "Juma Said"});
        let made = admin.post("/api/v1/users", new).await;
        let id = made.expect(201).id();
        assert_eq!(made.header("location"), Some(format!("/api/v1/users/{id}").as_str()));

        // Whoever has no password yet chooses it by mail.
        let token = app.mailed_token("gate@example.com", "Your account is ready").await;
        let body = json!({"token": token, "password": PASSWORD});
        app.nobody().post("/api/v1/auth/password/reset", body).await.expect(204);
        let juma = app.sign_in("gate@example.com", PASSWORD).await;

        let found = admin.get("/api/v1/users?email=gate@example.com").await;
        assert_eq!(found.expect(200).body["data"][0]["id"], id.as_str());
        let path = format!("/api/v1/users/{id}");
        admin.patch(&path, json!({"status": "disabled"})).await.expect(200);
        juma.get("/api/v1/me").await.expect_problem(401, "unauthenticated");
        let body = json!({"email": "gate@example.com", "password": PASSWORD});
        app.nobody().post("/api/v1/auth/login", body).await.expect_problem(401, "invalid_credentials");
        admin.patch(&path, json!({"status": "active", "role": "admin"})).await.expect(200);
        let juma = app.sign_in("gate@example.com", PASSWORD).await;
        juma.get("/api/v1/users").await.expect(200);
    }

    async fn the_last_admin_stays(app: &TestApp) {
        let admin = app.admin().await;
        let path = format!("/api/v1/users/{}", admin.user_id());
        for change in [json!({"role": "user"}), json!({"status": "disabled"})] {
            admin.patch(&path, change).await.expect_problem(409, "invalid_transition");
        }
        let other = app.user("other@example.com").await;
        let other_path = format!("/api/v1/users/{}", other.user_id());
        admin.patch(&other_path, json!({"role": "admin"})).await.expect(200);
        admin.patch(&path, json!({"role": "user"})).await.expect(200);
        admin.get("/api/v1/users").await.expect_problem(403, "forbidden");
    }

    async fn a_role_counts_from_the_database_and_not_from_the_token(app: &TestApp) {
        let admin = app.admin().await;
        app.database.execute("UPDATE users SET role = 'user'").await;
        admin.get("/api/v1/users").await.expect_problem(403, "forbidden");
    }
}

#[test]
fn wrong_passwords_are_limited_for_one_address_and_e_mail() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let body = json!({"email": ADMIN_EMAIL, "password": PASSWORD});
        for _ in 0..10 {
            app.nobody()
                .post("/api/v1/auth/login", body.clone())
                .await
                .expect(200);
        }
        let limited = app.nobody().post("/api/v1/auth/login", body).await;
        limited.expect_problem(429, "rate_limited");
        assert!(
            limited
                .header("retry-after")
                .unwrap()
                .parse::<u32>()
                .unwrap()
                >= 1
        );
        assert!(
            limited
                .header("ratelimit-policy")
                .unwrap()
                .contains("q=10;w=60")
        );
        assert!(limited.header("ratelimit").unwrap().contains("r=0"));
        // Another account is not concerned.
        let other = json!({"email": "other@example.com", "password": PASSWORD});
        app.nobody()
            .post("/api/v1/auth/login", other)
            .await
            .expect(401);
    });
}

#[test]
fn mails_that_anybody_can_ask_for_are_limited_alike_for_known_and_unknown() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        for email in [ADMIN_EMAIL, "nobody@example.com"] {
            let body = json!({"email": email});
            app.nobody()
                .post("/api/v1/auth/password/forgot", body.clone())
                .await
                .expect(202);
            let again = app
                .nobody()
                .post("/api/v1/auth/password/forgot", body)
                .await;
            again.expect_problem(429, "rate_limited");
        }
    });
}
