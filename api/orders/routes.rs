//! The orders' handlers.

mod body;
mod lookup;
mod quotes;
mod search;
mod staff;
pub mod view;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

pub use self::body::{BuyerBody, ItemBody, read_order};
use self::body::{OrderBody, OrderBodyShape, OrderPatch, OrderPatchShape};
use self::view::OrderView;
use super::{HistoryEntry, Order, OrderAccess, OrderRole, Placed, PlacedOrder, Terms, Wish};
use crate::accounts::MaybeSignedIn;
use crate::app::App;
use crate::db::Conn;
use crate::digest::hex;
use crate::error::Problem;
use crate::http::body::Body;
use crate::http::client;
use crate::http::idempotency::{Answer, Mutation};
use crate::http::version::{self, Expected, Privacy};
use crate::id::OrderId;
use crate::payments;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(quotes::quote)
        .service(create)
        .service(search::list)
        .service(lookup::look_up)
        .service(read)
        .service(update)
        .service(cancel)
        .service(staff::mark_paid)
        .service(lookup::resend)
        .service(timeline);
}

/// Who places an order by this request, and from where.
pub fn placed(app: &App, request: &HttpRequest, by: &MaybeSignedIn) -> Placed {
    let address = client::address(request).map(|address| address.to_string());
    let address = address.unwrap_or_default();
    let digest = app.keys.derive("order_origin", &[address.as_bytes()]);
    Placed {
        owner: by.0.as_ref().map(|by| by.user.id),
        origin: digest.map(|digest| hex(&digest)).unwrap_or_default(),
        at: app.clock.now(),
    }
}

/// What somebody is to an order that they have just placed.
pub const PLACER: OrderRole = OrderRole {
    is_owner: true,
    member: None,
};

/// Place an order
///
/// Holds its stock until `expires_at`; pay it with `POST /payment-intents`. A buyer without an
/// account gets an `order_token`, to be sent as `Authorization: Bearer`. Free orders are
/// confirmed at once.
#[utoipa::path(
    tag = "Orders", operation_id = "create_order", security((), ("user" = [])),
    request_body = OrderBodyShape,
    responses((status = 201, body = OrderView, description = "The order")),
    extensions(("x-errors" = json!([
        "idempotency_key_required", "sold_out", "booth_taken", "event_not_on_sale",
        "price_changed", "too_many_open_orders", "quantity_out_of_range",
        "ticket_type_not_found", "booth_type_not_found", "currency_not_supported",
        "money_not_integer"
    ])))
)]
#[post("/orders")]
async fn create(
    app: web::Data<App>,
    request: HttpRequest,
    by: MaybeSignedIn,
    body: Body<OrderBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let (terms, lanes) = (Terms::of(&app.config), &app.lanes.orders);
    let event = body.0.0.event_id;
    let wish = (body.0.0, placed(&app, &request, &by));
    mutation
        .run_in_lane(lanes, event, wish, async |conn, wishes| {
            let wishes = wishes.iter().map(|(new, by)| Wish { new, by });
            let wishes: Vec<Wish<'_>> = wishes.collect();
            let mut answers = Vec::new();
            for placed in super::place_all(conn, &terms, &wishes).await? {
                answers.push(match placed {
                    Ok(placed) => Ok(answer_placed(conn, placed).await?),
                    Err(refused) => Err(refused),
                });
            }
            Ok(answers)
        })
        .await
}

async fn answer_placed(conn: &mut Conn, placed: PlacedOrder) -> Result<Answer, Problem> {
    let order = &placed.order;
    let (token, version) = (order.guest_token(), order.version);
    let is_guest = order.owner_id.is_none();
    let location = format!("/api/v1/orders/{}", order.id);
    let mut view = OrderView::of_placed(conn, placed).await?;
    if is_guest {
        view = view.with_token();
    }
    Ok(Answer::created(&view)?
        .version(version)
        .location(location)
        .guest_token(is_guest.then_some(token)))
}

