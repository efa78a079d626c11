//! The wide part of a payment: URLs, what the buyer must do, what the gateway said.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};

use super::{Evidence, ManualNote};
use crate::db::schema::payment_details;
use crate::db::values::{Json, Timestamp};
use crate::db::{Cache, Conn, sql};
use crate::gateways::{Failure, KeptAction, PaymentMethod};
use crate::id::PaymentId;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = payment_details)]
pub struct Details {
    pub payment_id: PaymentId,
    /// What the client asked for, without secrets.
    pub request: Json<Map<String, Value>>,
    pub next_action: Option<Json<KeptAction>>,
    pub method: Option<Json<PaymentMethod>>,
    pub failure: Option<Json<Failure>>,
    pub manual: Option<Json<ManualNote>>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub last_answer: Option<Json<Map<String, Value>>>,
    pub updated_at: Timestamp,
}

pub(super) async fn insert(conn: &mut Conn, row: &Details) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(payment_details::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, id: PaymentId) -> QueryResult<Option<Details>> {
    sql!(conn, |c| payment_details::table
        .find(id)
        .select(Details::as_select())
        .first(c)
        .await)
    .optional()
}

/// The details of several payments, in no order.
pub(super) async fn find_all(conn: &mut Conn, ids: &[PaymentId]) -> QueryResult<Vec<Details>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sql!(conn, |c| payment_details::table
        .filter(payment_details::payment_id.eq_any(ids))
        .select(Details::as_select())
        .load(c)
        .await)
}

/// Keeps what the gateway said last.
pub(super) async fn note(
    conn: &mut Conn,
    id: PaymentId,
    evidence: &Evidence<'_>,
    now: Timestamp,
) -> QueryResult<()> {
    let snapshot = evidence.snapshot;
    let row = payment_details::table.find(id);
    sql!(conn, |c| diesel::update(row)
        .set((
            payment_details::next_action.eq(evidence.next_action.clone().map(Json)),
            payment_details::failure.eq(snapshot.failure.clone().map(Json)),
            payment_details::last_answer.eq(Json(snapshot.raw.clone())),
            payment_details::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    if let Some(method) = snapshot.method.clone() {
        sql!(conn, |c| diesel::update(row)
            .set(payment_details::method.eq(Json(method)))
            .cached()
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Keeps why a call or a try did not go through.
pub(super) async fn note_failure(
    conn: &mut Conn,
    id: PaymentId,
    failure: Option<&Failure>,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payment_details::table.find(id))
        .set((
            payment_details::failure.eq(failure.cloned().map(Json)),
            payment_details::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}
