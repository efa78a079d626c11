//! What our books say of a gateway's payments, for whoever compares them with its own.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Payment, Status};
use crate::db::schema::payments;
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::id::OrganizerId;

/// How many names are looked for at a time.
const BATCH: usize = 500;

/// Whose payments through which gateway.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    pub provider: &'a str,
    pub account: &'a str,
    /// Everybody's, if `None`.
    pub organizer: Option<OrganizerId>,
}

/// What a gateway calls payments by.
#[derive(Debug, Clone, Copy)]
pub enum Names<'a> {
    /// Ours.
    References(&'a [&'a str]),
    /// Its own.
    RemoteIds(&'a [&'a str]),
}

macro_rules! of_books {
    ($books:expr) => {{
        let query = payments::table
            .filter(payments::provider.eq($books.provider))
            .filter(payments::account.eq($books.account))
            .select(Payment::as_select())
            .into_boxed();
        match $books.organizer {
            Some(organizer) => query.filter(payments::organizer_id.eq(organizer)),
            None => query,
        }
    }};
}

/// Payments that were started from `from` on and before `until`, and succeeded.
pub async fn paid_between(
    conn: &mut Conn,
    books: Books<'_>,
    from: Timestamp,
    until: Timestamp,
) -> QueryResult<Vec<Payment>> {
    sql!(conn, |c| of_books!(books)
        .filter(payments::created_at.ge(from))
        .filter(payments::created_at.lt(until))
        // The index of what is over names it like this.
        .filter(payments::completed_at.is_not_null())
        .filter(payments::status.eq(Status::Succeeded))
        .load(c)
        .await)
}

/// Payments by what a gateway calls them.
pub async fn called(
    conn: &mut Conn,
    books: Books<'_>,
    names: Names<'_>,
) -> QueryResult<Vec<Payment>> {
    let (Names::References(all) | Names::RemoteIds(all)) = names;
    let mut found: Vec<Payment> = Vec::new();
    for some in all.chunks(BATCH) {
        let more: Vec<Payment> = sql!(conn, |c| {
            let query = of_books!(books);
            let query = match names {
                Names::References(_) => query.filter(payments::reference.eq_any(some)),
                Names::RemoteIds(_) => query.filter(payments::provider_payment_id.eq_any(some)),
            };
            query.load(c).await
        })?;
        found.extend(more);
    }
    Ok(found)
}

/// The payment that a gateway gave this id.
pub async fn find_by_remote(
    conn: &mut Conn,
    provider: &str,
    account: &str,
    remote: &str,
) -> QueryResult<Option<Payment>> {
    let books = Books {
        provider,
        account,
        organizer: None,
    };
    let found = called(conn, books, Names::RemoteIds(&[remote])).await?;
    Ok(found.into_iter().next())
}
