//! One reading of all money: payments now; refunds and disputes will stand beside them.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use super::search::read_filter;
use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::gateways::{Failure, PaymentMethod};
use crate::http::page::{Page, PageRequest};
use crate::http::path;
use crate::http::query::Query;
use crate::http::version::{self, Privacy};
use crate::id::{OrderId, PaymentId};
use crate::money::Currency;
use crate::orders::{Caller, OrderScope};
use crate::payments::{self, Payment, Status};

/// A movement of money, or an attempt at one.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "pay_01h455vb4pex5vsknk084sn02q", "kind": "payment", "status": "succeeded",
    "amount_minor": 30000000, "amount_display": "300,000.00 TZS", "currency": "TZS",
    "provider": "dummy", "method": {"type": "dummy", "brand": null, "last4": null, "phone_masked": null},
    "references": {"ours": "5f2c9a1b7d3e4f608192", "provider": null}, "failure": null,
    "order_id": "ord_01h455vb4pex5vsknk084sn02q",
    "created_at": "2027-01-05T08:00:00Z", "completed_at": "2027-01-05T08:01:00Z"
}))]
struct Transaction {
    /// That of the payment.
    id: PaymentId,
    #[schema(example = "payment")]
    kind: &'static str,
    status: Status,
    /// What comes to us is positive.
    amount_minor: i64,
    amount_display: String,
    currency: Currency,
    provider: String,
    method: Option<PaymentMethod>,
    references: References,
    failure: Option<Failure>,
    order_id: OrderId,
    created_at: Timestamp,
    completed_at: Option<Timestamp>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"ours": "5f2c9a1b7d3e4f608192", "provider": null}))]
struct References {
    ours: String,
    /// For managers.
    provider: Option<String>,
}

impl Transaction {
    async fn load_all(
        conn: &mut Conn,
        payments: Vec<Payment>,
        scope: &OrderScope,
    ) -> Result<Vec<Self>, Problem> {
        let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
        let details = payments::all_details_of(conn, &ids).await?;
        let all = payments.into_iter().map(|payment| {
            let details = details.iter().find(|row| row.payment_id == payment.id);
            let for_staff = scope.is_staff_of(payment.organizer_id);
            Self {
                id: payment.id,
                kind: "payment",
                status: payment.status,
                amount_minor: payment.amount_minor,
                amount_display: payment.amount().to_string(),
                currency: payment.currency,
                provider: payment.provider,
                method: details.and_then(|details| Some(details.method.clone()?.0)),
                references: References {
                    ours: payment.reference,
                    provider: payment.provider_payment_id.filter(|_| for_staff),
                },
                failure: details.and_then(|details| Some(details.failure.clone()?.0)),
                order_id: payment.order_id,
                created_at: payment.created_at,
                completed_at: payment.completed_at,
            }
        });
        Ok(all.collect())
    }
}

/// List transactions
///
/// Of one's own orders and of the organizers that one manages. Newest first.
#[utoipa::path(
    tag = "Payments", operation_id = "list_transactions",
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
    responses((status = 200, body = Page<Transaction>, description = "A page of transactions"))
)]
#[get("/transactions")]
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
    let rows = payments::list(&mut conn, &scope, &filter, after, page.fetch_limit()).await?;
    let page = page.page(rows, |payment| payment.id, |payment| payment)?;
    let data = Transaction::load_all(&mut conn, page.data, &scope).await?;
    let page = Page {
        data,
        has_more: page.has_more,
        next_cursor: page.next_cursor,
    };
    Ok(page.respond())
}

/// Read a transaction
#[utoipa::path(
    tag = "Payments", operation_id = "read_transaction",
    security(("user" = []), ("guest" = [])),
    params(("id" = PaymentId, Path)),
    responses((status = 200, body = Transaction, description = "The transaction"))
)]
#[get("/transactions/{id}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let id: PaymentId = path::segment(&request, "id")?;
    let mut conn = app.db.read().await?;
    let scope = OrderScope::of(&mut conn, caller).await?;
    let payment = payments::find_scoped(&mut conn, &scope, id).await?;
    let payment = payment.ok_or_else(|| Problem::new(Code::NotFound))?;
    let version = payment.version;
    let all = Transaction::load_all(&mut conn, vec![payment], &scope).await?;
    let one = all.into_iter().next();
    let one = one.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(version::object(&request, version, Privacy::Personal, &one))
}
