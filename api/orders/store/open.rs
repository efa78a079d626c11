//! How many unpaid orders there are of an e-mail, an address or an account.
//!
//! What is counted here stays so only while nobody else places an order for the same: first
//! [`lock`], then count.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;

use crate::db::schema::orders;
use crate::db::{Cache, Conn, sql};
use crate::id::UserId;
use crate::orders::OrderStatus;

/// In ascending order: two that lock several of the same never wait in a circle.
const LOCK: &str = "SELECT pg_advisory_xact_lock(lock) FROM \
     (SELECT DISTINCT hashtextextended(who, 0) AS lock FROM unnest($1) AS who ORDER BY lock) AS it";

/// Has others who place orders for one of the same wait until the transaction ends; on SQLite
/// they wait already.
pub async fn lock(conn: &mut Conn, who: Vec<String>) -> QueryResult<()> {
    sql!(conn,
        sqlite: |_c| Ok(()),
        postgres: |c| {
            let lock = diesel::sql_query(LOCK).bind::<Array<Text>, _>(who);
            lock.cached().execute(c).await.map(drop)
        }
    )
}

/// How many open orders each of some values of a column has.
macro_rules! count_by {
    ($conn:expr, $column:expr, $counts:expr) => {{
        if $counts.is_empty() {
            return Ok(());
        }
        let values: Vec<_> = $counts.keys().cloned().collect();
        sql!($conn, |c| orders::table
            .filter(orders::status.eq(OrderStatus::Pending))
            .filter($column.eq_any(values))
            .group_by($column)
            .select(($column, count_star()))
            .load(c)
            .await)?
    }};
}

pub async fn by_email(conn: &mut Conn, counts: &mut HashMap<String, i64>) -> QueryResult<()> {
    let found: Vec<(String, i64)> = count_by!(conn, orders::buyer_email, counts);
    counts.extend(found);
    Ok(())
}

pub async fn by_origin(conn: &mut Conn, counts: &mut HashMap<String, i64>) -> QueryResult<()> {
    let found: Vec<(String, i64)> = count_by!(conn, orders::origin, counts);
    counts.extend(found);
    Ok(())
}

pub async fn by_owner(conn: &mut Conn, counts: &mut HashMap<UserId, i64>) -> QueryResult<()> {
    let found: Vec<(Option<UserId>, i64)> = count_by!(conn, orders::owner_id, counts);
    counts.extend(found.into_iter().filter_map(|(owner, n)| Some((owner?, n))));
    Ok(())
}
