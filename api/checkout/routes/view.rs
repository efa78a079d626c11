//! A purchase as it is shown.

use serde::Serialize;

use crate::checkout::SessionStatus;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gateways::NextAction;
use crate::http::idempotency::GUEST_TOKEN_PLACEHOLDER;
use crate::id::{CheckoutSessionId, OrderId, PaymentId};
use crate::keys::Keys;
use crate::money::Currency;
use crate::orders::routes::view::{BoothView, TicketView, load_units};
use crate::orders::{self, Order, PaymentStatus};
use crate::payments;
use crate::payments::routes::view::{PaymentView, Sight};

/// A purchase.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckoutSession, example = json!({
    "id": "chs_01h455vb4pex5vsknk084sn02q", "order_id": "ord_01h455vb4pex5vsknk084sn02q",
    "order_token": "ogt_AYkKXayWd0u8zrMCCZqAVwAAAAAAAAAB…",
    "payment_id": "pay_01h455vb4pex5vsknk084sn02q", "provider": "dummy", "status": "open",
    "payment_status": "unpaid", "expires_at": "2027-01-05T08:15:00Z",
    "total_minor": 30000000, "total_display": "300,000.00 TZS", "currency": "TZS",
    "payment_url": "http://127.0.0.1:8080/simulate/pay_01h455vb4pex5vsknk084sn02q?k=…",
    "provider_reference": "5f2c9a1b7d3e4f608192",
    "next_action": {
        "type": "redirect",
        "url": "http://127.0.0.1:8080/simulate/pay_01h455vb4pex5vsknk084sn02q?k=…"
    },
    "tickets": [{
        "id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
        "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "ticket_type_name": "VIP",
        "price_minor": 15000000, "status": "reserved", "attendee": null
    }],
    "booths": []
}))]
pub struct SessionView {
    id: CheckoutSessionId,
    order_id: OrderId,
    /// Opens the order to a buyer without an account; told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<&'static str>,
    /// The newest attempt; none for what is free.
    payment_id: Option<PaymentId>,
    provider: Option<String>,
    status: SessionStatus,
    payment_status: PaymentStatus,
    /// Until when it must be paid.
    expires_at: Timestamp,
    total_minor: i64,
    total_display: String,
    currency: Currency,
    /// Where the buyer pays, if that is a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_url: Option<String>,
    /// What the gateway's people find the payment by.
    provider_reference: Option<String>,
    next_action: NextAction,
    tickets: Vec<TicketView>,
    booths: Vec<BoothView>,
}

impl SessionView {
    pub async fn load(
        conn: &mut Conn,
        id: CheckoutSessionId,
        order: Order,
        keys: &Keys,
    ) -> Result<Self, Problem> {
        let items = orders::items_of(conn, order.id).await?;
        let (tickets, booths) = load_units(conn, &order, &items).await?;
        let newest = payments::of_order(conn, order.id).await?.pop();
        let (payment_id, provider, reference, next_action) = match newest {
            None => (None, None, None, NextAction::None),
            Some(payment) => {
                let (id, provider) = (payment.id, payment.provider.clone());
                let reference = payment.reference.clone();
                let view = PaymentView::load(conn, payment, Sight::buyer(keys)).await?;
                let next_action = view.next_action().clone();
                (Some(id), Some(provider), Some(reference), next_action)
            }
        };
        let payment_url = match &next_action {
            NextAction::Redirect { url } => Some(url.clone()),
            NextAction::None | NextAction::Sdk { .. } => None,
        };
        Ok(Self {
            id,
            order_id: order.id,
            order_token: None,
            payment_id,
            provider,
            status: SessionStatus::of(&order),
            payment_status: order.payment_status,
            expires_at: order.expires_at,
            total_minor: order.total_minor,
            total_display: order.total().to_string(),
            currency: order.currency,
            payment_url,
            provider_reference: reference,
            next_action,
            tickets,
            booths,
        })
    }

    /// The same with a place for the guest token.
    #[must_use]
    pub fn with_token(mut self) -> Self {
        self.order_token = Some(GUEST_TOKEN_PLACEHOLDER);
        self
    }
}
