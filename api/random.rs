//! The one place that draws random numbers for secrets.

use rand::rngs::SysRng;
use rand::{Rng, TryRng};

/// Bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing secret may be made then.
#[expect(
    clippy::expect_used,
    reason = "without randomness no key or token may exist"
)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the operating system gives random bytes");
    bytes
}

/// A number in `0..below`, for spreading retries; not for secrets.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws random numbers"
)]
pub fn jitter_below(below: u64) -> u64 {
    rand::rng().next_u64().checked_rem(below).unwrap_or(0)
}
