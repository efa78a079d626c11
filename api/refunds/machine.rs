//! The refund machine.

use super::RefundStatus;
use super::RefundStatus::{
    Approved, Canceled, Failed, Pending, Rejected, Requested, Submitted, Succeeded, Unknown,
};
use crate::gateways::RemoteRefundStatus;

/// Where people may move a refund to.
pub(super) fn may(from: RefundStatus, to: RefundStatus) -> bool {
    match to {
        Approved => matches!(from, Requested | Failed),
        Rejected | Canceled => matches!(from, Requested | Approved),
        // By hand: no gateway is asked, or it was, and did not do it.
        Succeeded => matches!(from, Approved | Failed),
        Requested | Submitted | Pending | Unknown | Failed => false,
    }
}

/// Where a gateway's word moves a refund; `None` where it changes nothing. One that failed and
/// succeeds later is money that went back all the same; one that succeeded and fails later is
/// money that the buyer's bank has returned.
pub(super) fn step(current: RefundStatus, fact: RemoteRefundStatus) -> Option<RefundStatus> {
    let is_under_way = matches!(current, Approved | Submitted | Pending | Unknown);
    match fact {
        RemoteRefundStatus::Succeeded if is_under_way || current == Failed => Some(Succeeded),
        RemoteRefundStatus::Failed if is_under_way || current == Succeeded => Some(Failed),
        RemoteRefundStatus::Pending if is_under_way && current != Pending => Some(Pending),
        _ => None,
    }
}

impl RefundStatus {
    /// Whether its amount is kept back from other refunds, or gone.
    pub fn is_reserved(self) -> bool {
        !matches!(self, Rejected | Canceled | Failed)
    }

    /// Whether the gateway may have been told of it.
    pub fn is_sent(self) -> bool {
        matches!(self, Submitted | Pending | Unknown)
    }

    /// Nothing is expected any more.
    pub fn is_final(self) -> bool {
        matches!(self, Succeeded | Failed | Rejected | Canceled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [RefundStatus; 9] = [
        Requested, Approved, Submitted, Pending, Unknown, Succeeded, Failed, Rejected, Canceled,
    ];
    const FACTS: [RemoteRefundStatus; 3] = [
        RemoteRefundStatus::Pending,
        RemoteRefundStatus::Succeeded,
        RemoteRefundStatus::Failed,
    ];

    #[test]
    fn success_is_left_only_when_the_money_comes_back() {
        let left = FACTS.map(|fact| step(Succeeded, fact));
        assert_eq!(left, [None, None, Some(Failed)]);
        assert!(ALL.iter().all(|to| !may(Succeeded, *to)));
    }

    #[test]
    fn nobody_stops_what_the_gateway_was_told() {
        for from in ALL.into_iter().filter(|status| status.is_sent()) {
            assert!(ALL.iter().all(|to| !may(from, *to)), "{from:?}");
        }
    }

    #[test]
    fn what_was_refused_here_is_never_paid_by_a_word() {
        for current in [Requested, Rejected, Canceled] {
            assert!(FACTS.iter().all(|fact| step(current, *fact).is_none()));
        }
    }

    proptest! {
        #[test]
        fn order_and_repetition_of_words_do_not_matter(
            succeeds in any::<bool>(),
            shuffled in Just(vec![0_usize, 1, 0, 1, 0, 1]).prop_shuffle(),
        ) {
            let last = if succeeds { RemoteRefundStatus::Succeeded } else { RemoteRefundStatus::Failed };
            let words = [RemoteRefundStatus::Pending, last];
            let end = shuffled.iter().fold(Submitted, |current, word| {
                words.get(*word).and_then(|word| step(current, *word)).unwrap_or(current)
            });
            prop_assert_eq!(end, if succeeds { Succeeded } else { Failed });
        }
    }
}
