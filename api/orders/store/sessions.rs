//! Checkout sessions: where an order's buyer returns to.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::checkout_sessions;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::id::{CheckoutSessionId, OrderId};

/// A checkout in one call. Its status is its order's, computed when it is read.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = checkout_sessions)]
pub struct CheckoutSession {
    pub id: CheckoutSessionId,
    pub order_id: OrderId,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub created_at: Timestamp,
}

pub async fn insert(conn: &mut Conn, row: &CheckoutSession) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(checkout_sessions::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub async fn find(conn: &mut Conn, id: CheckoutSessionId) -> QueryResult<Option<CheckoutSession>> {
    sql!(conn, |c| checkout_sessions::table
        .find(id)
        .select(CheckoutSession::as_select())
        .first(c)
        .await)
    .optional()
}

pub async fn of_order(conn: &mut Conn, order: OrderId) -> QueryResult<Option<CheckoutSession>> {
    sql!(conn, |c| checkout_sessions::table
        .filter(checkout_sessions::order_id.eq(order))
        .select(CheckoutSession::as_select())
        .first(c)
        .await)
    .optional()
}
