//! Writes that are prepared once for each connection.
//!
//! Diesel prepares every `UPDATE` and most `INSERT`s anew, since their text may differ with
//! their values: two more round trips to PostgreSQL, and parsing on SQLite. These are kept by
//! their text instead, so each of the few texts that a statement can have is prepared once.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement whose prepared form is kept.
///
/// For statements of few different texts: one that grows with a list would fill the memory.
#[derive(Debug, Clone, Copy)]
pub struct Cached<Q>(Q);

/// Adds [`Cached`] to statements.
pub trait Cache: Sized {
    fn cached(self) -> Cached<Self> {
        Cached(self)
    }
}

impl<Q> Cache for Q {}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    // Known by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> diesel::RunQueryDsl<C> for Cached<Q> {}

impl<Q, DB> QueryFragment<DB> for Cached<Q>
where
    DB: Backend,
    Q: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}
