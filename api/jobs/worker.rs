//! The loop that does what is due.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use super::backoff;
use super::queue::{self, JobRow};
use crate::app::App;
use crate::emails;
use crate::error::Problem;
use crate::payments;

const LEASE: Duration = Duration::from_secs(300);
const AT_ONCE: usize = 10;
const ATTEMPTS_MOST: i64 = 12;

/// How often other processes' work and delayed tries are looked for. Work of this process
/// wakes the worker at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Starts a worker that works until `stop`, on a thread of its own: its work borrows across
/// awaits in ways that a spawned task may not.
pub fn start(app: App, stop: CancellationToken) -> JoinHandle<()> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work(app, stop)))
}

/// Does only what every process must do for itself, where the jobs are others'.
pub fn start_notes(app: App, stop: CancellationToken) -> JoinHandle<()> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(write_notes(&app, &stop)))
}

/// Works until `stop`; what runs then is finished first. Mails leave beside the jobs: a mail
/// server that is slow keeps no order from expiring.
async fn work(app: App, stop: CancellationToken) {
    let mails = Notify::new();
    let jobs = LocalSet::new();
    tokio::join!(
        jobs.run_until(do_jobs(&app, &stop, &mails)),
        repeat(&stop, &mails, async || emails::deliver_due(&app).await),
        write_notes(&app, &stop),
    );
}

/// Does several jobs at once: one that waits for a gateway keeps nobody from the others. Each is
/// a task of its own, for it goes on while the next ones are claimed.
async fn do_jobs(app: &App, stop: &CancellationToken, mails: &Notify) {
    let mut running = JoinSet::new();
    let mut failures = 0;
    while !stop.is_cancelled() || !running.is_empty() {
        let room = match stop.is_cancelled() {
            true => 0,
            false => AT_ONCE.saturating_sub(running.len()),
        };
        let pause = match claim(app, room).await {
            Ok(claimed) => {
                failures = 0;
                for row in claimed {
                    let app = app.clone();
                    running.spawn_local(async move { do_job(&app, row).await });
                }
                LOOK_EVERY
            }
            Err(problem) => {
                failures += 1;
                report(&problem);
                backoff(failures)
            }
        };
        tokio::select! {
            Some(done) = running.join_next() => {
                if let Err(panic) = done {
                    tracing::error!(%panic, "a job panicked: its lease brings it back");
                }
                mails.notify_one();
            }
            () = stop.cancelled(), if !stop.is_cancelled() => {}
            // Whoever woke us may have written a mail.
            () = app.db.queued() => mails.notify_one(),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn report(problem: &Problem) {
    tracing::error!(%problem, cause = ?problem.cause, "the worker failed");
}

/// Writes down what was asked of gateways, until `stop`, and once after it.
async fn write_notes(app: &App, stop: &CancellationToken) {
    let write = async || {
        payments::write_calls(app).await?;
        Ok(0)
    };
    repeat(stop, &app.gateways.notes().wake, write).await;
    if let Err(problem) = write().await {
        report(&problem);
    }
}

/// Does what is due, and rests when that was nothing, until `stop`.
async fn repeat(
    stop: &CancellationToken,
    wake: &Notify,
    do_due: impl AsyncFn() -> Result<usize, Problem>,
) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        let pause = match do_due().await {
            Ok(0) => {
                failures = 0;
                LOOK_EVERY
            }
            Ok(_) => {
                failures = 0;
                continue;
            }
            Err(problem) => {
                failures += 1;
                report(&problem);
                backoff(failures)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does once what is due now: jobs, then mails. Answers how much that was.
async fn run_due(app: &App) -> Result<usize, Problem> {
    let jobs = run_jobs(app).await?;
    payments::write_calls(app).await?;
    Ok(jobs + emails::deliver_due(app).await?)
}

/// Does what is due until nothing is left.
pub async fn drain(app: &App) -> Result<(), Problem> {
    while run_due(app).await? > 0 {}
    Ok(())
}

async fn run_jobs(app: &App) -> Result<usize, Problem> {
    let claimed = claim(app, AT_ONCE).await?;
    let count = claimed.len();
    join_all(claimed.into_iter().map(|row| Box::pin(do_job(app, row)))).await;
    Ok(count)
}

/// Takes as many due jobs as there is room for.
async fn claim(app: &App, room: usize) -> Result<Vec<JobRow>, Problem> {
    let now = app.clock.now();
    let mut reader = app.db.read().await?;
    if room == 0 || queue::oldest_due(&mut reader, now).await?.is_none() {
        return Ok(Vec::new());
    }
    drop(reader);
    let limit = i64::try_from(room).unwrap_or(i64::MAX);
    app.db
        .transaction(async |conn| Ok(queue::claim(conn, limit, now, LEASE).await?))
        .await
}

/// Does a job. When even its outcome cannot be written down, its lease brings it back.
async fn do_job(app: &App, row: JobRow) {
    let outcome = row.payload.0.run(app).await;
    if let Err(problem) = record(app, &row, outcome).await {
        report(&problem);
    }
}

async fn record(app: &App, row: &JobRow, outcome: Result<(), Problem>) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.write().await?;
    match outcome {
        Ok(()) => queue::finish(&mut conn, row, now).await?,
        Err(problem) => {
            let gives_up = row.attempts >= ATTEMPTS_MOST && row.payload.0.rest().is_none();
            let run_at = (!gives_up).then(|| now.plus(backoff(row.attempts)));
            tracing::error!(
                job = %row.id, kind = row.kind, attempts = row.attempts, gives_up,
                cause = ?problem.cause, "job failed"
            );
            queue::fail(&mut conn, row, &problem.to_string(), run_at, now).await?;
        }
    }
    Ok(())
}
