//! Under load: real server processes, many buyers and gates at once, messages in any order or
//! none, and processes that are killed.

mod crowd;
mod gates;
mod kill;
mod moment;
mod one_key;
mod post;
mod process;
mod rush;
mod truth;
mod webhooks;

use std::future::Future;
use std::time::Duration;

use crate::support::TestApp;
use process::Process;

/// Nothing here takes as long as that, on whatever machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// Whether there is time for the long form.
pub fn is_long() -> bool {
    std::env::var("TEST_LONG").is_ok_and(|value| value == "1")
}

/// Fails if something hangs.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.expect("it hangs")
}

/// Server processes of their own on the test's database.
fn start(app: &TestApp, count: usize) -> Vec<Process> {
    let start = || Process::start(&app.database, app.mails.path());
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..count).map(|_| scope.spawn(start)).collect();
        let started = starts.into_iter().map(|start| start.join().unwrap());
        started.collect()
    })
}

async fn count(app: &TestApp, rows: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {rows}");
    app.database.count(&query).await
}
