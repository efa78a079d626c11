//! Lanes: who goes when, and what becomes of those who wait.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local, yield_now};

use super::{Lanes, MOST};
use crate::error::{Code, Problem};
use crate::id::EventId;

/// How wishes were done: each inner list is one batch, in its order.
type Done = Rc<RefCell<Vec<Vec<u32>>>>;

/// A lane whose first requests, one for each turn, go on until they are told to end.
struct Stage {
    lanes: Lanes<u32, u32>,
    event: EventId,
    done: Done,
    end_first: Rc<Notify>,
}

impl Stage {
    async fn with_one_under_way() -> Self {
        Self::of(Lanes::single()).await
    }

    async fn of(lanes: Lanes<u32, u32>) -> Self {
        let stage = Self {
            lanes,
            event: EventId::new(),
            done: Done::default(),
            end_first: Rc::default(),
        };
        for _ in 0..stage.lanes.turns {
            stage.begin_first();
        }
        yield_now().await;
        stage
    }

    fn begin_first(&self) {
        let (lanes, event) = (self.lanes.clone(), self.event);
        let (done, end) = (Rc::clone(&self.done), Rc::clone(&self.end_first));
        spawn_local(async move {
            let unreachable = async |_: &[Arc<u32>]| unreachable!("nobody waited");
            let alone = async |wish: &u32| {
                end.notified().await;
                done.borrow_mut().push(vec![*wish]);
                *wish
            };
            lanes.run(event, 0, unreachable, alone).await.unwrap();
        });
    }

    /// Wishes; odd numbers above 100 cannot be done together.
    fn wish(&self, wish: u32) -> tokio::task::JoinHandle<Result<u32, Problem>> {
        let (lanes, event, done) = (self.lanes.clone(), self.event, Rc::clone(&self.done));
        spawn_local(async move {
            let together = async |wishes: &[Arc<u32>]| {
                let batch: Vec<u32> = wishes.iter().map(|wish| **wish).collect();
                done.borrow_mut().push(batch.clone());
                yield_now().await;
                if batch.contains(&666) {
                    return Err(Problem::internal("one is bad"));
                }
                if batch.contains(&503) {
                    return Err(Problem::new(Code::Overloaded));
                }
                let answer = |wish| (wish < 100 || wish % 2 == 0).then_some(wish);
                Ok(batch.into_iter().map(answer).collect())
            };
            let alone = async |wish: &u32| {
                done.borrow_mut().push(vec![*wish]);
                *wish
            };
            lanes.run(event, wish, together, alone).await
        })
    }
}

fn run(test: impl Future<Output = ()> + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn who_waits_goes_together_in_order_of_arrival() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let waiting: Vec<_> = (1..=3).map(|wish| stage.wish(wish)).collect();
        yield_now().await;
        assert!(stage.done.borrow().is_empty(), "one at a time");
        stage.end_first.notify_one();
        for (wish, told) in (1..).zip(waiting) {
            assert_eq!(told.await.unwrap().unwrap(), wish);
        }
        assert_eq!(*stage.done.borrow(), [vec![0], vec![1, 2, 3]]);
        assert_eq!(stage.wish(4).await.unwrap().unwrap(), 4);
        assert_eq!(stage.done.borrow().last(), Some(&vec![4]));
        assert!(stage.lanes.lock().is_empty(), "an empty lane is forgotten");
    });
}

#[test]
fn two_go_at_once_in_a_double_lane_and_no_third() {
    run(async {
        let stage = Stage::of(Lanes::double()).await;
        let first: Vec<_> = [1, 2].map(|wish| stage.wish(wish)).into();
        yield_now().await;
        assert!(stage.done.borrow().is_empty(), "both turns are taken");
        stage.end_first.notify_one();
        for (wish, told) in (1..).zip(first) {
            assert_eq!(told.await.unwrap().unwrap(), wish);
        }
        assert_eq!(*stage.done.borrow(), [vec![0], vec![1, 2]]);
        // The other of the first two still goes: one turn is free.
        assert_eq!(stage.wish(3).await.unwrap().unwrap(), 3);
        stage.end_first.notify_one();
        while !stage.lanes.lock().is_empty() {
            yield_now().await;
        }
        assert_eq!(
            *stage.done.borrow(),
            [vec![0], vec![1, 2], vec![3], vec![0]]
        );
    });
}

