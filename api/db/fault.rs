//! What a failed statement means for the caller.
//!
//! Deadlock, busy and disk-full arrive from diesel as `Unknown` with a text, so they are
//! told apart by that text (PostgreSQL is asked to speak English).

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::DbError;

/// The meaning of a database error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Lost against another transaction: the same again may succeed at once.
    Transient,
    /// The database cannot take it now: the client may come again later.
    Overloaded,
    /// Anything else: our mistake.
    Broken,
}

/// Errors that may be worth trying the transaction again.
pub trait Transient {
    fn is_transient(&self) -> bool;
}

impl Transient for DieselError {
    fn is_transient(&self) -> bool {
        Fault::of(self) == Fault::Transient
    }
}

impl Transient for DbError {
    fn is_transient(&self) -> bool {
        self.fault() == Fault::Transient
    }
}

impl DbError {
    pub fn fault(&self) -> Fault {
        match self {
            Self::Query(error) => Fault::of(error),
            Self::Pool(_) => Fault::Overloaded,
            _ => Fault::Broken,
        }
    }
}

impl Fault {
    pub fn of(error: &DieselError) -> Self {
        let DieselError::DatabaseError(kind, information) = error else {
            return Self::Broken;
        };
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Transient,
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Overloaded
            }
            DatabaseErrorKind::Unknown => Self::of_message(information.message()),
            _ => Self::Broken,
        }
    }

    fn of_message(message: &str) -> Self {
        const TRANSIENT: &[&str] = &[
            "deadlock detected",
            "could not serialize access",
            "database is locked",
            "database table is locked",
        ];
        const OVERLOADED: &[&str] = &[
            "database or disk is full",
            "disk I/O error",
            "No space left on device",
            "lock timeout",
            "statement timeout",
            "terminating connection",
            "the database system is",
            "too many clients",
            "remaining connection slots",
            "connection closed",
        ];
        let says = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        if says(TRANSIENT) {
            Self::Transient
        } else if says(OVERLOADED) {
            Self::Overloaded
        } else {
            Self::Broken
        }
    }
}
