//! Stripe, simulated: its paths, bodies, statuses and errors under `/stripe/v1`, its hosted
//! page, its signed messages. Its state is one account in memory behind one lock, and is gone
//! at exit. What is true of Stripe is taken from its documentation and its official libraries.

mod account;
mod acts;
mod attempt;
mod call;
mod charges;
mod control;
mod customers;
mod delivery;
mod disputes;
mod endpoints;
mod error;
mod events;
mod expand;
mod faults;
mod form;
mod idempotency;
mod ids;
mod line_items;
mod methods;
mod money;
mod object;
mod operations;
mod page;
mod params;
mod payment_intents;
mod refunds;
mod routes;
mod sessions;
mod shelf;
mod signature;
mod transactions;
mod truth;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::account::Account;
pub(super) use self::control::configure as configure_control;
use crate::clock::Clock;

/// The simulated Stripe.
pub(super) struct Stripe {
    account: Mutex<Account>,
    clock: Clock,
    client: reqwest::Client,
    stop: CancellationToken,
    /// There may be something to post.
    wake: Notify,
    /// There is nothing to post.
    quiet: Notify,
    /// Faults are over.
    healed: Notify,
}

impl Stripe {
    pub(super) fn new(clock: Clock, client: reqwest::Client, stop: CancellationToken) -> Self {
        Self {
            account: Mutex::default(),
            clock,
            client,
            stop,
            wake: Notify::new(),
            quiet: Notify::new(),
            healed: Notify::new(),
        }
    }

    /// From now on its pages are there.
    pub(super) fn listens_on(&self, mut address: SocketAddr) {
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::from([127, 0, 0, 1]));
        }
        self.lock().base = format!("http://{address}/stripe");
    }

    pub(super) fn register_webhook(&self, url: &str, secret: &str) -> String {
        self.lock().register(url, secret)
    }

    /// The account as it is now: what was due has happened.
    fn lock(&self) -> MutexGuard<'_, Account> {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.arrive(self.clock.now().unix_seconds());
        account
    }
}

pub(super) fn configure(config: &mut web::ServiceConfig, stripe: &Arc<Stripe>) {
    config
        .app_data(web::Data::from(stripe.clone()))
        .route("/stripe/v1", web::to(routes::serve))
        .route("/stripe/v1/{path:.*}", web::to(routes::serve))
        .configure(page::configure);
}
