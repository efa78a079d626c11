//! Text that must be stored and that the database alone must not give away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use serde::{Deserialize, Serialize};

use super::{Keys, mac};

/// Text that only this installation can read: AES-256-GCM under a key of its purpose, which is
/// derived from the pepper. Base64url of nonce, ciphertext and tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

impl Keys {
    /// Seals a text with the newest pepper. `None` only if there is none, which loading rules
    /// out.
    pub fn seal(&self, purpose: &str, text: &str) -> Option<Sealed> {
        let key = sealing_key(self.peppers.first()?, purpose)?;
        let mut sealed = text.as_bytes().to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut sealed);
        let nonce = nonce.ok()?;
        let bytes = [nonce.as_ref().as_slice(), &sealed].concat();
        Some(Sealed(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens what was sealed for this purpose, with any pepper; `None` for anything else.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        self.peppers.iter().find_map(|pepper| {
            let (key, mut text) = (sealing_key(pepper, purpose)?, sealed.to_vec());
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?;
            String::from_utf8(opened.to_vec()).ok()
        })
    }
}

fn sealing_key(pepper: &[u8], purpose: &str) -> Option<RandomizedNonceKey> {
    let key = mac(pepper, "seal", &[purpose.as_bytes()])?.finalize();
    RandomizedNonceKey::new(&AES_256_GCM, &key.into_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::keys;

    #[test]
    fn what_is_sealed_opens_with_any_pepper_for_its_own_purpose() {
        let old = keys(&[], &["old pepper"]);
        let sealed = old.seal("client_secret", "pi_1_secret_x").unwrap();
        assert!(!sealed.0.contains("secret"), "{sealed:?}");
        let now = keys(&[], &["new pepper", "old pepper"]);
        let opened = now.open("client_secret", &sealed);
        assert_eq!(opened.as_deref(), Some("pi_1_secret_x"));
        assert_eq!(now.open("answer", &sealed), None);
        assert_eq!(keys(&[], &["other"]).open("client_secret", &sealed), None);
        let again = old.seal("client_secret", "pi_1_secret_x").unwrap();
        assert_ne!(sealed, again, "equal texts are not seen to be equal");
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let keys = keys(&[], &["pepper"]);
        let sealed = keys.seal("answer", "text").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = Sealed(URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(keys.open("answer", &forged), None, "bit {bit}");
        }
        for short in ["", "AAAA", "not base64!"] {
            assert_eq!(keys.open("answer", &Sealed(short.to_owned())), None);
        }
    }
}
