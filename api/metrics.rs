//! What happens, counted where it happens, for who is on call. Nothing in it is personal.
//!
//! Without `METRICS_LISTEN` nobody listens, and nothing is kept.

use std::time::{Duration, Instant};

use metrics::{counter, describe_counter, describe_histogram, histogram};

use crate::gateways::watched::{CallOutcome, Operation};

const REQUESTS: &str = "tollgate_http_requests_total";
const REQUEST_SECONDS: &str = "tollgate_http_request_seconds";
const POOL_WAIT_SECONDS: &str = "tollgate_db_pool_wait_seconds";
const STOCK_GUARD_HITS: &str = "tollgate_stock_guard_hits_total";
const WEBHOOKS: &str = "tollgate_webhooks_total";
const WEBHOOK_LAG_SECONDS: &str = "tollgate_webhook_lag_seconds";
const GATEWAY_SECONDS: &str = "tollgate_gateway_call_seconds";
const SCANS: &str = "tollgate_scans_total";

/// How long something took. It is no business time, so it is not the clock's.
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a duration that nothing is decided by"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

pub fn request_answered(method: &str, route: &str, status: u16, took: Duration) {
    let (method, route) = (method.to_owned(), route.to_owned());
    histogram!(REQUEST_SECONDS, "method" => method.clone(), "route" => route.clone()).record(took);
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status.to_string())
        .increment(1);
}

pub fn pool_waited(took: Duration) {
    histogram!(POOL_WAIT_SECONDS).record(took);
}

/// Somebody wanted what somebody else was just taking, or what was gone.
pub fn stock_guard_hit(stock: &'static str) {
    counter!(STOCK_GUARD_HITS, "stock" => stock).increment(1);
}

pub fn webhook_taken(provider: &str, result: &'static str) {
    counter!(WEBHOOKS, "provider" => provider.to_owned(), "result" => result).increment(1);
}

/// A message did what it says, this long after it came.
pub fn webhook_applied(lag: Duration) {
    histogram!(WEBHOOK_LAG_SECONDS).record(lag);
}

pub fn gateway_called(
    provider: &'static str,
    operation: Operation,
    outcome: CallOutcome,
    took: Duration,
) {
    histogram!(
        GATEWAY_SECONDS,
        "provider" => provider, "operation" => operation.as_str(), "outcome" => outcome.as_str()
    )
    .record(took);
}

pub fn scanned(reason: &'static str) {
    counter!(SCANS, "reason" => reason).increment(1);
}

/// Says what each figure means.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered");
    describe_histogram!(REQUEST_SECONDS, "Time from a request to its answer");
    describe_histogram!(POOL_WAIT_SECONDS, "Time until a connection was free");
    describe_counter!(
        STOCK_GUARD_HITS,
        "Purchases refused since the stock is gone"
    );
    describe_counter!(WEBHOOKS, "Messages of gateways");
    describe_histogram!(WEBHOOK_LAG_SECONDS, "Time from a message to what it does");
    describe_histogram!(GATEWAY_SECONDS, "Time that a call to a gateway took");
    describe_counter!(SCANS, "Scans at the gate");
}
