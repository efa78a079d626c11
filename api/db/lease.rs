//! A connection while it is out of its pool.

use std::sync::Arc;

use deadpool::managed::{Manager, Object};
use tokio::sync::Notify;

use super::blocking;

/// What a connection is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Find,
    Write,
}

/// A pooled connection, closed rather than returned if it is dropped in the
/// middle of a query or a transaction.
///
/// That is what a cancelled request does. The pool would otherwise keep the
/// connection, its transaction and its locks, until it is next asked for.
pub struct Lease<M: Manager> {
    object: Option<Object<M>>,
    busy: bool,
    pub(super) depth: u32,
    what_for: Use,
    /// Whether work was queued, which somebody has to be told of.
    pub(super) has_queued: bool,
    queued: Arc<Notify>,
}

impl<M: Manager> Lease<M> {
    pub(super) fn new(object: Object<M>, what_for: Use, queued: Arc<Notify>) -> Self {
        Self {
            object: Some(object),
            busy: false,
            depth: 0,
            what_for,
            has_queued: false,
            queued,
        }
    }

    #[expect(clippy::expect_used, reason = "taken by nobody but `drop`")]
    pub fn enter(&mut self) -> &mut M::Type {
        self.busy = true;
        blocking::run_here(match self.what_for {
            Use::Read => false,
            Use::Find => true,
            // While a transaction is open it has the lock.
            Use::Write => self.depth > 0,
        });
        self.object.as_mut().expect("held until dropped")
    }

    pub fn leave(&mut self) {
        blocking::run_here(false);
        self.busy = false;
    }
}

impl<M: Manager> Drop for Lease<M> {
    fn drop(&mut self) {
        if self.has_queued {
            self.queued.notify_one();
        }
        if (self.busy || self.depth > 0)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}
