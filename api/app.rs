//! The running application: its parts, its routes, its start and its stop.

mod demo;
mod figures;
mod first_start;
mod routes;
mod serve;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use actix_web::{HttpRequest, web};
use tokio_util::task::TaskTracker;

use crate::accounts::{LoginDelays, Passwords, User};
use crate::batch::{Gather, Lanes};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Environment};
use crate::db::{Db, DbError, PoolSettings};
use crate::error::Problem;
use crate::gate::{self, Answered, Entry};
use crate::gateways::dummy::faults::Fault;
use crate::gateways::dummy::{self, Dummy};
use crate::gateways::stripe::Stripe;
use crate::gateways::watched::Operation;
use crate::gateways::{Gateways, PaymentRefs, RefundCause, RefundRefs};
use crate::http::idempotency::{Claimed, Outcome};
use crate::http::limits::Limits;
use crate::http::outbound;
use crate::id::{LoginSessionId, PaymentId, TicketId};
use crate::jobs;
use crate::keys::{Keys, KeysError};
use crate::ledger::invariants;
use crate::mail::Mailer;
use crate::money::{Currency, Money};
use crate::orders::{NewOrder, Placed};
use crate::payments::BilledPayment;
pub use demo::Demo;
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
    pub gateways: Gateways,
    /// For calls to others.
    pub http: reqwest::Client,
    pub limits: Arc<Limits>,
    pub login_delays: Arc<LoginDelays>,
    pub passwords: Passwords,
    /// Where the hottest writes go together.
    pub lanes: AppLanes,
    /// Where the hottest reads go together.
    pub gathers: Gathers,
    /// Requests that must end before the process does.
    pub running: TaskTracker,
    /// Where this process really listens, once it does.
    bound: Arc<OnceLock<SocketAddr>>,
}

/// The lanes of orders and of check-ins.
#[derive(Clone)]
pub struct AppLanes {
    pub orders: Lanes<Claimed<(NewOrder, Placed)>, Result<Outcome, Problem>>,
    pub check_ins: Lanes<Entry, Answered>,
}

impl AppLanes {
    /// SQLite has one writer, for which a second turn would only wait.
    fn of(db: &Db) -> Self {
        match db.is_embedded() {
            true => Self {
                orders: Lanes::single(),
                check_ins: Lanes::single(),
            },
            false => Self {
                orders: Lanes::double(),
                check_ins: Lanes::double(),
            },
        }
    }
}

/// What every call by a person, every scan and every look at a payment reads.
#[derive(Clone, Default)]
pub struct Gathers {
    pub users: Gather<LoginSessionId, User>,
    pub tickets: Gather<TicketId, gate::Record>,
    pub payments: Gather<PaymentId, BilledPayment>,
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
    #[error("{setting} {address}: {error}", setting = "METRICS_LISTEN")]
    MetricsListen {
        address: std::net::SocketAddr,
        error: std::io::Error,
    },
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::SandboxError),
    #[error("first start: {}", reason(.0))]
    FirstStart(Problem),
    #[error("demo: {}", reason(.0))]
    Demo(Problem),
    #[error("the admin's password file: {0}")]
    AdminFile(std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What a terminal is told of a refusal: its cause, where it has one.
fn reason(problem: &Problem) -> String {
    let cause = problem.cause.as_ref();
    cause.map_or_else(|| problem.to_string(), |cause| cause.error.to_string())
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::FirstStart(problem)
    }
}

impl App {
    /// The application that serves a request.
    pub fn of(request: &HttpRequest) -> Result<&Self, Problem> {
        let app = request.app_data::<web::Data<Self>>();
        app.map(|app| app.get_ref())
            .ok_or_else(|| Problem::internal("no app"))
    }

    /// Opens the database, brings it up to date and makes everything ready to serve.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        for (old, new) in &config.old_names {
            tracing::warn!("{old} is not read: it is called {new} here");
        }
        let db = Db::open(&config.database_url, PoolSettings::default())?;
        db.migrate().await?;
        let keys = Keys::load(&config, &db, clock.now()).await?;
        let gateways = gateways(&config, &db, &clock, &keys)?;
        let app = Self {
            gateways,
            http: outbound::client().map_err(std::io::Error::other)?,
            bound: Arc::default(),
            mailer: Arc::new(Mailer::new(&config)?),
            limits: Arc::new(Limits::new(config.rate_limits)),
            login_delays: Arc::default(),
            passwords: Passwords::default(),
            lanes: AppLanes::of(&db),
            gathers: Gathers::default(),
            running: TaskTracker::new(),
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

    /// Where this installation can be reached from this machine.
    pub fn own_address(&self) -> SocketAddr {
        let mut address = self.bound.get().copied().unwrap_or(self.config.listen);
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::from([127, 0, 0, 1]));
        }
        address
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

