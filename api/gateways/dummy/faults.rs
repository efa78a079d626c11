//! What goes wrong between us and the dummy gateway, when somebody wants to rehearse it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::db::values::text_enum;
use crate::gateways::GatewayError;
use crate::gateways::watched::Operation;

text_enum! {
    /// What becomes of a call.
    pub enum Fault {
        /// It never left: nothing happens there.
        Refused = "refused",
        /// It is lost on its way; nobody here can know.
        TimeoutBefore = "timeout_before",
        /// It is done there, and the answer is lost.
        TimeoutAfter = "timeout_after",
        /// The gateway fails before it does anything.
        Http500 = "http_500",
        /// It is done, and answered with something that nobody can read.
        Garbage = "garbage",
        /// The connection breaks after it is done.
        Reset = "reset",
        RateLimit = "rate_limit",
    }
}

impl Fault {
    /// Whether the gateway does what it is asked.
    pub fn is_done(self) -> bool {
        matches!(self, Self::TimeoutAfter | Self::Garbage | Self::Reset)
    }

    /// What the caller is left with.
    pub fn error(self) -> GatewayError {
        match self {
            Self::Refused => GatewayError::NotSent("connection refused".to_owned()),
            Self::RateLimit => GatewayError::RateLimited {
                after: Duration::from_secs(1),
            },
            other => GatewayError::Unknown(other.as_str().to_owned()),
        }
    }
}

/// The faults that are to come, for each call in turn.
#[derive(Default)]
pub struct Faults(Mutex<HashMap<Operation, VecDeque<Fault>>>);

impl Faults {
    /// The next calls of a kind go wrong.
    pub fn script(&self, operation: Operation, fault: Fault, times: usize) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_operation = faults.entry(operation).or_default();
        of_operation.extend(std::iter::repeat_n(fault, times));
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.clear();
    }

    pub(super) fn take(&self, operation: Operation) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.get_mut(&operation)?.pop_front()
    }
}
