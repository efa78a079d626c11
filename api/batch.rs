//! Requests that wait at the same moment share one transaction.
//!
//! What limits a sale is the commit and the round trips, not the work. So the hottest writes
//! form a lane for each event: one request goes at a time, and whoever comes meanwhile waits.
//! The first who waited goes next and does the work of all who wait, in the order in which
//! they came. A request that is alone is done as if there were no lane; what cannot be done
//! together is done alone, so a bad one spoils nothing.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Code, Problem};
use crate::id::EventId;

/// How many go together at most: more would keep the last of them waiting for its answer.
const MOST: usize = 64;

/// How long somebody waits for a turn before being told «overloaded».
const WAIT: Duration = Duration::from_secs(5);

/// The lanes of one kind of request: `W` is what is wished, `A` what it is answered.
pub struct Lanes<W, A>(Arc<Mutex<Queues<W, A>>>);

/// Who waits, for each event in which somebody goes.
type Queues<W, A> = HashMap<EventId, Vec<Waiting<W, A>>>;

struct Waiting<W, A> {
    wish: Arc<W>,
    told: oneshot::Sender<Told<W, A>>,
}

/// What somebody who waits is told.
enum Told<W, A> {
    /// Go, and take those along.
    Go(Turn<W, A>, Vec<Waiting<W, A>>),
    Answer(A),
    /// The database is overloaded, for all of them.
    Refused(Problem),
    Alone,
}

/// The right to go in a lane; it passes to who waits, however this one ends.
struct Turn<W, A> {
    lanes: Lanes<W, A>,
    event: EventId,
}

impl<W, A> Default for Lanes<W, A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<W, A> Clone for Lanes<W, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W, A> Lanes<W, A> {
    /// Does a wish: by `alone` when nobody else waits, or by `together` with those who do.
    ///
    /// `together` answers each wish in its place; `None`, or an error for all of them, has them
    /// done alone, each by its own request. Only an overloaded database is told to all.
    pub async fn run(
        &self,
        event: EventId,
        wish: W,
        together: impl AsyncFnOnce(&[Arc<W>]) -> Result<Vec<Option<A>>, Problem>,
        alone: impl AsyncFnOnce(&W) -> A,
    ) -> Result<A, Problem> {
        let wish = Arc::new(wish);
        let (turn, others) = match self.enter(event, &wish) {
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
    fn enter(
        &self,
        event: EventId,
        wish: &Arc<W>,
    ) -> Result<Turn<W, A>, oneshot::Receiver<Told<W, A>>> {
        let mut lanes = self.lock();
        if let Some(waiting) = lanes.get_mut(&event) {
            let (told, receiver) = oneshot::channel();
            let wish = Arc::clone(wish);
            waiting.push(Waiting { wish, told });
            return Err(receiver);
        }
        lanes.insert(event, Vec::new());
        let lanes = self.clone();
        Ok(Turn { lanes, event })
    }

    /// Those who go next; when there are none, the lane ends.
    fn next(&self, event: EventId) -> Vec<Waiting<W, A>> {
        let mut lanes = self.lock();
        let Some(waiting) = lanes.get_mut(&event) else {
            return Vec::new();
        };
        // Nobody waits any more for some of them.
        waiting.retain(|one| !one.told.is_closed());
        let rest = waiting.split_off(waiting.len().min(MOST));
        let batch = std::mem::replace(waiting, rest);
        if batch.is_empty() {
            lanes.remove(&event);
        }
        batch
    }

    /// A panic cannot leave the map half changed.
    fn lock(&self) -> MutexGuard<'_, Queues<W, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, A> Drop for Turn<W, A> {
    fn drop(&mut self) {
        let mut batch = self.lanes.next(self.event).into_iter();
        if let Some(first) = batch.next() {
            let turn = Self {
                lanes: self.lanes.clone(),
                event: self.event,
            };
            // Undelivered, the new turn is dropped here, and passes on in its turn.
            drop(first.told.send(Told::Go(turn, batch.collect())));
        }
    }
}

/// Tells the others what they are answered; the rest is the answer of who went.
fn own<W, A>(
    done: Result<Vec<Option<A>>, Problem>,
    others: Vec<Waiting<W, A>>,
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
