//! An event's check-in lists.

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::error::{Code, Problem};
use crate::events::{self, Event};
use crate::gate::lists::{self, List};
use crate::gate::{EventStaff, admissions};
use crate::http::body::{Body, Fields, Flaw, FromBody, Patch};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::version::{self, Expected, Privacy};
use crate::http::{parse, path};
use crate::id::{CheckinListId, EventId, EventSessionId, TicketTypeId};
use crate::inventory;

const TYPES_MOST: usize = 100;

/// A check-in list.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckinList, example = json!({
    "id": "lst_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "name": "VIP lounge", "default": false,
    "ticket_type_ids": ["tty_01h455vb4pex5vsknk084sn02q"], "session_id": null,
    "multi_entry": true, "opens_at": null, "closes_at": null,
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
struct ListView {
    id: CheckinListId,
    event_id: EventId,
    name: String,
    /// Whether it is the one that a scan means that names none.
    default: bool,
    /// All, if null.
    ticket_type_ids: Option<Vec<TicketTypeId>>,
    session_id: Option<EventSessionId>,
    /// Whether who has left may come in again.
    multi_entry: bool,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl From<List> for ListView {
    fn from(list: List) -> Self {
        Self {
            id: list.id,
            event_id: list.event_id,
            name: list.name,
            default: list.is_default,
            ticket_type_ids: list.ticket_types.map(|types| types.0),
            session_id: list.session_id,
            multi_entry: list.multi_entry,
            opens_at: list.opens_at,
            closes_at: list.closes_at,
            created_at: list.created_at,
            updated_at: list.updated_at,
            version: list.version,
        }
    }
}

/// An event's lists.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"data": []}))]
struct Lists {
    data: Vec<ListView>,
}

/// A new list.
#[derive(utoipa::ToSchema)]
#[schema(as = NewCheckinList, example = json!({"name": "VIP lounge", "multi_entry": true}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct ListShape {
    #[schema(max_length = 200)]
    name: String,
    /// All of the event's types, if left out.
    #[schema(max_items = 100)]
    ticket_type_ids: Option<Vec<TicketTypeId>>,
    session_id: Option<EventSessionId>,
    multi_entry: Option<bool>,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
}

/// A change of a list.
#[derive(utoipa::ToSchema)]
#[schema(as = CheckinListPatch, example = json!({"multi_entry": true}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct ListPatchShape {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_items = 100)]
    ticket_type_ids: Option<Vec<TicketTypeId>>,
    session_id: Option<EventSessionId>,
    multi_entry: Option<bool>,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
}

/// What is said about a list; a new one has a name.
struct Change {
    name: Option<String>,
    ticket_types: Patch<Vec<TicketTypeId>>,
    session_id: Patch<EventSessionId>,
    multi_entry: Option<bool>,
    opens_at: Patch<Timestamp>,
    closes_at: Patch<Timestamp>,
}

struct NewList(Change);
struct ListPatch(Change);

fn read_change(fields: &mut Fields<'_>, name: Option<Option<String>>) -> Option<Change> {
    let ticket_types = fields.patch("ticket_type_ids", type_ids);
    let session_id = fields.patch("session_id", parse::parsed("an event session's id"));
    let multi_entry = fields.change("multi_entry", parse::boolean);
    let opens_at = fields.patch("opens_at", parse::instant);
    let closes_at = fields.patch("closes_at", parse::instant);
    Some(Change {
        name: name?,
        ticket_types: ticket_types?,
        session_id: session_id?,
        multi_entry: multi_entry?,
        opens_at: opens_at?,
        closes_at: closes_at?,
    })
}

fn type_ids(value: &Value) -> Result<Vec<TicketTypeId>, Flaw> {
    let wrong = || Flaw::new("wrong_type", "must be a list of ticket types' ids");
    let items = value.as_array().ok_or_else(wrong)?;
    if items.is_empty() || items.len() > TYPES_MOST {
        let detail = format!("must hold 1 to {TYPES_MOST} ids");
        return Err(Flaw::new("out_of_range", detail));
    }
    items
        .iter()
        .map(parse::parsed("a ticket type's id"))
        .collect()
}

impl FromBody for NewList {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", parse::name).map(Some);
        read_change(fields, name).map(Self)
    }
}

impl FromBody for ListPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        read_change(fields, name).map(Self)
    }
}

/// The list after a change; its types and session are the event's own.
async fn changed(
    conn: &mut Conn,
    event: &Event,
    list: List,
    change: &Change,
    now: Timestamp,
) -> Result<List, Problem> {
    let types = list.ticket_types.map(|types| types.0);
    let list = List {
        name: change.name.clone().unwrap_or(list.name),
        ticket_types: change.ticket_types.clone().over(types).map(Json),
        session_id: change.session_id.clone().over(list.session_id),
        multi_entry: change.multi_entry.unwrap_or(list.multi_entry),
        opens_at: change.opens_at.clone().over(list.opens_at),
        closes_at: change.closes_at.clone().over(list.closes_at),
        updated_at: now,
        ..list
    };
    if let (Some(opens), Some(closes)) = (list.opens_at, list.closes_at)
        && closes <= opens
    {
        let detail = "must be after opens_at";
        return Err(Problem::invalid_member(
            "/closes_at",
            "out_of_range",
            detail,
        ));
    }
    if let Some(session) = list.session_id
        && !events::has_session(conn, event.id, session).await?
    {
        let detail = "the event has no such session";
        return Err(Problem::invalid_member("/session_id", "not_found", detail));
    }
    if let Some(types) = &list.ticket_types {
        let found = inventory::find_named(conn, event.id, &types.0, &[]).await?;
        let is_own = |id: &TicketTypeId| found.iter().any(|sale| sale.ticket_type.id == *id);
        if !types.0.iter().all(is_own) {
            let detail = "the event has no such ticket type";
            let pointer = "/ticket_type_ids";
            return Err(Problem::invalid_member(pointer, "not_found", detail));
        }
    }
    Ok(list)
}

