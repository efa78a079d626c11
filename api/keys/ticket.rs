//! The keys that sign tickets: the newest signs, all of them verify.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::Serialize;

use super::{KeysError, SeedKey};

/// One key and the number by which tickets name it.
struct TicketKey {
    kid: u32,
    signing: SigningKey,
}

/// All ticket keys of this installation.
pub struct TicketKeys {
    keys: Vec<TicketKey>,
}

/// A public key, for scanners that verify offline.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TicketKey, example = json!({
    "kid": 3735928559_u32, "alg": "Ed25519",
    "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "not_before": null, "not_after": null, "status": "active"
}))]
pub struct PublicTicketKey {
    /// The number that a code carries.
    kid: u32,
    alg: &'static str,
    /// 32 bytes, base64url.
    public_key: String,
    /// Unix seconds; open, if null.
    not_before: Option<i64>,
    not_after: Option<i64>,
    /// `active` signs new codes; `retired` still verifies old ones.
    #[schema(example = "active")]
    status: &'static str,
}

impl TicketKeys {
    /// Takes configured keys, or one that was made and is named by its public half.
    pub fn new(seeds: &[SeedKey]) -> Result<Self, KeysError> {
        let keys = seeds.iter().map(|seed| {
            let signing = SigningKey::from_bytes(&seed.seed);
            let [a, b, c, d, ..] = signing.verifying_key().to_bytes();
            let kid = seed.kid.parse();
            let kid = kid.unwrap_or_else(|_| u32::from_be_bytes([a, b, c, d]));
            TicketKey { kid, signing }
        });
        let keys: Vec<TicketKey> = keys.collect();
        if keys.is_empty() {
            return Err(KeysError::Unusable("ticket".to_owned()));
        }
        Ok(Self { keys })
    }

    /// The number of the key that signs; `None` only without keys, which loading rules out.
    pub fn newest(&self) -> Option<u32> {
        self.keys.first().map(|key| key.kid)
    }

    /// Signs with the newest key.
    pub fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        let key = self.keys.first()?;
        Some(key.signing.sign(message).to_bytes())
    }

    fn find(&self, kid: u32) -> Option<VerifyingKey> {
        let key = self.keys.iter().find(|key| key.kid == kid)?;
        Some(key.signing.verifying_key())
    }

    /// Whether the key `kid` signed this; `None` when there is no such key.
    pub fn verify(&self, kid: u32, message: &[u8], signature: &[u8; 64]) -> Option<bool> {
        let key = self.find(kid)?;
        let signature = Signature::from_bytes(signature);
        // `verify_strict` also rules out keys and points of a small order, and takes half as long
        // again: no key made of a seed is one, and without the key no such point verifies.
        Some(key.verify(message, &signature).is_ok())
    }

    pub fn public(&self) -> Vec<PublicTicketKey> {
        let newest = self.newest();
        let keys = self.keys.iter().map(|key| PublicTicketKey {
            kid: key.kid,
            alg: "Ed25519",
            public_key: URL_SAFE_NO_PAD.encode(key.signing.verifying_key().to_bytes()),
            not_before: None,
            not_after: None,
            status: match Some(key.kid) == newest {
                true => "active",
                false => "retired",
            },
        });
        keys.collect()
    }
}
