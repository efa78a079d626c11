//! Requests that wait at the same moment share one transaction, or one statement.
//!
//! What limits a sale is the commit and the round trips, not the work. So the hottest writes
//! form a lane for each event: one request goes at a time, or two, and whoever comes meanwhile
//! waits. The first who waited goes next and does the work of all who wait, in the order in
//! which they came. A request that is alone is done as if there were no lane; what cannot be
//! done together is done alone, so a bad one spoils nothing. Reads are gathered in the same way.

mod gather;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Code, Problem};
use crate::id::EventId;
pub use gather::Gather;

/// How many go together at most: more would keep the last of them waiting for its answer.
const MOST: usize = 64;

/// How long somebody waits for a turn before being told «overloaded».
const WAIT: Duration = Duration::from_secs(5);

/// The lanes of one kind of request: `W` is what is wished, `A` what it is answered, `L` which
/// lane.
pub struct Lanes<W, A, L: Name = EventId> {
    queues: Arc<Mutex<Queues<W, A, L>>>,
    /// How many go at once in each lane.
    turns: usize,
}

/// What a lane is called by.
pub trait Name: Copy + Eq + Hash {}
impl<L: Copy + Eq + Hash> Name for L {}

/// The lanes in which somebody goes.
type Queues<W, A, L> = HashMap<L, Queue<W, A, L>>;

struct Queue<W, A, L: Name> {
    going: usize,
    waiting: Vec<Waiting<W, A, L>>,
}

struct Waiting<W, A, L: Name> {
    wish: Arc<W>,
    told: oneshot::Sender<Told<W, A, L>>,
}

/// Where somebody waits.
type Place<W, A, L> = oneshot::Receiver<Told<W, A, L>>;

/// What somebody who waits is told.
enum Told<W, A, L: Name> {
    /// Go, and take those along.
    Go(Turn<W, A, L>, Vec<Waiting<W, A, L>>),
    Answer(A),
    /// The database is overloaded, for all of them.
    Refused(Problem),
    Alone,
}

/// The right to go in a lane; it passes to who waits, however this one ends.
struct Turn<W, A, L: Name> {
    lanes: Lanes<W, A, L>,
    lane: L,
}

impl<W, A, L: Name> Clone for Lanes<W, A, L> {
    fn clone(&self) -> Self {
        Self {
            queues: Arc::clone(&self.queues),
            turns: self.turns,
        }
    }
}

impl<W, A, L: Name> Lanes<W, A, L> {
    /// Lanes in which one goes at a time.
    pub fn single() -> Self {
        Self {
            queues: Arc::default(),
            turns: 1,
        }
    }

    /// Lanes in which one waits for the disk while the next is at work.
    pub fn double() -> Self {
        Self {
            turns: 2,
            ..Self::single()
        }
    }

    /// Does a wish: by `alone` when nobody else waits, or by `together` with those who do.
    ///
    /// `together` answers each wish in its place; `None`, or an error for all of them, has them
    /// done alone, each by its own request. Only an overloaded database is told to all.
    pub async fn run(
        &self,
        lane: L,
        wish: W,
        together: impl AsyncFnOnce(&[Arc<W>]) -> Result<Vec<Option<A>>, Problem>,
        alone: impl AsyncFnOnce(&W) -> A,
    ) -> Result<A, Problem> {
        let wish = Arc::new(wish);
        let (turn, others) = match self.enter(lane, &wish) {
            Ok(turn) => (turn, Vec::new()),
            Err(told) => match tokio::time::timeout(WAIT, told).await {
                Ok(Ok(Told::Go(turn, others))) => (turn, others),
                Ok(Ok(Told::Answer(answer))) => return Ok(answer),
                Ok(Ok(Told::Refused(problem))) => return Err(problem),
                // Who went first may have died on the way.
                Ok(Ok(Told::Alone) | Err(_)) => return Ok(alone(&wish).await),
                Err(_) => return Err(Problem::new(Code::Overloaded).retry_after(1)),
            },
        };
        if others.is_empty() {
            let answer = alone(&wish).await;
            drop(turn);
            return Ok(answer);
        }
        let wishes: Vec<Arc<W>> = std::iter::once(&wish)
            .chain(others.iter().map(|other| &other.wish))
            .map(Arc::clone)
            .collect();
        let done = together(&wishes).await;
        drop(turn);
        match own(done, others)? {
            Some(answer) => Ok(answer),
            None => Ok(alone(&wish).await),
        }
    }

    /// The turn, or where to wait for what comes.
    fn enter(&self, lane: L, wish: &Arc<W>) -> Result<Turn<W, A, L>, Place<W, A, L>> {
        let mut lanes = self.lock();
        let queue = lanes.entry(lane).or_insert_with(|| Queue {
            going: 0,
            waiting: Vec::new(),
        });
        if queue.going == self.turns {
            let (told, receiver) = oneshot::channel();
            let wish = Arc::clone(wish);
            queue.waiting.push(Waiting { wish, told });
            return Err(receiver);
        }
        queue.going += 1;
        let lanes = self.clone();
        Ok(Turn { lanes, lane })
    }

    /// Those who go next with a turn that is over; when there are none, it ends.
    fn next(&self, lane: L) -> Vec<Waiting<W, A, L>> {
        let mut lanes = self.lock();
        let Some(queue) = lanes.get_mut(&lane) else {
            return Vec::new();
        };
        // Nobody waits any more for some of them.
        queue.waiting.retain(|one| !one.told.is_closed());
        let rest = queue.waiting.split_off(queue.waiting.len().min(MOST));
        let batch = std::mem::replace(&mut queue.waiting, rest);
        if batch.is_empty() {
            queue.going -= 1;
            if queue.going == 0 {
                lanes.remove(&lane);
            }
        }
        batch
    }

    /// A panic cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, Queues<W, A, L>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, A, L: Name> Drop for Turn<W, A, L> {
    fn drop(&mut self) {
        let mut batch = self.lanes.next(self.lane).into_iter();
        if let Some(first) = batch.next() {
            let turn = Self {
                lanes: self.lanes.clone(),
                lane: self.lane,
            };
            // Undelivered, the new turn is dropped here, and passes on in its turn.
            drop(first.told.send(Told::Go(turn, batch.collect())));
        }
    }
}

/// Tells the others what they are answered; the rest is the answer of who went.
fn own<W, A, L: Name>(
    done: Result<Vec<Option<A>>, Problem>,
    others: Vec<Waiting<W, A, L>>,
) -> Result<Option<A>, Problem> {
    let (answers, refused) = match done {
        Ok(answers) => (answers, None),
        Err(problem) if problem.code == Code::Overloaded => (Vec::new(), Some(problem)),
        Err(problem) => {
            tracing::debug!(code = problem.code.as_str(), "done one by one");
            (Vec::new(), None)
        }
    };
    let mut answers = answers.into_iter();
    let own = answers.next().flatten();
    for other in others {
        let told = match (answers.next().flatten(), &refused) {
            (Some(answer), _) => Told::Answer(answer),
            (None, Some(problem)) => Told::Refused(problem.repeated()),
            (None, None) => Told::Alone,
        };
        // Who has hung up needs no answer.
        drop(other.told.send(told));
    }
    refused.map_or(Ok(own), Err)
}
