//! Passwords: argon2id, off the async threads, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use serde_json::Value;
use tokio::sync::Semaphore;
use zxcvbn::Score;

use crate::error::{Code, Problem};
use crate::http::body::Flaw;

const CHARS_LEAST: usize = 10;
const CHARS_MOST: usize = 128;

/// How many passwords are hashed at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;

/// How long a sign-in waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// What an unknown user's password is compared with, so that it takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$dG9sbGdhdGUtbm9ib2R5IQ$AOLu6Ds2QNhqXqyRRXyfzJcFDHd6CqaaPy4x9iSxnP4";

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many sign-ins at once")]
    Busy,
    #[error("argon2: {0}")]
    Argon2(String),
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(Code::Overloaded).retry_after(2),
            PasswordError::Argon2(_) => Self::internal(error),
        }
    }
}

/// Hashes and compares passwords.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| PasswordError::Argon2(error.to_string()))
        })
        .await
    }

    /// Whether `password` is the one of `hash`; without a hash, no, after as long a time.
    pub async fn is_right(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.in_turn(move || {
            let is_known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&hash)
                .map_err(|error| PasswordError::Argon2(error.to_string()))?;
            let fits = Argon2::default().verify_password(password.as_bytes(), &hash);
            Ok(fits.is_ok() && is_known)
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(WAIT, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Busy)?;
        let outcome = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        let lost = |error: tokio::task::JoinError| PasswordError::Argon2(error.to_string());
        outcome.await.map_err(lost)?
    }
}

/// A password that somebody chooses: 10 to 128 characters, not easy to guess.
pub fn parse_new(value: &Value) -> Result<String, Flaw> {
    let password = parse_any(value)?;
    if password.chars().count() < CHARS_LEAST {
        let detail = format!("at least {CHARS_LEAST} characters");
        return Err(weak(detail));
    }
    if zxcvbn::zxcvbn(&password, &[]).score() < Score::Two {
        return Err(weak("it is easy to guess".to_owned()));
    }
    Ok(password)
}

/// Refuses a password that is made of its owner's own name or address.
pub fn check_personal(password: &str, owner: &[&str]) -> Result<(), Flaw> {
    let is_break = |c: char| c == '@' || c.is_whitespace();
    let words = owner.iter().flat_map(|text| text.split(is_break));
    let known: Vec<&str> = owner.iter().copied().chain(words).collect();
    if zxcvbn::zxcvbn(password, &known).score() < Score::Two {
        return Err(weak(
            "it is easy to guess from your name or address".to_owned(),
        ));
    }
    Ok(())
}

/// A password that somebody types to sign in: whatever it is, within the limit.
pub fn parse_any(value: &Value) -> Result<String, Flaw> {
    let password = value
        .as_str()
        .ok_or_else(|| Flaw::new("wrong_type", "must be a text"))?;
    if password.chars().count() > CHARS_MOST {
        return Err(Flaw::new(
            "too_long",
            format!("at most {CHARS_MOST} characters"),
        ));
    }
    if password.contains('\0') {
        return Err(Flaw::new("control_character", "must hold no NUL"));
    }
    Ok(password.to_owned())
}

fn weak(detail: String) -> Flaw {
    Flaw::new(Code::WeakPassword.as_str(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "short",
            "password12",
            "1234567890",
            "aaaaaaaaaaaa",
            "qwertyuiop",
        ] {
            assert_eq!(
                parse_new(&json!(weak)).unwrap_err().code,
                "weak_password",
                "{weak}"
            );
        }
        assert!(parse_new(&json!("blue kiosk 7 monsoon")).is_ok());
        let owner = ["Asha Mwinyi", "asha.mwinyi@example.com"];
        assert!(check_personal("asha mwinyi", &owner).is_err());
        assert!(check_personal("asha.mwinyi1", &owner).is_err());
        assert!(check_personal("blue kiosk 7 monsoon", &owner).is_ok());
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("right".into()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let is_right = async |password: &str, hash: Option<&str>| {
            passwords
                .is_right(password.into(), hash.map(Into::into))
                .await
                .unwrap()
        };
        assert!(is_right("right", Some(&hash)).await);
        assert!(!is_right("wrong", Some(&hash)).await);
        assert!(!is_right("right", None).await);
    }

    /// Otherwise an unknown address would be told apart by its answer's time.
    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let argon2 = Argon2::default();
        assert_eq!(nobody.algorithm.as_str(), "argon2id");
        let params = argon2::Params::try_from(&nobody).unwrap();
        assert_eq!(params.m_cost(), argon2.params().m_cost());
        assert_eq!(params.t_cost(), argon2.params().t_cost());
        assert_eq!(params.p_cost(), argon2.params().p_cost());
    }
}
