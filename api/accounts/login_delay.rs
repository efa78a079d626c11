//! Wrong passwords make the next try wait longer, but lock nobody out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::db::values::Timestamp;

/// How many wrong tries cost nothing: fingers slip.
const FREE: u32 = 3;
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(4);

/// When wrong tries are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);

type Key = (Option<IpAddr>, String);

/// Counts wrong tries by address and e-mail, so that nobody can slow down anybody else.
#[derive(Default)]
pub struct LoginDelays {
    failures: Mutex<HashMap<Key, (u32, Timestamp)>>,
}

impl LoginDelays {
    /// How long the next try has to wait.
    pub fn delay(&self, key: &Key, now: Timestamp) -> Duration {
        let failures = self.failures();
        let recent = failures
            .get(key)
            .filter(|(_, at)| now.since(*at) < FORGOTTEN_AFTER);
        recent.map_or(Duration::ZERO, |(count, _)| delay_after(*count))
    }

    pub fn failed(&self, key: Key, now: Timestamp) {
        let mut failures = self.failures();
        let (count, at) = failures.entry(key).or_insert((0, now));
        *count = count.saturating_add(1);
        *at = now;
    }

    pub fn succeeded(&self, key: &Key) {
        self.failures().remove(key);
    }

    pub fn shrink(&self, now: Timestamp) {
        self.failures()
            .retain(|_, (_, at)| now.since(*at) < FORGOTTEN_AFTER);
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Key, (u32, Timestamp)>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn delay_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(doublings) => FIRST.saturating_mul(1 << doublings.min(16)).min(MOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_is_limited() {
        let millis: Vec<u128> = (0..9).map(|n| delay_after(n).as_millis()).collect();
        assert_eq!(millis, [0, 0, 0, 250, 500, 1000, 2000, 4000, 4000]);
    }

    #[test]
    fn it_is_forgotten_by_success_and_by_time_and_concerns_one_pair_only() {
        let delays = LoginDelays::default();
        let now = Timestamp::from_unix_seconds(1_000_000).unwrap();
        let key = |email: &str| (None, email.to_owned());
        for _ in 0..5 {
            delays.failed(key("a"), now);
        }
        assert!(delays.delay(&key("a"), now) > Duration::ZERO);
        assert_eq!(delays.delay(&key("b"), now), Duration::ZERO);
        assert_eq!(
            delays.delay(&key("a"), now.plus(FORGOTTEN_AFTER)),
            Duration::ZERO
        );
        delays.succeeded(&key("a"));
        assert_eq!(delays.delay(&key("a"), now), Duration::ZERO);
    }
}
