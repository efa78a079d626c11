//! What only managers do with a ticket: stop it, end it, let it be again.

use actix_web::{HttpResponse, post, web};

use super::permission::TicketAccess;
use super::view::TicketView;
use super::{answer, lock};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::Mutation;
use crate::http::parse;
use crate::id::TicketId;
use crate::tickets::change;

/// Why something is done; it stands in the audit log as a digest.
#[derive(utoipa::ToSchema)]
#[schema(as = Reason, example = json!({"reason": "Reported as stolen"}))]
pub struct ReasonBody {
    #[schema(max_length = 500)]
    reason: String,
}

impl FromBody for ReasonBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", parse::text(500));
        Some(Self { reason: reason? })
    }
}

/// What is done to a ticket.
#[derive(Clone, Copy)]
enum Action {
    End,
    Suspend,
    Reinstate,
}

async fn act(
    app: &App,
    access: TicketAccess,
    body: ReasonBody,
    mutation: Mutation,
    action: Action,
) -> Result<HttpResponse, Problem> {
    if !access.order.role.is_manager() {
        return Err(Problem::new(Code::Forbidden));
    }
    mutation.require_key()?;
    mutation
        .run(async |conn| {
            let ticket = lock(conn, access.card.ticket.id).await?;
            let (actor, now, reason) = (access.order.actor(), app.clock.now(), &body.reason);
            let ticket = match action {
                Action::End => change::end(conn, &ticket, actor, reason, now).await?,
                Action::Suspend => {
                    change::set_suspended(conn, &ticket, true, actor, reason, now).await?
                }
                Action::Reinstate => {
                    change::set_suspended(conn, &ticket, false, actor, reason, now).await?
                }
            };
            answer(conn, ticket.id).await
        })
        .await
}

/// End a ticket
///
/// For good; a used one is suspended instead. No money moves.
#[utoipa::path(
    tag = "Tickets", operation_id = "void_ticket", security(("user" = [])),
    params(("id" = TicketId, Path)),
    request_body = ReasonBody,
    responses((status = 200, body = TicketView, description = "The ticket as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "invalid_transition"
    ])))
)]
#[post("/tickets/{id}/void")]
pub async fn end(
    app: web::Data<App>,
    access: TicketAccess,
    body: Body<ReasonBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    act(&app, access, body.0, mutation, Action::End).await
}

/// Suspend a ticket
///
/// It opens nothing until it is reinstated.
#[utoipa::path(
    tag = "Tickets", operation_id = "suspend_ticket", security(("user" = [])),
    params(("id" = TicketId, Path)),
    request_body = ReasonBody,
    responses((status = 200, body = TicketView, description = "The ticket as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "invalid_transition"
    ])))
)]
#[post("/tickets/{id}/suspend")]
pub async fn suspend(
    app: web::Data<App>,
    access: TicketAccess,
    body: Body<ReasonBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    act(&app, access, body.0, mutation, Action::Suspend).await
}

/// Reinstate a suspended ticket
#[utoipa::path(
    tag = "Tickets", operation_id = "reinstate_ticket", security(("user" = [])),
    params(("id" = TicketId, Path)),
    request_body = ReasonBody,
    responses((status = 200, body = TicketView, description = "The ticket as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "invalid_transition"
    ])))
)]
#[post("/tickets/{id}/reinstate")]
pub async fn reinstate(
    app: web::Data<App>,
    access: TicketAccess,
    body: Body<ReasonBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    act(&app, access, body.0, mutation, Action::Reinstate).await
}
