//! The refunds' handlers.

mod body;
mod permission;
mod policy;
mod search;
mod staff;
mod view;

use actix_web::{HttpResponse, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use self::body::{RefundBody, RefundShape};
use self::view::RefundView;
use super::{Asker, Refund, Target};
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::http::body::Body;
use crate::http::idempotency::{Answer, Mutation};
use crate::id::OrderId;
use crate::orders::{self, Caller, OrderAccess};
use crate::payments;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(create)
        .service(search::list)
        .service(search::read)
        .service(staff::approve)
        .service(staff::reject)
        .service(staff::cancel)
        .service(staff::retry)
        .service(staff::sync)
        .service(staff::mark_done)
        .service(policy::read)
        .service(policy::save);
}

/// Refund a payment
///
/// Finance gives back at once: an amount, tickets, or all that is left. A buyer asks, within the
/// event's policy, for tickets or for everything; it waits for approval unless the policy says
/// otherwise. The tickets are stopped once it is approved.
#[utoipa::path(
    tag = "Refunds", operation_id = "create_refund", security(("user" = []), ("guest" = [])),
    request_body = RefundShape,
    responses((status = 201, body = RefundView, description = "The refund")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "refund_exceeds_payment",
        "refund_window_closed", "ticket_used", "ticket_void", "ticket_not_issued",
        "payment_not_refundable", "refund_in_progress", "money_not_integer"
    ])))
)]
#[post("/refunds")]
async fn create(
    app: web::Data<App>,
    caller: Caller,
    body: Body<RefundBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let RefundBody { order, wish } = body.0;
    let access = access(&app, caller, order, wish.target).await?;
    let asker = asker(&access)?;
    if let (Asker::Buyer(_), super::Asked::Amount(_)) = (asker, &wish.asked) {
        let detail = "Name tickets, or leave it out for everything.";
        return Err(Problem::new(Code::Forbidden).detail(detail));
    }
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            let order = orders::lock(conn, access.order.id).await?;
            let refund = super::ask(conn, &order, &wish, asker, now).await?;
            let location = format!("/api/v1/refunds/{}", refund.id);
            let version = refund.version;
            let view = show(conn, refund, access.role.is_finance()).await?;
            Ok(Answer::created(&view)?.version(version).location(location))
        })
        .await
}

/// Whether finance acts, or the buyer asks.
fn asker(access: &OrderAccess) -> Result<Asker, Problem> {
    match (access.role.is_finance(), access.actor()) {
        (true, Some(user)) => Ok(Asker::Finance(user)),
        (_, actor) if access.role.is_owner => Ok(Asker::Buyer(actor)),
        _ => Err(Problem::new(Code::Forbidden)),
    }
}

/// The order that money is asked back of. One that does not exist for the caller is a fault of
/// the body.
async fn access(
    app: &App,
    caller: Caller,
    order: Option<OrderId>,
    target: Target,
) -> Result<OrderAccess, Problem> {
    let mut conn = app.db.find().await?;
    let (pointer, found) = match (order, target) {
        (Some(order), _) => ("/order_id", orders::access(&mut conn, caller, order).await),
        (None, Target::Payment(payment)) => {
            let payment = payments::find(&mut conn, payment).await;
            let found = match payment {
                Ok(payment) => orders::access(&mut conn, caller, payment.order_id).await,
                Err(problem) => Err(problem),
            };
            ("/payment_id", found)
        }
        (None, Target::Order) => {
            let detail = "payment_id or order_id must be given";
            return Err(Problem::invalid_member("/payment_id", "required", detail));
        }
    };
    found.map_err(|problem| match problem.code {
        Code::NotFound => Problem::invalid_member(pointer, "not_found", "there is no such thing"),
        _ => problem,
    })
}

async fn show(conn: &mut Conn, refund: Refund, for_staff: bool) -> Result<RefundView, Problem> {
    let payment = payments::find(conn, refund.payment_id).await?;
    RefundView::load(conn, refund, payment.provider, for_staff).await
}
