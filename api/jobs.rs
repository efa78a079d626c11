//! Background work: rows claimed with a lease, done, and tried again with growing pauses.

mod kinds;
mod queue;
pub mod routes;
mod worker;

use std::time::Duration;

pub use kinds::Job;
pub use queue::{count_dead, count_unfinished, enqueue, ensure_recurring, oldest_due};
pub use worker::{drain, start, start_notes};

const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_MOST: Duration = Duration::from_secs(60 * 60);

/// How long to wait after the `attempts`-th failure: doubling, with up to a quarter more so
/// that what failed together does not come back together.
pub fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 12)).unwrap_or(12) - 1;
    let pause = BACKOFF_FIRST
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MOST);
    let quarter = u64::try_from(pause.as_millis() / 4).unwrap_or_default();
    pause + Duration::from_millis(crate::random::jitter_below(quarter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        for (attempts, seconds) in [(1, 5), (2, 10), (5, 80), (12, 3_600), (99, 3_600)] {
            let pause = backoff(attempts).as_secs();
            assert!(
                (seconds..=seconds + seconds / 4).contains(&pause),
                "{attempts}: {pause}"
            );
        }
    }
}
