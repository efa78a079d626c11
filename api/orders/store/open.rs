//! How many unpaid orders there are of an e-mail, an address or an account.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::orders;
use crate::db::{Conn, sql};
use crate::id::UserId;
use crate::orders::OrderStatus;

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
