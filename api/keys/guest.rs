//! An anonymous buyer's token: it opens one order and what belongs to it.
//!
//! `ogt_` and the base64url of order id, token version and an HMAC over both. It is derived
//! when it is needed and stored nowhere; raising the order's version revokes it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Keys;
use crate::id::OrderId;

const PREFIX: &str = "ogt_";
const PURPOSE: &str = "order_guest";

/// What a guest token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestToken {
    pub order: OrderId,
    pub version: i64,
}

impl GuestToken {
    /// Whether a bearer token means to be one of these.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The token's text, with the newest pepper.
    pub fn sign(self, keys: &Keys) -> Option<String> {
        let uuid = self.order.uuid();
        let version = self.version.to_be_bytes();
        let digest = keys.derive(PURPOSE, &[uuid.as_bytes(), &version])?;
        let bytes = [uuid.as_bytes(), version.as_slice(), &digest].concat();
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What a token says that we made. Whether its version is still good, the order knows.
    pub fn read(text: &str, keys: &Keys) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (order, rest) = bytes.split_first_chunk::<16>()?;
        let (version, digest) = rest.split_first_chunk::<8>()?;
        let is_ours = keys.is_derived(digest, PURPOSE, &[order, version]);
        is_ours.then(|| Self {
            order: OrderId::from_uuid(uuid::Uuid::from_bytes(*order)),
            version: i64::from_be_bytes(*version),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::keys;

    #[test]
    fn a_token_reads_back_and_every_flipped_bit_is_refused() {
        let keys_now = keys(&[], &["new pepper", "old pepper"]);
        let token = GuestToken {
            order: OrderId::new(),
            version: 3,
        };
        let text = token.sign(&keys_now).unwrap();
        assert_eq!(GuestToken::read(&text, &keys_now), Some(token));
        let old = token.sign(&keys(&[], &["old pepper"])).unwrap();
        assert_eq!(GuestToken::read(&old, &keys_now), Some(token));
        assert_eq!(GuestToken::read(&text, &keys(&[], &["other"])), None);

        let encoded = text.strip_prefix(PREFIX).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(encoded).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(GuestToken::read(&forged, &keys_now), None, "bit {bit}");
        }
        for text in ["", "ogt_", "ogt_AAAA", encoded] {
            assert_eq!(GuestToken::read(text, &keys_now), None, "{text}");
        }
    }
}
