//! Refunds as they are shown.

use serde::Serialize;

use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gateways::Failure;
use crate::id::{OrderId, PaymentId, RefundId, TicketId};
use crate::money::Currency;
use crate::refunds::{Refund, RefundReason, RefundStatus, Source, tickets_of};

/// Money that goes back.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Refund, example = json!({
    "id": "ref_01h455vb4pex5vsknk084sn02q", "payment_id": "pay_01h455vb4pex5vsknk084sn02q",
    "order_id": "ord_01h455vb4pex5vsknk084sn02q", "status": "approved", "source": "ours",
    "amount_minor": 15000000, "amount_display": "150,000.00 TZS", "currency": "TZS",
    "reason": "requested_by_customer", "note": null, "approval_required": false,
    "ticket_ids": ["tkt_01h455vb4pex5vsknk084sn02q"], "void_tickets": true,
    "provider": "dummy", "reference": "5f2c9a1b7d3e4f608192", "provider_refund_id": null,
    "attempt_no": 1, "failure": null, "created_at": "2027-01-05T08:00:00Z",
    "updated_at": "2027-01-05T08:00:00Z", "completed_at": null, "version": 2
}))]
pub struct RefundView {
    id: RefundId,
    payment_id: PaymentId,
    order_id: OrderId,
    status: RefundStatus,
    source: Source,
    amount_minor: i64,
    amount_display: String,
    currency: Currency,
    reason: RefundReason,
    note: Option<String>,
    /// Whether somebody must still say yes.
    approval_required: bool,
    /// What it is for; empty for a mere amount.
    ticket_ids: Vec<TicketId>,
    void_tickets: bool,
    provider: String,
    /// Ours; new for each attempt.
    reference: String,
    /// The gateway's own id; for finance.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_refund_id: Option<String>,
    attempt_no: i64,
    failure: Option<Failure>,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    version: i64,
}

impl RefundView {
    pub async fn load(
        conn: &mut Conn,
        refund: Refund,
        provider: String,
        for_staff: bool,
    ) -> Result<Self, Problem> {
        let ticket_ids = tickets_of(conn, refund.id).await?;
        Ok(Self {
            id: refund.id,
            payment_id: refund.payment_id,
            order_id: refund.order_id,
            status: refund.status,
            source: refund.source,
            amount_minor: refund.amount_minor,
            amount_display: refund.amount().to_string(),
            currency: refund.currency,
            reason: refund.reason,
            note: refund.note,
            approval_required: refund.status == RefundStatus::Requested,
            ticket_ids,
            void_tickets: refund.voids,
            provider,
            reference: refund.reference,
            provider_refund_id: refund.provider_refund_id.filter(|_| for_staff),
            attempt_no: refund.attempt_no,
            failure: refund.failure.map(|failure| failure.0),
            created_at: refund.created_at,
            updated_at: refund.updated_at,
            completed_at: refund.completed_at,
            version: refund.version,
        })
    }
}
