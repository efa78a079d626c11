//! Codes: the vectors that every other reader is held to, and all that is no code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;

use super::*;
use crate::keys::SeedKey;
use proptest::prelude::*;

fn keys(kids: &[&str]) -> TicketKeys {
    let seed = |kid: &&str| SeedKey {
        kid: (*kid).to_owned(),
        seed: [u8::try_from(kid.len()).unwrap(); 32],
    };
    TicketKeys::new(&kids.iter().map(seed).collect::<Vec<_>>()).unwrap()
}

fn credential() -> Credential {
    Credential {
        event: EventId::new(),
        ticket: TicketId::new(),
        version: 1,
        not_before: 0,
        not_after: 4_294_967_295,
    }
}

#[test]
fn a_code_reads_back_and_has_its_length() {
    let (keys, credential) = (keys(&["7"]), credential());
    let code = credential.sign(&keys).unwrap();
    assert_eq!(code.len(), 4 + 165);
    assert_eq!(Credential::read(&code, &keys), Ok(credential));
}

#[test]
fn every_flipped_bit_is_refused() {
    let keys = keys(&["7"]);
    let code = credential().sign(&keys).unwrap();
    let bytes = base45::decode(code.strip_prefix(PREFIX).unwrap()).unwrap();
    assert_eq!(bytes.len(), 110);
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let forged = format!("{PREFIX}{}", base45::encode(&forged));
        let expected = match bit / 8 {
            0..4 => CodeFault::UnknownKey,
            _ => CodeFault::BadSignature,
        };
        assert_eq!(Credential::read(&forged, &keys), Err(expected), "bit {bit}");
    }
}

#[test]
fn rotated_keys_still_verify_and_removed_ones_do_not() {
    let code = credential().sign(&keys(&["7"])).unwrap();
    assert!(Credential::read(&code, &keys(&["12", "7"])).is_ok());
    let removed = Credential::read(&code, &keys(&["12"]));
    assert_eq!(removed, Err(CodeFault::UnknownKey));
    let new = credential().sign(&keys(&["12", "7"])).unwrap();
    assert_eq!(
        Credential::read(&new, &keys(&["7"])),
        Err(CodeFault::UnknownKey)
    );
}

#[derive(Deserialize)]
struct Vectors {
    valid: Vec<ValidVector>,
    invalid: Vec<InvalidVector>,
}

#[derive(Deserialize)]
struct ValidVector {
    name: String,
    kid: u32,
    seed: String,
    event: Uuid,
    ticket: Uuid,
    version: u16,
    not_before: u32,
    not_after: u32,
    code: String,
}

#[derive(Deserialize)]
struct InvalidVector {
    name: String,
    code: String,
}

impl ValidVector {
    fn keys(&self) -> TicketKeys {
        let seed = STANDARD.decode(&self.seed).unwrap().try_into().unwrap();
        let kid = self.kid.to_string();
        TicketKeys::new(&[SeedKey { kid, seed }]).unwrap()
    }
}

#[test]
fn the_vectors_are_signed_and_read_alike() {
    let vectors = include_str!("../../../tests/vectors/ticket_credentials.json");
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    for vector in &vectors.valid {
        let (keys, name) = (vector.keys(), &vector.name);
        let credential = Credential {
            event: EventId::from_uuid(vector.event),
            ticket: TicketId::from_uuid(vector.ticket),
            version: vector.version,
            not_before: vector.not_before,
            not_after: vector.not_after,
        };
        assert_eq!(
            credential.sign(&keys).as_ref(),
            Some(&vector.code),
            "{name}"
        );
        assert_eq!(
            Credential::read(&vector.code, &keys),
            Ok(credential),
            "{name}"
        );
        for invalid in &vectors.invalid {
            assert!(
                Credential::read(&invalid.code, &keys).is_err(),
                "{}",
                invalid.name
            );
        }
    }
    assert!(vectors.valid.len() > 5 && vectors.invalid.len() > 30);
}

proptest! {
    #[test]
    fn nothing_that_a_camera_reads_panics(code in "(TG1:)?[0-9A-Z $%*+./:-]{0,400}") {
        prop_assert!(Credential::read(&code, &keys(&["7"])).is_err());
    }

    #[test]
    fn no_text_panics(code in ".{0,300}") {
        prop_assert!(Credential::read(&code, &keys(&["7"])).is_err());
    }
}
