//! What goes wrong around Tollgate: each fault has a clear answer, leaves nothing half done,
//! and is over when its cause is.

mod cluster;
mod flood;
mod full_disk;
mod hang_up;
mod mail_server;
mod restart;
mod room;
mod saturation;
mod slow_clients;

use std::time::Duration;

use crate::support::{Answer, TestApp};

/// Nobody waits longer than that for an answer, whatever is broken.
const LONGEST: Duration = Duration::from_secs(30);

/// Whether it was done. What was not done says so, and when to come again.
#[track_caller]
fn is_done(answer: &Answer) -> bool {
    if answer.status < 300 {
        return true;
    }
    answer.expect_problem(503, "overloaded");
    let wait = answer.header("retry-after").unwrap();
    assert!((1..=60).contains(&wait.parse().unwrap()), "{wait}");
    false
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(LONGEST, work).await;
    answer.expect("an answer, and no silence")
}

async fn count(app: &TestApp, of: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {of}");
    app.database.count(&query).await
}
