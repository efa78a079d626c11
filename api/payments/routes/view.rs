//! Payments as they are shown.

use serde::Serialize;

use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gateways::{Failure, NextAction, PaymentMethod};
use crate::id::{OrderId, PaymentId};
use crate::keys::Keys;
use crate::money::Currency;
use crate::orders::OrderRole;
use crate::payments::{self, Details, Payment, Status};

/// One attempt to pay one order.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PaymentIntent, example = json!({
    "id": "pay_01h455vb4pex5vsknk084sn02q", "order_id": "ord_01h455vb4pex5vsknk084sn02q",
    "attempt_no": 1, "provider": "dummy", "account": "default", "livemode": false,
    "amount_minor": 30000000, "amount_display": "300,000.00 TZS", "currency": "TZS",
    "status": "requires_action", "provider_status": "open",
    "provider_reference": "5f2c9a1b7d3e4f608192", "reference": "5f2c9a1b7d3e4f608192",
    "payment_method": null,
    "next_action": {
        "type": "redirect",
        "url": "http://127.0.0.1:8080/simulate/pay_01h455vb4pex5vsknk084sn02q?k=…"
    },
    "failure": null, "refunded_minor": 0, "refundable_minor": 0, "superseded": false,
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z",
    "completed_at": null, "version": 2
}))]
pub struct PaymentView {
    id: PaymentId,
    order_id: OrderId,
    attempt_no: i64,
    provider: String,
    account: String,
    livemode: bool,
    amount_minor: i64,
    amount_display: String,
    currency: Currency,
    status: Status,
    /// The gateway's own word.
    provider_status: Option<String>,
    /// The gateway's own id; for managers.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_payment_id: Option<String>,
    /// What the gateway's people find it by.
    provider_reference: String,
    reference: String,
    payment_method: Option<PaymentMethod>,
    /// What the buyer must do now.
    next_action: NextAction,
    failure: Option<Failure>,
    refunded_minor: i64,
    refundable_minor: i64,
    /// Whether a later attempt took its place.
    superseded: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    version: i64,
}

/// What of a payment its reader may see.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// What its gateway calls it.
    pub as_manager: bool,
    /// What it can be paid with: its buyer's alone.
    pub keys: Option<&'a Keys>,
}

impl<'a> Sight<'a> {
    pub const MANAGER: Self = Self {
        as_manager: true,
        keys: None,
    };

    pub fn buyer(keys: &'a Keys) -> Self {
        Self {
            as_manager: false,
            keys: Some(keys),
        }
    }

    pub fn of(role: OrderRole, keys: &'a Keys) -> Self {
        Self {
            as_manager: role.is_manager(),
            keys: role.is_owner.then_some(keys),
        }
    }

    /// Without what it can be paid with, whoever looks.
    pub fn of_order(role: OrderRole) -> Self {
        Self {
            as_manager: role.is_manager(),
            keys: None,
        }
    }
}

impl PaymentView {
    pub async fn load(
        conn: &mut Conn,
        payment: Payment,
        sight: Sight<'_>,
    ) -> Result<Self, Problem> {
        let details = payments::details_of(conn, payment.id).await?;
        Ok(Self::new(payment, Some(details), sight))
    }

    pub async fn load_all<'a>(
        conn: &mut Conn,
        payments: Vec<Payment>,
        sight: impl Fn(&Payment) -> Sight<'a>,
    ) -> Result<Vec<Self>, Problem> {
        if payments.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
        let mut details = payments::all_details_of(conn, &ids).await?;
        let views = payments.into_iter().map(|payment| {
            let at = details.iter().position(|row| row.payment_id == payment.id);
            let details = at.map(|at| details.swap_remove(at));
            let sight = sight(&payment);
            Self::new(payment, details, sight)
        });
        Ok(views.collect())
    }

    pub fn new(payment: Payment, details: Option<Details>, sight: Sight<'_>) -> Self {
        let next_action = details
            .as_ref()
            .filter(|_| payment.status == Status::RequiresAction)
            .and_then(|details| details.next_action.clone())
            .map_or(NextAction::None, |action| action.0.open(sight.keys));
        let refundable_minor = payment.refundable().minor;
        Self {
            amount_display: payment.amount().to_string(),
            payment_method: details.as_ref().and_then(|d| Some(d.method.clone()?.0)),
            failure: details.and_then(|details| Some(details.failure?.0)),
            next_action,
            id: payment.id,
            order_id: payment.order_id,
            attempt_no: payment.attempt_no,
            provider: payment.provider,
            account: payment.account,
            livemode: payment.livemode,
            amount_minor: payment.amount_minor,
            currency: payment.currency,
            status: payment.status,
            provider_status: payment.provider_status,
            provider_payment_id: payment.provider_payment_id.filter(|_| sight.as_manager),
            provider_reference: payment.reference.clone(),
            reference: payment.reference,
            refunded_minor: payment.refunded_minor,
            refundable_minor,
            superseded: payment.superseded_at.is_some(),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            completed_at: payment.completed_at,
            version: payment.version,
        }
    }

    pub fn next_action(&self) -> &NextAction {
        &self.next_action
    }
}
