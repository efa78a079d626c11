//! Stripe's settings.

use std::time::Duration;

use super::read::Reader;
use super::{ConfigError, Environment};
use crate::digest::hex;
use crate::random;

/// The version that the types of this build are made from.
const API_VERSION: &str = "2026-09-30.endive";

const API_BASE: &str = "https://api.stripe.com";

const SECRET_KEY: &str = "STRIPE_SECRET_KEY";
const PUBLISHABLE_KEY: &str = "STRIPE_PUBLISHABLE_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
const VERSION: &str = "STRIPE_API_VERSION";
const BASE: &str = "STRIPE_API_BASE";
const TIMEOUT: &str = "STRIPE_TIMEOUT";
const RATE_LIMIT: &str = "STRIPE_RATE_LIMIT";

const PATIENCE: Duration = Duration::from_secs(20);

/// One Stripe account.
#[derive(Clone)]
pub struct StripeSettings {
    pub secret_key: String,
    /// What the buyers' own pages use; without one they pay on Stripe's page.
    pub publishable_key: Option<String>,
    /// Several while one takes another's place; none is empty.
    pub webhook_secrets: Vec<String>,
    pub api_version: String,
    /// Without a slash at the end.
    pub api_base: String,
    /// How long a call may take with all its tries.
    pub patience: Duration,
    /// What Stripe allows the account.
    pub calls_per_second: u32,
}

impl StripeSettings {
    /// `None` without a secret key. Every other setting of Stripe's is refused then, since it
    /// was meant to do something.
    pub(super) fn read(settings: &Reader) -> Result<Option<Self>, ConfigError> {
        let publishable_key = settings.secret(PUBLISHABLE_KEY)?;
        let webhook_secrets = settings.secret(WEBHOOK_SECRET)?;
        let api_version = settings.text(VERSION)?;
        let api_base = settings.url(BASE)?;
        let patience = settings.duration(TIMEOUT)?;
        let calls_per_second = settings.parsed(RATE_LIMIT, "a whole number of calls a second")?;
        let Some(secret_key) = settings.secret(SECRET_KEY)? else {
            let is_set = publishable_key.is_some() || webhook_secrets.is_some();
            return match is_set {
                true => Err(ConfigError::new(SECRET_KEY, "is required to use Stripe")),
                false => Ok(None),
            };
        };
        let usual_calls = if is_live(&secret_key) { 100 } else { 25 };
        let it = Self {
            secret_key,
            publishable_key,
            webhook_secrets: read_secrets(webhook_secrets)?,
            api_version: api_version.unwrap_or_else(|| API_VERSION.to_owned()),
            api_base: api_base.unwrap_or_else(|| API_BASE.to_owned()),
            patience: patience.unwrap_or(PATIENCE),
            calls_per_second: calls_per_second.unwrap_or(usual_calls),
        };
        it.check()?;
        Ok(Some(it))
    }

    /// Those of a sandbox at this address: an account that nobody else knows.
    pub fn of_sandbox(api_base: &str) -> Self {
        let secret = |kind: &str| format!("{kind}_{}", hex(&random::bytes::<16>()));
        Self {
            secret_key: secret("sk_test"),
            publishable_key: Some(secret("pk_test")),
            webhook_secrets: vec![secret("whsec")],
            api_version: API_VERSION.to_owned(),
            api_base: api_base.trim_end_matches('/').to_owned(),
            patience: PATIENCE,
            calls_per_second: 1_000,
        }
    }

    /// Whether real money moves.
    pub fn livemode(&self) -> bool {
        is_live(&self.secret_key)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let is_key = |key: &str, kinds: [&str; 2]| {
            let is_sane = key.bytes().all(|byte| byte.is_ascii_graphic());
            is_sane && kinds.iter().any(|kind| key.starts_with(kind))
        };
        if !is_key(&self.secret_key, ["sk_", "rk_"]) {
            let reason = "must be a secret or a restricted key: sk_… or rk_…";
            return Err(ConfigError::new(SECRET_KEY, reason));
        }
        if let Some(key) = &self.publishable_key {
            if !is_key(key, ["pk_test_", "pk_live_"]) {
                let reason = "must be a publishable key: pk_test_… or pk_live_…";
                return Err(ConfigError::new(PUBLISHABLE_KEY, reason));
            }
            if is_live(key) != self.livemode() {
                let reason = "must be live exactly when STRIPE_SECRET_KEY is";
                return Err(ConfigError::new(PUBLISHABLE_KEY, reason));
            }
        }
        if !is_version(&self.api_version) {
            let reason = "must be a version of Stripe's such as 2026-09-30.endive";
            return Err(ConfigError::new(VERSION, reason));
        }
        Ok(())
    }

    pub(super) fn refuse_unsafe(&self, environment: Environment) -> Result<(), ConfigError> {
        let is_safe = self.api_base.starts_with("https://");
        if environment == Environment::Production && !is_safe {
            return Err(ConfigError::new(BASE, "must be https in production"));
        }
        Ok(())
    }
}

