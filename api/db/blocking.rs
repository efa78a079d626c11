//! Where SQLite's statements run: on Tokio's blocking threads, or here.

use std::cell::Cell;
use std::error::Error;

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt, TryFutureExt};
use tokio::runtime::Handle;

thread_local! {
    /// Whether the next statement runs on the thread that asks for it.
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// Has the next statement of this thread run on it, or on another one.
///
/// A statement inside a writing transaction takes microseconds and waits for nobody, since the
/// transaction has the lock, and so does finding rows by their keys: handing it over costs more
/// than doing it. What may wait for a lock or write to the disk, and what may read much, runs
/// elsewhere.
pub(super) fn run_here(here: bool) {
    HERE.set(here);
}

/// Runs SQLite on Tokio's blocking threads, but for what [`run_here`] allows.
///
/// Diesel's own version waits, when it is dropped, for the query to end, which
/// panics on a single-threaded runtime such as an Actix worker's.
pub struct BlockingThreads(Handle);

impl SpawnBlocking for BlockingThreads {
    fn spawn_blocking<'a, R: Send + 'static>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync>>> {
        if HERE.take() {
            return future::ready(Ok(task())).boxed();
        }
        self.0.spawn_blocking(task).map_err(Into::into).boxed()
    }

    fn get_runtime() -> Self {
        Self(Handle::current())
    }
}
