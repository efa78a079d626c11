//! How single settings are read.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::{AdminSettings, ConfigError, Environment, LatePaymentPolicy, MailerSettings};
use crate::http::parse;
use crate::keys::SeedKey;
use crate::money::Currency;

/// What settings were called in the systems that Tollgate replaces.
const OLD_NAMES: &[(&str, &str)] = &[
    ("PAYMENT_PROVIDER", "DEFAULT_PROVIDER"),
    ("PAYMENT_CURRENCY", "DEFAULT_CURRENCY"),
    ("SITE_BASE_URL", "PUBLIC_BASE_URL"),
    ("FRONTEND_URL", "RETURN_ORIGINS"),
    ("EMAIL_BACKEND", "MAILER"),
    ("DEFAULT_FROM_EMAIL", "MAIL_FROM"),
];

type Lookup = dyn Fn(&str) -> Option<String>;

/// Where settings come from.
pub(super) struct Reader {
    lookup: Box<Lookup>,
}

type Setting<T> = Result<Option<T>, ConfigError>;

impl Reader {
    /// The process's environment, after `.env` unless this is production.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_process() -> Result<Self, ConfigError> {
        let environment = std::env::var("APP_ENV").unwrap_or_default();
        if environment.trim() != "production" {
            match dotenvy::dotenv() {
                Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(ConfigError::new(".env", error.to_string())),
                Ok(_) => {}
            }
        }
        Ok(Self::of(|name| std::env::var(name).ok()))
    }

    pub fn of(lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        let lookup = Box::new(lookup);
        Self { lookup }
    }

    pub fn is_set(&self, setting: &str) -> bool {
        (self.lookup)(setting).is_some_and(|value| !value.trim().is_empty())
    }

    pub fn text(&self, setting: &'static str) -> Setting<String> {
        let value = (self.lookup)(setting).map(|value| value.trim().to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// A setting, or the content of the file that `<SETTING>_FILE` names.
    pub fn secret(&self, setting: &'static str) -> Setting<String> {
        if let Some(value) = self.text(setting)? {
            return Ok(Some(value));
        }
        let file = (self.lookup)(&format!("{setting}_FILE"));
        let Some(file) = file.filter(|file| !file.trim().is_empty()) else {
            return Ok(None);
        };
        let content = std::fs::read_to_string(&file)
            .map_err(|error| ConfigError::new(setting, format!("its file: {error}")))?;
        Ok(Some(content.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    pub fn parsed<T: FromStr>(&self, setting: &'static str, expected: &str) -> Setting<T> {
        let read = |text: String| {
            text.parse()
                .map_err(|_| ConfigError::new(setting, format!("must be {expected}")))
        };
        self.text(setting)?.map(read).transpose()
    }

    pub fn list<T: FromStr>(
        &self,
        setting: &'static str,
        expected: &str,
    ) -> Result<Vec<T>, ConfigError> {
        let text = self.text(setting)?.unwrap_or_default();
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        items
            .map(|item| {
                item.parse()
                    .map_err(|_| ConfigError::new(setting, format!("must be {expected}")))
            })
            .collect()
    }

    /// An absolute http(s) URL, without a slash at the end.
    pub fn url(&self, setting: &'static str) -> Setting<String> {
        let Some(text) = self.text(setting)? else {
            return Ok(None);
        };
        let is_url = text.parse::<actix_web::http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if is_url && !text.contains('#') {
            Ok(Some(text.trim_end_matches('/').to_owned()))
        } else {
            Err(ConfigError::new(setting, "must be an http or https URL"))
        }
    }

    pub fn origins(&self, setting: &'static str) -> Result<Vec<String>, ConfigError> {
        let origins: Vec<String> = self.list(setting, "origins")?;
        for origin in &origins {
            let authority = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"));
            if !authority.is_some_and(|a| !a.is_empty() && !a.contains(['/', '?', '#', '@', '*'])) {
                let reason = "must be origins such as https://shop.example.com";
                return Err(ConfigError::new(setting, reason));
            }
        }
        Ok(origins)
    }

    pub fn currency(&self, setting: &'static str) -> Result<Currency, ConfigError> {
        let code = self.text(setting)?.unwrap_or_else(|| "USD".to_owned());
        Currency::from_code(&code)
            .ok_or_else(|| ConfigError::new(setting, "must be an ISO 4217 code such as TZS"))
    }

    /// A duration such as `2s`, `15m` or `3h`, at most a year.
    pub fn duration(&self, setting: &'static str) -> Setting<Duration> {
        let Some(text) = self.text(setting)? else {
            return Ok(None);
        };
        let read = || {
            let (number, seconds) = match text.as_bytes().last()? {
                b's' => (text.strip_suffix('s')?, 1),
                b'm' => (text.strip_suffix('m')?, 60),
                b'h' => (text.strip_suffix('h')?, 60 * 60),
                _ => return None,
            };
            let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
            (1..=366 * 24 * 60 * 60)
                .contains(&seconds)
                .then_some(seconds)
        };
        let seconds = read()
            .ok_or_else(|| ConfigError::new(setting, "must be a duration such as 2s, 15m or 3h"))?;
        Ok(Some(Duration::from_secs(seconds)))
    }

    pub fn late_payment_policy(
        &self,
        setting: &'static str,
    ) -> Result<LatePaymentPolicy, ConfigError> {
        match self.text(setting)?.as_deref() {
            None | Some("reallocate_else_refund") => Ok(LatePaymentPolicy::ReallocateElseRefund),
            Some("refund") => Ok(LatePaymentPolicy::Refund),
            Some(_) => {
                let reason = "must be reallocate_else_refund or refund";
                Err(ConfigError::new(setting, reason))
            }
        }
    }

    pub fn switch(&self, setting: &'static str) -> Result<bool, ConfigError> {
        match self.text(setting)?.as_deref() {
            None | Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(_) => Err(ConfigError::new(setting, "must be on or off")),
        }
    }

    pub fn seed_keys(&self, setting: &'static str) -> Result<Vec<SeedKey>, ConfigError> {
        let Some(text) = self.secret(setting)? else {
            return Ok(Vec::new());
        };
        let keys: Option<Vec<SeedKey>> = text.split(',').map(SeedKey::parse).collect();
        keys.ok_or_else(|| {
            ConfigError::new(setting, "must be kid:base64(32 bytes), separated by commas")
        })
    }

    /// Like [`Self::seed_keys`]; a ticket carries its key's id as a number, so it must be one.
    pub fn ticket_keys(&self, setting: &'static str) -> Result<Vec<SeedKey>, ConfigError> {
        let keys = self.seed_keys(setting)?;
        let mut kids: Vec<u32> = keys.iter().filter_map(|key| key.kid.parse().ok()).collect();
        kids.sort_unstable();
        kids.dedup();
        if kids.len() == keys.len() {
            Ok(keys)
        } else {
            let reason = "must have different numbers below 4294967296 as key ids";
            Err(ConfigError::new(setting, reason))
        }
    }

    pub fn peppers(&self, setting: &'static str) -> Result<Vec<Vec<u8>>, ConfigError> {
        let Some(text) = self.secret(setting)? else {
            return Ok(Vec::new());
        };
        let peppers: Vec<Vec<u8>> = text
            .split(',')
            .map(|p| p.trim().as_bytes().to_vec())
            .collect();
        if peppers.iter().all(|pepper| pepper.len() >= 32) {
            Ok(peppers)
        } else {
            Err(ConfigError::new(
                setting,
                "must be at least 32 characters each",
            ))
        }
    }

    pub fn admin(&self, environment: Environment) -> Setting<AdminSettings> {
        let password = self.secret("ADMIN_PASSWORD")?;
        let email = match self.text("ADMIN_EMAIL")? {
            Some(email) => parse::email(&Value::String(email))
                .map_err(|flaw| ConfigError::new("ADMIN_EMAIL", flaw.detail))?,
            None if environment == Environment::Production => return Ok(None),
            None => "admin@localhost".to_owned(),
        };
        if password.is_none() && environment == Environment::Production {
            let reason = "is required beside ADMIN_EMAIL in production";
            return Err(ConfigError::new("ADMIN_PASSWORD", reason));
        }
        Ok(Some(AdminSettings { email, password }))
    }

    pub fn mailer(&self, environment: Environment) -> Result<MailerSettings, ConfigError> {
        let smtp_url = self.secret("SMTP_URL")?;
        match self.text("MAILER")?.as_deref() {
            None if environment == Environment::Production => {
                Err(ConfigError::new("MAILER", "is required in production"))
            }
            None | Some("console") => Ok(MailerSettings::Console),
            Some("file") => {
                let folder = self.text("MAIL_DIR")?.unwrap_or_else(|| "mails".to_owned());
                Ok(MailerSettings::File(folder.into()))
            }
            Some("smtp") => match smtp_url {
                Some(url) if url.starts_with("smtp://") || url.starts_with("smtps://") => {
                    Ok(MailerSettings::Smtp(url))
                }
                _ => Err(ConfigError::new("SMTP_URL", "must be smtp:// or smtps://")),
            },
            Some(_) => Err(ConfigError::new("MAILER", "must be console, file or smtp")),
        }
    }

    pub fn mailbox(&self, setting: &'static str) -> Setting<String> {
        let mailbox: Option<lettre::message::Mailbox> =
            self.parsed(setting, "an address such as Tollgate <tickets@example.com>")?;
        Ok(mailbox.map(|mailbox| mailbox.to_string()))
    }

    pub fn old_names(&self) -> Vec<(&'static str, &'static str)> {
        let is_old = |(old, new): &&(&str, &str)| self.is_set(old) && !self.is_set(new);
        OLD_NAMES.iter().filter(is_old).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_is_none() {
        for setting in ["SECRET", "SECRET_FILE"] {
            let reader = Reader::of(move |name| (name == setting).then(|| " ".to_owned()));
            assert_eq!(reader.secret("SECRET"), Ok(None), "{setting}");
            assert!(!reader.is_set(setting));
        }
    }
}
