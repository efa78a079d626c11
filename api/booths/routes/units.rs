//! The numbered booths.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::booths::store::{self, BoothFilter};
use crate::booths::{self, Booth, BoothStatus};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::events::{EventManager, VisibleEvent};
use crate::http::body::{Body, Fields, Flaw, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text};
use crate::http::version::Expected;
use crate::http::{parse, path};
use crate::id::{BoothId, BoothTypeId, EventId};

const NUMBER_CHARS: usize = 40;
const NUMBERS_MOST: usize = 500;

/// A booth.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Booth, example = json!({
    "id": "bth_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "booth_type_id": "btp_01h455vb4pex5vsknk084sn02q", "number": "A-12", "hall": "North",
    "status": "available", "created_at": "2027-01-05T08:00:00Z",
    "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
struct BoothView {
    id: BoothId,
    event_id: EventId,
    booth_type_id: BoothTypeId,
    number: String,
    hall: Option<String>,
    status: BoothStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl From<Booth> for BoothView {
    fn from(row: Booth) -> Self {
        Self {
            id: row.id,
            event_id: row.event_id,
            booth_type_id: row.booth_type_id,
            number: row.number,
            hall: Some(row.hall).filter(|hall| !hall.is_empty()),
            status: row.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// List an event's booths
#[utoipa::path(
    tag = "Booths", operation_id = "list_booths", security((), ("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("booth_type_id" = Option<BoothTypeId>, Query),
        ("status" = Option<BoothStatus>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<BoothView>, description = "Newest first"))
)]
#[get("/events/{id}/booths")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let statuses = parse::one_of(BoothStatus::NAMES, BoothStatus::from_name);
    let filter = BoothFilter {
        booth_type_id: query.optional("booth_type_id", as_text(parse::parsed("a booth type's id"))),
        status: query.optional("status", as_text(statuses)),
    };
    query.finish()?;
    let mut conn = app.db.read().await?;
    let (event, after) = (visible.event.id, page.after()?);
    let rows = store::list(&mut conn, event, &filter, after, page.fetch_limit()).await?;
    let page = page.page(rows, |row| row.id, BoothView::from)?;
    Ok(page.respond())
}

/// New booths of one type: one `number`, or several `numbers`.
#[derive(utoipa::ToSchema)]
#[schema(as = NewBooths, example = json!({
    "booth_type_id": "btp_01h455vb4pex5vsknk084sn02q", "numbers": ["A-12", "A-13"], "hall": "North"
}))]
struct BoothsBody {
    booth_type_id: BoothTypeId,
    #[schema(max_length = 40, value_type = Option<String>)]
    #[expect(dead_code, reason = "read into `numbers`; here for the contract")]
    number: (),
    #[schema(value_type = Option<Vec<String>>, max_items = 500)]
    numbers: Vec<String>,
    #[schema(max_length = 200)]
    hall: Option<String>,
}

impl FromBody for BoothsBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = fields.required("booth_type_id", parse::parsed("a booth type's id"));
        let number = fields.optional("number", parse::line(NUMBER_CHARS));
        let numbers = fields.optional("numbers", parse_numbers);
        let hall = fields.optional("hall", parse::name);
        let numbers = match (number?, numbers?) {
            (Some(number), None) => vec![number],
            (None, Some(numbers)) => numbers,
            _ => {
                let flaw = Flaw::new("required", "give either number or numbers");
                fields.fault("numbers", flaw);
                return None;
            }
        };
        Some(Self {
            booth_type_id: kind?,
            number: (),
            numbers,
            hall: hall?,
        })
    }
}

fn parse_numbers(value: &Value) -> Result<Vec<String>, Flaw> {
    let items = value
        .as_array()
        .ok_or_else(|| Flaw::new("wrong_type", "must be a list"))?;
    if !(1..=NUMBERS_MOST).contains(&items.len()) {
        let detail = format!("must be 1 to {NUMBERS_MOST} numbers");
        return Err(Flaw::new("out_of_range", detail));
    }
    items.iter().map(parse::line(NUMBER_CHARS)).collect()
}

/// The booths that were added.
#[derive(Serialize, utoipa::ToSchema)]
struct AddedBooths {
    data: Vec<BoothView>,
}

/// Add booths to an event
///
/// All or none: a number that its hall has already is refused.
#[utoipa::path(
    tag = "Booths", operation_id = "create_booths", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = BoothsBody,
    responses((status = 201, body = AddedBooths, description = "The new booths"))
)]
#[post("/events/{id}/booths")]
pub async fn add(
    app: web::Data<App>,
    manager: EventManager,
    body: Body<BoothsBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let (event, actor) = (&manager.event, manager.by.user.id);
            let hall = body.0.hall.as_deref().unwrap_or_default();
            let (kind, numbers) = (body.0.booth_type_id, &body.0.numbers);
            let now = app.clock.now();
            let rows = booths::add(conn, event, kind, numbers, hall, actor, now).await?;
            let data = rows.into_iter().map(BoothView::from).collect();
            Answer::created(&AddedBooths { data })
        })
        .await
}

async fn find(conn: &mut Conn, request: &HttpRequest, event: EventId) -> Result<Booth, Problem> {
    let id: BoothId = path::segment(request, "bid")?;
    let booth = store::find(conn, event, id).await?;
    booth.ok_or_else(|| Problem::new(Code::NotFound))
}

/// A change of a booth.
#[derive(utoipa::ToSchema)]
#[schema(as = BoothChange, example = json!({"blocked": true}))]
struct BoothPatch {
    /// A blocked booth is not sold.
    blocked: bool,
}

impl FromBody for BoothPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let blocked = fields.required("blocked", parse::boolean);
        Some(Self { blocked: blocked? })
    }
}

/// Block a booth, or free it
///
/// Only one that nobody holds or has booked.
#[utoipa::path(
    tag = "Booths", operation_id = "update_booth", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("bid" = BoothId, Path),
    ),
    request_body = BoothPatch,
    responses((status = 200, body = BoothView, description = "The booth as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[patch("/events/{id}/booths/{bid}")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<BoothPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let (event, actor) = (&manager.event, manager.by.user.id);
            let booth = find(conn, &request, event.id).await?;
            expected.check(booth.version)?;
            let (blocked, now) = (body.0.blocked, app.clock.now());
            let booth = booths::set_blocked(conn, event, &booth, blocked, actor, now).await?;
            let version = booth.version;
            Ok(Answer::ok(&BoothView::from(booth))?.version(version))
        })
        .await
}

/// Delete a booth
///
/// Only one that nobody has ordered; block the others.
#[utoipa::path(
    tag = "Booths", operation_id = "delete_booth", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("bid" = BoothId, Path),
    ),
    responses((status = 204, description = "It is gone")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[delete("/events/{id}/booths/{bid}")]
pub async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let (event, actor) = (&manager.event, manager.by.user.id);
            let booth = find(conn, &request, event.id).await?;
            expected.check(booth.version)?;
            booths::delete(conn, event, &booth, actor, app.clock.now()).await?;
            Ok(Answer::no_content())
        })
        .await
}
