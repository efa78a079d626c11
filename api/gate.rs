//! The gate: who may come in, and that each comes in once.
//!
//! Admission is one conditional insert: the database's unique indexes decide between two gates
//! at the same instant. Every scan is kept, refused ones too.

mod admissions;
mod check_in;
mod judge;
pub mod lists;
mod permission;
pub mod routes;
mod scans;
mod undo;

use crate::db::values::text_enum;
use crate::error::Problem;
use crate::id::{CheckinListId, TicketId};
use crate::keys::TicketKeys;
use crate::tickets::card::{self, Card};
use crate::tickets::{CodeFault, Credential};
pub use check_in::CheckIn;
pub use permission::{EventStaff, GateMember, ManagedScan, TicketAtGate};
pub use undo::undo;

text_enum! {
    pub enum Direction {
        Entry = "entry",
        Exit = "exit",
        /// A manager took a scan back.
        Undo = "undo",
    }
}

text_enum! {
    pub enum ScanResult {
        Accepted = "accepted",
        Rejected = "rejected",
    }
}

text_enum! {
    /// Why somebody may or may not come in.
    pub enum Reason {
        Ok = "ok",
        UnknownTicket = "unknown_ticket",
        BadSignature = "bad_signature",
        UnknownKey = "unknown_key",
        WrongEvent = "wrong_event",
        WrongList = "wrong_list",
        NotPaid = "not_paid",
        Void = "void",
        Revoked = "revoked",
        Suspended = "suspended",
        AlreadyUsed = "already_used",
        NotYetValid = "not_yet_valid",
        Expired = "expired",
        ListClosed = "list_closed",
        ExitWithoutEntry = "exit_without_entry",
    }
}

impl Reason {
    /// What the person at the gate reads.
    pub fn message(self) -> &'static str {
        match self {
            Self::Ok => "Welcome",
            Self::UnknownTicket => "This is no ticket of ours",
            Self::BadSignature => "This code was forged or damaged",
            Self::UnknownKey => "This code is signed with a key that is not known",
            Self::WrongEvent => "This ticket is for another event",
            Self::WrongList => "This ticket is not for this entrance",
            Self::NotPaid => "This ticket is not paid",
            Self::Void => "This ticket is void",
            Self::Revoked => "This code was replaced by a newer one",
            Self::Suspended => "This ticket is suspended",
            Self::AlreadyUsed => "This ticket was used already",
            Self::NotYetValid => "This ticket is not valid yet",
            Self::Expired => "This ticket is not valid any more",
            Self::ListClosed => "This entrance is not open now",
            Self::ExitWithoutEntry => "This ticket has not come in",
        }
    }
}

impl From<CodeFault> for Reason {
    fn from(fault: CodeFault) -> Self {
        match fault {
            CodeFault::Malformed => Self::UnknownTicket,
            CodeFault::UnknownKey => Self::UnknownKey,
            CodeFault::BadSignature => Self::BadSignature,
        }
    }
}

/// What is held up to the gate.
#[derive(Debug, Clone)]
pub enum Scanned {
    Code(String),
    /// By hand, and why: the guest who lost a phone.
    Ticket {
        id: TicketId,
        note: String,
    },
}

/// What a scan is about, and where.
#[derive(Debug, Clone)]
pub struct Presented {
    pub scanned: Scanned,
    /// The event's default list, if left out.
    pub list_id: Option<CheckinListId>,
}

/// A ticket that was found, and the version of the code that it was found by.
struct Found {
    card: Card,
    version: Option<u16>,
}

impl Found {
    /// The ticket that a code names; none, if it names it with another event than its own.
    fn by_code(card: Card, credential: &Credential) -> Option<Self> {
        (card.ticket.event_id == credential.event).then_some(Self {
            card,
            version: Some(credential.version),
        })
    }
}

/// Finds the ticket that is held up, if it is one of the caller's organizers'.
async fn identify(
    conn: &mut crate::db::Conn,
    keys: &TicketKeys,
    member: &GateMember,
    scanned: &Scanned,
) -> Result<Result<Found, Reason>, Problem> {
    let serves = |card: &Card| member.serves(card.ticket.organizer_id);
    let found = match scanned {
        Scanned::Code(code) => match Credential::read(code.trim(), keys) {
            Ok(credential) => {
                let card = card::find(conn, credential.ticket).await?.filter(serves);
                card.and_then(|card| Found::by_code(card, &credential))
            }
            Err(fault) => return Ok(Err(fault.into())),
        },
        Scanned::Ticket { id, .. } => {
            let card = card::find(conn, *id).await?.filter(serves);
            card.map(|card| Found {
                card,
                version: None,
            })
        }
    };
    Ok(found.ok_or(Reason::UnknownTicket))
}
