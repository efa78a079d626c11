//! Access tokens and derived ones.

use super::testing::keys;
use super::*;
use uuid::Uuid;

fn at(unix: i64) -> Timestamp {
    Timestamp::from_unix_seconds(unix).unwrap()
}

/// RFC 8037, appendix A: the key and its public half.
#[test]
fn the_public_key_is_the_one_of_rfc_8037() {
    let seed = URL_SAFE_NO_PAD
        .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
        .unwrap();
    let key = SeedKey {
        kid: "rfc".to_owned(),
        seed: seed.try_into().unwrap(),
    };
    let jwk = JwtKey::new(&key).unwrap().jwk;
    assert_eq!(jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

#[test]
fn an_access_token_reads_back_until_it_expires() {
    let keys = keys(&["k1"], &["pepper"]);
    let token = keys
        .sign_access_token("usr_1", "user", "sid_1", at(1_000))
        .unwrap();
    let claims = keys.read_access_token(&token, at(1_000)).unwrap();
    assert_eq!((claims.sub.as_str(), claims.exp), ("usr_1", 1_900));
    assert!(keys.read_access_token(&token, at(1_899)).is_ok());
    let late = keys.read_access_token(&token, at(1_900));
    assert_eq!(late, Err(TokenFault::Expired));
}

#[test]
fn rotated_keys_still_verify_and_foreign_ones_do_not() {
    let old = keys(&["k1"], &["pepper"]);
    let token = old.sign_access_token("u", "user", "s", at(0)).unwrap();
    assert!(
        keys(&["k2", "k1"], &[])
            .read_access_token(&token, at(0))
            .is_ok()
    );
    let foreign = keys(&["k2"], &[]).read_access_token(&token, at(0));
    assert_eq!(foreign, Err(TokenFault::Invalid));
}

#[test]
fn other_algorithms_are_refused() {
    let keys = keys(&["k1"], &[]);
    let claims = r#"{"iss":"http://127.0.0.1:8080","sub":"u","role":"admin","sid":"s","iat":0,"exp":99999999999}"#;
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for header in [
        r#"{"alg":"none","kid":"k1"}"#,
        r#"{"alg":"HS256","kid":"k1"}"#,
        r#"{"alg":"EdDSA"}"#,
    ] {
        let token = format!("{}.{}.{}", encode(header), encode(claims), encode("x"));
        let read = keys.read_access_token(&token, at(0));
        assert_eq!(read, Err(TokenFault::Invalid), "{header}");
    }
    // Signed with the public key as an HMAC secret.
    let public = URL_SAFE_NO_PAD.decode(&keys.jwks()[0].x).unwrap();
    let signed = format!(
        "{}.{}",
        encode(r#"{"alg":"HS256","kid":"k1"}"#),
        encode(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(&public).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    let read = keys.read_access_token(&format!("{signed}.{signature}"), at(0));
    assert_eq!(read, Err(TokenFault::Invalid));
}

#[test]
fn a_derived_token_is_bound_to_all_it_says() {
    let keys_now = keys(&[], &["new pepper", "old pepper"]);
    let token = Token {
        purpose: Purpose::VerifyEmail,
        subject: Uuid::nil(),
        version: "asha@example.com".to_owned(),
        expires_at_unix: 100,
    };
    let text = token.sign(&keys_now).unwrap();
    let read = PresentedToken::read(&text).unwrap();
    let purpose = Purpose::VerifyEmail;
    assert!(read.is_genuine(&keys_now, purpose, "asha@example.com"));
    assert!(!read.is_genuine(&keys_now, Purpose::ResetPassword, "asha@example.com"));
    assert!(!read.is_genuine(&keys_now, purpose, "other@example.com"));
    assert!(!read.is_genuine(&keys(&[], &["other"]), purpose, "asha@example.com"));
    assert!(!read.is_expired(at(99)) && read.is_expired(at(100)));

    let old = token.sign(&keys(&[], &["old pepper"])).unwrap();
    let old = PresentedToken::read(&old).unwrap();
    assert!(old.is_genuine(&keys_now, purpose, "asha@example.com"));
}

#[test]
fn every_flipped_bit_of_a_derived_token_is_refused() {
    let keys = keys(&[], &["pepper"]);
    let token = Token {
        purpose: Purpose::Refresh,
        subject: Uuid::max(),
        version: String::new(),
        expires_at_unix: 7,
    };
    let bytes = URL_SAFE_NO_PAD.decode(token.sign(&keys).unwrap()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let read = PresentedToken::read(&URL_SAFE_NO_PAD.encode(forged)).unwrap();
        assert!(!read.is_genuine(&keys, Purpose::Refresh, ""), "bit {bit}");
    }
}
