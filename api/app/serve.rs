//! Serving, until asked to stop; then finishing what runs.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{HttpServer, web};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::AppExt;

use super::{App, StartError, figures, routes};
use crate::http::{cors, detach, limits, problem, trace};
use crate::jobs;
use crate::service::Contract;

/// How long a request may take to end once Tollgate is asked to stop.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long a client may take to send its request's head.
const HEAD_TIME_LIMIT: Duration = Duration::from_secs(10);

/// A server that runs.
pub struct Running {
    app: App,
    address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    worker: JoinHandle<()>,
    figures: Option<figures::Serving>,
    stop: CancellationToken,
}

/// Starts serving on the configured address, with a worker in the same process or without.
pub fn serve(app: App, threads: usize, with_worker: bool) -> Result<Running, StartError> {
    let contract = web::Data::new(Contract(super::contract_text()));
    let shared = web::Data::new(app.clone());
    let cors_config = app.config.clone();
    let factory = move || {
        let (service, _) = actix_web::App::new()
            .app_data(shared.clone())
            .app_data(contract.clone())
            .into_utoipa_app()
            .configure(routes::operations)
            .split_for_parts();
        service
            .configure(|config| routes::pages(config, &shared))
            .wrap(from_fn(limits::limit))
            .wrap(from_fn(detach::detach))
            .wrap(from_fn(problem::render))
            .wrap(cors::cors(&cors_config))
            .wrap(Compress::default())
            .wrap(security_headers())
            .wrap(from_fn(trace::trace))
    };
    let listen = app.config.listen;
    let unbound = |error| StartError::Listen {
        address: listen,
        error,
    };
    let server = HttpServer::new(factory)
        .workers(threads)
        .client_request_timeout(HEAD_TIME_LIMIT)
        .shutdown_timeout(STOP_LIMIT.as_secs())
        .disable_signals()
        .bind(listen)
        .map_err(unbound)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    app.bound.get_or_init(|| address);
    #[cfg(debug_assertions)]
    if let Some(point) = app.config.crash_point {
        crate::db::crash::arm(point);
    }
    let figures = app.config.metrics_listen.map(|listen| {
        let unbound = |error| StartError::MetricsListen {
            address: listen,
            error,
        };
        figures::serve(&app, listen).map_err(unbound)
    });
    let figures = figures.transpose()?;
    let server = server.run();
    let handle = server.handle();
    let stop = CancellationToken::new();
    let worker = match with_worker {
        true => jobs::start(app.clone(), stop.clone()),
        false => jobs::start_notes(app.clone(), stop.clone()),
    };
    Ok(Running {
        app,
        address,
        handle,
        server: tokio::spawn(server),
        worker,
        figures,
        stop,
    })
}

impl Running {
    /// The address that was bound, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections, finishes what runs, then ends.
    pub async fn stop(self) -> Result<(), StartError> {
        self.handle.pause().await;
        self.stop.cancel();
        self.app.running.close();
        let finished = tokio::time::timeout(STOP_LIMIT, self.app.running.wait()).await;
        if finished.is_err() {
            tracing::error!("requests were still running after {STOP_LIMIT:?}");
        }
        self.handle.stop(true).await;
        self.worker.await.map_err(std::io::Error::other)?;
        if let Some(figures) = self.figures {
            figures.stop().await;
        }
        self.server.await.map_err(std::io::Error::other)??;
        Ok(())
    }
}

/// Swagger UI needs its own scripts and inline styles; nothing may come from elsewhere.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("x-content-type-options", "nosniff"))
        .add(("x-frame-options", "DENY"))
        .add(("referrer-policy", "no-referrer"))
        .add((
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
             img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ))
}
