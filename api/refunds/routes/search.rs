//! Reading refunds.

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::permission::RefundAccess;
use super::show;
use super::view::RefundView;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text, names};
use crate::http::version::{self, Privacy};
use crate::id::{OrderId, PaymentId, RefundId};
use crate::orders::{Caller, OrderScope};
use crate::refunds::{self, RefundFilter, RefundStatus};

/// List refunds
///
/// Those of one's own orders and of the organizers whose finance one is. Newest first.
#[utoipa::path(
    tag = "Refunds", operation_id = "list_refunds", security(("user" = []), ("guest" = [])),
    params(
        ("status" = Option<String>, Query, description = "One or more statuses"),
        ("order_id" = Option<OrderId>, Query),
        ("payment_id" = Option<PaymentId>, Query),
        ("created_at[gte]" = Option<Timestamp>, Query),
        ("created_at[lte]" = Option<Timestamp>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page<RefundView>, description = "A page of refunds"))
)]
#[get("/refunds")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let statuses = names(RefundStatus::NAMES, RefundStatus::from_name);
    let filter = RefundFilter {
        statuses: query.optional("status", statuses).unwrap_or_default(),
        order_id: query.optional("order_id", as_text(parse::parsed("an order's id"))),
        payment_id: query.optional("payment_id", as_text(parse::parsed("a payment's id"))),
        created_from: query.optional("created_at[gte]", as_text(parse::instant)),
        created_until: query.optional("created_at[lte]", as_text(parse::instant)),
        ..RefundFilter::default()
    };
    query.finish()?;
    let after: Option<RefundId> = page.after()?;
    let mut conn = app.db.read().await?;
    let scope = OrderScope::of_finance(&mut conn, caller).await?;
    let rows = refunds::list(&mut conn, &scope, &filter, after, page.fetch_limit()).await?;
    let page = page.page(rows, |(refund, _)| refund.id, |row| row)?;
    let mut data = Vec::new();
    for (refund, provider) in page.data {
        let for_staff = scope.is_staff_of(refund.organizer_id);
        data.push(RefundView::load(&mut conn, refund, provider, for_staff).await?);
    }
    let page = Page {
        data,
        has_more: page.has_more,
        next_cursor: page.next_cursor,
    };
    Ok(page.respond())
}

/// Read a refund
#[utoipa::path(
    tag = "Refunds", operation_id = "read_refund", security(("user" = []), ("guest" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/refunds/{id}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    access: RefundAccess,
) -> Result<HttpResponse, Problem> {
    let role = access.order.role;
    if !(role.is_owner || role.is_finance()) {
        return Err(Problem::new(Code::Forbidden));
    }
    let version = access.refund.version;
    let mut conn = app.db.find().await?;
    let view = show(&mut conn, access.refund, role.is_finance()).await?;
    Ok(version::object(&request, version, Privacy::Personal, &view))
}
