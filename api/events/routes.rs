//! The events' handlers.

mod body;
mod search;
mod sessions;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use self::body::{EventBody, EventPatch, EventView};
use super::{EventManager, EventStatus, VisibleEvent};
use crate::accounts::SignedIn;
use crate::app::App;
use crate::error::Problem;
use crate::http::body::Body;
use crate::http::idempotency::{Answer, Mutation};
use crate::http::version::{self, Expected, Privacy};
use crate::organizers;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(search::list)
        .service(create)
        .service(read)
        .service(update)
        .service(remove)
        .service(publish)
        .service(unpublish)
        .service(sessions::list)
        .service(sessions::create)
        .service(sessions::read)
        .service(sessions::update)
        .service(sessions::remove);
}

/// Make an event
///
/// It is a draft until it is published.
#[utoipa::path(
    tag = "Events", operation_id = "create_event", security(("user" = [])),
    request_body = EventBody,
    responses((status = 201, body = EventView, description = "The new event")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[post("/events")]
async fn create(
    app: web::Data<App>,
    caller: SignedIn,
    body: Body<EventBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let organizer = organizers::find_for_event(conn, &caller, body.0.organizer_id).await?;
            let (actor, now) = (caller.user.id, app.clock.now());
            let event = super::create(conn, body.0.to_event(), organizer.id, actor, now).await?;
            let location = format!("/api/v1/events/{}", event.id);
            let version = event.version;
            let answer = Answer::created(&EventView::from(event))?;
            Ok(answer.version(version).location(location))
        })
        .await
}

/// Read an event
///
/// By its id or slug. Drafts are seen by their organizer's managers only.
#[utoipa::path(
    tag = "Events", operation_id = "read_event", security((), ("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = EventView, description = "The event"))
)]
#[get("/events/{id}")]
async fn read(request: HttpRequest, visible: VisibleEvent) -> HttpResponse {
    let event = visible.event;
    let privacy = match event.status {
        EventStatus::Draft => Privacy::Personal,
        _ => Privacy::Public,
    };
    version::object(&request, event.version, privacy, &EventView::from(event))
}

/// Change an event
#[utoipa::path(
    tag = "Events", operation_id = "update_event", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = EventPatch,
    responses((status = 200, body = EventView, description = "The event as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[patch("/events/{id}")]
async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<EventPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = super::lock(conn, manager.event.id).await?;
            expected.check(event.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let event = super::update(conn, event, body.0.to_change(), actor, now).await?;
            answer(event)
        })
        .await
}

/// Delete an event
///
/// Only one without orders; others are unpublished.
#[utoipa::path(
    tag = "Events", operation_id = "delete_event", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 204, description = "It is gone")),
    extensions(("x-errors" = json!(["precondition_failed", "event_has_orders"])))
)]
#[delete("/events/{id}")]
async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = super::lock(conn, manager.event.id).await?;
            expected.check(event.version)?;
            super::delete(conn, &event, manager.by.user.id, app.clock.now()).await?;
            Ok(Answer::no_content())
        })
        .await
}

/// Publish an event
///
/// From now on everybody finds it.
#[utoipa::path(
    tag = "Events", operation_id = "publish_event", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = EventView, description = "The event as it is now")),
    extensions(("x-errors" = json!(["invalid_transition", "precondition_failed"])))
)]
#[post("/events/{id}/publish")]
async fn publish(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    set_status(app, request, manager, mutation, EventStatus::Published).await
}

/// Take an event off the programme
#[utoipa::path(
    tag = "Events", operation_id = "unpublish_event", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = EventView, description = "The event as it is now")),
    extensions(("x-errors" = json!(["invalid_transition", "precondition_failed"])))
)]
#[post("/events/{id}/unpublish")]
async fn unpublish(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    set_status(app, request, manager, mutation, EventStatus::Draft).await
}

async fn set_status(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
    next: EventStatus,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = super::lock(conn, manager.event.id).await?;
            expected.check(event.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let event = super::set_status(conn, event, next, actor, now).await?;
            answer(event)
        })
        .await
}

fn answer(event: super::Event) -> Result<Answer, Problem> {
    let version = event.version;
    Ok(Answer::ok(&EventView::from(event))?.version(version))
}
