//! Our own limit, below Stripe's: what is queued here is not refused there.
//!
//! Stripe allows 25 calls a second to one endpoint, and in all 100 with a live key and 25 with
//! one for tests (docs.stripe.com/rate-limits), or more where it was asked. Each process counts
//! for itself.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use tokio::time::Instant;

use super::error::Trouble;
use super::transport::Operation;

/// Leave to call.
pub(super) struct Permits {
    all: DefaultDirectRateLimiter,
    each: DefaultKeyedRateLimiter<Operation>,
}

/// So many calls in any second, however they bunch.
fn in_a_second(most: u32) -> Quota {
    let part = |share: u32| NonZeroU32::new(share).unwrap_or(NonZeroU32::MIN);
    let burst = most / 5;
    Quota::per_second(part(most.saturating_sub(burst))).allow_burst(part(burst))
}

impl Permits {
    /// For an account that may call so often in a second.
    pub(super) fn new(all: u32) -> Self {
        let each = (all / 4).max(25);
        Self {
            all: RateLimiter::direct(in_a_second(all)),
            each: RateLimiter::keyed(in_a_second(each)),
        }
    }

    /// Waits for leave; without any before the deadline nothing was sent.
    pub(super) async fn wait(
        &self,
        operation: Operation,
        deadline: Instant,
    ) -> Result<(), Trouble> {
        until(deadline, || self.each.check_key(&operation)).await?;
        until(deadline, || self.all.check()).await
    }
}

async fn until<P>(
    deadline: Instant,
    check: impl Fn() -> Result<(), NotUntil<P>>,
) -> Result<(), Trouble>
where
    P: governor::clock::Reference,
    DefaultClock: Clock<Instant = P>,
{
    let clock = DefaultClock::default();
    loop {
        let wait = match check() {
            Ok(()) => return Ok(()),
            Err(not_until) => not_until.wait_time_from(clock.now()),
        };
        let wait = wait + Duration::from_millis(crate::random::jitter_below(20));
        if Instant::now() + wait >= deadline {
            return Err(Trouble::Queued(wait));
        }
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_is_called_so_often_and_no_more() {
        let permits = Permits::new(100);
        let now = Instant::now();
        for _ in 0..5 {
            permits.wait(Operation::FindIntent, now).await.unwrap();
        }
        let refused = permits.wait(Operation::FindIntent, now).await;
        assert!(matches!(refused, Err(Trouble::Queued(_))), "{refused:?}");
        // Another endpoint has its own.
        permits.wait(Operation::MakeRefund, now).await.unwrap();
        let soon = now + Duration::from_secs(1);
        permits.wait(Operation::FindIntent, soon).await.unwrap();
    }

    #[tokio::test]
    async fn all_endpoints_share_what_a_test_key_may() {
        let (permits, now) = (Permits::new(25), Instant::now());
        for operation in Operation::ALL.iter().take(5) {
            permits.wait(*operation, now).await.unwrap();
        }
        let refused = permits.wait(Operation::MakeRefund, now).await;
        assert!(matches!(refused, Err(Trouble::Queued(_))), "{refused:?}");
    }
}
