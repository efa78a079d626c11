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
mod tests;
