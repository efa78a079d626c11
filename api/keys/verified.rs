//! Access tokens whose signature was found good before.
//!
//! A gate or an app sends the same token with every request, and checking its signature costs
//! more than all else of a scan. A good one stays good while the process has its keys; whether
//! it has expired, and whether its session was ended, is asked each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::AccessClaims;

/// How many are remembered; then all are forgotten.
const MOST: usize = 4_096;

#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<[u8; 32], AccessClaims>>);

impl Verified {
    pub fn find(&self, token: &str) -> Option<AccessClaims> {
        self.lock().get(&digest(token)).cloned()
    }

    /// Remembers a token that was found good.
    pub fn note(&self, token: &str, claims: &AccessClaims) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest(token), claims.clone());
    }

    /// A panic cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], AccessClaims>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens themselves are kept nowhere.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(sub: &str) -> AccessClaims {
        AccessClaims {
            iss: "https://tickets.example.com".to_owned(),
            sub: sub.to_owned(),
            role: "user".to_owned(),
            sid: "sid".to_owned(),
            iat: 1,
            exp: 2,
        }
    }

    #[test]
    fn only_the_same_token_is_known() {
        let verified = Verified::default();
        verified.note("a.b.c", &claims("asha"));
        assert_eq!(verified.find("a.b.c"), Some(claims("asha")));
        assert_eq!(verified.find("a.b.d"), None);
    }

    #[test]
    fn no_more_are_kept_than_may_be() {
        let verified = Verified::default();
        for number in 0..=MOST {
            verified.note(&number.to_string(), &claims("asha"));
        }
        assert_eq!(verified.lock().len(), 1);
        assert!(verified.find(&MOST.to_string()).is_some());
    }
}
