//! The tickets' handlers.

mod image_url;
mod permission;
mod pictures;
mod search;
mod staff;
pub mod view;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use self::permission::TicketAccess;
use self::view::TicketView;
use super::calendar;
use super::card;
use super::{Attendee, TicketStatus, change};
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody, Patch};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::http::version::{self, Expected, Privacy};
use crate::id::TicketId;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(search::mine)
        .service(search::list)
        .service(read)
        .service(update)
        .service(pictures::read_code)
        .service(pictures::png)
        .service(pictures::svg)
        .service(pictures::image)
        .service(calendar_file)
        .service(reissue)
        .service(staff::end)
        .service(staff::suspend)
        .service(staff::reinstate);
}

/// Read a ticket
#[utoipa::path(
    tag = "Tickets", operation_id = "read_ticket", security(("user" = []), ("guest" = [])),
    params(("id" = TicketId, Path)),
    responses((status = 200, body = TicketView, description = "The ticket")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/tickets/{id}")]
async fn read(request: HttpRequest, access: TicketAccess) -> HttpResponse {
    let version = access.card.ticket.version;
    let view = TicketView::from(access.card);
    version::object(&request, version, Privacy::Personal, &view)
}

/// The card as it is after a change, as an answer.
async fn answer(conn: &mut Conn, id: TicketId) -> Result<Answer, Problem> {
    let card = card::find(conn, id).await?;
    let card = card.ok_or_else(|| Problem::new(Code::NotFound))?;
    let version = card.ticket.version;
    Ok(Answer::ok(&TicketView::from(card))?.version(version))
}

/// Who comes with a ticket.
#[derive(utoipa::ToSchema)]
#[schema(as = TicketPatch, example = json!({"attendee": {"name": "Juma Said"}}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct TicketPatchShape {
    attendee: AttendeeShape,
}

#[derive(utoipa::ToSchema)]
#[schema(as = TicketHolderBody, example = json!({"name": "Juma Said"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct AttendeeShape {
    #[schema(max_length = 200)]
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

struct TicketPatch {
    name: Option<String>,
    email: Patch<String>,
    phone: Patch<String>,
}

impl FromBody for TicketPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let attendee = fields.object("attendee", |fields| {
            let name = fields.change("name", parse::name);
            let email = fields.patch("email", parse::email);
            let phone = fields.patch("phone", parse::phone);
            Some(Self {
                name: name?,
                email: email?,
                phone: phone?,
            })
        });
        let nothing = Self {
            name: None,
            email: Patch::Absent,
            phone: Patch::Absent,
        };
        Some(attendee?.unwrap_or(nothing))
    }
}

/// Change who comes
///
/// Not once the ticket was used or ended.
#[utoipa::path(
    tag = "Tickets", operation_id = "update_ticket", security(("user" = []), ("guest" = [])),
    params(("id" = TicketId, Path)),
    request_body = TicketPatchShape,
    responses((status = 200, body = TicketView, description = "The ticket as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "precondition_failed", "ticket_void", "ticket_used"
    ])))
)]
#[patch("/tickets/{id}")]
async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    access: TicketAccess,
    body: Body<TicketPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    let Body(patch) = body;
    mutation
        .run(async |conn| {
            let ticket = lock(conn, access.card.ticket.id).await?;
            expected.check(ticket.version)?;
            match ticket.status {
                TicketStatus::Void => return Err(Problem::new(Code::TicketVoid)),
                TicketStatus::Used => return Err(Problem::new(Code::TicketUsed)),
                _ => {}
            }
            let name = patch.name.clone().or(ticket.attendee_name.clone());
            let attendee = Attendee {
                name: name.ok_or_else(|| {
                    Problem::invalid_member("/attendee/name", "required", "must be given")
                })?,
                email: patch.email.clone().over(ticket.attendee_email.clone()),
                phone: patch.phone.clone().over(ticket.attendee_phone.clone()),
            };
            let now = app.clock.now();
            super::set_attendee(conn, ticket.order_id, ticket.id, &attendee, now).await?;
            let (actor, action) = (access.order.actor(), "ticket.updated");
            change::record(conn, &ticket, actor, action, "", now).await?;
            answer(conn, ticket.id).await
        })
        .await
}

async fn lock(conn: &mut Conn, id: TicketId) -> Result<super::Ticket, Problem> {
    let ticket = super::lock(conn, id).await?;
    ticket.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Replace a ticket's code
///
/// The code before opens nothing any more. Buyers may do so three times a day.
#[utoipa::path(
    tag = "Tickets", operation_id = "reissue_ticket", security(("user" = []), ("guest" = [])),
    params(("id" = TicketId, Path)),
    responses((status = 200, body = TicketView, description = "The ticket as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "ticket_not_issued", "ticket_void",
        "ticket_suspended", "invalid_transition"
    ])))
)]
#[post("/tickets/{id}/reissue")]
async fn reissue(
    app: web::Data<App>,
    access: TicketAccess,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let by_buyer = app.config.rate_limits && !access.order.role.is_manager();
    mutation
        .run(async |conn| {
            let ticket = lock(conn, access.card.ticket.id).await?;
            let (actor, now) = (access.order.actor(), app.clock.now());
            let ticket = change::reissue(conn, &ticket, actor, by_buyer, now).await?;
            answer(conn, ticket.id).await
        })
        .await
}

/// Read a ticket's date as a calendar file
#[utoipa::path(
    tag = "Tickets", operation_id = "read_ticket_calendar",
    security(("user" = []), ("guest" = [])),
    params(("id" = TicketId, Path)),
    responses((status = 200, description = "iCalendar (RFC 5545)", content_type = "text/calendar")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/tickets/{id}/calendar.ics")]
async fn calendar_file(access: TicketAccess) -> HttpResponse {
    let file = calendar::ics(&access.card.occasion());
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .insert_header(("content-disposition", "attachment; filename=\"ticket.ics\""))
        .content_type("text/calendar; charset=utf-8")
        .body(file)
}
