//! One reading of all money: payments and refunds; disputes will stand beside them.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use uuid::Uuid;

use super::search::read_common;
use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::gateways::{Failure, PaymentMethod};
use crate::http::page::{Page, PageRequest};
use crate::http::path;
use crate::http::query::{Query, names};
use crate::http::version::{self, Privacy};
use crate::id::{OrderId, PaymentId, RefundId};
use crate::money::{Currency, Money};
use crate::orders::{Caller, OrderScope};
use crate::payments::{self, Details, Payment, PaymentFilter, Status};
use crate::refunds::{self, Refund, RefundFilter, RefundStatus};

/// The id of a movement of money: that of its payment or refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MovementId {
    Payment(PaymentId),
    Refund(RefundId),
}

impl FromStr for MovementId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Payment(id));
        }
        text.parse().map(Self::Refund).map_err(drop)
    }
}

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
    /// That of the payment or refund.
    #[schema(example = "pay_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// `payment` or `refund`.
    #[schema(example = "payment")]
    kind: &'static str,
    /// That of a payment or of a refund.
    #[schema(example = "succeeded")]
    status: &'static str,
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

/// A payment or a refund, as it was read.
enum Movement {
    Payment(Payment),
    Refund(Refund, String),
}

impl Movement {
    /// What lists are sorted by: both kinds of id tell when they were made.
    fn key(&self) -> Uuid {
        match self {
            Self::Payment(payment) => payment.id.uuid(),
            Self::Refund(refund, _) => refund.id.uuid(),
        }
    }
}

impl Transaction {
    async fn load_all(
        conn: &mut Conn,
        movements: Vec<Movement>,
        scope: &OrderScope,
    ) -> Result<Vec<Self>, Problem> {
        let payments = movements.iter().filter_map(|movement| match movement {
            Movement::Payment(payment) => Some(payment.id),
            Movement::Refund(..) => None,
        });
        let details = payments::all_details_of(conn, &payments.collect::<Vec<_>>()).await?;
        let all = movements.into_iter().map(|movement| match movement {
            Movement::Payment(payment) => {
                let details = details.iter().find(|row| row.payment_id == payment.id);
                let for_staff = scope.is_staff_of(payment.organizer_id);
                Self::of_payment(payment, details, for_staff)
            }
            Movement::Refund(refund, provider) => {
                let for_staff = scope.is_staff_of(refund.organizer_id);
                Self::of_refund(refund, provider, for_staff)
            }
        });
        Ok(all.collect())
    }

    fn of_payment(payment: Payment, details: Option<&Details>, for_staff: bool) -> Self {
        Self {
            id: payment.id.to_string(),
            kind: "payment",
            status: payment.status.as_str(),
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
    }

    fn of_refund(refund: Refund, provider: String, for_staff: bool) -> Self {
        let amount = Money::new(-refund.amount_minor, refund.currency);
        Self {
            id: refund.id.to_string(),
            kind: "refund",
            status: refund.status.as_str(),
            amount_minor: amount.minor,
            amount_display: amount.to_string(),
            currency: refund.currency,
            provider,
            method: None,
            references: References {
                ours: refund.reference,
                provider: refund.provider_refund_id.filter(|_| for_staff),
            },
            failure: refund.failure.map(|failure| failure.0),
            order_id: refund.order_id,
            created_at: refund.created_at,
            completed_at: refund.completed_at,
        }
    }
}

/// Which movements somebody asks for.
struct Filter {
    payments: Option<PaymentFilter>,
    refunds: Option<RefundFilter>,
}

impl Filter {
    fn read(query: &mut Query) -> Self {
        let kinds = query.optional("kind", names(&["payment", "refund"], kind_of));
        let wants = |kind: &'static str| {
            let kinds = kinds.as_ref();
            kinds.is_none_or(|kinds: &Vec<&str>| kinds.contains(&kind))
        };
        let statuses = query.optional("status", names(STATUSES, status_of));
        let statuses = statuses.as_deref();
        let common = read_common(query);
        let of_payments: Vec<Status> = statuses
            .unwrap_or_default()
            .iter()
            .filter_map(|name| Status::from_name(name))
            .collect();
        let of_refunds: Vec<RefundStatus> = statuses
            .unwrap_or_default()
            .iter()
            .filter_map(|name| RefundStatus::from_name(name))
            .collect();
        // A status that only the other kind has excludes this one.
        let has_payments = wants("payment") && (statuses.is_none() || !of_payments.is_empty());
        let has_refunds = wants("refund") && (statuses.is_none() || !of_refunds.is_empty());
        Self {
            refunds: has_refunds.then(|| RefundFilter {
                statuses: of_refunds,
                order_id: common.order_id,
                reference: common.reference.clone(),
                providers: common.providers.clone(),
                created_from: common.created_from,
                created_until: common.created_until,
                ..RefundFilter::default()
            }),
            payments: has_payments.then_some(PaymentFilter {
                statuses: of_payments,
                ..common
            }),
        }
    }
}

