//! Lists of payments.

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::view::{PaymentView, Sight};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text, names};
use crate::id::{OrderId, PaymentId};
use crate::orders::{Caller, OrderScope};
use crate::payments::{self, PaymentFilter, Status};

/// List payments
///
/// Those of one's own orders and of the organizers that one manages. Newest first.
#[utoipa::path(
    tag = "Payments", operation_id = "list_payment_intents",
    security(("user" = []), ("guest" = [])),
    params(
        ("provider" = Option<String>, Query, description = "One or more gateways"),
        ("status" = Option<String>, Query, description = "One or more statuses"),
        ("order_id" = Option<OrderId>, Query),
        ("reference" = Option<String>, Query),
        ("created_at[gte]" = Option<Timestamp>, Query),
        ("created_at[lte]" = Option<Timestamp>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = Page<PaymentView>, description = "A page of payments"))
)]
#[get("/payment-intents")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let filter = read_filter(&mut query);
    query.finish()?;
    let after: Option<PaymentId> = page.after()?;
    let mut conn = app.db.read().await?;
    let scope = OrderScope::of(&mut conn, caller).await?;
    let sight = |payment: &payments::Payment| match scope.is_staff_of(payment.organizer_id) {
        true => Sight::MANAGER,
        false => Sight::buyer(&app.keys),
    };
    let rows = payments::list(&mut conn, &scope, &filter, after, page.fetch_limit()).await?;
    let page = page.page(rows, |payment| payment.id, |payment| payment)?;
    let data = PaymentView::load_all(&mut conn, page.data, sight).await?;
    let page = Page {
        data,
        has_more: page.has_more,
        next_cursor: page.next_cursor,
    };
    Ok(page.respond())
}

pub fn read_filter(query: &mut Query) -> PaymentFilter {
    let statuses = query.optional("status", names(Status::NAMES, Status::from_name));
    PaymentFilter {
        statuses: statuses.unwrap_or_default(),
        ..read_common(query)
    }
}

/// What every list of money can be filtered by.
pub fn read_common(query: &mut Query) -> PaymentFilter {
    let providers = query.optional("provider", |text| {
        Ok(text.split(',').map(str::to_owned).collect::<Vec<_>>())
    });
    PaymentFilter {
        providers: providers.unwrap_or_default(),
        statuses: Vec::new(),
        order_id: query.optional("order_id", as_text(parse::parsed("an order's id"))),
        reference: query.optional("reference", as_text(parse::line(100))),
        created_from: query.optional("created_at[gte]", as_text(parse::instant)),
        created_until: query.optional("created_at[lte]", as_text(parse::instant)),
    }
}
