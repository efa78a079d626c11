//! How often one client may call.
//!
//! Each process counts for itself (the generic cell rate algorithm), so with several of them
//! behind a balancer a client has that many times the limit.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::auth::{self, Credential};
use super::client;
use crate::app::App;
use crate::error::{Code, Problem};

/// One limit, counted for each key.
pub struct Limit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    quota: u32,
    window_seconds: u64,
    on: bool,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: u32, window: Duration, on: bool) -> Self {
        let burst = NonZeroU32::new(quota).unwrap_or(NonZeroU32::MIN);
        let each = window.checked_div(quota).unwrap_or(window);
        let policy = Quota::with_period(each)
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        Self {
            limiter: RateLimiter::keyed(policy),
            quota,
            window_seconds: window.as_secs(),
            on,
        }
    }

    /// Counts one call, or says how long to wait.
    pub fn check(&self, key: &K) -> Result<(), Problem> {
        if !self.on {
            return Ok(());
        }
        self.limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + 1;
            let mut problem = Problem::new(Code::RateLimited).retry_after(seconds);
            let members = [
                ("limit", u64::from(self.quota)),
                ("window_seconds", self.window_seconds),
            ];
            for (name, value) in members {
                problem.members.insert(name.to_owned(), value.into());
            }
            problem
        })
    }

    /// Forgets the keys that have been quiet.
    fn shrink(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// All limits of this process.
pub struct Limits {
    /// Any route, by caller or, without one, by address.
    pub requests: Limit<String>,
    /// Codes held up to a gate, by who stands there: a queue is let in faster than one clicks.
    pub scans: Limit<String>,
    /// Sign-in, by (address, e-mail).
    pub login: Limit<(Option<IpAddr>, String)>,
    /// New accounts, by address.
    pub register: Limit<Option<IpAddr>>,
    /// Mails that anybody can ask for, by e-mail.
    pub mail: Limit<String>,
    /// Buyers who ask a gateway, by payment.
    pub sync: Limit<String>,
    /// Buyers who want their mails again, by order.
    pub resend: Limit<String>,
}

impl Limits {
    pub fn new(on: bool) -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            requests: Limit::new(300, MINUTE, on),
            scans: Limit::new(1_200, MINUTE, on),
            login: Limit::new(10, MINUTE, on),
            register: Limit::new(20, MINUTE * 60, on),
            mail: Limit::new(1, MINUTE * 10, on),
            sync: Limit::new(1, MINUTE / 6, on),
            resend: Limit::new(3, MINUTE * 60, on),
        }
    }

    /// Forgets the clients that have been quiet; called now and then by the worker.
    pub fn shrink(&self) {
        self.requests.shrink();
        self.scans.shrink();
        self.login.shrink();
        self.register.shrink();
        self.mail.shrink();
        self.sync.shrink();
        self.resend.shrink();
    }
}

/// Refuses a client that calls too often, before anything is read or looked up.
pub async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    // Gateways post as often as people pay; their signatures are what is checked.
    let is_gateway = request.path().starts_with("/api/v1/webhooks/");
    if let Some(app) = request.app_data::<web::Data<App>>()
        && !is_gateway
    {
        let address = client::address(request.request());
        // Only a token that we signed names a caller: made-up ones would each be a new one.
        let caller = auth::credential(request.request()).ok().flatten();
        let requests = &app.limits.requests;
        let (limit, key) = match (caller, address) {
            (Some(Credential::User(claims)), _) if is_scan(request.path()) => {
                (&app.limits.scans, claims.sub)
            }
            (Some(Credential::User(claims)), _) => (requests, claims.sub),
            (Some(Credential::Guest(guest)), _) => (requests, guest.order.to_string()),
            (None, Some(address)) => (requests, address.to_string()),
            (None, None) => (requests, "unknown".to_owned()),
        };
        if let Err(problem) = limit.check(&key) {
            return Ok(request.error_response(problem).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Whether a path is where gates hold up their codes.
fn is_scan(path: &str) -> bool {
    let path = path.strip_prefix("/api/v1/").unwrap_or_default();
    matches!(path, "tickets/verify" | "checkins")
        || (path.starts_with("tickets/") && path.ends_with("/checkin"))
}
