//! Tokens that are derived, never stored: refresh tokens and the links in mails.
//!
//! A token is its subject's id, its expiry and an HMAC over both, the purpose and a version
//! that the subject raises to revoke it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Keys;
use crate::db::values::Timestamp;

/// What a token is good for. One made for one purpose is nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Refresh,
    VerifyEmail,
    ResetPassword,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// What a token is derived from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    pub purpose: Purpose,
    pub subject: Uuid,
    /// Whatever changes when the token must not be good any more.
    pub version: String,
    pub expires_at_unix: i64,
}

/// A token as somebody brought it: nothing of it is true until [`PresentedToken::is_genuine`].
pub struct PresentedToken {
    pub subject: Uuid,
    expires_at_unix: i64,
    digest: [u8; 32],
}

impl Token {
    /// The token's text, with the newest pepper.
    pub fn sign(&self, keys: &Keys) -> Option<String> {
        let expiry = self.expires_at_unix.to_be_bytes();
        let digest = keys.derive(
            self.purpose.as_str(),
            &[self.subject.as_bytes(), self.version.as_bytes(), &expiry],
        )?;
        let bytes = [self.subject.as_bytes(), expiry.as_slice(), &digest].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl PresentedToken {
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (subject, rest) = bytes.split_first_chunk::<16>()?;
        let (expiry, digest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            subject: Uuid::from_bytes(*subject),
            expires_at_unix: i64::from_be_bytes(*expiry),
            digest: digest.try_into().ok()?,
        })
    }

    /// Whether we made this token for this purpose and version.
    pub fn is_genuine(&self, keys: &Keys, purpose: Purpose, version: &str) -> bool {
        let expiry = self.expires_at_unix.to_be_bytes();
        keys.is_derived(
            &self.digest,
            purpose.as_str(),
            &[self.subject.as_bytes(), version.as_bytes(), &expiry],
        )
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at_unix <= now.unix_seconds()
    }
}
