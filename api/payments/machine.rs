//! The payment machine: the highest fact wins, so that order, repetition and loss of messages
//! do not matter.

use super::Status;

/// How high a fact is.
fn rank(status: Status) -> u8 {
    match status {
        Status::Created => 0,
        Status::RequiresAction => 1,
        Status::Unknown => 2,
        Status::Processing => 3,
        Status::Failed | Status::Canceled | Status::Expired => 4,
        Status::Review => 5,
        Status::Succeeded => 6,
    }
}

/// Where a fact moves a payment; `None` where it changes nothing.
///
/// Unknown is left by any evidence, to whatever it says. A payment that failed, was canceled
/// or expired goes back to processing only when the gateway, asked just now, says that the
/// customer tries again: a late message about an earlier try does not do that.
pub fn step(current: Status, fact: Status, is_asked_just_now: bool) -> Option<Status> {
    let is_ended = rank(current) == rank(Status::Failed);
    let moves = match (current, fact) {
        (Status::Succeeded, _) => false,
        (Status::Unknown, Status::Created | Status::Unknown) => false,
        (Status::Unknown, _) => true,
        (_, Status::Processing) if is_ended => is_asked_just_now,
        _ => rank(fact) > rank(current),
    };
    moves.then_some(fact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Status; 9] = [
        Status::Created,
        Status::RequiresAction,
        Status::Unknown,
        Status::Processing,
        Status::Failed,
        Status::Canceled,
        Status::Expired,
        Status::Review,
        Status::Succeeded,
    ];

    #[test]
    fn success_is_never_left() {
        for fact in ALL {
            for asked in [true, false] {
                assert_eq!(step(Status::Succeeded, fact, asked), None);
            }
        }
    }

    #[test]
    fn the_first_end_stays() {
        let ends = [Status::Failed, Status::Canceled, Status::Expired];
        for first in ends {
            for second in ends {
                assert_eq!(step(first, second, true), None);
            }
            assert_eq!(step(first, Status::RequiresAction, true), None);
            assert_eq!(step(first, Status::Processing, false), None);
            let again = step(first, Status::Processing, true);
            assert_eq!(again, Some(Status::Processing));
            assert_eq!(
                step(first, Status::Succeeded, false),
                Some(Status::Succeeded)
            );
        }
    }

    #[test]
    fn unknown_is_left_to_whatever_evidence_says() {
        for fact in ALL {
            let expected = !matches!(fact, Status::Created | Status::Unknown);
            let moved = step(Status::Unknown, fact, false);
            assert_eq!(moved, expected.then_some(fact), "{fact:?}");
        }
    }

    /// The messages that a gateway can send about one payment; of the ends, one is possible.
    fn facts() -> impl Strategy<Value = Vec<Status>> {
        let end = prop::sample::select(vec![Status::Failed, Status::Canceled, Status::Expired]);
        (end, any::<bool>()).prop_map(|(end, succeeds)| {
            let last = if succeeds { Status::Succeeded } else { end };
            vec![Status::RequiresAction, Status::Processing, end, last]
        })
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            (facts, shuffled) in facts().prop_flat_map(|facts| {
                let tripled: Vec<Status> = facts.iter().cycle().take(facts.len() * 3).copied().collect();
                (Just(facts), Just(tripled).prop_shuffle())
            })
        ) {
            let run = |facts: &[Status]| facts.iter().fold(Status::Created, |current, fact| {
                step(current, *fact, false).unwrap_or(current)
            });
            prop_assert_eq!(run(&facts), run(&shuffled));
        }
    }
}
