//! Every setting, read once from the environment and refused when it is unsafe.

mod read;
mod stripe;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

#[cfg(debug_assertions)]
use crate::db::crash::CrashPoint;
use crate::http::cors::is_loopback;
use crate::keys::SeedKey;
use crate::money::Currency;
use read::Reader;
pub use stripe::StripeSettings;

/// Where Tollgate runs; it decides what is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Test,
    Production,
}

/// How mails leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailerSettings {
    /// Written to the terminal.
    Console,
    /// One `.eml` file each in this folder.
    File(PathBuf),
    /// `smtp://` or `smtps://`, with user and password in the URL.
    Smtp(String),
}

/// The account made on the first start.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    pub email: String,
    /// Without one a random password is made (development only).
    pub password: Option<String>,
}

/// What happens to money that arrives after its order has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePaymentPolicy {
    /// The stock is taken again if it is there.
    ReallocateElseRefund,
    /// It is given back in any case.
    Refund,
}

/// Why the settings cannot be used: one line that names the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct ConfigError {
    pub setting: &'static str,
    pub reason: String,
}

impl ConfigError {
    pub fn new(setting: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { setting, reason }
    }
}

/// The settings of one process.
#[derive(Clone)]
pub struct Config {
    pub environment: Environment,
    pub database_url: String,
    pub listen: SocketAddr,
    /// Where figures are shown; nowhere, if `None`.
    pub metrics_listen: Option<SocketAddr>,
    /// How clients reach us, without a slash at the end.
    pub public_base_url: String,
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of front ends, for CORS and return URLs.
    pub return_origins: Vec<String>,
    pub email_verify_url: String,
    pub password_reset_url: String,
    /// Where the front end shows an order; mails link there.
    pub order_url: String,
    /// Where a buyer lands who comes back from a gateway, when the order names no place.
    pub default_success_url: Option<String>,
    pub default_cancel_url: Option<String>,
    pub default_currency: Currency,
    /// The gateway of a payment that names none.
    pub default_provider: Option<String>,
    /// How long an unpaid order keeps what it took.
    pub hold_ttl: Duration,
    /// The longest that a payment under way can make it.
    pub hold_max: Duration,
    pub late_payment_policy: LatePaymentPolicy,
    pub dummy_webhook_secret: Option<String>,
    /// Stripe's account, where there is one.
    pub stripe: Option<StripeSettings>,
    /// Where the sandbox listens, when it is started.
    pub sandbox_listen: SocketAddr,
    /// What the sandbox's control routes must be given.
    pub sandbox_token: Option<String>,
    pub jwt_keys: Vec<SeedKey>,
    /// The keys of tickets; their ids are numbers.
    pub ticket_keys: Vec<SeedKey>,
    pub token_peppers: Vec<Vec<u8>>,
    pub admin: Option<AdminSettings>,
    pub mailer: MailerSettings,
    pub mail_from: String,
    pub rate_limits: bool,
    /// Where the process is to die, for the tests of that.
    #[cfg(debug_assertions)]
    pub crash_point: Option<CrashPoint>,
    /// Settings that are set under a name of an older system, and their names here.
    pub old_names: Vec<(&'static str, &'static str)>,
}

