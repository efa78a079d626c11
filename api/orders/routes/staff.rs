//! What only staff does with an order.

use actix_web::{HttpResponse, post, web};

use super::view::OrderView;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::id::OrderId;
use crate::orders::{self, OrderAccess, Terms};
use crate::payments::{self, ManualNote};

/// Money that was received by hand.
#[derive(utoipa::ToSchema)]
#[schema(as = ManualPayment, example = json!({
    "method": "bank_transfer", "reference": "CRDB-20270105-0042", "note": "Seen on the statement"
}))]
struct MarkPaidBody {
    /// How it came: `cash`, `bank_transfer`, …
    #[schema(max_length = 50)]
    method: String,
    /// What proves it: a receipt's or a transfer's number.
    #[schema(max_length = 200)]
    reference: String,
    /// Now, if left out.
    received_at: Option<Timestamp>,
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl FromBody for MarkPaidBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let method = fields.required("method", parse::line(50));
        let reference = fields.required("reference", parse::line(200));
        let received_at = fields.optional("received_at", parse::instant);
        let note = fields.optional("note", parse::text(500));
        Some(Self {
            method: method?,
            reference: reference?,
            received_at: received_at?,
            note: note?,
        })
    }
}

/// Mark an order as paid
///
/// For money that came through no gateway: cash at a desk, a bank transfer.
#[utoipa::path(
    tag = "Orders", operation_id = "mark_order_paid", security(("user" = [])),
    params(("id" = OrderId, Path)),
    request_body = MarkPaidBody,
    responses((status = 200, body = OrderView, description = "The order, confirmed")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "order_already_paid", "order_expired",
        "payment_in_progress"
    ])))
)]
#[post("/orders/{id}/mark-paid")]
pub async fn mark_paid(
    app: web::Data<App>,
    access: OrderAccess,
    body: Body<MarkPaidBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.check_finance()?;
    mutation.require_key()?;
    let actor = access
        .actor()
        .ok_or_else(|| Problem::new(Code::Forbidden))?;
    let (terms, now, body) = (Terms::of(&app.config), app.clock.now(), body.0);
    let note = ManualNote {
        method: body.method,
        reference: body.reference,
        received_at: body.received_at.unwrap_or(now),
        note: body.note,
    };
    mutation
        .run(async |conn| {
            let order = orders::lock(conn, access.order.id).await?;
            payments::mark_paid(conn, &terms, &order, note.clone(), actor, now).await?;
            let order = orders::lock(conn, access.order.id).await?;
            let version = order.version;
            let view = OrderView::load(conn, order, access.role).await?;
            Ok(Answer::ok(&view)?.version(version))
        })
        .await
}
