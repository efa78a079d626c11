//! `Stripe-Signature: t=<unix>,v1=<hex>`: HMAC-SHA256 of `t.body`, once with each secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header of a message.
pub fn header(secrets: &[String], at: i64, body: &str) -> String {
    let mut header = format!("t={at}");
    for secret in secrets {
        let digest = digest(secret, at, body).unwrap_or_default();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        header.push_str(",v1=");
        header.push_str(&hex);
    }
    header
}

fn digest(secret: &str, at: i64, body: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(format!("{at}.{body}").as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the official Python SDK's `generate_signature_header`.
    #[test]
    fn it_signs_as_the_official_library_does() {
        let header = header(
            &["whsec_test".to_owned()],
            1_700_000_000,
            r#"{"id":"evt_1"}"#,
        );
        assert_eq!(
            header,
            "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
        );
    }
}