impl Config {
    /// Reads the process's environment and, in development, `.env`.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::read(&Reader::of_process()?)
    }

    /// Reads settings from anywhere; for tests.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String> + 'static,
    ) -> Result<Self, ConfigError> {
        Self::read(&Reader::of(lookup))
    }

    fn read(settings: &Reader) -> Result<Self, ConfigError> {
        let environment = match settings.text("APP_ENV")?.as_deref() {
            None | Some("development") => Environment::Development,
            Some("test") => Environment::Test,
            Some("production") => Environment::Production,
            Some(_) => {
                let reason = "must be development, test or production";
                return Err(ConfigError::new("APP_ENV", reason));
            }
        };
        let listen: SocketAddr = settings
            .parsed("LISTEN", "an address such as 127.0.0.1:8080")?
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let public_base_url = settings
            .url("PUBLIC_BASE_URL")?
            .unwrap_or_else(|| format!("http://{listen}"));
        let front_end = |setting, page: &str| -> Result<String, ConfigError> {
            let url = settings.url(setting)?;
            Ok(url.unwrap_or_else(|| format!("{public_base_url}/{page}")))
        };
        let config = Self {
            environment,
            database_url: settings
                .secret("DATABASE_URL")?
                .unwrap_or_else(|| "sqlite:tollgate.db".to_owned()),
            listen,
            metrics_listen: settings
                .parsed("METRICS_LISTEN", "an address such as 127.0.0.1:9464")?,
            trusted_proxies: settings.list("TRUSTED_PROXIES", "networks such as 10.0.0.0/8")?,
            return_origins: settings.origins("RETURN_ORIGINS")?,
            email_verify_url: front_end("EMAIL_VERIFY_URL", "verify-email")?,
            password_reset_url: front_end("PASSWORD_RESET_URL", "reset-password")?,
            order_url: front_end("ORDER_URL", "order")?,
            default_success_url: settings.url("DEFAULT_SUCCESS_URL")?,
            default_cancel_url: settings.url("DEFAULT_CANCEL_URL")?,
            default_currency: settings.currency("DEFAULT_CURRENCY")?,
            default_provider: settings.text("DEFAULT_PROVIDER")?.or_else(|| {
                let has_dummy = environment != Environment::Production;
                has_dummy.then(|| "dummy".to_owned())
            }),
            hold_ttl: settings
                .duration("HOLD_TTL")?
                .unwrap_or(Duration::from_secs(15 * 60)),
            hold_max: settings
                .duration("HOLD_MAX")?
                .unwrap_or(Duration::from_secs(24 * 60 * 60)),
            late_payment_policy: settings.late_payment_policy("LATE_PAYMENT_POLICY")?,
            dummy_webhook_secret: settings.secret("DUMMY_WEBHOOK_SECRET")?,
            stripe: StripeSettings::read(settings)?,
            sandbox_listen: settings
                .parsed("SANDBOX_LISTEN", "an address such as 127.0.0.1:8081")?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081))),
            sandbox_token: settings.secret("SANDBOX_TOKEN")?,
            jwt_keys: settings.seed_keys("JWT_KEYS")?,
            ticket_keys: settings.ticket_keys("TICKET_KEYS")?,
            token_peppers: settings.peppers("TOKEN_PEPPER")?,
            admin: settings.admin(environment)?,
            mailer: settings.mailer(environment)?,
            mail_from: settings
                .mailbox("MAIL_FROM")?
                .unwrap_or_else(|| "Tollgate <tickets@localhost>".to_owned()),
            rate_limits: settings.switch("RATE_LIMITS")?,
            #[cfg(debug_assertions)]
            crash_point: settings
                .text("CRASH_AT_COMMIT")?
                .and_then(|text| CrashPoint::parse(&text)),
            old_names: settings.old_names(),
            public_base_url,
        };
        config.refuse_unsafe(settings)?;
        Ok(config)
    }

    /// What is convenient on a developer's machine is dangerous elsewhere.
    fn refuse_unsafe(&self, settings: &Reader) -> Result<(), ConfigError> {
        let refuse = |setting, reason: &str| Err(ConfigError::new(setting, reason));
        let is_short = |secret: &String| secret.len() < 32;
        if self.dummy_webhook_secret.as_ref().is_some_and(is_short) {
            return refuse("DUMMY_WEBHOOK_SECRET", "must be at least 32 characters");
        }
        if let Some(stripe) = &self.stripe {
            stripe.refuse_unsafe(self.environment)?;
        }
        if self.hold_max < self.hold_ttl {
            return refuse("HOLD_MAX", "must not be shorter than HOLD_TTL");
        }
        if self.environment != Environment::Production {
            if !settings.is_set("APP_ENV") {
                let needs = "is not on this machine only: set APP_ENV";
                if !self.listen.ip().is_loopback() {
                    return refuse("LISTEN", needs);
                }
                if !is_loopback(&self.public_base_url) {
                    return refuse("PUBLIC_BASE_URL", needs);
                }
            }
            return Ok(());
        }
        let https = |url: &str| url.starts_with("https://");
        if !https(&self.public_base_url) {
            return refuse("PUBLIC_BASE_URL", "must be https in production");
        }
        if !https(&self.email_verify_url) {
            return refuse("EMAIL_VERIFY_URL", "must be https in production");
        }
        if !https(&self.password_reset_url) {
            return refuse("PASSWORD_RESET_URL", "must be https in production");
        }
        if !https(&self.order_url) {
            return refuse("ORDER_URL", "must be https in production");
        }
        if !self.default_success_url.as_deref().is_none_or(https) {
            return refuse("DEFAULT_SUCCESS_URL", "must be https in production");
        }
        if !self.default_cancel_url.as_deref().is_none_or(https) {
            return refuse("DEFAULT_CANCEL_URL", "must be https in production");
        }
        if self.default_provider.as_deref() == Some("dummy") {
            return refuse("DEFAULT_PROVIDER", "cannot be dummy in production");
        }
        if self.dummy_webhook_secret.is_some() {
            return refuse("DUMMY_WEBHOOK_SECRET", "has no use in production");
        }
        for setting in ["SANDBOX_LISTEN", "SANDBOX_TOKEN"] {
            if settings.is_set(setting) {
                return refuse(setting, "has no use in production");
            }
        }
        if !self.return_origins.iter().all(|origin| https(origin)) {
            return refuse("RETURN_ORIGINS", "must be https in production");
        }
        if self.jwt_keys.is_empty() {
            return refuse("JWT_KEYS", "is required in production");
        }
        if self.ticket_keys.is_empty() {
            return refuse("TICKET_KEYS", "is required in production");
        }
        if self.token_peppers.is_empty() {
            return refuse("TOKEN_PEPPER", "is required in production");
        }
        if self.mailer == MailerSettings::Console {
            return refuse("MAILER", "must be smtp or file in production");
        }
        if !self.rate_limits {
            return refuse("RATE_LIMITS", "cannot be off in production");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let settings: std::collections::HashMap<String, String> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::from_lookup(move |name| settings.get(name).cloned())
    }

    const SEED: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    const TICKET_SEED: &str = "7:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    const PRODUCTION: &[(&str, &str)] = &[
        ("APP_ENV", "production"),
        ("LISTEN", "0.0.0.0:8080"),
        ("PUBLIC_BASE_URL", "https://tickets.example.com"),
        ("JWT_KEYS", SEED),
        ("TICKET_KEYS", TICKET_SEED),
        ("TOKEN_PEPPER", "a pepper of at least 32 characters!"),
        ("MAILER", "smtp"),
        ("SMTP_URL", "smtps://user:pass@mail.example.com"),
    ];

    #[test]
    fn nothing_configured_runs_on_this_machine() {
        let config = read(&[]).unwrap();
        assert_eq!(config.database_url, "sqlite:tollgate.db");
        assert_eq!(config.public_base_url, "http://127.0.0.1:8080");
        assert_eq!(config.environment, Environment::Development);
    }

    #[test]
    fn an_undeclared_environment_stays_on_this_machine() {
        for (setting, value) in [
            ("LISTEN", "0.0.0.0:8080"),
            ("PUBLIC_BASE_URL", "https://tickets.example.com"),
        ] {
            assert_eq!(read(&[(setting, value)]).err().unwrap().setting, setting);
            assert!(read(&[(setting, value), ("APP_ENV", "development")]).is_ok());
        }
    }

    #[test]
    fn production_refuses_what_is_unsafe() {
        assert!(read(PRODUCTION).is_ok());
        let changed = |setting: &'static str, value: Option<&'static str>| {
            let mut settings = PRODUCTION.to_vec();
            settings.retain(|(name, _)| *name != setting);
            settings.extend(value.map(|value| (setting, value)));
            read(&settings).err().map(|error| error.setting)
        };
        for (setting, value) in [
            ("PUBLIC_BASE_URL", Some("http://tickets.example.com")),
            ("RETURN_ORIGINS", Some("http://shop.example.com")),
            ("EMAIL_VERIFY_URL", Some("http://shop.example.com/verify")),
            ("PASSWORD_RESET_URL", Some("http://shop.example.com/reset")),
            ("ORDER_URL", Some("http://shop.example.com/order")),
            ("DEFAULT_SUCCESS_URL", Some("http://shop.example.com/ok")),
            ("DEFAULT_CANCEL_URL", Some("http://shop.example.com/no")),
            ("DEFAULT_PROVIDER", Some("dummy")),
            (
                "DUMMY_WEBHOOK_SECRET",
                Some("0123456789abcdef0123456789abcdef"),
            ),
            ("SANDBOX_LISTEN", Some("127.0.0.1:8081")),
            ("SANDBOX_TOKEN", Some("a token")),
            ("JWT_KEYS", None),
            ("TICKET_KEYS", None),
            ("TICKET_KEYS", Some(SEED)),
            ("TOKEN_PEPPER", None),
            ("TOKEN_PEPPER", Some("short")),
            ("MAILER", None),
            ("SMTP_URL", None),
            ("RATE_LIMITS", Some("off")),
        ] {
            assert_eq!(
                changed(setting, value),
                Some(setting),
                "{setting} {value:?}"
            );
        }
    }

    #[test]
    fn an_unreadable_setting_is_named() {
        for (setting, value) in [
            ("APP_ENV", "prod"),
            ("LISTEN", "8080"),
            ("PUBLIC_BASE_URL", "localhost"),
            ("TRUSTED_PROXIES", "10.0.0.0/8,x"),
            ("RETURN_ORIGINS", "https://shop.example.com/path"),
            ("DEFAULT_CURRENCY", "EURO"),
            ("JWT_KEYS", "k1:short"),
            ("MAILER", "pigeon"),
            ("MAIL_FROM", "not an address"),
            ("RATE_LIMITS", "maybe"),
            ("ADMIN_EMAIL", "nobody"),
            ("DEFAULT_SUCCESS_URL", "shop"),
            ("HOLD_TTL", "15"),
            ("HOLD_TTL", "0s"),
            ("HOLD_MAX", "1m"),
            ("LATE_PAYMENT_POLICY", "keep"),
            ("DUMMY_WEBHOOK_SECRET", "short"),
            ("SANDBOX_LISTEN", "8081"),
        ] {
            let error = read(&[(setting, value)]).err();
            assert_eq!(error.map(|e| e.setting), Some(setting));
        }
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{SEED}\n")).unwrap();
        let path = file.path().to_str().unwrap();
        let config = read(&[("JWT_KEYS_FILE", path)]).unwrap();
        assert_eq!(config.jwt_keys.first().unwrap().kid, "k1");
        let missing = read(&[("JWT_KEYS_FILE", "/nowhere")]).err().unwrap();
        assert_eq!(missing.setting, "JWT_KEYS");
    }
}
