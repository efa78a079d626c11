//! What a code says and how it is signed, by hand: it shares nothing with Tollgate's own reading.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

use crate::support::sale::text;
use crate::support::{Kind, TestApp, run};

const PREFIX: &str = "TG1:";
const BODY_BYTES: usize = 46;

/// The number of the key that tests know.
pub const KNOWN_KID: u32 = 7;

/// What a code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub kid: u32,
    pub event: Uuid,
    pub ticket: Uuid,
    pub version: u16,
    pub not_before: u32,
    pub not_after: u32,
}

/// Any key; the one of number 7 is what [`with_known_key`] sets.
pub fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// `TICKET_KEYS` of these numbers; the first signs.
pub fn setting(numbers: &[u8]) -> String {
    let key = |number: &u8| format!("{number}:{}", STANDARD.encode([*number; 32]));
    numbers.iter().map(key).collect::<Vec<_>>().join(",")
}

/// Runs a test on both databases, with a key that lets it sign what it likes.
pub fn with_known_key(test: impl AsyncFn(&TestApp)) {
    let keys = setting(&[7]);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, &[("TICKET_KEYS", keys.as_str())], async |app| {
            test(app).await
        });
    }
}

/// The UUID behind an id such as `tkt_…`.
pub fn uuid(id: &str) -> Uuid {
    let id: TypeSafeId<DynamicType> = id.parse().unwrap();
    id.uuid()
}

/// A code's bytes: body and signature.
pub fn bytes_of(code: &str) -> Vec<u8> {
    let bytes = base45::decode(code.strip_prefix(PREFIX).unwrap()).unwrap();
    assert_eq!(bytes.len(), BODY_BYTES + 64);
    bytes
}

pub fn code_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", base45::encode(bytes))
}

impl Code {
    pub fn read(code: &str) -> Self {
        let bytes = bytes_of(code);
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        Self {
            kid: number(0),
            event: Uuid::from_slice(&bytes[4..20]).unwrap(),
            ticket: Uuid::from_slice(&bytes[20..36]).unwrap(),
            version: u16::from_be_bytes(bytes[36..38].try_into().unwrap()),
            not_before: number(38),
            not_after: number(42),
        }
    }

    pub fn sign(&self, key: &SigningKey) -> String {
        let body = self.body();
        let signature = key.sign(&[PREFIX.as_bytes(), &body].concat());
        code_of(&[body, signature.to_bytes().to_vec()].concat())
    }

    fn body(&self) -> Vec<u8> {
        [
            self.kid.to_be_bytes().as_slice(),
            self.event.as_bytes(),
            self.ticket.as_bytes(),
            &self.version.to_be_bytes(),
            &self.not_before.to_be_bytes(),
            &self.not_after.to_be_bytes(),
        ]
        .concat()
    }
}

/// The keys that everybody may read, by their number.
pub async fn published_keys(app: &TestApp) -> HashMap<u32, VerifyingKey> {
    let answer = app.nobody().get("/.well-known/ticket-keys.json").await;
    let mut keys = HashMap::new();
    for key in answer.expect(200).body["keys"].as_array().unwrap() {
        assert_eq!(key["alg"], "Ed25519");
        assert!(key["status"].is_string(), "{key}");
        let members = key.as_object().unwrap();
        assert!(members.contains_key("not_before") && members.contains_key("not_after"));
        let kid = u32::try_from(key["kid"].as_u64().unwrap()).unwrap();
        let public = URL_SAFE_NO_PAD.decode(text(&key["public_key"])).unwrap();
        let public: [u8; 32] = public.try_into().unwrap();
        let public = VerifyingKey::from_bytes(&public).unwrap();
        assert!(keys.insert(kid, public).is_none(), "{kid} twice");
    }
    keys
}

/// Whether the published key that a code names has signed it.
pub async fn is_signed(app: &TestApp, code: &str) -> bool {
    let bytes = bytes_of(code);
    let (body, signature) = bytes.split_at(BODY_BYTES);
    let signature = Signature::from_slice(signature).unwrap();
    let keys = published_keys(app).await;
    let message = [PREFIX.as_bytes(), body].concat();
    keys[&Code::read(code).kid]
        .verify_strict(&message, &signature)
        .is_ok()
}
