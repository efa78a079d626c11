//! `/metrics`, on a port of its own: what this process has counted, and what waits in the
//! database, in Prometheus' text format.

use std::net::SocketAddr;

use actix_web::dev::ServerHandle;
use actix_web::{HttpResponse, HttpServer, web};
use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::payments::Status;
use crate::{emails, jobs, payments, tasks, webhooks};

const QUEUE_OLDEST_SECONDS: &str = "tollgate_queue_oldest_seconds";
const QUEUE_GIVEN_UP: &str = "tollgate_queue_given_up";
const PAYMENTS_UNFINISHED: &str = "tollgate_payments_unfinished";
const PAYMENTS_UNFINISHED_OLDEST: &str = "tollgate_payments_unfinished_oldest_seconds";
const DATABASE_UP: &str = "tollgate_database_up";
const TASKS_OPEN: &str = "tollgate_tasks_open";
const POOL_CONNECTIONS: &str = "tollgate_db_pool_connections";

/// The bounds of every histogram, in seconds.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

fn describe() {
    describe_gauge!(
        QUEUE_OLDEST_SECONDS,
        "How long the oldest due row has waited"
    );
    describe_gauge!(QUEUE_GIVEN_UP, "Rows that are tried no more");
    describe_gauge!(PAYMENTS_UNFINISHED, "Payments that are not final");
    describe_gauge!(
        PAYMENTS_UNFINISHED_OLDEST,
        "How long the oldest of them has not changed"
    );
    describe_gauge!(DATABASE_UP, "Whether the rest could be read");
    describe_gauge!(TASKS_OPEN, "Tasks that wait for a person");
    describe_gauge!(POOL_CONNECTIONS, "Connections to the database");
}

/// A server of figures that runs.
pub struct Serving(ServerHandle);

impl Serving {
    pub async fn stop(&self) {
        self.0.stop(true).await;
    }
}

/// Begins to count in this process, and serves `/metrics` at an address.
pub fn serve(app: &App, listen: SocketAddr) -> std::io::Result<Serving> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .map_err(std::io::Error::other)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(std::io::Error::other)?;
    crate::metrics::describe();
    describe();
    let (app, handle) = (web::Data::new(app.clone()), web::Data::new(handle));
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(handle.clone())
            .route("/metrics", web::get().to(show))
    })
    .workers(1)
    .disable_signals()
    .bind(listen)?
    .run();
    let serving = Serving(server.handle());
    tokio::spawn(server);
    Ok(serving)
}

async fn show(app: web::Data<App>, figures: web::Data<PrometheusHandle>) -> HttpResponse {
    // A database that does not answer is seen by what is missing; the rest is shown.
    let is_read = read(&app)
        .await
        .inspect_err(|problem| tracing::warn!(code = %problem, "figures are not read"))
        .is_ok();
    gauge!(DATABASE_UP).set(if is_read { 1.0 } else { 0.0 });
    figures.run_upkeep();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(figures.render())
}

/// Reads what waits.
async fn read(app: &App) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let age = |since: Option<Timestamp>| since.map_or(0.0, |since| now.since(since).as_secs_f64());
    let oldest = [
        ("jobs", jobs::oldest_due(&mut conn, now).await?),
        ("emails", emails::oldest_due(&mut conn, now).await?),
        ("webhooks", webhooks::oldest_waiting(&mut conn).await?),
    ];
    for (queue, since) in oldest {
        gauge!(QUEUE_OLDEST_SECONDS, "queue" => queue).set(age(since));
    }
    set(
        gauge!(QUEUE_GIVEN_UP, "queue" => "jobs"),
        jobs::count_dead(&mut conn).await?,
    );
    set(
        gauge!(QUEUE_GIVEN_UP, "queue" => "emails"),
        emails::count_dead(&mut conn).await?,
    );
    set(gauge!(TASKS_OPEN), tasks::count_open(&mut conn).await?);
    let unfinished = payments::count_unfinished(&mut conn).await?;
    // Also those that there is none of any more: a gauge keeps what it was last set to.
    for status in Status::NAMES
        .iter()
        .filter_map(|name| Status::from_name(name))
    {
        let of_status = unfinished.iter().find(|(it, ..)| *it == status);
        let (count, oldest) = of_status.map_or((0, None), |(_, count, oldest)| (*count, *oldest));
        set(
            gauge!(PAYMENTS_UNFINISHED, "status" => status.as_str()),
            count,
        );
        gauge!(PAYMENTS_UNFINISHED_OLDEST, "status" => status.as_str()).set(age(oldest));
    }
    drop(conn);
    for (pool, connections) in app.db.connections() {
        let states = [
            ("open", connections.size),
            ("idle", connections.available),
            ("waited_for", connections.waiting),
        ];
        for (state, count) in states {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            set(
                gauge!(POOL_CONNECTIONS, "pool" => pool, "state" => state),
                count,
            );
        }
    }
    Ok(())
}

fn set(gauge: metrics::Gauge, count: i64) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    gauge.set(f64::from(count));
}
