//! The handlers of ticket types and availability.

mod availability;
mod body;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use self::body::{TicketTypeBody, TicketTypePatch, TicketTypeView};
use super::{Sale, store};
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::events::{self, EventManager, VisibleEvent};
use crate::http::body::Body;
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::path;
use crate::http::query::Query;
use crate::http::version::{self, Expected, Privacy};
use crate::id::{EventId, TicketTypeId};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(read)
        .service(update)
        .service(remove)
        .service(availability::read);
}

/// List an event's ticket types
///
/// Hidden ones are seen by managers only.
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "list_ticket_types", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<TicketTypeView>, description = "Newest first"))
)]
#[get("/events/{id}/ticket-types")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    let (event, hidden) = (visible.event.id, visible.is_managed);
    let rows = store::list(&mut conn, event, hidden, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |sale| sale.ticket_type.id, TicketTypeView::from)?;
    Ok(page.respond())
}

/// Add a ticket type to an event
///
/// From then on the event's currency is fixed.
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "create_ticket_type", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = TicketTypeBody,
    responses((status = 201, body = TicketTypeView, description = "The new type")),
    extensions(("x-errors" = json!(["money_not_integer"])))
)]
#[post("/events/{id}/ticket-types")]
async fn create(
    app: web::Data<App>,
    manager: EventManager,
    body: Body<TicketTypeBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let (event, actor) = (&manager.event, manager.by.user.id);
            let new = body.0.to_ticket_type();
            let sale = super::create(conn, event, new, actor, app.clock.now()).await?;
            let id = sale.ticket_type.id;
            let location = format!("/api/v1/events/{}/ticket-types/{id}", event.id);
            let version = sale.ticket_type.version;
            let answer = Answer::created(&TicketTypeView::from(sale))?;
            Ok(answer.version(version).location(location))
        })
        .await
}

async fn find(conn: &mut Conn, request: &HttpRequest, event: EventId) -> Result<Sale, Problem> {
    let id: TicketTypeId = path::segment(request, "tid")?;
    let sale = store::find(conn, event, id).await?;
    sale.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Read a ticket type
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "read_ticket_type", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = TicketTypeId, Path),
    ),
    responses((status = 200, body = TicketTypeView, description = "The type"))
)]
#[get("/events/{id}/ticket-types/{tid}")]
async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let sale = find(&mut conn, &request, visible.event.id).await?;
    if sale.ticket_type.hidden && !visible.is_managed {
        return Err(Problem::new(Code::NotFound));
    }
    let privacy = if visible.is_managed {
        Privacy::Personal
    } else {
        Privacy::Public
    };
    let (version, stamp) = (sale.ticket_type.version, sale.available());
    let view = TicketTypeView::from(sale);
    Ok(version::stamped_object(
        &request, version, stamp, privacy, &view,
    ))
}

/// Change a ticket type
///
/// Orders keep the price they were made at. A capacity below what is held and sold is refused.
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "update_ticket_type", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = TicketTypeId, Path),
    ),
    request_body = TicketTypePatch,
    responses((status = 200, body = TicketTypeView, description = "The type as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "capacity_below_sold", "money_not_integer"])))
)]
#[patch("/events/{id}/ticket-types/{tid}")]
async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<TicketTypePatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            // The event's lock serves its types too.
            let event = events::lock(conn, manager.event.id).await?;
            let sale = find(conn, &request, event.id).await?;
            expected.check(sale.ticket_type.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let change = body.0.to_change();
            let sale = super::update(conn, &event, sale, change, actor, now).await?;
            let version = sale.ticket_type.version;
            Ok(Answer::ok(&TicketTypeView::from(sale))?.version(version))
        })
        .await
}

/// Delete a ticket type
///
/// Only one that nobody has ordered; hide the others.
#[utoipa::path(
    tag = "Tickets on sale", operation_id = "delete_ticket_type", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = TicketTypeId, Path),
    ),
    responses((status = 204, description = "It is gone")),
    extensions(("x-errors" = json!(["precondition_failed", "event_has_orders"])))
)]
#[delete("/events/{id}/ticket-types/{tid}")]
async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = events::lock(conn, manager.event.id).await?;
            let sale = find(conn, &request, event.id).await?;
            expected.check(sale.ticket_type.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            super::delete(conn, &event, &sale, actor, now).await?;
            Ok(Answer::no_content())
        })
        .await
}
