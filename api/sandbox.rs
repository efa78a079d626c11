//! The sandbox: stateful simulators of payment gateways on one port, each under its own prefix
//! with the gateway's true paths, formats and errors. For development and tests.
//!
//! Everything is kept in memory and forgotten at exit. It shares no code with the gateways that
//! are tried against it, so that both cannot be wrong in the same way.

mod control;
mod stripe;

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpServer, web};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::stripe::Stripe;
use crate::clock::Clock;
use crate::http::outbound;

/// What a sandbox is started with.
pub struct Settings {
    /// Where to listen; port 0 chooses one.
    pub listen: SocketAddr,
    /// What control routes must be given as a bearer token. Without one, only this machine may
    /// be listened on.
    pub token: Option<String>,
    /// Tells the sandbox's time. `/control/clock` moves it, and all its clones, forward.
    pub clock: Clock,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("SANDBOX_LISTEN: is not on this machine only: set SANDBOX_TOKEN")]
    Unguarded,
    #[error("SANDBOX_LISTEN {address}: {error}")]
    Listen {
        address: SocketAddr,
        error: std::io::Error,
    },
    #[error("the sandbox's client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A sandbox that runs.
pub struct Running {
    address: SocketAddr,
    stripe: Arc<Stripe>,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    courier: JoinHandle<()>,
    stop: CancellationToken,
}

/// Starts a sandbox that knows nothing yet.
///
/// # Errors
/// When the address cannot be bound, or is reachable by others while control routes need no
/// token.
pub fn start(settings: Settings) -> Result<Running, SandboxError> {
    if settings.token.is_none() && !settings.listen.ip().is_loopback() {
        return Err(SandboxError::Unguarded);
    }
    let stop = CancellationToken::new();
    let clock = settings.clock.clone();
    let stripe = Stripe::new(settings.clock, outbound::client()?, stop.clone());
    let stripe = Arc::new(stripe);
    let shared = stripe.clone();
    let guard = web::Data::new(control::Guard::new(settings.token));
    let clock = web::Data::new(clock);
    let factory = move || {
        actix_web::App::new()
            .app_data(guard.clone())
            .app_data(clock.clone())
            .wrap(DefaultHeaders::new().add(("x-content-type-options", "nosniff")))
            .configure(|config| stripe::configure(config, &shared))
            .configure(control::configure)
    };
    let unbound = |error| SandboxError::Listen {
        address: settings.listen,
        error,
    };
    let server = HttpServer::new(factory)
        .workers(1)
        .shutdown_timeout(2)
        .disable_signals()
        .bind(settings.listen)
        .map_err(unbound)?;
    let address = server.addrs().first().copied().unwrap_or(settings.listen);
    stripe.listens_on(address);
    let server = server.run();
    let handle = server.handle();
    Ok(Running {
        address,
        handle,
        server: tokio::spawn(server),
        courier: tokio::spawn(stripe.clone().deliver_until_stopped()),
        stripe,
        stop,
    })
}

impl Running {
    /// The address that was bound, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client of Stripe takes as its base address, with a slash at the end.
    pub fn stripe_base(&self) -> String {
        format!("http://{}/stripe/", self.address)
    }

    /// Has Stripe send all its events to `url`, signed with `secret`, in its newest version.
    /// Answers the endpoint's id.
    pub fn register_webhook(&self, url: &str, secret: &str) -> String {
        self.stripe.register_webhook(url, secret)
    }

    /// Waits until every message that is due was sent, and answered or given up.
    pub async fn settled(&self) {
        self.stripe.settled().await;
    }

    /// Ends it, calls that it holds open too. What it knew is lost.
    pub async fn stop(self) {
        self.stop.cancel();
        self.handle.stop(true).await;
        for ended in [
            self.courier.await,
            self.server.await.map(|served| {
                if let Err(error) = served {
                    tracing::error!(%error, "the sandbox's server failed");
                }
            }),
        ] {
            if let Err(error) = ended {
                tracing::error!(%error, "the sandbox did not end well");
            }
        }
    }
}
