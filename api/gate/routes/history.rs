//! What was scanned, and taking a scan back.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;

use super::result_of;
use crate::accounts::SignedIn;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::gate::scans::{self, Scan, ScanFilter};
use crate::gate::{Direction, ManagedScan, Reason, ScanResult, undo as undo_scan};
use crate::http::body::{Body, Fields, Flaw, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text};
use crate::id::{CheckinListId, EventId, ScanId, TicketId};
use crate::organizers;

/// One scan.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Scan, example = json!({
    "scan_id": "scn_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "list_id": "lst_01h455vb4pex5vsknk084sn02q", "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q",
    "scanner": "usr_01h455vb4pex5vsknk084sn02q", "nonce": "scanner-7-000123",
    "direction": "entry", "result": "accepted", "reason": "ok", "note": null, "gate": "North",
    "undoes": null, "at": "2027-02-11T13:02:11Z"
}))]
struct ScanView {
    scan_id: ScanId,
    event_id: Option<EventId>,
    list_id: Option<CheckinListId>,
    ticket_id: Option<TicketId>,
    /// Who scanned.
    scanner: String,
    nonce: Option<String>,
    direction: Direction,
    result: ScanResult,
    reason: Reason,
    note: Option<String>,
    gate: Option<String>,
    /// The scan that this one took back.
    undoes: Option<ScanId>,
    at: Timestamp,
}

impl From<Scan> for ScanView {
    fn from(scan: Scan) -> Self {
        Self {
            scan_id: scan.id,
            event_id: scan.event_id,
            list_id: scan.list_id,
            ticket_id: scan.ticket_id,
            scanner: scan.scanner,
            nonce: scan.nonce,
            direction: scan.direction,
            result: scan.result,
            reason: scan.reason,
            note: scan.note,
            gate: scan.gate,
            undoes: scan.undoes,
            at: scan.at,
        }
    }
}

/// List scans
///
/// Every one, refused ones too, of the organizers that one manages. Newest first.
#[utoipa::path(
    tag = "Gate", operation_id = "list_checkins", security(("user" = [])),
    params(
        ("event_id" = Option<EventId>, Query),
        ("list_id" = Option<CheckinListId>, Query),
        ("ticket_id" = Option<TicketId>, Query),
        ("result" = Option<String>, Query, description = "accepted or rejected"),
        ("scanner" = Option<String>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page<ScanView>, description = "A page of scans")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/checkins")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let managed = organizers::managed_by(&mut conn, &caller).await?;
    if managed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(Code::Forbidden));
    }
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let filter = ScanFilter {
        organizers: managed,
        event_id: query.optional("event_id", as_text(parse::parsed("an event's id"))),
        list_id: query.optional("list_id", as_text(parse::parsed("a check-in list's id"))),
        ticket_id: query.optional("ticket_id", as_text(parse::parsed("a ticket's id"))),
        result: query.optional("result", |text| {
            let detail = "must be accepted or rejected";
            result_of(text).ok_or_else(|| Flaw::new("not_allowed", detail))
        }),
        scanner: query.optional("scanner", as_text(parse::line(50))),
    };
    query.finish()?;
    let rows = scans::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |scan| scan.id, ScanView::from)?;
    Ok(page.respond())
}

/// Why a scan is taken back.
#[derive(utoipa::ToSchema)]
#[schema(as = UndoCheckin, example = json!({"reason": "Scanned the wrong guest"}))]
struct UndoBody {
    #[schema(max_length = 500)]
    reason: String,
}

impl FromBody for UndoBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", parse::text(500));
        Some(Self { reason: reason? })
    }
}

/// Undo a scan
///
/// An accepted one, once, while nothing has followed it. Its undoing is a scan of its own.
#[utoipa::path(
    tag = "Gate", operation_id = "undo_checkin", security(("user" = [])),
    params(("scan_id" = ScanId, Path)),
    request_body = UndoBody,
    responses((status = 200, body = ScanView, description = "The scan that was undone")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/checkins/{scan_id}/undo")]
pub async fn undo(
    app: web::Data<App>,
    managed: ManagedScan,
    body: Body<UndoBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let ManagedScan { by, scan } = managed;
    mutation
        .run(async |conn| {
            let (actor, now) = (by.user.id, app.clock.now());
            undo_scan(conn, &scan, actor, &body.0.reason, now).await?;
            Answer::ok(&ScanView::from(scan.clone()))
        })
        .await
}
