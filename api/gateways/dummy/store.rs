//! The table that stands for the remote system.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::dummy_charge;
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Cache, Conn, sql};
use crate::money::Currency;

text_enum! {
    /// `open → processing → succeeded | failed`; `open` may also be decided or canceled at once.
    pub enum DummyStatus {
        Open = "open",
        Processing = "processing",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = dummy_charge)]
pub(super) struct Charge {
    pub reference: String,
    pub payment: String,
    pub amount_minor: i64,
    pub currency: Currency,
    pub status: DummyStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Makes a charge, or finds the one of the same reference.
pub(super) async fn create(conn: &mut Conn, charge: &Charge) -> QueryResult<Charge> {
    sql!(conn, |c| diesel::insert_into(dummy_charge::table)
        .values(charge)
        .on_conflict(dummy_charge::reference)
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    sql!(conn, |c| dummy_charge::table
        .find(&charge.reference)
        .select(Charge::as_select())
        .first(c)
        .await)
}

pub(super) async fn find(conn: &mut Conn, reference: &str) -> QueryResult<Option<Charge>> {
    sql!(conn, |c| dummy_charge::table
        .find(reference)
        .select(Charge::as_select())
        .first(c)
        .await)
    .optional()
}

/// SQLite has one writer, so its transaction is the lock.
pub(super) async fn lock(conn: &mut Conn, reference: &str) -> QueryResult<Option<Charge>> {
    sql!(conn,
        sqlite: |c| dummy_charge::table
            .find(reference)
            .select(Charge::as_select())
            .first(c)
            .await,
        postgres: |c| dummy_charge::table
            .find(reference)
            .select(Charge::as_select())
            .for_update()
            .first(c)
            .await
    )
    .optional()
}

/// The charges that were made in that time, in the order of their references.
pub(super) async fn between(
    conn: &mut Conn,
    from: Timestamp,
    until: Timestamp,
) -> QueryResult<Vec<Charge>> {
    sql!(conn, |c| dummy_charge::table
        .filter(dummy_charge::created_at.ge(from))
        .filter(dummy_charge::created_at.lt(until))
        .order(dummy_charge::reference)
        .select(Charge::as_select())
        .load(c)
        .await)
}

/// The charge that a payment's page shows: its newest.
pub(super) async fn find_by_payment(
    conn: &mut Conn,
    reference_of: &str,
) -> QueryResult<Option<Charge>> {
    sql!(conn, |c| dummy_charge::table
        .filter(dummy_charge::payment.eq(reference_of))
        .select(Charge::as_select())
        .first(c)
        .await)
    .optional()
}

/// Moves a charge that is not decided yet.
pub(super) async fn decide(
    conn: &mut Conn,
    reference: &str,
    status: DummyStatus,
    now: Timestamp,
) -> QueryResult<Option<Charge>> {
    let undecided: &[DummyStatus] = match status {
        DummyStatus::Processing | DummyStatus::Canceled => &[DummyStatus::Open],
        _ => &[DummyStatus::Open, DummyStatus::Processing],
    };
    let charge = dummy_charge::table
        .find(reference)
        .filter(dummy_charge::status.eq_any(undecided));
    sql!(conn, |c| diesel::update(charge)
        .set((
            dummy_charge::status.eq(status),
            dummy_charge::updated_at.eq(now),
        ))
        .returning(Charge::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn cancel_open(
    conn: &mut Conn,
    reference: &str,
    now: Timestamp,
) -> QueryResult<Option<Charge>> {
    decide(conn, reference, DummyStatus::Canceled, now).await
}
