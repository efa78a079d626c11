//! Whether and when a call is made once more: a pure function of what came of it.
//!
//! The rule is that of Stripe's own libraries: their `Stripe-Should-Retry` decides; where it is
//! silent, a lost connection, a conflict and a fault of theirs are worth another try. They never
//! retry 429 by themselves; with `Retry-After` kept, and our own limit, we do.

use std::time::Duration;

/// How often one call is made at most.
pub(super) const TRIES_MOST: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What decides about another try.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// `None` when no answer came.
    pub status: Option<u16>,
    /// `Stripe-Should-Retry`.
    pub should_retry: Option<bool>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Outcome {
    fn is_worth_another(self) -> bool {
        let Some(status) = self.status else {
            return true;
        };
        let by_status = matches!(status, 409 | 429 | 500..=599);
        status >= 400 && self.should_retry.unwrap_or(by_status)
    }

    /// How long to wait before try number `tries + 1`, with a `jitter` in thousandths; `None`
    /// when there is to be none.
    pub(super) fn pause(self, tries: u32, jitter: u64) -> Option<Duration> {
        if tries >= TRIES_MOST || !self.is_worth_another() {
            return None;
        }
        let doublings = tries.saturating_sub(1).min(10);
        let pause = FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE);
        // Between half of it and all: those that failed together do not come back together.
        let spread = u32::try_from(jitter.min(1_000)).unwrap_or(1_000);
        let pause = pause / 2 + (pause / 2).saturating_mul(spread) / 1_000;
        Some(pause.max(self.retry_after.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn answered(status: u16) -> Outcome {
        Outcome {
            status: Some(status),
            should_retry: None,
            retry_after: None,
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let lost = Outcome::default();
        for outcome in [
            lost,
            answered(409),
            answered(429),
            answered(500),
            answered(503),
        ] {
            assert!(outcome.pause(1, 0).is_some(), "{outcome:?}");
        }
        for status in [200, 302, 400, 401, 402, 403, 404, 424] {
            assert_eq!(answered(status).pause(1, 0), None, "{status}");
        }
    }

    #[test]
    fn stripes_own_word_comes_first() {
        let said = |status, word| Outcome {
            should_retry: Some(word),
            ..answered(status)
        };
        assert_eq!(said(500, false).pause(1, 0), None);
        assert_eq!(said(409, false).pause(1, 0), None);
        assert!(said(400, true).pause(1, 0).is_some());
        assert_eq!(said(200, true).pause(1, 0), None);
    }

    #[test]
    fn there_are_three_tries() {
        assert!(answered(500).pause(2, 0).is_some());
        assert_eq!(answered(500).pause(3, 0), None);
    }

    #[test]
    fn pauses_double_and_spread() {
        let pauses = [(1, 0), (1, 1_000), (1, 5_000), (2, 0), (2, 1_000)];
        let pauses = pauses.map(|(tries, jitter)| answered(500).pause(tries, jitter));
        let expected = [250, 500, 500, 500, 1_000].map(|it| Some(Duration::from_millis(it)));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_pause_that_stripe_asks_for_is_kept() {
        let told = Outcome {
            retry_after: Some(Duration::from_secs(7)),
            ..answered(429)
        };
        assert_eq!(told.pause(1, 1_000), Some(Duration::from_secs(7)));
    }
}
