//! More requests than connections to the database: some are put off, and it passes.

use futures_util::future::join_all;

use super::{count, in_time, is_done};
use crate::http::Blocker;
use crate::support::{Answer, Client, Kind, TestApp, event_body, on_both};

/// Far more than SQLite's one writing connection, or PostgreSQL's sixteen.
const BURST: usize = 300;
const EVENTS: &str = "/api/v1/events";

async fn write(admin: &Client) -> Answer {
    in_time(admin.post(EVENTS, event_body("Jazz"))).await
}

/// Writes at once, some fewer; answers how many were done.
async fn write_many(admin: &Client) -> usize {
    let answers = join_all((0..BURST / 3).map(|_| write(admin))).await;
    answers.iter().filter(|answer| is_done(answer)).count()
}

/// Writes all at once while nobody can; the first who is put off ends that.
async fn write_against(blocker: Blocker, admin: &Client) -> usize {
    let (refused, is_refused) = tokio::sync::oneshot::channel();
    let refused = std::cell::Cell::new(Some(refused));
    let burst = join_all((0..BURST).map(async |_| {
        let is_done = is_done(&write(admin).await);
        if let (false, Some(refused)) = (is_done, refused.take()) {
            refused.send(()).unwrap();
        }
        is_done
    }));
    let release = async {
        is_refused.await.expect("somebody is put off");
        blocker.release().await;
    };
    let (done, ()) = tokio::join!(burst, release);
    let done = done.into_iter().filter(|is_done| *is_done).count();
    assert!(done < BURST);
    done
}

on_both! {
    async fn a_burst_is_done_or_put_off_and_then_all_is_well(app: &TestApp) {
        let admin = app.admin().await;
        let blocker = Blocker::take(app).await;
        let nobody = app.nobody();
        let reading = join_all((0..20).map(|_| in_time(nobody.get(EVENTS))));
        let (done, read) = tokio::join!(write_against(blocker, &admin), reading);
        for answer in read {
            // SQLite's readers wait for no writer.
            assert!(is_done(&answer) || app.database.kind == Kind::Postgres);
        }
        let again = write_many(&admin).await;
        assert!(again > 0);
        admin.get(EVENTS).await.expect(200);
        write(&admin).await.expect(201);
        let events = i64::try_from(done + again + 1).unwrap();
        assert_eq!(count(app, "events").await, events, "what was put off is not done");
    }
}
