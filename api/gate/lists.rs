//! Check-in lists: which tickets an entrance takes, when, and whether they may come again.
//!
//! Every event has one named `default` for all its tickets. It has the event's own number and
//! is written down when something first refers to it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::audit;
use crate::db::schema::{checkin_lists, tickets};
use crate::db::values::{Json, Timestamp};
use crate::db::{Cache, Conn, sql};
use crate::error::Problem;
use crate::events::Event;
use crate::id::{CheckinListId, EventId, EventSessionId, OrganizerId, TicketTypeId, UserId};
use crate::tickets::TicketStatus;

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = checkin_lists)]
#[diesel(treat_none_as_null = true)]
pub struct List {
    pub id: CheckinListId,
    pub organizer_id: OrganizerId,
    pub event_id: EventId,
    pub session_id: Option<EventSessionId>,
    pub name: String,
    pub is_default: bool,
    /// All, if `None`.
    pub ticket_types: Option<Json<Vec<TicketTypeId>>>,
    /// Whether who has left may come in again.
    pub multi_entry: bool,
    pub opens_at: Option<Timestamp>,
    pub closes_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl List {
    /// An event's default list, as it is while nobody has changed it.
    pub fn default_of(event: EventId, organizer: OrganizerId, now: Timestamp) -> Self {
        Self {
            id: CheckinListId::from_uuid(event.uuid()),
            organizer_id: organizer,
            event_id: event,
            session_id: None,
            name: "default".to_owned(),
            is_default: true,
            ticket_types: None,
            multi_entry: false,
            opens_at: None,
            closes_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

pub async fn find(conn: &mut Conn, id: CheckinListId) -> QueryResult<Option<List>> {
    sql!(conn, |c| checkin_lists::table
        .find(id)
        .select(List::as_select())
        .first(c)
        .await)
    .optional()
}

/// An event's list; its default one exists also while it is not written down.
pub async fn find_of_event(
    conn: &mut Conn,
    event: &Event,
    id: CheckinListId,
) -> QueryResult<Option<List>> {
    let default = List::default_of(event.id, event.organizer_id, event.created_at);
    let found = find(conn, id).await?;
    Ok(match found {
        Some(list) => Some(list).filter(|list| list.event_id == event.id),
        None => Some(default).filter(|list| list.id == id),
    })
}

/// Writes a list down unless it is: the default one before something refers to it.
pub async fn ensure(conn: &mut Conn, list: &List) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(checkin_lists::table)
        .values(list)
        .on_conflict_do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// An event's lists, the default one first.
pub async fn of_event(conn: &mut Conn, event: &Event) -> QueryResult<Vec<List>> {
    let mut lists: Vec<List> = sql!(conn, |c| checkin_lists::table
        .filter(checkin_lists::event_id.eq(event.id))
        .order(checkin_lists::id)
        .select(List::as_select())
        .load(c)
        .await)?;
    if !lists.iter().any(|list| list.is_default) {
        lists.push(List::default_of(
            event.id,
            event.organizer_id,
            event.created_at,
        ));
    }
    lists.sort_by_key(|list| !list.is_default);
    Ok(lists)
}

/// Makes a list, or writes what was changed of one.
pub async fn save(
    conn: &mut Conn,
    list: &List,
    actor: UserId,
    action: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    ensure(conn, list).await?;
    sql!(conn, |c| diesel::update(checkin_lists::table.find(list.id))
        .set(list)
        .cached()
        .execute(c)
        .await)?;
    let entry = audit::Entry {
        organizer: Some(list.organizer_id),
        actor: actor.to_string(),
        action,
        object: list.id.to_string(),
        at: now,
    };
    entry
        .write(conn, &(&list.name, list.multi_entry, list.version))
        .await
}

/// How many tickets a list would let in.
pub async fn count_expected(conn: &mut Conn, list: &List) -> QueryResult<i64> {
    sql!(conn, |c| {
        let good = [TicketStatus::Valid, TicketStatus::Used];
        let mut query = tickets::table
            .filter(tickets::event_id.eq(list.event_id))
            .filter(tickets::status.eq_any(good))
            .select(diesel::dsl::count_star())
            .into_boxed();
        if let Some(types) = &list.ticket_types {
            query = query.filter(tickets::ticket_type_id.eq_any(types.0.clone()));
        }
        if let Some(session) = list.session_id {
            let any = tickets::session_id.is_null();
            query = query.filter(any.or(tickets::session_id.eq(session).assume_not_null()));
        }
        query.first(c).await
    })
}
