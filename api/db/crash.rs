//! Dying at a commit, so that a test can prove that every boundary is safe. Debug builds only.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// With all of the transaction's work done, and none of it kept.
    BeforeCommit(u64),
    /// With all of it kept, and nobody told.
    AfterCommit(u64),
}

impl CrashPoint {
    /// Reads `before:12` or `after:12`.
    pub fn parse(text: &str) -> Option<Self> {
        let (when, count) = text.split_once(':')?;
        let count = count.parse().ok()?;
        match when {
            "before" => Some(Self::BeforeCommit(count)),
            "after" => Some(Self::AfterCommit(count)),
            _ => None,
        }
    }
}

static ARMED: OnceLock<CrashPoint> = OnceLock::new();
static COMMITS: AtomicU64 = AtomicU64::new(0);

/// From now on commits are counted, and one of them is the last.
pub fn arm(point: CrashPoint) {
    ARMED.get_or_init(|| point);
}

/// Counts a commit that is about to happen.
pub(super) fn before_commit() {
    let Some(point) = ARMED.get() else { return };
    let count = COMMITS.fetch_add(1, Ordering::SeqCst) + 1;
    if *point == CrashPoint::BeforeCommit(count) {
        std::process::abort();
    }
}

pub(super) fn after_commit() {
    let Some(CrashPoint::AfterCommit(last)) = ARMED.get() else {
        return;
    };
    if COMMITS.load(Ordering::SeqCst) == *last {
        std::process::abort();
    }
}
