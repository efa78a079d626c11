//! An event's sessions: its days, shows or fixtures.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::{Event, check_times};
use crate::audit;
use crate::db::schema::event_sessions;
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::error::{Code, Problem};
use crate::http::body::Patch;
use crate::id::{EventId, EventSessionId, UserId};

/// A session, as it is stored and shown.
#[derive(
    Debug, Clone, Serialize, Queryable, Selectable, Insertable, AsChangeset, utoipa::ToSchema,
)]
#[diesel(table_name = event_sessions)]
#[diesel(treat_none_as_null = true)]
#[schema(example = json!({
    "id": "ses_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "name": "Friday", "starts_at": "2027-02-12T15:00:00Z", "ends_at": "2027-02-12T23:00:00Z",
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
pub struct EventSession {
    pub id: EventSessionId,
    pub event_id: EventId,
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is needed to make a session.
#[derive(Clone)]
pub struct NewSession {
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
}

/// A change of a session.
#[derive(Clone)]
pub struct SessionChange {
    pub name: Option<String>,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Patch<Timestamp>,
}

pub async fn create(
    conn: &mut Conn,
    event: &Event,
    new: NewSession,
    actor: UserId,
    now: Timestamp,
) -> Result<EventSession, Problem> {
    let session = EventSession {
        id: EventSessionId::new(),
        event_id: event.id,
        name: new.name,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    sql!(conn, |c| diesel::insert_into(event_sessions::table)
        .values(&session)
        .execute(c)
        .await)?;
    record(conn, event, &session, actor, "session.created", now).await?;
    Ok(session)
}

pub async fn update(
    conn: &mut Conn,
    event: &Event,
    session: EventSession,
    change: SessionChange,
    actor: UserId,
    now: Timestamp,
) -> Result<EventSession, Problem> {
    let session = EventSession {
        name: change.name.unwrap_or(session.name),
        starts_at: change.starts_at.unwrap_or(session.starts_at),
        ends_at: change.ends_at.over(session.ends_at),
        version: session.version + 1,
        updated_at: now,
        ..session
    };
    check_times(session.starts_at, session.ends_at)
        .map_err(|flaw| Problem::invalid_member("/ends_at", flaw.code, flaw.detail))?;
    sql!(conn, |c| diesel::update(
        event_sessions::table.find(session.id)
    )
    .set(&session)
    .execute(c)
    .await)?;
    record(conn, event, &session, actor, "session.updated", now).await?;
    Ok(session)
}

pub async fn delete(
    conn: &mut Conn,
    event: &Event,
    session: &EventSession,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    let deleted = sql!(conn, |c| diesel::delete(
        event_sessions::table.find(session.id)
    )
    .execute(c)
    .await);
    match deleted {
        Err(DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => {
            let detail = "Tickets are sold for it.";
            return Err(Problem::new(Code::InvalidTransition).detail(detail));
        }
        other => other?,
    };
    record(conn, event, session, actor, "session.deleted", now).await
}

/// A session of this event and no other.
pub async fn find(
    conn: &mut Conn,
    event: EventId,
    id: EventSessionId,
) -> QueryResult<Option<EventSession>> {
    sql!(conn, |c| event_sessions::table
        .find(id)
        .filter(event_sessions::event_id.eq(event))
        .select(EventSession::as_select())
        .first(c)
        .await)
    .optional()
}

/// In the order in which they start.
pub async fn list(
    conn: &mut Conn,
    event: EventId,
    after: Option<(Timestamp, EventSessionId)>,
    limit: i64,
) -> QueryResult<Vec<EventSession>> {
    use event_sessions::{id, starts_at};

    sql!(conn, |c| {
        let mut query = event_sessions::table
            .filter(event_sessions::event_id.eq(event))
            .order((starts_at, id))
            .limit(limit)
            .select(EventSession::as_select())
            .into_boxed();
        if let Some((at, last)) = after {
            query = query.filter(starts_at.gt(at).or(starts_at.eq(at).and(id.gt(last))));
        }
        query.load(c).await
    })
}

async fn record(
    conn: &mut Conn,
    event: &Event,
    session: &EventSession,
    actor: UserId,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(event.organizer_id),
        actor: actor.to_string(),
        action,
        object: session.id.to_string(),
        at,
    };
    entry.write(conn, session).await
}
