//! The tables of booth types and booths.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::RunQueryDsl;

use super::BoothStatus;
use crate::db::schema::{booth_types, booths};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{BoothId, BoothTypeId, EventId};
use crate::money::Currency;

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = booth_types)]
#[diesel(treat_none_as_null = true)]
pub struct BoothType {
    pub id: BoothTypeId,
    pub event_id: EventId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub price_minor: i64,
    pub currency: Currency,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Booth in booths {
        pub id: BoothId,
        pub event_id: EventId,
        pub booth_type_id: BoothTypeId,
        pub number: String,
        /// Empty where the event has one hall only.
        pub hall: String,
        pub status: BoothStatus,
        pub version: i64,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

/// Inserts a type unless its slug is taken in the event.
pub(super) async fn insert_type(conn: &mut Conn, row: &BoothType) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(booth_types::table)
        .values(row)
        .on_conflict((booth_types::event_id, booth_types::slug))
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

pub(super) async fn slug_is_taken(
    conn: &mut Conn,
    event: EventId,
    slug: &str,
    but: BoothTypeId,
) -> QueryResult<bool> {
    let others = booth_types::table
        .filter(booth_types::event_id.eq(event))
        .filter(booth_types::slug.eq(slug))
        .filter(booth_types::id.ne(but));
    sql!(conn, |c| diesel::select(diesel::dsl::exists(others))
        .get_result(c)
        .await)
}

pub(super) async fn save_type(conn: &mut Conn, row: &BoothType) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(booth_types::table.find(row.id))
        .set(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn delete_type(conn: &mut Conn, id: BoothTypeId) -> QueryResult<bool> {
    let deleted = sql!(conn, |c| diesel::delete(booth_types::table.find(id))
        .cached()
        .execute(c)
        .await);
    unless_referred_to(deleted)
}

pub(super) async fn find_type(
    conn: &mut Conn,
    event: EventId,
    id: BoothTypeId,
) -> QueryResult<Option<BoothType>> {
    sql!(conn, |c| booth_types::table
        .find(id)
        .filter(booth_types::event_id.eq(event))
        .select(BoothType::as_select())
        .first(c)
        .await)
    .optional()
}

/// Newest first.
pub(super) async fn list_types(
    conn: &mut Conn,
    event: EventId,
    after: Option<BoothTypeId>,
    limit: i64,
) -> QueryResult<Vec<BoothType>> {
    sql!(conn, |c| {
        let mut query = booth_types::table
            .filter(booth_types::event_id.eq(event))
            .order(booth_types::id.desc())
            .limit(limit)
            .select(BoothType::as_select())
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(booth_types::id.lt(after));
        }
        query.load(c).await
    })
}

/// Every booth type of an event with how many of its booths are free, oldest first.
pub async fn count_available(
    conn: &mut Conn,
    event: EventId,
) -> QueryResult<Vec<(BoothType, i64)>> {
    let types: Vec<BoothType> = sql!(conn, |c| booth_types::table
        .filter(booth_types::event_id.eq(event))
        .order(booth_types::id)
        .select(BoothType::as_select())
        .load(c)
        .await)?;
    let counts: Vec<(BoothTypeId, i64)> = sql!(conn, |c| booths::table
        .filter(booths::event_id.eq(event))
        .filter(booths::status.eq(BoothStatus::Available))
        .group_by(booths::booth_type_id)
        .select((booths::booth_type_id, diesel::dsl::count_star()))
        .load(c)
        .await)?;
    let free = |id| {
        counts
            .iter()
            .find(|(kind, _)| *kind == id)
            .map_or(0, |(_, n)| *n)
    };
    Ok(types
        .into_iter()
        .map(|kind| {
            let available = free(kind.id);
            (kind, available)
        })
        .collect())
}

/// Inserts booths, all or none; none when a number is taken.
pub(super) async fn insert(conn: &mut Conn, rows: Vec<Booth>) -> QueryResult<bool> {
    let inserted = conn
        .transaction(async |conn| many::insert_all(conn, rows).await)
        .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A booth of this event and no other.
pub(super) async fn find(
    conn: &mut Conn,
    event: EventId,
    id: BoothId,
) -> QueryResult<Option<Booth>> {
    sql!(conn, |c| booths::table
        .find(id)
        .filter(booths::event_id.eq(event))
        .select(Booth::as_select())
        .first(c)
        .await)
    .optional()
}

/// Which booths somebody asks for.
#[derive(Debug, Default)]
pub(super) struct BoothFilter {
    pub booth_type_id: Option<BoothTypeId>,
    pub status: Option<BoothStatus>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    event: EventId,
    filter: &BoothFilter,
    after: Option<BoothId>,
    limit: i64,
) -> QueryResult<Vec<Booth>> {
    sql!(conn, |c| {
        let mut query = booths::table
            .filter(booths::event_id.eq(event))
            .order(booths::id.desc())
            .limit(limit)
            .select(Booth::as_select())
            .into_boxed();
        if let Some(kind) = filter.booth_type_id {
            query = query.filter(booths::booth_type_id.eq(kind));
        }
        if let Some(status) = filter.status {
            query = query.filter(booths::status.eq(status));
        }
        if let Some(after) = after {
            query = query.filter(booths::id.lt(after));
        }
        query.load(c).await
    })
}

/// Moves a booth from one status to another; `None` when it is not in the first.
pub(super) async fn set_status(
    conn: &mut Conn,
    id: BoothId,
    from: BoothStatus,
    to: BoothStatus,
    now: Timestamp,
) -> QueryResult<Option<Booth>> {
    sql!(conn, |c| diesel::update(booths::table.find(id))
        .filter(booths::status.eq(from))
        .set((
            booths::status.eq(to),
            booths::version.eq(booths::version + 1),
            booths::updated_at.eq(now),
        ))
        .returning(Booth::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn delete(conn: &mut Conn, id: BoothId) -> QueryResult<bool> {
    let free = [BoothStatus::Available, BoothStatus::Blocked];
    let deleted = sql!(conn, |c| diesel::delete(booths::table.find(id))
        .filter(booths::status.eq_any(free))
        .execute(c)
        .await);
    unless_referred_to(deleted)
}

/// Whether a row was deleted, and not kept by another that refers to it.
fn unless_referred_to(deleted: QueryResult<usize>) -> QueryResult<bool> {
    match deleted {
        Ok(count) => Ok(count == 1),
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The booth types of an event that are named by id or slug.
pub(super) async fn find_named(
    conn: &mut Conn,
    event: EventId,
    ids: &[BoothTypeId],
    slugs: &[String],
) -> QueryResult<Vec<BoothType>> {
    sql!(conn, |c| booth_types::table
        .filter(booth_types::event_id.eq(event))
        .filter(
            booth_types::id
                .eq_any(ids)
                .or(booth_types::slug.eq_any(slugs))
        )
        .select(BoothType::as_select())
        .load(c)
        .await)
}

pub(super) async fn count_free(
    conn: &mut Conn,
    types: &[BoothTypeId],
) -> QueryResult<HashMap<BoothTypeId, i64>> {
    let counts: Vec<(BoothTypeId, i64)> = sql!(conn, |c| booths::table
        .filter(booths::booth_type_id.eq_any(types))
        .filter(booths::status.eq(BoothStatus::Available))
        .group_by(booths::booth_type_id)
        .select((booths::booth_type_id, diesel::dsl::count_star()))
        .load(c)
        .await)?;
    Ok(counts.into_iter().collect())
}

/// The first free booth of a type. PostgreSQL steps over those that others are just taking,
/// so that nobody waits; SQLite has one writer.
pub(super) async fn find_free(
    conn: &mut Conn,
    booth_type: BoothTypeId,
) -> QueryResult<Option<BoothId>> {
    let free = booths::table
        .filter(booths::booth_type_id.eq(booth_type))
        .filter(booths::status.eq(BoothStatus::Available))
        .order(booths::id)
        .select(booths::id)
        .limit(1);
    sql!(conn,
        sqlite: |c| free.first(c).await,
        postgres: |c| free.for_update().skip_locked().first(c).await
    )
    .optional()
}

/// Holds a booth of this type if it is free.
pub(super) async fn hold(
    conn: &mut Conn,
    booth_type: BoothTypeId,
    id: BoothId,
    now: Timestamp,
) -> QueryResult<Option<Booth>> {
    let free = booths::table
        .find(id)
        .filter(booths::booth_type_id.eq(booth_type))
        .filter(booths::status.eq(BoothStatus::Available));
    sql!(conn, |c| diesel::update(free)
        .set((
            booths::status.eq(BoothStatus::Held),
            booths::version.eq(booths::version + 1),
            booths::updated_at.eq(now),
        ))
        .returning(Booth::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn find_all(
    conn: &mut Conn,
    ids: &[BoothId],
) -> QueryResult<Vec<(Booth, BoothType)>> {
    sql!(conn, |c| booths::table
        .inner_join(booth_types::table)
        .filter(booths::id.eq_any(ids))
        .select((Booth::as_select(), BoothType::as_select()))
        .load(c)
        .await)
}
