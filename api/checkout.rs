//! Checkout: a purchase in one call. An order, what it holds, a payment and the hand-off to
//! its gateway, made of the rules of orders and payments.

pub mod routes;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gateways::Presentation;
use crate::id::{CheckoutSessionId, OrderId};
use crate::orders::{
    self, CheckoutSession, NewOrder, Order, OrderStatus, PaymentStatus, Placed, Terms,
};
use crate::payments::{self, Attempt, Intent};

/// What a checkout's calls are made from; kept with the request's claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckoutIntent {
    pub order: OrderId,
    pub session: CheckoutSessionId,
    /// Nothing is to be paid for a free order.
    pub payment: Option<Intent>,
}

/// How far a checkout is: said by its order, stored nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    Open,
    Processing,
    Complete,
    Expired,
}

impl SessionStatus {
    pub fn of(order: &Order) -> Self {
        match (order.status, order.payment_status) {
            (OrderStatus::Confirmed, _) => Self::Complete,
            (OrderStatus::Expired | OrderStatus::Canceled, _) => Self::Expired,
            (OrderStatus::Pending, PaymentStatus::Processing) => Self::Processing,
            (OrderStatus::Pending, _) => Self::Open,
        }
    }
}

/// Places the order and intends its first payment, in the caller's transaction.
pub async fn begin(
    conn: &mut Conn,
    app: &App,
    new: &NewOrder,
    attempt: Attempt,
    by: &Placed,
) -> Result<CheckoutIntent, Problem> {
    let now: Timestamp = by.at;
    let order = orders::place(conn, &Terms::of(&app.config), new, by).await?;
    let session = CheckoutSession {
        id: CheckoutSessionId::new(),
        order_id: order.id,
        success_url: attempt.urls.success.clone(),
        cancel_url: attempt.urls.cancel.clone(),
        created_at: now,
    };
    orders::insert_session(conn, &session).await?;
    let attempt = Attempt {
        presentation: Presentation::Hosted,
        ..attempt
    };
    let payment = if order.status == OrderStatus::Pending {
        Some(payments::intend(conn, app, &order, attempt, now).await?)
    } else {
        None
    };
    Ok(CheckoutIntent {
        order: order.id,
        session: session.id,
        payment,
    })
}
