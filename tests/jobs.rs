//! Background work: done once, tried again, and visibly given up.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, on_both};

const FORGOT: &str = "/api/v1/auth/password/forgot";

on_both! {
    async fn several_workers_do_everything_once(app: &TestApp) {
        for number in 0..6 {
            let email = format!("asha{number}@example.com");
            app.user(&email).await;
            app.nobody().post(FORGOT, json!({"email": email})).await.expect(202);
        }
        let workers = (0..4).map(|_| app.app.drain_jobs());
        for outcome in futures_util::future::join_all(workers).await {
            outcome.unwrap();
        }
        assert_eq!(app.mails().await.len(), 12);
        let seals = app.admin().await.get("/api/v1/audit-log/verify").await;
        assert_eq!(seals.expect(200).body["ok"], true);
        assert_eq!(seals.body["unsealed"], 0);
    }

    async fn what_fails_waits_longer_each_time_and_is_given_up(app: &TestApp) {
        app.nobody().post(FORGOT, json!({"email": "asha@example.com"})).await.expect(202);
        app.database.execute("ALTER TABLE users RENAME TO users_elsewhere").await;
        let left = async || app.app.count_unfinished_work().await.unwrap();
        app.drain().await;
        assert_eq!(left().await, 1);
        for _ in 0..14 {
            app.clock.advance(Duration::from_secs(2 * 3600));
            app.drain().await;
        }
        app.database.execute("ALTER TABLE users_elsewhere RENAME TO users").await;
        // Given up: it stands where everybody can see it, and is not tried again.
        app.clock.advance(Duration::from_secs(2 * 3600));
        app.drain().await;
        assert_eq!(left().await, 1);
        app.database.execute("DELETE FROM jobs WHERE status = 'dead' AND attempts = 12").await;
        assert_eq!(left().await, 0);
    }

    async fn a_job_whose_worker_died_is_done_when_its_lease_is_over(app: &TestApp) {
        app.user("asha@example.com").await;
        app.nobody().post(FORGOT, json!({"email": "asha@example.com"})).await.expect(202);
        let dies = "UPDATE jobs SET status = 'running', attempts = 1, lease_until = run_at WHERE kind = 'request_password_reset'";
        app.database.execute(dies).await;
        assert_eq!(app.mails().await.len(), 2);
    }

    async fn an_admin_tries_again_what_was_given_up(app: &TestApp) {
        app.user("asha@example.com").await;
        app.nobody().post(FORGOT, json!({"email": "asha@example.com"})).await.expect(202);
        let dies = "UPDATE jobs SET status = 'dead', attempts = 12, last_error = 'lost' WHERE kind = 'request_password_reset'";
        app.database.execute(dies).await;
        let admin = app.admin().await;
        let dead = admin.get("/api/v1/jobs?status=dead&kind=request_password_reset").await;
        let job = &dead.expect(200).body["data"][0];
        assert_eq!((&job["attempts"], &job["last_error"]), (&json!(12), &json!("lost")));
        assert_eq!(job["recurring"], false);
        assert!(!dead.text.contains("asha@example.com"), "{}", dead.text);
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        assert_eq!(&admin.get(&path).await.expect(200).body, job);

        let retried = admin.post(&format!("{path}/retry"), json!({})).await;
        assert_eq!((&retried.expect(200).body["status"], &retried.body["attempts"]), (&json!("queued"), &json!(0)));
        assert_eq!(app.mails().await.len(), 2);
        admin.get(&path).await.expect_problem(404, "not_found");
        admin.post(&format!("{path}/retry"), json!({})).await.expect_problem(404, "not_found");
        let log = admin.get("/api/v1/audit-log?action=job.retried").await;
        assert_eq!(log.expect(200).body["data"].as_array().unwrap().len(), 1);
    }

    async fn what_rests_may_be_done_now_and_what_runs_is_left_alone(app: &TestApp) {
        app.drain().await;
        let admin = app.admin().await;
        let find = async || admin.get("/api/v1/jobs?kind=sweep").await.expect(200).body["data"][0].clone();
        let rests = find().await;
        assert_eq!((&rests["recurring"], &rests["status"]), (&json!(true), &json!("queued")));
        let path = format!("/api/v1/jobs/{}/retry", rests["id"].as_str().unwrap());
        app.database.execute("UPDATE jobs SET status = 'running' WHERE kind = 'sweep'").await;
        admin.post(&path, json!({})).await.expect_problem(409, "invalid_transition");
        app.database.execute("UPDATE jobs SET status = 'queued' WHERE kind = 'sweep'").await;
        let due = admin.post(&path, json!({})).await.expect(200).body["run_at"].clone();
        assert!(due.as_str() < rests["run_at"].as_str(), "{due}");
        app.drain().await;
        assert!(find().await["run_at"].as_str() > due.as_str());
        admin.get("/api/v1/jobs?status=lost").await.expect_problem(422, "validation_failed");
    }
}