#[test]
fn no_batch_is_larger_than_it_may_be() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let most = u32::try_from(MOST).unwrap();
        let waiting: Vec<_> = (0..most + 2).map(|_| stage.wish(2)).collect();
        yield_now().await;
        stage.end_first.notify_one();
        for told in waiting {
            told.await.unwrap().unwrap();
        }
        let sizes: Vec<usize> = stage.done.borrow().iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, MOST, 2]);
    });
}

#[test]
fn what_cannot_be_done_together_is_done_alone() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let waiting = [2, 101, 4].map(|wish| stage.wish(wish));
        yield_now().await;
        stage.end_first.notify_one();
        for told in waiting {
            told.await.unwrap().unwrap();
        }
        assert_eq!(*stage.done.borrow(), [vec![0], vec![2, 101, 4], vec![101]]);
    });
}

#[test]
fn a_bad_one_spoils_nothing() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let waiting = [1, 666, 3].map(|wish| stage.wish(wish));
        yield_now().await;
        stage.end_first.notify_one();
        for (wish, told) in [1, 666, 3].into_iter().zip(waiting) {
            assert_eq!(told.await.unwrap().unwrap(), wish);
        }
        let mut alone: Vec<_> = stage
            .done
            .borrow()
            .iter()
            .skip(2)
            .flatten()
            .copied()
            .collect();
        alone.sort_unstable();
        assert_eq!(alone, [1, 3, 666]);
    });
}

#[test]
fn an_overloaded_database_is_told_to_all() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let waiting = [1, 503, 3].map(|wish| stage.wish(wish));
        yield_now().await;
        stage.end_first.notify_one();
        for told in waiting {
            assert_eq!(told.await.unwrap().unwrap_err().code, Code::Overloaded);
        }
        assert_eq!(stage.done.borrow().len(), 2, "nobody tries alone");
    });
}

#[test]
fn who_hangs_up_keeps_nobody_waiting() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let [gone, next, last] = [1, 2, 3].map(|wish| stage.wish(wish));
        yield_now().await;
        gone.abort();
        yield_now().await;
        stage.end_first.notify_one();
        assert_eq!(next.await.unwrap().unwrap(), 2);
        assert_eq!(last.await.unwrap().unwrap(), 3);
        assert_eq!(*stage.done.borrow(), [vec![0], vec![2, 3]]);
    });
}

#[test]
fn who_hangs_up_with_the_turn_passes_it_on() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let [gone, taken_along] = [1, 2].map(|wish| stage.wish(wish));
        yield_now().await;
        stage.end_first.notify_one();
        while stage.done.borrow().len() < 2 {
            yield_now().await;
        }
        let waits = stage.wish(3);
        gone.abort();
        assert_eq!(taken_along.await.unwrap().unwrap(), 2);
        assert_eq!(waits.await.unwrap().unwrap(), 3);
        let done = stage.done.borrow();
        assert_eq!(*done.get(1).unwrap(), [1, 2]);
        assert!(
            done.contains(&vec![2]) && done.contains(&vec![3]),
            "{done:?}"
        );
    });
}

#[test]
fn nobody_waits_for_ever() {
    run(async {
        let stage = Stage::with_one_under_way().await;
        let told = stage.wish(1).await.unwrap();
        assert_eq!(told.unwrap_err().code, Code::Overloaded);
        stage.end_first.notify_one();
        while !stage.lanes.lock().is_empty() {
            yield_now().await;
        }
    });
}
