//! The gate: who may come in, and that each comes in once.
//!
//! Admission is one conditional insert: the database's unique indexes decide between two gates
//! at the same instant. Every scan is kept, refused ones too.

mod admissions;
mod check_in;
mod found;
mod judge;
pub mod lists;
mod permission;
pub mod routes;
mod scans;
mod together;
mod undo;
mod verify;

use crate::db::values::text_enum;
use crate::id::{CheckinListId, TicketId};
use crate::tickets::CodeFault;
pub use check_in::{CheckIn, Entry};
pub use found::Record;
pub use permission::{EventStaff, GateMember, ManagedScan, TicketAtGate};
pub use together::Answered;
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
