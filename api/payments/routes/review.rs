//! Deciding about a payment that is not what was asked for.

use actix_web::{HttpResponse, post, web};

use super::permission::PaymentAccess;
use super::view::{PaymentView, Sight};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::id::PaymentId;
use crate::orders::{self, Terms};
use crate::payments::{self, Decision};
use crate::refunds::{self, RefundReason};

/// A decision, and why.
#[derive(utoipa::ToSchema)]
#[schema(as = ReviewDecision, example = json!({"decision": "refund", "note": "Paid twice by mistake"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct ReviewShape {
    /// `accept` or `refund`.
    decision: String,
    #[schema(max_length = 500)]
    note: Option<String>,
}

pub struct ReviewBody {
    decision: Decision,
    note: Option<String>,
}

impl FromBody for ReviewBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let decisions = parse::one_of(&["accept", "refund"], |name| match name {
            "accept" => Some(Decision::Accept),
            "refund" => Some(Decision::Refund),
            _ => None,
        });
        let decision = fields.required("decision", decisions);
        let note = fields.optional("note", parse::text(500));
        Some(Self {
            decision: decision?,
            note: note?,
        })
    }
}

/// Decide a payment's review
///
/// Accepted, what came pays the order; refunded, it goes back, and the order may be paid anew.
#[utoipa::path(
    tag = "Payments", operation_id = "review_payment_intent", security(("user" = [])),
    params(("id" = PaymentId, Path)),
    request_body = ReviewShape,
    responses((status = 200, body = PaymentView, description = "The payment as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "invalid_transition", "amount_mismatch"
    ])))
)]
#[post("/payment-intents/{id}/review")]
pub async fn review(
    app: web::Data<App>,
    access: PaymentAccess,
    body: Body<ReviewBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.order.check_finance()?;
    mutation.require_key()?;
    let by = access.order.actor();
    let by = by.ok_or_else(|| Problem::new(Code::Forbidden))?;
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    let ReviewBody { decision, note } = body.0;
    mutation
        .run(async |conn| {
            let order = orders::lock(conn, access.payment.order_id).await?;
            let payment = payments::find(conn, access.payment.id).await?;
            let why = (by, note.as_deref());
            let payment =
                payments::decide(conn, &terms, order, payment, decision, why, now).await?;
            if decision == Decision::Refund {
                let (reason, by) = (RefundReason::Other, by.to_string());
                refunds::give_back(conn, &payment, reason, &by, now).await?;
            }
            let payment = payments::find(conn, payment.id).await?;
            let version = payment.version;
            let view = PaymentView::load(conn, payment, Sight::MANAGER).await?;
            Ok(Answer::ok(&view)?.version(version))
        })
        .await
}
