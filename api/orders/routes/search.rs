//! Lists of orders.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text, names};
use crate::id::{EventId, OrderId};
use crate::money::Currency;
use crate::orders::permission::Caller;
use crate::orders::{self, Order, OrderFilter, OrderScope, OrderStatus, PaymentStatus};

/// An order in a list.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "ord_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "status": "confirmed", "payment_status": "paid", "total_minor": 30000000,
    "total_display": "300,000.00 TZS", "paid_minor": 30000000, "refunded_minor": 0,
    "currency": "TZS", "buyer_name": "Asha Mwinyi", "buyer_email": "asha@example.com",
    "expires_at": "2027-01-05T08:15:00Z", "created_at": "2027-01-05T08:00:00Z", "version": 3
}))]
struct OrderRow {
    id: OrderId,
    event_id: EventId,
    status: OrderStatus,
    payment_status: PaymentStatus,
    total_minor: i64,
    total_display: String,
    paid_minor: i64,
    refunded_minor: i64,
    currency: Currency,
    buyer_name: String,
    buyer_email: String,
    expires_at: Timestamp,
    created_at: Timestamp,
    version: i64,
}

impl From<Order> for OrderRow {
    fn from(order: Order) -> Self {
        Self {
            total_display: order.total().to_string(),
            id: order.id,
            event_id: order.event_id,
            status: order.status,
            payment_status: order.payment_status,
            total_minor: order.total_minor,
            paid_minor: order.paid_minor,
            refunded_minor: order.refunded_minor,
            currency: order.currency,
            buyer_name: order.buyer_name,
            buyer_email: order.buyer_email,
            expires_at: order.expires_at,
            created_at: order.created_at,
            version: order.version,
        }
    }
}

fn read_filter(query: &mut Query) -> OrderFilter {
    let statuses = query.optional("status", names(OrderStatus::NAMES, OrderStatus::from_name));
    let payment_statuses = query.optional(
        "payment_status",
        names(PaymentStatus::NAMES, PaymentStatus::from_name),
    );
    OrderFilter {
        statuses: statuses.unwrap_or_default(),
        payment_statuses: payment_statuses.unwrap_or_default(),
        event_id: query.optional("event_id", as_text(parse::parsed("an event's id"))),
        email: query.optional("email", as_text(parse::email)),
        created_from: query.optional("created_at[gte]", as_text(parse::instant)),
        created_until: query.optional("created_at[lte]", as_text(parse::instant)),
    }
}

/// List orders
///
/// One's own, and those of the organizers that one manages. Newest first.
#[utoipa::path(
    tag = "Orders", operation_id = "list_orders", security(("user" = []), ("guest" = [])),
    params(
        ("status" = Option<String>, Query, description = "pending, confirmed, expired, canceled; several with commas"),
        ("payment_status" = Option<String>, Query, description = "unpaid, processing, paid, …; several with commas"),
        ("event_id" = Option<EventId>, Query),
        ("email" = Option<String>, Query, description = "The buyer's e-mail"),
        ("created_at[gte]" = Option<Timestamp>, Query),
        ("created_at[lte]" = Option<Timestamp>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page<OrderRow>, description = "A page of orders"))
)]
#[get("/orders")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let filter = read_filter(&mut query);
    query.finish()?;
    let after: Option<OrderId> = page.after()?;
    let mut conn = app.db.read().await?;
    let scope = OrderScope::of(&mut conn, caller).await?;
    let rows = orders::list(&mut conn, &scope, &filter, after, page.fetch_limit()).await?;
    let page = page.page(rows, |order| order.id, OrderRow::from)?;
    Ok(page.respond())
}
