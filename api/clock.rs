//! The one place that reads the time.
//!
//! Everything that depends on «now» is given a [`Clock`], so that a test can let a
//! token or a hold expire without waiting for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::Utc;

use crate::db::values::Timestamp;

/// Tells the time: the system's, moved forward by what [`Clock::advance`] was given.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead_microseconds: Arc<AtomicI64>,
}

impl Clock {
    /// The present instant, cut to microseconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn now(&self) -> Timestamp {
        let ahead = chrono::TimeDelta::microseconds(self.ahead_microseconds.load(Ordering::SeqCst));
        Timestamp::from(Utc::now() + ahead)
    }

    /// Moves this clock, and all its clones, forward. For tests.
    pub fn advance(&self, by: Duration) {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.ahead_microseconds
            .fetch_add(microseconds, Ordering::SeqCst);
    }
}
