//! The audit log's table.

use diesel::prelude::*;
use diesel::sql_types::{self, Array};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Seal;
use crate::db::schema::audit;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{AuditId, OrganizerId};

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct AuditRow in audit {
        pub id: AuditId,
        pub organizer_id: Option<OrganizerId>,
        pub actor: String,
        pub action: String,
        pub object: String,
        pub digest: String,
        pub at: Timestamp,
        pub seq: Option<i64>,
        pub prev_hash: Option<String>,
        pub hash: Option<String>,
    }
}

/// Which rows a reader asks for, and may see.
#[derive(Debug, Default)]
pub struct AuditFilter {
    /// `None` sees every organizer's rows and the platform's.
    pub organizers: Option<Vec<OrganizerId>>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub object: Option<String>,
    pub at_gte: Option<Timestamp>,
    pub at_lte: Option<Timestamp>,
}

pub(super) async fn insert(conn: &mut Conn, row: &AuditRow) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(audit::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub async fn insert_all(conn: &mut Conn, rows: Vec<AuditRow>) -> QueryResult<()> {
    many::insert_all(conn, rows).await?;
    Ok(())
}

/// Newest first.
pub async fn list(
    conn: &mut Conn,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: i64,
) -> QueryResult<Vec<AuditRow>> {
    sql!(conn, |c| {
        let mut query = audit::table
            .select(AuditRow::as_select())
            .order(audit::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(organizers) = &filter.organizers {
            query = query.filter(audit::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(audit::actor.eq(actor));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit::action.eq(action));
        }
        if let Some(object) = &filter.object {
            query = query.filter(audit::object.eq(object));
        }
        if let Some(at) = filter.at_gte {
            query = query.filter(audit::at.ge(at));
        }
        if let Some(at) = filter.at_lte {
            query = query.filter(audit::at.le(at));
        }
        if let Some(after) = after {
            query = query.filter(audit::id.lt(after));
        }
        query.load(c).await
    })
}

/// Everything about some objects, oldest first.
pub async fn of_objects(conn: &mut Conn, objects: &[String]) -> QueryResult<Vec<AuditRow>> {
    sql!(conn, |c| audit::table
        .filter(audit::object.eq_any(objects))
        .order(audit::id)
        .select(AuditRow::as_select())
        .load(c)
        .await)
}

/// The last number given and its hash.
pub(super) async fn head(conn: &mut Conn) -> QueryResult<(i64, String)> {
    let head: Option<(Option<i64>, Option<String>)> = sql!(conn, |c| audit::table
        .filter(audit::seq.is_not_null())
        .order(audit::seq.desc())
        .select((audit::seq, audit::hash))
        .first(c)
        .await)
    .optional()?;
    let (seq, hash) = head.unwrap_or_default();
    Ok((seq.unwrap_or_default(), hash.unwrap_or_default()))
}

pub(super) async fn unsealed(conn: &mut Conn, limit: i64) -> QueryResult<Vec<AuditRow>> {
    sql!(conn, |c| audit::table
        .filter(audit::seq.is_null())
        .order(audit::id)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(c)
        .await)
}

pub(super) async fn count_unsealed(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| audit::table
        .filter(audit::seq.is_null())
        .count()
        .get_result(c)
        .await)
}

/// Seals rows that are not sealed yet, in one statement or one go.
pub(super) async fn set_seals(conn: &mut Conn, seals: Vec<Seal>) -> QueryResult<()> {
    sql!(conn,
        sqlite: |c| c.spawn_blocking(move |c| {
            for seal in seals {
                let update = diesel::update(audit::table.find(seal.id))
                    .filter(audit::seq.is_null())
                    .set((
                        audit::seq.eq(seal.seq),
                        audit::prev_hash.eq(seal.prev_hash),
                        audit::hash.eq(seal.hash),
                    ));
                diesel::RunQueryDsl::execute(update.cached(), c)?;
            }
            Ok(())
        }).await,
        postgres: |c| {
            let ids: Vec<Uuid> = seals.iter().map(|seal| seal.id.uuid()).collect();
            let numbers: Vec<i64> = seals.iter().map(|seal| seal.seq).collect();
            let prev: Vec<&str> = seals.iter().map(|seal| seal.prev_hash.as_str()).collect();
            let hashes: Vec<&str> = seals.iter().map(|seal| seal.hash.as_str()).collect();
            diesel::sql_query(SET_SEALS)
                .bind::<Array<sql_types::Uuid>, _>(ids)
                .bind::<Array<sql_types::BigInt>, _>(numbers)
                .bind::<Array<sql_types::Text>, _>(prev)
                .bind::<Array<sql_types::Text>, _>(hashes)
                .cached()
                .execute(c)
                .await
                .map(drop)
        }
    )
}

/// PostgreSQL's: diesel knows no update from a list of rows.
const SET_SEALS: &str = "UPDATE audit SET seq = seal.seq, prev_hash = seal.prev_hash, hash = seal.hash \
     FROM unnest($1, $2, $3, $4) AS seal (id, seq, prev_hash, hash) \
     WHERE audit.id = seal.id AND audit.seq IS NULL";

pub(super) async fn sealed_after(
    conn: &mut Conn,
    seq: i64,
    limit: i64,
) -> QueryResult<Vec<AuditRow>> {
    sql!(conn, |c| audit::table
        .filter(audit::seq.gt(seq))
        .order(audit::seq)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(c)
        .await)
}