async fn find(conn: &mut Conn, request: &HttpRequest, event: &Event) -> Result<List, Problem> {
    let id: CheckinListId = path::segment(request, "lid")?;
    let list = lists::find_of_event(conn, event, id).await?;
    list.ok_or_else(|| Problem::new(Code::NotFound))
}

/// List an event's check-in lists
#[utoipa::path(
    tag = "Gate", operation_id = "list_checkin_lists", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = Lists, description = "The default one first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/events/{id}/checkin-lists")]
pub async fn list_all(app: web::Data<App>, staff: EventStaff) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let lists = lists::of_event(&mut conn, &staff.event).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    let data = lists.into_iter().map(ListView::from).collect();
    Ok(response.json(Lists { data }))
}

/// Make a check-in list
#[utoipa::path(
    tag = "Gate", operation_id = "create_checkin_list", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = ListShape,
    responses((status = 201, body = ListView, description = "The new list")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[post("/events/{id}/checkin-lists")]
pub async fn create(
    app: web::Data<App>,
    staff: EventStaff,
    body: Body<NewList>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    staff.check_manager()?;
    let (event, change) = (&staff.event, body.0.0);
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            let list = List {
                id: CheckinListId::new(),
                is_default: false,
                ..List::default_of(event.id, event.organizer_id, now)
            };
            let list = changed(conn, event, list, &change, now).await?;
            let action = "checkin_list.created";
            lists::save(conn, &list, staff.by.user.id, action, now).await?;
            let location = format!("/api/v1/events/{}/checkin-lists/{}", event.id, list.id);
            let version = list.version;
            let answer = Answer::created(&ListView::from(list))?;
            Ok(answer.version(version).location(location))
        })
        .await
}

/// Read a check-in list
#[utoipa::path(
    tag = "Gate", operation_id = "read_checkin_list", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("lid" = CheckinListId, Path),
    ),
    responses((status = 200, body = ListView, description = "The list")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/events/{id}/checkin-lists/{lid}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    staff: EventStaff,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let list = find(&mut conn, &request, &staff.event).await?;
    let (version, view) = (list.version, ListView::from(list));
    Ok(version::object(&request, version, Privacy::Personal, &view))
}

/// Change a check-in list
#[utoipa::path(
    tag = "Gate", operation_id = "update_checkin_list", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("lid" = CheckinListId, Path),
    ),
    request_body = ListPatchShape,
    responses((status = 200, body = ListView, description = "The list as it is now")),
    extensions(("x-errors" = json!(["forbidden", "precondition_failed"])))
)]
#[patch("/events/{id}/checkin-lists/{lid}")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    staff: EventStaff,
    body: Body<ListPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    staff.check_manager()?;
    let expected = Expected::of(request.headers());
    let change = body.0.0;
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            // One change of an event's lists at a time.
            let event = events::lock(conn, staff.event.id).await?;
            let list = find(conn, &request, &event).await?;
            expected.check(list.version)?;
            let list = changed(conn, &event, list, &change, now).await?;
            let list = List {
                version: list.version + 1,
                ..list
            };
            let action = "checkin_list.updated";
            lists::save(conn, &list, staff.by.user.id, action, now).await?;
            let version = list.version;
            Ok(Answer::ok(&ListView::from(list))?.version(version))
        })
        .await
}

/// How full it is.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckinListStatus, example = json!({
    "list_id": "lst_01h455vb4pex5vsknk084sn02q", "expected": 200, "inside": 131,
    "entered": 140, "left": 9
}))]
struct ListStatus {
    list_id: CheckinListId,
    /// How many tickets it would let in.
    expected: i64,
    inside: i64,
    /// How many have come in, each counted once.
    entered: i64,
    /// How many of those are out again.
    left: i64,
}

/// Read how full it is
#[utoipa::path(
    tag = "Gate", operation_id = "read_checkin_list_status", security(("user" = [])),
    params(
        ("id" = String, Path, description = "The event's id or slug"),
        ("lid" = CheckinListId, Path),
    ),
    responses((status = 200, body = ListStatus, description = "The counts")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/events/{id}/checkin-lists/{lid}/status")]
pub async fn status(
    app: web::Data<App>,
    request: HttpRequest,
    staff: EventStaff,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let list = find(&mut conn, &request, &staff.event).await?;
    let expected = lists::count_expected(&mut conn, &list).await?;
    let (entered, inside) = admissions::count(&mut conn, list.id).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(ListStatus {
        list_id: list.id,
        expected,
        inside,
        entered,
        left: entered - inside,
    }))
}
