//! The keys that sign access tokens and derive every other token.
//!
//! Production brings them as settings. In development they are made on the first start and
//! kept in the database, so that nobody is signed out by a restart.

mod guest;
mod sealed;
mod store;
#[cfg(test)]
mod tests;
mod ticket;
mod token;
mod verified;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::config::Config;
use crate::db::values::Timestamp;
use crate::db::{Db, DbError};
pub use guest::GuestToken;
pub use sealed::Sealed;
pub use ticket::{PublicTicketKey, TicketKeys};
pub use token::{PresentedToken, Purpose, Token};
use verified::Verified;

/// How long an access token is good, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;

/// A key as it is configured: its id and the Ed25519 seed.
#[derive(Clone)]
pub struct SeedKey {
    pub kid: String,
    pub seed: [u8; 32],
}

impl SeedKey {
    /// Reads `kid:base64(seed)`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kid, seed) = text.trim().split_once(':')?;
        let seed = STANDARD.decode(seed).ok()?.try_into().ok()?;
        (!kid.is_empty()).then(|| Self {
            kid: kid.to_owned(),
            seed,
        })
    }

    fn write(&self) -> String {
        STANDARD.encode(self.seed)
    }
}

/// Why the keys could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the key {0} cannot be used")]
    Unusable(String),
}

impl From<diesel::result::Error> for KeysError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Why an access token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    Invalid,
    Expired,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub sub: String,
    pub role: String,
    pub sid: String,
    pub iat: i64,
    pub exp: i64,
}

/// One public key of `/.well-known/jwks.json` (RFC 8037).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Jwk {
    #[schema(example = "OKP")]
    pub kty: &'static str,
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub purpose: &'static str,
    pub kid: String,
    /// The public key, base64url.
    pub x: String,
}

struct JwtKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: Jwk,
}

/// All keys of this installation. The first of each list signs, all of them verify.
pub struct Keys {
    issuer: String,
    jwt: Vec<JwtKey>,
    peppers: Vec<Vec<u8>>,
    verified: Verified,
    pub tickets: TicketKeys,
}

impl Keys {
    /// Takes the configured keys; in development makes and keeps those that are missing.
    pub async fn load(config: &Config, db: &Db, now: Timestamp) -> Result<Self, KeysError> {
        let mut seeds = config.jwt_keys.clone();
        let mut peppers = config.token_peppers.clone();
        if seeds.is_empty() {
            seeds.push(store::find_or_make(db, "jwt", now).await?);
        }
        if peppers.is_empty() {
            peppers.push(store::find_or_make(db, "pepper", now).await?.seed.to_vec());
        }
        let mut tickets = config.ticket_keys.clone();
        if tickets.is_empty() {
            tickets.push(store::find_or_make(db, "ticket", now).await?);
        }
        let jwt = seeds.iter().map(JwtKey::new).collect::<Result<_, _>>()?;
        Ok(Self {
            issuer: config.public_base_url.clone(),
            jwt,
            peppers,
            verified: Verified::default(),
            tickets: TicketKeys::new(&tickets)?,
        })
    }

    /// The public keys that verify access tokens.
    pub fn jwks(&self) -> Vec<Jwk> {
        self.jwt.iter().map(|key| key.jwk.clone()).collect()
    }

    /// Signs an access token. `None` only if no key could sign, which loading rules out.
    pub fn sign_access_token(
        &self,
        subject: &str,
        role: &str,
        session: &str,
        now: Timestamp,
    ) -> Option<String> {
        let key = self.jwt.first()?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.jwk.kid.clone());
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: subject.to_owned(),
            role: role.to_owned(),
            sid: session.to_owned(),
            iat: now.unix_seconds(),
            exp: now.unix_seconds() + ACCESS_TOKEN_SECONDS,
        };
        jsonwebtoken::encode(&header, &claims, &key.encoding).ok()
    }

    /// Reads an access token: EdDSA with one of our own keys, issued by us, not expired.
    pub fn read_access_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<AccessClaims, TokenFault> {
        let claims = match self.verified.find(token) {
            Some(claims) => claims,
            None => self.verify_access_token(token)?,
        };
        if claims.exp <= now.unix_seconds() {
            return Err(TokenFault::Expired);
        }
        Ok(claims)
    }

    fn verify_access_token(&self, token: &str) -> Result<AccessClaims, TokenFault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Invalid)?;
        let key = self
            .jwt
            .iter()
            .find(|key| header.kid.as_deref() == Some(&key.jwk.kid))
            .ok_or(TokenFault::Invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The time is our own clock's, compared by the caller.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<AccessClaims>(token, &key.decoding, &validation)
            .map_err(|_| TokenFault::Invalid)?
            .claims;
        self.verified.note(token, &claims);
        Ok(claims)
    }

    /// A keyed digest of `parts` for one purpose, with the newest pepper.
    pub fn derive(&self, purpose: &str, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let pepper = self.peppers.first()?;
        Some(mac(pepper, purpose, parts)?.finalize().into_bytes().into())
    }

    /// Whether `digest` was derived from the same, with any pepper; in constant time.
    pub fn is_derived(&self, digest: &[u8], purpose: &str, parts: &[&[u8]]) -> bool {
        self.peppers.iter().any(|pepper| {
            mac(pepper, purpose, parts).is_some_and(|mac| mac.verify_slice(digest).is_ok())
        })
    }
}

/// Every part is preceded by its length, so that no two lists of parts look alike.
fn mac(pepper: &[u8], purpose: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(pepper).ok()?;
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        mac.update(part);
    }
    Some(mac)
}

impl JwtKey {
    fn new(key: &SeedKey) -> Result<Self, KeysError> {
        let signing = SigningKey::from_bytes(&key.seed);
        let der = signing
            .to_pkcs8_der()
            .map_err(|_| KeysError::Unusable(key.kid.clone()))?;
        let x = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
        let decoding = DecodingKey::from_ed_components(&x)
            .map_err(|_| KeysError::Unusable(key.kid.clone()))?;
        Ok(Self {
            encoding: EncodingKey::from_ed_der(der.as_bytes()),
            decoding,
            jwk: Jwk {
                kty: "OKP",
                crv: "Ed25519",
                alg: "EdDSA",
                purpose: "sig",
                kid: key.kid.clone(),
                x,
            },
        })
    }
}

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) fn keys(kids: &[&str], peppers: &[&str]) -> Keys {
        let seed = |kid: &&str| SeedKey {
            kid: (*kid).to_owned(),
            seed: Sha256Seed::of(kid),
        };
        Keys {
            issuer: "http://127.0.0.1:8080".to_owned(),
            jwt: kids
                .iter()
                .map(|kid| JwtKey::new(&seed(kid)).unwrap())
                .collect(),
            peppers: peppers.iter().map(|p| p.as_bytes().to_vec()).collect(),
            verified: Verified::default(),
            tickets: TicketKeys::new(&[seed(&"7")]).unwrap(),
        }
    }

    struct Sha256Seed;

    impl Sha256Seed {
        fn of(text: &str) -> [u8; 32] {
            use sha2::Digest;
            Sha256::digest(text).into()
        }
    }
}
