//! What a ticket's QR code says: `TG1:` and the base45 of body and signature.
//!
//! The body has 46 bytes, big-endian: key id u32, event 16 bytes, ticket 16 bytes, credential
//! version u16, not before u32, not after u32 (unix seconds, 0 is open). The signature is
//! Ed25519 over the ASCII text `TG1:` followed by the body. Nothing in it is personal.

use crate::id::{EventId, TicketId};
use crate::keys::TicketKeys;

const PREFIX: &str = "TG1:";
const BODY_BYTES: usize = 46;

/// What a code claims, and its signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    pub event: EventId,
    pub ticket: TicketId,
    /// Only the ticket's current one is good.
    pub version: u16,
    /// Unix seconds; 0 is open.
    pub not_before: u32,
    pub not_after: u32,
}

/// Why a code proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFault {
    /// It is no code of this kind.
    Malformed,
    UnknownKey,
    BadSignature,
}

impl Credential {
    /// The code, signed with the newest key; `None` only without keys.
    pub fn sign(&self, keys: &TicketKeys) -> Option<String> {
        let body = self.body(keys.newest()?);
        let signature = keys.sign(&signed(&body))?;
        let all = [body.as_slice(), &signature].concat();
        Some(format!("{PREFIX}{}", base45::encode(&all)))
    }

    fn body(&self, kid: u32) -> Vec<u8> {
        [
            kid.to_be_bytes().as_slice(),
            self.event.uuid().as_bytes(),
            self.ticket.uuid().as_bytes(),
            &self.version.to_be_bytes(),
            &self.not_before.to_be_bytes(),
            &self.not_after.to_be_bytes(),
        ]
        .concat()
    }

    /// Reads a code that one of our keys has signed.
    pub fn read(code: &str, keys: &TicketKeys) -> Result<Self, CodeFault> {
        let malformed = CodeFault::Malformed;
        let text = code.strip_prefix(PREFIX).ok_or(malformed)?;
        let bytes = base45::decode(text).map_err(|_| malformed)?;
        // One text for one code: base45 has others that decode alike.
        if base45::encode(&bytes) != text {
            return Err(malformed);
        }
        let (body, signature) = bytes.split_first_chunk::<BODY_BYTES>().ok_or(malformed)?;
        let signature: &[u8; 64] = signature.try_into().map_err(|_| malformed)?;
        let (kid, credential) = Self::of_body(body).ok_or(malformed)?;
        match keys.verify(kid, &signed(body), signature) {
            None => Err(CodeFault::UnknownKey),
            Some(false) => Err(CodeFault::BadSignature),
            Some(true) => Ok(credential),
        }
    }

    fn of_body(body: &[u8; BODY_BYTES]) -> Option<(u32, Self)> {
        let (kid, rest) = body.split_first_chunk::<4>()?;
        let (event, rest) = rest.split_first_chunk::<16>()?;
        let (ticket, rest) = rest.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (not_before, rest) = rest.split_first_chunk::<4>()?;
        let (not_after, _) = rest.split_first_chunk::<4>()?;
        let credential = Self {
            event: EventId::from_uuid(uuid::Uuid::from_bytes(*event)),
            ticket: TicketId::from_uuid(uuid::Uuid::from_bytes(*ticket)),
            version: u16::from_be_bytes(*version),
            not_before: u32::from_be_bytes(*not_before),
            not_after: u32::from_be_bytes(*not_after),
        };
        Some((u32::from_be_bytes(*kid), credential))
    }
}

/// What the signature stands over.
fn signed(body: &[u8]) -> Vec<u8> {
    [PREFIX.as_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
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
}