/// What goes on at the dummy gateway, where we have no part in it; for tests, and for whoever
/// rehearses.
impl App {
    /// The next calls of an operation go wrong; `false` for a name that is not known.
    pub fn script_dummy_fault(&self, operation: &str, fault: &str, times: usize) -> bool {
        let names = (Operation::from_name(operation), Fault::from_name(fault));
        match (self.gateways.dummy(), names) {
            (Some(dummy), (Some(operation), Some(fault))) => {
                dummy.faults.script(operation, fault, times);
                true
            }
            _ => false,
        }
    }

    /// Nothing that was scripted goes wrong any more.
    pub fn heal_dummy(&self) {
        if let Some(dummy) = self.gateways.dummy() {
            dummy.faults.clear();
        }
    }

    /// Somebody decides about a payment on the gateway's page; `false` when it is too late, or
    /// the outcome is not known.
    pub async fn decide_at_dummy(&self, reference: &str, outcome: &str) -> Result<bool, Problem> {
        match (self.gateways.dummy(), dummy::Outcome::from_name(outcome)) {
            (Some(dummy), Some(outcome)) => dummy.decide(reference, outcome).await,
            _ => Ok(false),
        }
    }

    /// From now on refunds are pending until [`App::decide_dummy_refunds`], or are not.
    pub fn slow_dummy_refunds(&self, slow: bool) {
        if let Some(dummy) = self.gateways.dummy() {
            dummy.slow_refunds.store(slow, Ordering::Relaxed);
        }
    }

    /// The bank takes a payment's pending refunds, or does not; how many there were.
    pub async fn decide_dummy_refunds(
        &self,
        reference: &str,
        succeed: bool,
    ) -> Result<usize, Problem> {
        match self.gateways.dummy() {
            Some(dummy) => dummy.decide_refunds(reference, succeed).await,
            None => Ok(0),
        }
    }

    /// The bank returns what was given back of a payment; how many refunds that were.
    pub async fn return_dummy_refunds(&self, reference: &str) -> Result<usize, Problem> {
        match self.gateways.dummy() {
            Some(dummy) => dummy.return_refunds(reference).await,
            None => Ok(0),
        }
    }

    /// Somebody gives money back at the gateway; `false` when it refuses.
    pub async fn refund_at_dummy(
        &self,
        charge: &str,
        refund: &str,
        amount_minor: i64,
        currency: &str,
    ) -> Result<bool, Problem> {
        let currency = Currency::from_code(currency);
        let (Some(dummy), Some(currency)) = (self.gateways.dummy(), currency) else {
            return Ok(false);
        };
        let amount = Money::new(amount_minor, currency);
        let refs = RefundRefs {
            payment: PaymentRefs {
                payment: PaymentId::new(),
                reference: charge.to_owned(),
                provider_payment_id: None,
                amount,
                created_at: self.clock.now(),
            },
            reference: refund.to_owned(),
            provider_refund_id: None,
            amount,
            cause: RefundCause::Other,
        };
        dummy.refund_there(&refs).await
    }
}

impl App {
    /// What is wrong with the books, in words; with `settled`, also measured by the dummy
    /// gateway's truth. For tests, and for whoever doubts.
    pub async fn find_violations(&self, settled: bool) -> Result<Vec<String>, Problem> {
        let mut conn = self.db.read().await?;
        let mut violations = invariants::violations(&mut conn).await?;
        if settled {
            violations.extend(invariants::dummy_violations(&mut conn).await?);
        }
        let violations = violations.iter();
        Ok(violations
            .map(|it| format!("{} ({} times not)", it.invariant, it.count))
            .collect())
    }
}

/// The gateways that the settings name. Development has the dummy one, with a secret of its
/// own that lasts as long as the pepper.
fn gateways(config: &Config, db: &Db, clock: &Clock, keys: &Keys) -> Result<Gateways, ConfigError> {
    let dummy = (config.environment != Environment::Production).then(|| {
        let configured = config.dummy_webhook_secret.clone().map(String::into_bytes);
        let derived = || keys.derive("dummy_webhook", &[]).map(|key| key.to_vec());
        let secret = configured.or_else(derived).unwrap_or_default();
        let base = config.public_base_url.clone();
        Dummy::new(db.clone(), clock.clone(), secret, base)
    });
    let mut gateways = Gateways::new(dummy, config.default_provider.clone(), clock.clone());
    if let Some(settings) = &config.stripe {
        if config.environment == Environment::Production && !settings.livemode() {
            tracing::warn!("STRIPE_SECRET_KEY is one for tests: no money moves");
        }
        gateways.add(Arc::new(Stripe::new(settings.clone(), clock.clone())?));
    }
    if gateways.default_is_known() {
        Ok(gateways)
    } else {
        let reason = "is no gateway that is configured";
        Err(ConfigError::new("DEFAULT_PROVIDER", reason))
    }
}

/// The OpenAPI contract, as it is published.
pub fn contract_text() -> String {
    let document = routes::contract();
    document.to_pretty_json().unwrap_or_default()
}
