//! The running application: its parts, its routes, its start and its stop.

mod first_start;
mod routes;
mod serve;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::accounts::{LoginDelays, Passwords};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::db::{Db, DbError, PoolSettings};
use crate::error::Problem;
use crate::http::limits::Limits;
use crate::jobs;
use crate::keys::{Keys, KeysError};
use crate::mail::Mailer;
pub use first_start::Greeting;
pub use serve::{Running, serve};

/// Everything that handlers and jobs share.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub mailer: Arc<Mailer>,
    pub limits: Arc<Limits>,
    pub login_delays: Arc<LoginDelays>,
    pub passwords: Passwords,
    /// Requests that must end before the process does.
    pub running: TaskTracker,
    /// Wakes the worker of this process.
    pub wake: Arc<Notify>,
}

/// Why Tollgate did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("{setting} {address}: {error}", setting = "LISTEN")]
    Listen {
        address: std::net::SocketAddr,
        error: std::io::Error,
    },
    #[error("first start: {}", .0.cause.as_ref().map_or_else(|| .0.to_string(), |c| c.error.to_string()))]
    FirstStart(Problem),
    #[error("the admin's password file: {0}")]
    AdminFile(std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::FirstStart(problem)
    }
}

impl App {
    /// Opens the database, brings it up to date and makes everything ready to serve.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        for (old, new) in &config.old_names {
            tracing::warn!("{old} is not read: it is called {new} here");
        }
        let db = Db::open(&config.database_url, PoolSettings::default())?;
        db.migrate().await?;
        let keys = Keys::load(&config, &db, clock.now()).await?;
        let app = Self {
            mailer: Arc::new(Mailer::new(&config)?),
            limits: Arc::new(Limits::new(config.rate_limits)),
            login_delays: Arc::default(),
            passwords: Passwords::default(),
            running: TaskTracker::new(),
            wake: Arc::default(),
            config: Arc::new(config),
            keys: Arc::new(keys),
            clock,
            db,
        };
        first_start::default_organizer(&app).await?;
        let mut conn = app.db.write().await?;
        jobs::ensure_recurring(&mut conn, app.clock.now())
            .await
            .map_err(DbError::from)?;
        Ok(app)
    }

    /// Brings the configured database up to date and does nothing else.
    pub async fn migrate(config: &Config) -> Result<(), StartError> {
        Db::open(&config.database_url, PoolSettings::default())?
            .migrate()
            .await?;
        Ok(())
    }

    /// Makes an admin of `ADMIN_EMAIL` and `ADMIN_PASSWORD`; answers who, and whether the
    /// account is new.
    pub async fn create_configured_admin(&self) -> Result<(String, bool), StartError> {
        let admin = self.config.admin.clone();
        let password = admin.as_ref().and_then(|admin| admin.password.clone());
        let (Some(admin), Some(password)) = (admin, password) else {
            let reason = "is needed, with ADMIN_EMAIL, to make an admin";
            return Err(ConfigError::new("ADMIN_PASSWORD", reason).into());
        };
        let created = first_start::create_admin(self, &admin.email, password).await?;
        Ok((admin.email, created))
    }

    /// Tells the worker of this process that there is something to do.
    pub fn wake_worker(&self) {
        self.wake.notify_one();
    }

    /// Does all background work that is due, and then that nothing is left; for tests.
    pub async fn drain_jobs(&self) -> Result<(), Problem> {
        jobs::drain(self).await
    }

    /// How much background work is unfinished or given up; for tests.
    pub async fn count_unfinished_work(&self) -> Result<i64, Problem> {
        let mut conn = self.db.read().await?;
        let jobs = jobs::count_unfinished(&mut conn).await?;
        Ok(jobs + crate::emails::count_unfinished(&mut conn).await?)
    }
}

/// The OpenAPI contract, as it is published.
pub fn contract_text() -> String {
    let document = routes::contract();
    document.to_pretty_json().unwrap_or_default()
}
