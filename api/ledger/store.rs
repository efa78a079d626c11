//! The tables of journals and their postings: rows are added, never changed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Cause;
use crate::db::schema::{journals, postings};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{JournalId, OrderId, OrganizerId, PaymentId, PostingId};
use crate::money::Currency;

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = journals)]
pub(super) struct JournalRow {
    pub id: JournalId,
    pub organizer_id: OrganizerId,
    pub cause_type: Cause,
    pub cause_id: String,
    pub order_id: OrderId,
    pub payment_id: Option<PaymentId>,
    pub occurred_at: Timestamp,
    pub created_at: Timestamp,
}

bulk_row! {
    #[derive(Debug, Clone)]
    pub(super) struct PostingRow in postings {
        pub id: PostingId,
        pub journal_id: JournalId,
        pub debit_account: String,
        pub credit_account: String,
        pub amount_minor: i64,
        pub currency: Currency,
    }
}

pub(super) async fn insert(
    conn: &mut Conn,
    journal: &JournalRow,
    rows: Vec<PostingRow>,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(journals::table)
        .values(journal)
        .cached()
        .execute(c)
        .await)?;
    many::insert_all(conn, rows).await?;
    Ok(())
}

/// A movement of money, and why it was made.
#[derive(Debug, Queryable)]
pub(super) struct Posted {
    pub cause: Cause,
    pub debit_account: String,
    pub credit_account: String,
    pub amount_minor: i64,
}

/// An order's postings. Added up by who asks: the databases' own sums are of other types than
/// what they add.
pub(super) async fn of_order(
    conn: &mut Conn,
    order: OrderId,
    currency: Currency,
) -> QueryResult<Vec<Posted>> {
    sql!(conn, |c| postings::table
        .inner_join(journals::table)
        .filter(journals::order_id.eq(order))
        .filter(postings::currency.eq(currency))
        .select((
            journals::cause_type,
            postings::debit_account,
            postings::credit_account,
            postings::amount_minor
        ))
        .load(c)
        .await)
}

/// The accounts that a payment's money came into, the newest first.
pub(super) async fn credited(conn: &mut Conn, payment: PaymentId) -> QueryResult<Vec<String>> {
    let incoming = [Cause::Capture, Cause::Review];
    sql!(conn, |c| postings::table
        .inner_join(journals::table)
        .filter(journals::payment_id.eq(payment))
        .filter(journals::cause_type.eq_any(incoming))
        .order(journals::id.desc())
        .select(postings::credit_account)
        .load(c)
        .await)
}