/// An empty secret would be a key that everybody knows.
fn read_secrets(text: Option<String>) -> Result<Vec<String>, ConfigError> {
    let text = text.ok_or_else(|| {
        let reason = "is required beside STRIPE_SECRET_KEY: else nobody could tell Stripe's messages from others'";
        ConfigError::new(WEBHOOK_SECRET, reason)
    })?;
    let secrets: Vec<String> = text.split(',').map(|it| it.trim().to_owned()).collect();
    match secrets.iter().any(String::is_empty) {
        true => Err(ConfigError::new(WEBHOOK_SECRET, "has an empty secret")),
        false => Ok(secrets),
    }
}

fn is_live(key: &str) -> bool {
    ["sk_live_", "rk_live_", "pk_live_"]
        .iter()
        .any(|kind| key.starts_with(kind))
}

/// A date, and since 2024 the name of a family of versions after it.
fn is_version(text: &str) -> bool {
    let (date, name) = text.split_once('.').unwrap_or((text, "a"));
    let is_date = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok() && date.len() == 10;
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase());
    is_date && is_name
}

#[cfg(test)]
mod tests {
    use super::*;

    type Settings = &'static [(&'static str, &'static str)];

    const GOOD: Settings = &[
        (SECRET_KEY, "sk_test_1"),
        (PUBLISHABLE_KEY, "pk_test_1"),
        (WEBHOOK_SECRET, "whsec_1, whsec_2"),
    ];

    fn read(settings: Settings) -> Result<Option<StripeSettings>, ConfigError> {
        StripeSettings::read(&Reader::of(|name| {
            let found = settings.iter().find(|(setting, _)| *setting == name);
            found.map(|(_, value)| (*value).to_owned())
        }))
    }

    fn refused(settings: Settings) -> &'static str {
        read(settings).err().unwrap().setting
    }

    #[test]
    fn without_any_setting_there_is_no_stripe() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[(VERSION, "2026-09-30.endive")]).unwrap().is_none());
    }

    #[test]
    fn a_key_and_secrets_are_enough() {
        let it = read(GOOD).unwrap().unwrap();
        assert_eq!(it.webhook_secrets, ["whsec_1", "whsec_2"]);
        assert_eq!(it.api_version, "2026-09-30.endive");
        assert_eq!(it.api_base, "https://api.stripe.com");
        assert!(!it.livemode());
        let live = &[(SECRET_KEY, "rk_live_1"), (WEBHOOK_SECRET, "whsec_1")];
        assert!(read(live).unwrap().unwrap().livemode());
    }

    #[test]
    fn messages_are_never_taken_without_a_secret() {
        let all: [Settings; 4] = [
            &[(SECRET_KEY, "sk_test_1")],
            &[(SECRET_KEY, "sk_test_1"), (WEBHOOK_SECRET, " ")],
            &[(SECRET_KEY, "sk_test_1"), (WEBHOOK_SECRET, "whsec_1,")],
            &[(SECRET_KEY, "sk_test_1"), (WEBHOOK_SECRET, ",whsec_1")],
        ];
        for settings in all {
            assert_eq!(refused(settings), WEBHOOK_SECRET);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let all: [(&str, Settings); 7] = [
            (SECRET_KEY, &[(WEBHOOK_SECRET, "whsec_1")]),
            (SECRET_KEY, &[(PUBLISHABLE_KEY, "pk_test_1")]),
            (
                SECRET_KEY,
                &[(SECRET_KEY, "pk_test_1"), (WEBHOOK_SECRET, "whsec_1")],
            ),
            (
                SECRET_KEY,
                &[(SECRET_KEY, "sk_test_1\n2"), (WEBHOOK_SECRET, "whsec_1")],
            ),
            (
                PUBLISHABLE_KEY,
                &[
                    (SECRET_KEY, "sk_test_1"),
                    (WEBHOOK_SECRET, "whsec_1"),
                    (PUBLISHABLE_KEY, "sk_test_1"),
                ],
            ),
            (
                PUBLISHABLE_KEY,
                &[
                    (SECRET_KEY, "sk_live_1"),
                    (WEBHOOK_SECRET, "whsec_1"),
                    (PUBLISHABLE_KEY, "pk_test_1"),
                ],
            ),
            (
                BASE,
                &[
                    (SECRET_KEY, "sk_test_1"),
                    (WEBHOOK_SECRET, "whsec_1"),
                    (BASE, "api.stripe.com"),
                ],
            ),
        ];
        for (setting, settings) in all {
            assert_eq!(refused(settings), setting);
        }
    }

    #[test]
    fn versions_are_stripes() {
        for good in ["2026-09-30.endive", "2022-08-01", "2026-10-28.endive"] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "",
            "endive",
            "2026-9-30",
            "2026-09-30.",
            "2026-13-01",
            "2026-09-30.x\r\n",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }

    #[test]
    fn production_sends_no_key_in_the_clear() {
        let base = |base| StripeSettings {
            api_base: base,
            ..read(GOOD).unwrap().unwrap()
        };
        let plain = base("http://127.0.0.1:8081/stripe".to_owned());
        assert_eq!(
            plain
                .refuse_unsafe(Environment::Production)
                .err()
                .unwrap()
                .setting,
            BASE
        );
        assert!(plain.refuse_unsafe(Environment::Development).is_ok());
        let safe = base(API_BASE.to_owned());
        assert!(safe.refuse_unsafe(Environment::Production).is_ok());
    }
}
