//! The tables of ticket types and their stock.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::Array;
use diesel_async::RunQueryDsl;

use super::{Portion, Taken};
use crate::db::schema::{inventory, ticket_types};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, PgConn, sql, sql_types};
use crate::id::{EventId, EventSessionId, InventoryId, TicketTypeId};
use crate::money::Currency;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = inventory)]
pub struct Inventory {
    pub id: InventoryId,
    pub event_id: EventId,
    pub name: String,
    pub capacity: i64,
    pub held: i64,
    pub sold: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = ticket_types)]
#[diesel(treat_none_as_null = true)]
pub struct TicketType {
    pub id: TicketTypeId,
    pub event_id: EventId,
    pub session_id: Option<EventSessionId>,
    pub inventory_id: InventoryId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub price_minor: i64,
    pub currency: Currency,
    pub min_per_order: i64,
    pub max_per_order: Option<i64>,
    pub sales_start: Option<Timestamp>,
    pub sales_end: Option<Timestamp>,
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub hidden: bool,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A type with the stock it draws on.
#[derive(Debug, Clone, Queryable)]
pub struct Sale {
    pub ticket_type: TicketType,
    pub inventory: Inventory,
}

pub(super) async fn insert_inventory(conn: &mut Conn, row: &Inventory) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(inventory::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Inserts a type unless its slug is taken in the event.
pub(super) async fn insert(conn: &mut Conn, row: &TicketType) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(ticket_types::table)
        .values(row)
        .on_conflict((ticket_types::event_id, ticket_types::slug))
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
    but: TicketTypeId,
) -> QueryResult<bool> {
    let others = ticket_types::table
        .filter(ticket_types::event_id.eq(event))
        .filter(ticket_types::slug.eq(slug))
        .filter(ticket_types::id.ne(but));
    sql!(conn, |c| diesel::select(diesel::dsl::exists(others))
        .get_result(c)
        .await)
}

pub(super) async fn save(conn: &mut Conn, row: &TicketType) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(ticket_types::table.find(row.id))
        .set(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes a type and its stock; not one that an order refers to.
pub(super) async fn delete(conn: &mut Conn, row: &TicketType) -> QueryResult<bool> {
    let deleted = conn
        .transaction(async |conn| {
            sql!(conn, |c| diesel::delete(ticket_types::table.find(row.id))
                .cached()
                .execute(c)
                .await)?;
            sql!(conn, |c| diesel::delete(
                inventory::table.find(row.inventory_id)
            )
            .cached()
            .execute(c)
            .await)
        })
        .await;
    match deleted {
        Ok(_) => Ok(true),
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A type of this event and no other.
pub(super) async fn find(
    conn: &mut Conn,
    event: EventId,
    id: TicketTypeId,
) -> QueryResult<Option<Sale>> {
    sql!(conn, |c| ticket_types::table
        .inner_join(inventory::table)
        .filter(ticket_types::id.eq(id))
        .filter(ticket_types::event_id.eq(event))
        .select((TicketType::as_select(), Inventory::as_select()))
        .first(c)
        .await)
    .optional()
}

/// Newest first. Hidden types only for those who may see them.
pub(super) async fn list(
    conn: &mut Conn,
    event: EventId,
    with_hidden: bool,
    after: Option<TicketTypeId>,
    limit: i64,
) -> QueryResult<Vec<Sale>> {
    sql!(conn, |c| {
        let mut query = ticket_types::table
            .inner_join(inventory::table)
            .filter(ticket_types::event_id.eq(event))
            .order(ticket_types::id.desc())
            .limit(limit)
            .select((TicketType::as_select(), Inventory::as_select()))
            .into_boxed();
        if !with_hidden {
            query = query.filter(ticket_types::hidden.eq(false));
        }
        if let Some(after) = after {
            query = query.filter(ticket_types::id.lt(after));
        }
        query.load(c).await
    })
}

pub(super) async fn find_inventory(
    conn: &mut Conn,
    id: InventoryId,
) -> QueryResult<Option<Inventory>> {
    sql!(conn, |c| inventory::table
        .find(id)
        .select(Inventory::as_select())
        .first(c)
        .await)
    .optional()
}

/// Changes a capacity, unless more are held and sold than that.
pub(super) async fn set_capacity(
    conn: &mut Conn,
    id: InventoryId,
    capacity: i64,
    now: Timestamp,
) -> QueryResult<Option<Inventory>> {
    sql!(conn, |c| diesel::update(inventory::table.find(id))
        .filter((inventory::held + inventory::sold).le(capacity))
        .set((
            inventory::capacity.eq(capacity),
            inventory::updated_at.eq(now),
        ))
        .returning(Inventory::as_returning())
        .cached()
        .get_result(c)
        .await)
    .optional()
}

/// The types of an event that are named by id or slug, with their stock.
pub(super) async fn find_named(
    conn: &mut Conn,
    event: EventId,
    ids: &[TicketTypeId],
    slugs: &[String],
) -> QueryResult<Vec<Sale>> {
    sql!(conn, |c| ticket_types::table
        .inner_join(inventory::table)
        .filter(ticket_types::event_id.eq(event))
        .filter(
            ticket_types::id
                .eq_any(ids)
                .or(ticket_types::slug.eq_any(slugs))
        )
        .select((TicketType::as_select(), Inventory::as_select()))
        .load(c)
        .await)
}

/// Moves portions, each stock once and in ascending order, from free to held or sold; answers
/// the first of which not that much is free. Then nothing of it may be committed.
pub(super) async fn take(
    conn: &mut Conn,
    portions: Vec<Portion>,
    into: Taken,
    now: Timestamp,
) -> QueryResult<Option<InventoryId>> {
    sql!(conn,
        sqlite: |c| c.spawn_blocking(move |c| take_each(c, &portions, into, now)).await,
        postgres: |c| take_all(c, &portions, into, now).await
    )
}

fn take_each(
    conn: &mut SqliteConnection,
    portions: &[Portion],
    into: Taken,
    now: Timestamp,
) -> QueryResult<Option<InventoryId>> {
    for (id, quantity) in portions {
        let (held, sold) = into.split(*quantity);
        let update = diesel::update(inventory::table.find(id))
            .filter((inventory::held + inventory::sold).le(inventory::capacity - quantity))
            .set((
                inventory::held.eq(inventory::held + held),
                inventory::sold.eq(inventory::sold + sold),
                inventory::updated_at.eq(now),
            ));
        if diesel::RunQueryDsl::execute(update.cached(), conn)? == 0 {
            return Ok(Some(*id));
        }
    }
    Ok(None)
}

/// Diesel knows no update from a list of rows.
const TAKE_ALL: &str = "UPDATE inventory SET held = inventory.held + portion.held, \
     sold = inventory.sold + portion.sold, updated_at = $4 \
     FROM unnest($1, $2, $3) AS portion (id, held, sold) WHERE inventory.id = portion.id \
     AND inventory.held + inventory.sold + portion.held + portion.sold <= inventory.capacity \
     RETURNING inventory.id";

#[derive(QueryableByName)]
#[diesel(table_name = inventory)]
struct Moved {
    id: InventoryId,
}

async fn take_all(
    conn: &mut PgConn,
    portions: &[Portion],
    into: Taken,
    now: Timestamp,
) -> QueryResult<Option<InventoryId>> {
    let ids: Vec<InventoryId> = portions.iter().map(|(id, _)| *id).collect();
    if portions.len() > 1 {
        // An update of several rows locks them in an order of its own. Not «for update»: other
        // orders' holds refer to the same rows.
        inventory::table
            .filter(inventory::id.eq_any(ids.clone()))
            .order(inventory::id)
            .select(inventory::id)
            .for_no_key_update()
            .execute(conn)
            .await?;
    }
    let (held, sold): (Vec<i64>, Vec<i64>) = portions.iter().map(|(_, it)| into.split(*it)).unzip();
    let moved: Vec<Moved> = diesel::sql_query(TAKE_ALL)
        .bind::<Array<sql_types::Uuid>, _>(ids)
        .bind::<Array<sql_types::BigInt>, _>(held)
        .bind::<Array<sql_types::BigInt>, _>(sold)
        .bind::<sql_types::Timestamptz, _>(now)
        .cached()
        .get_results(conn)
        .await?;
    let moved: HashSet<InventoryId> = moved.into_iter().map(|row| row.id).collect();
    let mut asked = portions.iter().map(|(id, _)| *id);
    Ok(asked.find(|id| !moved.contains(id)))
}

/// Moves what was sold back to free.
pub(super) async fn unsell(
    conn: &mut Conn,
    id: InventoryId,
    quantity: i64,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(inventory::table.find(id))
        .set((
            inventory::sold.eq(inventory::sold - quantity),
            inventory::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Moves what was held to sold, or back to free.
pub(super) async fn let_go(
    conn: &mut Conn,
    id: InventoryId,
    quantity: i64,
    becomes_sold: bool,
    now: Timestamp,
) -> QueryResult<()> {
    let sold = if becomes_sold { quantity } else { 0 };
    sql!(conn, |c| diesel::update(inventory::table.find(id))
        .set((
            inventory::held.eq(inventory::held - quantity),
            inventory::sold.eq(inventory::sold + sold),
            inventory::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}
