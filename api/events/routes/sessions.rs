//! The handlers of an event's sessions.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};

use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::events::sessions::{self, EventSession, NewSession, SessionChange};
use crate::events::{EventManager, EventStatus, VisibleEvent, check_times};
use crate::http::body::{Body, Fields, FromBody, Patch};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::Query;
use crate::http::version::{self, Expected, Privacy};
use crate::http::{parse, path};
use crate::id::{EventId, EventSessionId};

/// List an event's sessions
#[utoipa::path(
    tag = "Events", operation_id = "list_event_sessions", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<EventSession>, description = "In the order in which they start"))
)]
#[get("/events/{id}/sessions")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    let (event, after) = (visible.event.id, page.after()?);
    let rows = sessions::list(&mut conn, event, after, page.fetch_limit()).await?;
    let page = page.page(rows, |row| (row.starts_at, row.id), |row| row)?;
    Ok(page.respond())
}

/// A new session.
#[derive(utoipa::ToSchema)]
#[schema(as = NewEventSession, example = json!({
    "name": "Friday", "starts_at": "2027-02-12T15:00:00Z", "ends_at": "2027-02-12T23:00:00Z"
}))]
struct SessionBody {
    #[schema(max_length = 200)]
    name: String,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
}

impl FromBody for SessionBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", parse::name);
        let starts_at = fields.required("starts_at", parse::instant);
        let ends_at = fields.optional("ends_at", parse::instant);
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
            && let Err(flaw) = check_times(starts_at, ends_at)
        {
            fields.fault("ends_at", flaw);
        }
        Some(Self {
            name: name?,
            starts_at: starts_at?,
            ends_at: ends_at?,
        })
    }
}

/// Add a session to an event
#[utoipa::path(
    tag = "Events", operation_id = "create_event_session", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = SessionBody,
    responses((status = 201, body = EventSession, description = "The new session"))
)]
#[post("/events/{id}/sessions")]
pub async fn create(
    app: web::Data<App>,
    manager: EventManager,
    body: Body<SessionBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let new = NewSession {
                name: body.0.name.clone(),
                starts_at: body.0.starts_at,
                ends_at: body.0.ends_at,
            };
            let (event, actor) = (&manager.event, manager.by.user.id);
            let session = sessions::create(conn, event, new, actor, app.clock.now()).await?;
            let location = format!("/api/v1/events/{}/sessions/{}", event.id, session.id);
            let answer = Answer::created(&session)?;
            Ok(answer.version(session.version).location(location))
        })
        .await
}

async fn find(
    conn: &mut Conn,
    request: &HttpRequest,
    event: EventId,
) -> Result<EventSession, Problem> {
    let id: EventSessionId = path::segment(request, "sid")?;
    let session = sessions::find(conn, event, id).await?;
    session.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Read a session
#[utoipa::path(
    tag = "Events", operation_id = "read_event_session", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("sid" = EventSessionId, Path),
    ),
    responses((status = 200, body = EventSession, description = "The session"))
)]
#[get("/events/{id}/sessions/{sid}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let session = find(&mut conn, &request, visible.event.id).await?;
    let privacy = match visible.event.status {
        EventStatus::Draft => Privacy::Personal,
        _ => Privacy::Public,
    };
    Ok(version::object(
        &request,
        session.version,
        privacy,
        &session,
    ))
}

/// A change of a session.
#[derive(utoipa::ToSchema)]
#[schema(as = EventSessionChange, example = json!({"name": "Friday night"}))]
struct SessionPatch {
    #[schema(max_length = 200)]
    name: Option<String>,
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<Timestamp>)]
    ends_at: Patch<Timestamp>,
}

impl FromBody for SessionPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        let starts_at = fields.change("starts_at", parse::instant);
        let ends_at = fields.patch("ends_at", parse::instant);
        Some(Self {
            name: name?,
            starts_at: starts_at?,
            ends_at: ends_at?,
        })
    }
}

/// Change a session
#[utoipa::path(
    tag = "Events", operation_id = "update_event_session", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("sid" = EventSessionId, Path),
    ),
    request_body = SessionPatch,
    responses((status = 200, body = EventSession, description = "The session as it is now")),
    extensions(("x-errors" = json!(["precondition_failed"])))
)]
#[patch("/events/{id}/sessions/{sid}")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<SessionPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            // The event's lock serves its sessions too.
            let event = crate::events::lock(conn, manager.event.id).await?;
            let session = find(conn, &request, event.id).await?;
            expected.check(session.version)?;
            let change = SessionChange {
                name: body.0.name.clone(),
                starts_at: body.0.starts_at,
                ends_at: body.0.ends_at.clone(),
            };
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let session = sessions::update(conn, &event, session, change, actor, now).await?;
            Ok(Answer::ok(&session)?.version(session.version))
        })
        .await
}

/// Delete a session
#[utoipa::path(
    tag = "Events", operation_id = "delete_event_session", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("sid" = EventSessionId, Path),
    ),
    responses((status = 204, description = "It is gone")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[delete("/events/{id}/sessions/{sid}")]
pub async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = crate::events::lock(conn, manager.event.id).await?;
            let session = find(conn, &request, event.id).await?;
            expected.check(session.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            sessions::delete(conn, &event, &session, actor, now).await?;
            Ok(Answer::no_content())
        })
        .await
}
