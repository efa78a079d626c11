//! The events' table.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};

use super::EventStatus;
use crate::db::schema::{booth_types, events, ticket_types};
use crate::db::values::{Json, Timestamp};
use crate::db::{Conn, sql};
use crate::id::{EventId, OrganizerId};
use crate::money::Currency;

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = events)]
#[diesel(treat_none_as_null = true)]
pub struct Event {
    pub id: EventId,
    pub organizer_id: OrganizerId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub venue_name: Option<String>,
    pub venue_address: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub currency: Currency,
    pub status: EventStatus,
    pub max_per_order: i64,
    pub metadata: Json<Map<String, Value>>,
    pub search_text: String,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Inserts an event unless its slug is taken.
pub(super) async fn insert(conn: &mut Conn, event: &Event) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(events::table)
        .values(event)
        .on_conflict(events::slug)
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

pub(super) async fn find(conn: &mut Conn, id: EventId) -> QueryResult<Option<Event>> {
    sql!(conn, |c| events::table
        .find(id)
        .select(Event::as_select())
        .first(c)
        .await)
    .optional()
}

pub(super) async fn find_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Event>> {
    sql!(conn, |c| events::table
        .filter(events::slug.eq(slug))
        .select(Event::as_select())
        .first(c)
        .await)
    .optional()
}

/// Reads an event for changing it. SQLite's transaction has the only write lock already.
pub(super) async fn lock(conn: &mut Conn, id: EventId) -> QueryResult<Option<Event>> {
    let event = events::table.find(id);
    sql!(conn,
        sqlite: |c| event.select(Event::as_select()).first(c).await,
        postgres: |c| event.select(Event::as_select()).for_update().first(c).await
    )
    .optional()
}

/// Writes every column of an event that was locked.
pub(super) async fn save(conn: &mut Conn, event: &Event) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(events::table.find(event.id))
        .set(event)
        .execute(c)
        .await)?;
    Ok(())
}

/// Whether anything of the event has a price already, which fixes its currency.
pub(super) async fn has_prices(conn: &mut Conn, id: EventId) -> QueryResult<bool> {
    let tickets = ticket_types::table.filter(ticket_types::event_id.eq(id));
    let booths = booth_types::table.filter(booth_types::event_id.eq(id));
    Ok(sql!(conn, |c| diesel::select(exists(tickets))
        .get_result::<bool>(c)
        .await)?
        || sql!(conn, |c| diesel::select(exists(booths))
            .get_result::<bool>(c)
            .await)?)
}

/// Deletes an event and what is on sale for it; not one that has orders.
pub(super) async fn delete(conn: &mut Conn, id: EventId) -> QueryResult<bool> {
    let deleted = conn
        .transaction(async |conn| {
            sql!(conn, |c| diesel::delete(events::table.find(id))
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

/// Which events somebody looks for, and may see.
#[derive(Debug, Default)]
pub(super) struct EventFilter {
    /// Drafts are seen of these organizers only; `None` sees them all.
    pub drafts_of: Option<Vec<OrganizerId>>,
    pub words: Vec<String>,
    pub category: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub starts_at_gte: Option<Timestamp>,
    pub starts_at_lte: Option<Timestamp>,
    pub currency: Option<Currency>,
    pub organizer_id: Option<OrganizerId>,
    pub statuses: Vec<EventStatus>,
}

/// How a list is sorted, and the last row that the client has.
#[derive(Debug, Clone)]
pub(super) enum EventSort {
    Newest(Option<EventId>),
    StartsAt {
        descending: bool,
        after: Option<(Timestamp, EventId)>,
    },
    Name {
        descending: bool,
        after: Option<(String, EventId)>,
    },
}

/// Adds the keyset condition and order of one column, with the id to tell equals apart.
macro_rules! sorted {
    ($query:ident, $column:expr, $descending:expr, $after:expr) => {
        match ($descending, $after) {
            (false, Some((value, id))) => $query
                .filter(
                    $column
                        .gt(value)
                        .or($column.eq(value).and(events::id.gt(id))),
                )
                .order(($column.asc(), events::id.asc())),
            (true, Some((value, id))) => $query
                .filter(
                    $column
                        .lt(value)
                        .or($column.eq(value).and(events::id.lt(id))),
                )
                .order(($column.desc(), events::id.desc())),
            (false, None) => $query.order(($column.asc(), events::id.asc())),
            (true, None) => $query.order(($column.desc(), events::id.desc())),
        }
    };
}

pub(super) async fn list(
    conn: &mut Conn,
    filter: &EventFilter,
    sort: &EventSort,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| {
        let mut query = events::table
            .select(Event::as_select())
            .limit(limit)
            .into_boxed();
        if let Some(organizers) = &filter.drafts_of {
            query = query.filter(
                events::status
                    .ne(EventStatus::Draft)
                    .or(events::organizer_id.eq_any(organizers)),
            );
        }
        for word in &filter.words {
            query = query.filter(events::search_text.like(pattern(word)).escape('\\'));
        }
        if let Some(category) = &filter.category {
            query = query.filter(events::category.eq(category));
        }
        if let Some(city) = &filter.city {
            query = query.filter(events::city.eq(city));
        }
        if let Some(country) = &filter.country {
            query = query.filter(events::country.eq(country));
        }
        if let Some(at) = filter.starts_at_gte {
            query = query.filter(events::starts_at.ge(at));
        }
        if let Some(at) = filter.starts_at_lte {
            query = query.filter(events::starts_at.le(at));
        }
        if let Some(currency) = filter.currency {
            query = query.filter(events::currency.eq(currency));
        }
        if let Some(organizer) = filter.organizer_id {
            query = query.filter(events::organizer_id.eq(organizer));
        }
        if !filter.statuses.is_empty() {
            query = query.filter(events::status.eq_any(&filter.statuses));
        }
        query = match sort {
            EventSort::Newest(after) => {
                if let Some(after) = after {
                    query = query.filter(events::id.lt(after));
                }
                query.order(events::id.desc())
            }
            EventSort::StartsAt { descending, after } => {
                sorted!(query, events::starts_at, *descending, *after)
            }
            EventSort::Name { descending, after } => {
                let after = after.as_ref().map(|(name, id)| (name.as_str(), *id));
                sorted!(query, events::name, *descending, after)
            }
        };
        query.load(c).await
    })
}

/// A word anywhere in the text. What `LIKE` would read as a pattern is taken literally.
fn pattern(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}
