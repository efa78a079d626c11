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
}
