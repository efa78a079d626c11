//! What an organizer's finance decides about refunds.

use actix_web::{HttpResponse, post, web};

use super::permission::FinancedRefund;
use super::show;
use super::view::RefundView;
use crate::app::App;
use crate::db::Conn;
use crate::error::Problem;
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::id::RefundId;
use crate::orders::{self, Terms};
use crate::refunds::{self, Refund};

/// Does something to a refund under its order's lock, and shows what became of it.
async fn decide(
    access: &FinancedRefund,
    mutation: &Mutation,
    decide: impl AsyncFn(&mut Conn, Refund) -> Result<Refund, Problem>,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            orders::lock(conn, access.refund.order_id).await?;
            let refund = refunds::find(conn, access.refund.id).await?;
            let refund = decide(conn, refund).await?;
            let version = refund.version;
            let view = show(conn, refund, true).await?;
            Ok(Answer::ok(&view)?.version(version))
        })
        .await
}

/// Approve a refund
#[utoipa::path(
    tag = "Refunds", operation_id = "approve_refund", security(("user" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/refunds/{id}/approve")]
pub async fn approve(
    app: web::Data<App>,
    access: FinancedRefund,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    decide(&access, &mutation, async |conn, refund| {
        refunds::approve(conn, refund, access.by, now).await
    })
    .await
}

/// Reject a refund
///
/// The tickets are good again, and the buyer is told.
#[utoipa::path(
    tag = "Refunds", operation_id = "reject_refund", security(("user" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/refunds/{id}/reject")]
pub async fn reject(
    app: web::Data<App>,
    access: FinancedRefund,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    decide(&access, &mutation, async |conn, refund| {
        refunds::reject(conn, &terms, refund, access.by, now).await
    })
    .await
}

/// Cancel a refund
///
/// Before the gateway was told of it.
#[utoipa::path(
    tag = "Refunds", operation_id = "cancel_refund", security(("user" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/refunds/{id}/cancel")]
pub async fn cancel(
    app: web::Data<App>,
    access: FinancedRefund,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    decide(&access, &mutation, async |conn, refund| {
        refunds::cancel(conn, refund, access.by, now).await
    })
    .await
}

/// Try a failed refund once more
///
/// As a new attempt, with a reference of its own.
#[utoipa::path(
    tag = "Refunds", operation_id = "retry_refund", security(("user" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "invalid_transition", "refund_exceeds_payment", "refund_in_progress"
    ])))
)]
#[post("/refunds/{id}/retry")]
pub async fn retry(
    app: web::Data<App>,
    access: FinancedRefund,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    decide(&access, &mutation, async |conn, refund| {
        refunds::retry(conn, refund, access.by, now).await
    })
    .await
}

/// Ask the gateway how a refund stands
#[utoipa::path(
    tag = "Refunds", operation_id = "sync_refund", security(("user" = [])),
    params(("id" = RefundId, Path)),
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[post("/refunds/{id}/sync")]
pub async fn sync(
    app: web::Data<App>,
    access: FinancedRefund,
    _mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    refunds::advance_now(&app, access.refund.id).await?;
    let mut conn = app.db.find().await?;
    let refund = refunds::find(&mut conn, access.refund.id).await?;
    let view = show(&mut conn, refund, true).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(view))
}

/// What proves that money was given back by hand.
#[derive(utoipa::ToSchema)]
#[schema(as = RefundDone, example = json!({
    "reference": "CRDB-20270105-0042", "note": "By bank transfer"
}))]
struct DoneBody {
    #[schema(max_length = 200)]
    reference: String,
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl FromBody for DoneBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reference = fields.required("reference", parse::line(200));
        let note = fields.optional("note", parse::text(500));
        Some(Self {
            reference: reference?,
            note: note?,
        })
    }
}

/// Mark a refund as done
///
/// For money that was given back by hand, where the gateway cannot or would not.
#[utoipa::path(
    tag = "Refunds", operation_id = "mark_refund_done", security(("user" = [])),
    params(("id" = RefundId, Path)),
    request_body = DoneBody,
    responses((status = 200, body = RefundView, description = "The refund as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "invalid_transition", "refund_exceeds_payment", "refund_in_progress"
    ])))
)]
#[post("/refunds/{id}/mark-done")]
pub async fn mark_done(
    app: web::Data<App>,
    access: FinancedRefund,
    body: Body<DoneBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    let DoneBody { reference, note } = body.0;
    decide(&access, &mutation, async |conn, mut refund| {
        refund.note = note.clone().or(refund.note);
        refunds::mark_done(conn, &terms, refund, &reference, access.by, now).await
    })
    .await
}