/// Every status of either kind.
const STATUSES: &[&str] = &[
    "created",
    "requires_action",
    "unknown",
    "processing",
    "failed",
    "canceled",
    "expired",
    "review",
    "succeeded",
    "requested",
    "approved",
    "submitted",
    "pending",
    "rejected",
];

fn status_of(name: &str) -> Option<&'static str> {
    STATUSES.iter().find(|known| **known == name).copied()
}

fn kind_of(name: &str) -> Option<&'static str> {
    ["payment", "refund"]
        .into_iter()
        .find(|known| *known == name)
}

/// List transactions
///
/// Payments and refunds of one's own orders and of the organizers whose money one looks after.
/// Newest first.
#[utoipa::path(
    tag = "Payments", operation_id = "list_transactions",
    security(("user" = []), ("guest" = [])),
    params(
        ("provider" = Option<String>, Query, description = "One or more gateways"),
        ("kind" = Option<String>, Query, description = "payment, refund"),
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
    let filter = Filter::read(&mut query);
    query.finish()?;
    let after: Option<Uuid> = page.after()?;
    let mut conn = app.db.read().await?;
    let scope = OrderScope::of_finance(&mut conn, caller).await?;
    let limit = page.fetch_limit();
    let mut rows = Vec::new();
    if let Some(filter) = &filter.payments {
        let after = after.map(PaymentId::from_uuid);
        let found = payments::list(&mut conn, &scope, filter, after, limit).await?;
        rows.extend(found.into_iter().map(Movement::Payment));
    }
    if let Some(filter) = &filter.refunds {
        let after = after.map(RefundId::from_uuid);
        let found = refunds::list(&mut conn, &scope, filter, after, limit).await?;
        rows.extend(
            found
                .into_iter()
                .map(|(refund, provider)| Movement::Refund(refund, provider)),
        );
    }
    rows.sort_by_key(|movement| std::cmp::Reverse(movement.key()));
    let page = page.page(rows, Movement::key, |movement| movement)?;
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
    params(("id" = String, Path, description = "The id of a payment or of a refund")),
    responses((status = 200, body = Transaction, description = "The transaction"))
)]
#[get("/transactions/{id}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let id: MovementId = path::segment(&request, "id")?;
    let mut conn = app.db.find().await?;
    let scope = OrderScope::of_finance(&mut conn, caller).await?;
    let not_found = || Problem::new(Code::NotFound);
    let (version, movement) = match id {
        MovementId::Payment(id) => {
            let payment = payments::find_scoped(&mut conn, &scope, id).await?;
            let payment = payment.ok_or_else(not_found)?;
            (payment.version, Movement::Payment(payment))
        }
        MovementId::Refund(id) => {
            let found = refunds::find_scoped(&mut conn, &scope, id).await?;
            let (refund, provider) = found.ok_or_else(not_found)?;
            (refund.version, Movement::Refund(refund, provider))
        }
    };
    let all = Transaction::load_all(&mut conn, vec![movement], &scope).await?;
    let one = all.into_iter().next().ok_or_else(not_found)?;
    Ok(version::object(&request, version, Privacy::Personal, &one))
}
