//! Booth types: sizes and prices.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::Serialize;

use crate::app::App;
use crate::booths::{self, BoothType, BoothTypeChange, NewBoothType, store};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::events::{self, EventManager, VisibleEvent};
use crate::http::body::{Body, Fields, FromBody, Patch};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::Query;
use crate::http::version::{self, Expected, Privacy};
use crate::http::{parse, path};
use crate::id::{BoothTypeId, EventId};
use crate::money::{Currency, Money, parse_amount_minor};

/// A booth type.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BoothType, example = json!({
    "id": "btp_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "name": "Corner", "slug": "corner", "description": "6 × 3 m, open on two sides",
    "price_minor": 90000000, "price_display": "900,000.00 TZS", "currency": "TZS",
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
struct BoothTypeView {
    id: BoothTypeId,
    event_id: EventId,
    name: String,
    slug: String,
    description: Option<String>,
    price_minor: i64,
    price_display: String,
    currency: Currency,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl From<BoothType> for BoothTypeView {
    fn from(row: BoothType) -> Self {
        Self {
            id: row.id,
            event_id: row.event_id,
            price_display: Money::new(row.price_minor, row.currency).to_string(),
            name: row.name,
            slug: row.slug,
            description: row.description,
            price_minor: row.price_minor,
            currency: row.currency,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// List an event's booth types
#[utoipa::path(
    tag = "Booths", operation_id = "list_booth_types", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<BoothTypeView>, description = "Newest first"))
)]
#[get("/events/{id}/booth-types")]
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
    let rows = store::list_types(&mut conn, event, after, page.fetch_limit()).await?;
    let page = page.page(rows, |row| row.id, BoothTypeView::from)?;
    Ok(page.respond())
}

/// A new booth type, priced in the event's currency.
#[derive(utoipa::ToSchema)]
#[schema(as = NewBoothType, example = json!({
    "name": "Corner", "price_minor": 90000000, "description": "6 × 3 m, open on two sides"
}))]
struct BoothTypeBody {
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    #[schema(minimum = 0)]
    price_minor: i64,
}

impl FromBody for BoothTypeBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", parse::name);
        let slug = fields.optional("slug", parse::slug);
        let description = fields.optional("description", parse::text(parse::TEXT_CHARS));
        let price_minor = fields.required("price_minor", parse_amount_minor);
        Some(Self {
            name: name?,
            slug: slug?,
            description: description?,
            price_minor: price_minor?,
        })
    }
}

/// Add a booth type to an event
#[utoipa::path(
    tag = "Booths", operation_id = "create_booth_type", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = BoothTypeBody,
    responses((status = 201, body = BoothTypeView, description = "The new type")),
    extensions(("x-errors" = json!(["money_not_integer"])))
)]
#[post("/events/{id}/booth-types")]
pub async fn create(
    app: web::Data<App>,
    manager: EventManager,
    body: Body<BoothTypeBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let new = NewBoothType {
                name: body.0.name.clone(),
                slug: body.0.slug.clone(),
                description: body.0.description.clone(),
                price_minor: body.0.price_minor,
            };
            let (event, actor) = (&manager.event, manager.by.user.id);
            let row = booths::create_type(conn, event, new, actor, app.clock.now()).await?;
            let location = format!("/api/v1/events/{}/booth-types/{}", event.id, row.id);
            let version = row.version;
            let answer = Answer::created(&BoothTypeView::from(row))?;
            Ok(answer.version(version).location(location))
        })
        .await
}

async fn find(
    conn: &mut Conn,
    request: &HttpRequest,
    event: EventId,
) -> Result<BoothType, Problem> {
    let id: BoothTypeId = path::segment(request, "tid")?;
    let row = store::find_type(conn, event, id).await?;
    row.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Read a booth type
#[utoipa::path(
    tag = "Booths", operation_id = "read_booth_type", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = BoothTypeId, Path),
    ),
    responses((status = 200, body = BoothTypeView, description = "The type"))
)]
#[get("/events/{id}/booth-types/{tid}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let row = find(&mut conn, &request, visible.event.id).await?;
    let privacy = if visible.is_managed {
        Privacy::Personal
    } else {
        Privacy::Public
    };
    let version = row.version;
    Ok(version::object(
        &request,
        version,
        privacy,
        &BoothTypeView::from(row),
    ))
}

/// A change of a booth type.
#[derive(utoipa::ToSchema)]
#[schema(as = BoothTypeChange, example = json!({"price_minor": 95000000}))]
struct BoothTypePatch {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    #[schema(minimum = 0)]
    price_minor: Option<i64>,
}

impl FromBody for BoothTypePatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        let slug = fields.change("slug", parse::slug);
        let description = fields.patch("description", parse::text(parse::TEXT_CHARS));
        let price_minor = fields.change("price_minor", parse_amount_minor);
        Some(Self {
            name: name?,
            slug: slug?,
            description: description?,
            price_minor: price_minor?,
        })
    }
}

/// Change a booth type
///
/// Orders keep the price they were made at.
#[utoipa::path(
    tag = "Booths", operation_id = "update_booth_type", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = BoothTypeId, Path),
    ),
    request_body = BoothTypePatch,
    responses((status = 200, body = BoothTypeView, description = "The type as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "money_not_integer"])))
)]
#[patch("/events/{id}/booth-types/{tid}")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<BoothTypePatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            // The event's lock serves its types too.
            let event = events::lock(conn, manager.event.id).await?;
            let row = find(conn, &request, event.id).await?;
            expected.check(row.version)?;
            let change = BoothTypeChange {
                name: body.0.name.clone(),
                slug: body.0.slug.clone(),
                description: body.0.description.clone(),
                price_minor: body.0.price_minor,
            };
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let row = booths::update_type(conn, &event, row, change, actor, now).await?;
            let version = row.version;
            Ok(Answer::ok(&BoothTypeView::from(row))?.version(version))
        })
        .await
}

/// Delete a booth type
///
/// Only one without booths.
#[utoipa::path(
    tag = "Booths", operation_id = "delete_booth_type", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("tid" = BoothTypeId, Path),
    ),
    responses((status = 204, description = "It is gone")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[delete("/events/{id}/booth-types/{tid}")]
pub async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let event = events::lock(conn, manager.event.id).await?;
            let row = find(conn, &request, event.id).await?;
            expected.check(row.version)?;
            let (actor, now) = (manager.by.user.id, app.clock.now());
            booths::delete_type(conn, &event, &row, actor, now).await?;
            Ok(Answer::no_content())
        })
        .await
}