/// Read an order
#[utoipa::path(
    tag = "Orders", operation_id = "read_order", security(("user" = []), ("guest" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, body = OrderView, description = "The order")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/orders/{id}")]
async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    access: OrderAccess,
) -> Result<HttpResponse, Problem> {
    access.check_viewer()?;
    let mut conn = app.db.find().await?;
    let payments = payments::of_order(&mut conn, access.order.id).await?;
    // A payment moves without making a new version of its order.
    let stamp = payments.iter().map(|payment| payment.version).sum();
    let version = access.order.version;
    let view = OrderView::load(&mut conn, access.order, access.role).await?;
    Ok(version::stamped_object(
        &request,
        version,
        stamp,
        Privacy::Personal,
        &view,
    ))
}

/// Change an order
///
/// The buyer's contact and who comes, while it is not confirmed.
#[utoipa::path(
    tag = "Orders", operation_id = "update_order", security(("user" = []), ("guest" = [])),
    params(("id" = OrderId, Path)),
    request_body = OrderPatchShape,
    responses((status = 200, body = OrderView, description = "The order as it is now")),
    extensions(("x-errors" = json!(["forbidden", "precondition_failed", "invalid_transition"])))
)]
#[patch("/orders/{id}")]
async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    access: OrderAccess,
    body: Body<OrderPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.check_viewer()?;
    let expected = Expected::of(request.headers());
    let Body(OrderPatch(change)) = body;
    mutation
        .run(async |conn| {
            let order = super::lock(conn, access.order.id).await?;
            expected.check(order.version)?;
            let (actor, now) = (access.actor(), app.clock.now());
            let order = super::change(conn, order, change.clone(), actor, now).await?;
            answer(conn, order, access.role).await
        })
        .await
}

/// Cancel an order
///
/// One that is not paid; its stock is free again. A paid one is refunded instead.
#[utoipa::path(
    tag = "Orders", operation_id = "cancel_order", security(("user" = []), ("guest" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, body = OrderView, description = "The order as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "order_already_paid", "payment_in_progress",
        "invalid_transition"
    ])))
)]
#[post("/orders/{id}/cancel")]
async fn cancel(
    app: web::Data<App>,
    access: OrderAccess,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.check_viewer()?;
    mutation.require_key()?;
    mutation
        .run(async |conn| {
            let order = super::lock(conn, access.order.id).await?;
            let (actor, now) = (access.actor(), app.clock.now());
            let order = super::cancel(conn, &order, actor, now).await?;
            answer(conn, order, access.role).await
        })
        .await
}

async fn answer(conn: &mut Conn, order: Order, role: OrderRole) -> Result<Answer, Problem> {
    let version = order.version;
    let view = OrderView::load(conn, order, role).await?;
    Ok(Answer::ok(&view)?.version(version))
}

/// An order's history.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[schema(example = json!({"data": [{
    "at": "2027-01-05T08:00:00Z", "kind": "order.placed",
    "object": "ord_01h455vb4pex5vsknk084sn02q", "by": "buyer"
}]}))]
struct Timeline {
    data: Vec<HistoryEntry>,
}

/// Read an order's history
///
/// What happened to the order and its payments, and what was mailed, oldest first.
#[utoipa::path(
    tag = "Orders", operation_id = "read_order_timeline",
    security(("user" = []), ("guest" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, body = Timeline, description = "The history")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/orders/{id}/timeline")]
async fn timeline(app: web::Data<App>, access: OrderAccess) -> Result<HttpResponse, Problem> {
    access.check_viewer()?;
    let mut conn = app.db.read().await?;
    let payments = payments::of_order(&mut conn, access.order.id).await?;
    let others: Vec<String> = payments.iter().map(|p| p.id.to_string()).collect();
    let data = super::history(&mut conn, &access.order, &others).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(Timeline { data }))
}
