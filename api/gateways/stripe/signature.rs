//! Stripe's signature of a message.
//!
//! `Stripe-Signature: t=<unix>,v1=<hex>[,v1=…][,v0=…]`: HMAC-SHA256 of `t.body`, keyed with the
//! whole `whsec_…` text (docs.stripe.com/webhooks/signature, and Stripe's own libraries).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::read_hex;

pub(super) const HEADER: &str = "stripe-signature";

/// How old or how far ahead a message may be.
const TOLERANCE_SECONDS: i64 = 300;

/// Whether a message was signed with one of our secrets, lately. While a secret takes another's
/// place, Stripe signs with both.
pub(super) fn is_signed(header: &str, body: &[u8], secrets: &[String], now_unix: i64) -> bool {
    let Some((at, digests)) = read(header) else {
        return false;
    };
    let age = now_unix.saturating_sub(at);
    if !(-TOLERANCE_SECONDS..=TOLERANCE_SECONDS).contains(&age) {
        return false;
    }
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets
        .filter_map(|secret| Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok())
        .map(|mac| mac.chain_update(format!("{at}.")).chain_update(body))
        .any(|mac| {
            let fits = |digest: &Vec<u8>| mac.clone().verify_slice(digest).is_ok();
            digests.iter().any(fits)
        })
}

/// When it was signed, and every digest of the scheme that we know.
fn read(header: &str) -> Option<(i64, Vec<Vec<u8>>)> {
    let parts = || {
        header
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
    };
    let (_, at) = parts().find(|(name, _)| *name == "t")?;
    let digests = parts().filter(|(name, _)| *name == "v1");
    let digests = digests.filter_map(|(_, digest)| read_hex(digest)).collect();
    Some((at.parse().ok()?, digests))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `WebhookSignature.generate_signature_header` of Stripe's Python library.
    const SECRET: &str = "whsec_test_secret";
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const AT: i64 = 1_795_000_000;
    const DIGEST: &str = "72c734d12afd8ad76cc934b45f99c9c5ab4584de0d79a5457c49d3d1ac7c56c0";

    fn secrets(all: &[&str]) -> Vec<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    fn header() -> String {
        format!("t={AT},v1={DIGEST}")
    }

    fn is_good(header: &str, body: &[u8], all: &[&str], now: i64) -> bool {
        is_signed(header, body, &secrets(all), now)
    }

    #[test]
    fn what_stripe_signs_is_believed() {
        assert!(is_good(&header(), BODY, &[SECRET], AT));
        let junk = format!("v0=00,v1=zz,v1=00, v1={DIGEST} ,t={AT}");
        assert!(is_good(&junk, BODY, &[SECRET], AT), "{junk}");
        assert!(is_good(&header(), BODY, &["whsec_new", SECRET], AT));
    }

    #[test]
    fn what_anybody_could_write_is_not() {
        let forged: [(String, &[u8], &[&str]); 10] = [
            (header(), b"{}", &[SECRET]),
            (header(), BODY, &["whsec_other"]),
            (header(), BODY, &[]),
            (header(), BODY, &[""]),
            (format!("t={AT}"), BODY, &[SECRET]),
            (format!("v1={DIGEST}"), BODY, &[SECRET]),
            (format!("t={},v1={DIGEST}", AT + 1), BODY, &[SECRET]),
            (format!("t={AT},v0={DIGEST}"), BODY, &[SECRET]),
            (format!("t={AT},v1="), BODY, &[SECRET]),
            (String::new(), BODY, &[SECRET]),
        ];
        for (header, body, all) in forged {
            assert!(!is_good(&header, body, all, AT), "{header}");
        }
    }

    #[test]
    fn a_message_is_good_for_five_minutes() {
        for (age, expected) in [(300, true), (301, false), (-300, true), (-301, false)] {
            assert_eq!(is_good(&header(), BODY, &[SECRET], AT + age), expected);
        }
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let mac = Hmac::<Sha256>::new_from_slice(b"").unwrap();
        let mac = mac.chain_update(format!("{AT}.")).chain_update(BODY);
        let digest = crate::digest::hex(&mac.finalize().into_bytes());
        let forged = format!("t={AT},v1={digest}");
        assert!(!is_good(&forged, BODY, &["", SECRET], AT));
    }
}
