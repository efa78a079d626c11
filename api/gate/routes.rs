//! The gate's handlers.

mod attendees;
mod body;
mod checkin_lists;
mod history;

use actix_web::{HttpResponse, post, web};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use self::body::{CheckInBody, CheckInShape, TicketCheckInBody, VerifyBody};
use super::check_in::{self, GateTicket, PreviousScan};
use super::{CheckIn, Entry, GateMember, Presented, Reason, ScanResult, Scanned, TicketAtGate};
use super::{together, verify as looking};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::http::body::Body;
use crate::http::idempotency::{Answer, Mutation};
use crate::id::TicketId;
use crate::tickets::TicketStatus;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(verify)
        .service(check_in_by_code)
        .service(history::list)
        .service(history::undo)
        .service(check_in_by_ticket)
        .service(attendees::search)
        .service(checkin_lists::list_all)
        .service(checkin_lists::create)
        .service(checkin_lists::read)
        .service(checkin_lists::update)
        .service(checkin_lists::status);
}

/// Whether a ticket would be let in.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TicketVerification, example = json!({
    "result": "valid", "is_valid": true, "reason": "ok", "message": "Welcome",
    "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
    "status": "valid", "event_name": "Sauti za Busara", "ticket_type_name": "VIP",
    "attendee_name": "Juma Said", "issued_at": "2027-01-05T08:01:00Z", "used_at": null,
    "previous_scan": null
}))]
struct Verification {
    #[schema(example = "valid")]
    result: &'static str,
    is_valid: bool,
    reason: Reason,
    #[schema(example = "Welcome")]
    message: &'static str,
    ticket_id: Option<TicketId>,
    serial: Option<String>,
    status: Option<TicketStatus>,
    event_name: Option<String>,
    ticket_type_name: Option<String>,
    attendee_name: Option<String>,
    issued_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    /// The scan that let it in before.
    previous_scan: Option<PreviousScan>,
}

impl Verification {
    fn new(reason: Reason, ticket: Option<GateTicket>, previous: Option<PreviousScan>) -> Self {
        let is_valid = reason == Reason::Ok;
        let part = ticket.as_ref();
        Self {
            result: if is_valid { "valid" } else { "invalid" },
            is_valid,
            reason,
            message: reason.message(),
            ticket_id: part.map(|ticket| ticket.ticket_id),
            serial: part.map(|ticket| ticket.serial.clone()),
            status: part.map(|ticket| ticket.status),
            event_name: part.map(|ticket| ticket.event_name.clone()),
            ticket_type_name: part.map(|ticket| ticket.ticket_type_name.clone()),
            attendee_name: part.and_then(|ticket| ticket.attendee_name.clone()),
            issued_at: part.and_then(|ticket| ticket.issued_at),
            used_at: part.and_then(|ticket| ticket.used_at),
            previous_scan: previous,
        }
    }
}

/// Verify a ticket
///
/// Says whether it would be let in; changes nothing. A ticket of another organizer is unknown.
#[utoipa::path(
    tag = "Gate", operation_id = "verify_ticket", security(("user" = [])),
    request_body = VerifyBody,
    responses((status = 200, body = Verification, description = "The verdict")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[post("/tickets/verify")]
async fn verify(
    app: web::Data<App>,
    member: GateMember,
    body: Body<VerifyBody>,
) -> Result<HttpResponse, Problem> {
    let presented = Presented {
        scanned: Scanned::Code(body.0.code),
        list_id: body.0.list_id,
    };
    let verdict = looking::verify(&app, &member, &presented).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(Verification::new(
        verdict.reason,
        verdict.ticket,
        verdict.previous_scan,
    )))
}

/// Check in
///
/// Lets a guest in, once, or out. Refused scans are answered with 200 too: `result` and
/// `reason` say why. The same nonce gives the same answer. By `ticket_id` only with a note:
/// for the guest who lost a phone.
#[utoipa::path(
    tag = "Gate", operation_id = "check_in", security(("user" = [])),
    request_body = CheckInShape,
    responses((status = 200, body = check_in::Answer, description = "Accepted or rejected")),
    extensions(("x-errors" = json!(["forbidden", "nonce_reused", "invalid_transition"])))
)]
#[post("/checkins")]
async fn check_in_by_code(
    app: web::Data<App>,
    member: GateMember,
    body: Body<CheckInBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    scan(&app, member, body.0.0, &mutation).await
}

/// Check a ticket in by its id
///
/// With a note that says why: for the guest who lost a phone.
#[utoipa::path(
    tag = "Gate", operation_id = "check_in_ticket", security(("user" = [])),
    params(("id" = TicketId, Path)),
    request_body = TicketCheckInBody,
    responses((status = 200, body = check_in::Answer, description = "Accepted or rejected")),
    extensions(("x-errors" = json!(["forbidden", "nonce_reused", "invalid_transition"])))
)]
#[post("/tickets/{id}/checkin")]
async fn check_in_by_ticket(
    app: web::Data<App>,
    at_gate: TicketAtGate,
    body: Body<TicketCheckInBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let wish = body.0.for_ticket(at_gate.ticket);
    scan(&app, at_gate.member, wish, &mutation).await
}

async fn scan(
    app: &App,
    member: GateMember,
    wish: CheckIn,
    mutation: &Mutation,
) -> Result<HttpResponse, Problem> {
    let entry = Entry::new(app, member, wish);
    if mutation.has_key() {
        return mutation
            .run(async |conn| {
                let answer = check_in::check_in(conn, &entry, app.clock.now()).await?;
                Ok(Answer::of_json(answer))
            })
            .await;
    }
    let answer = together::check_in_together(app, entry).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.content_type("application/json").body(answer))
}

/// Whether a result is one of a scan; for filters.
fn result_of(text: &str) -> Option<ScanResult> {
    ScanResult::from_name(text)
}
