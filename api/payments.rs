//! Payments: attempts to pay one order through one gateway.
//!
//! Intend, call, record: no network call is made inside a transaction, and what a gateway says
//! reaches our books through [`settle`] alone.

mod attempt;
mod books;
mod calls;
mod choose;
mod close;
mod details;
mod evidence;
mod machine;
mod manual;
mod review;
pub mod routes;
mod settle;
mod store;
mod sweep;
mod sync;
#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::gateways::PaymentRefs;
use crate::id::{OrderId, PaymentId};
use crate::money::Money;
pub use attempt::{Attempt, Intent, Recorded, ReturnUrls, call, intend, outcome_of, record};
pub use books::{Books, Names, called, find_by_remote, paid_between};
pub use calls::{GatewayCall, calls_of, sweep_calls, write_calls};
pub use close::close_attempts;
pub use details::Details;
pub use evidence::Evidence;
pub use manual::mark_paid;
pub use review::{Decision, decide};
pub use settle::{project, settle};
pub use store::{
    BilledPayment, Payment, PaymentFilter, count_open, count_unfinished, find_by_reference,
    find_gathered, find_scoped, list,
};
pub use sweep::sweep;
pub use sync::{Asked, cancel, look_up, pause_after, sync, wake};

text_enum! {
    /// How a payment stands; the highest fact wins, see [`machine`].
    pub enum Status {
        Created = "created",
        RequiresAction = "requires_action",
        Unknown = "unknown",
        Processing = "processing",
        Failed = "failed",
        Canceled = "canceled",
        Expired = "expired",
        Review = "review",
        Succeeded = "succeeded",
    }
}

impl Status {
    /// Somebody could still pay it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::RequiresAction)
    }

    /// Money may be on its way, so nothing else may be paid meanwhile.
    pub fn is_in_progress(self) -> bool {
        matches!(self, Self::Unknown | Self::Processing | Self::Review)
    }

    /// Nothing is expected any more.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::Canceled | Self::Expired | Self::Succeeded
        )
    }
}

/// Money that was received by hand, as staff noted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualNote {
    pub method: String,
    pub reference: String,
    pub received_at: Timestamp,
    pub note: Option<String>,
}

impl Payment {
    pub fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }

    /// What really came.
    pub fn received(&self) -> Money {
        Money::new(
            self.received_minor.unwrap_or(self.amount_minor),
            self.received_currency.unwrap_or(self.currency),
        )
    }

    /// What of it can still be given back.
    pub fn refundable(&self) -> Money {
        let received = self.received();
        let left = match self.status {
            Status::Succeeded => received
                .minor
                .max(0)
                .saturating_sub(self.refund_reserved_minor),
            _ => 0,
        };
        Money::new(left, received.currency)
    }

    pub fn refs(&self) -> PaymentRefs {
        PaymentRefs {
            payment: self.id,
            reference: self.reference.clone(),
            provider_payment_id: self.provider_payment_id.clone(),
            amount: self.amount(),
            created_at: self.created_at,
        }
    }
}

pub async fn find(conn: &mut Conn, id: PaymentId) -> Result<Payment, Problem> {
    let payment = store::find(conn, id).await?;
    payment.ok_or_else(|| Problem::new(Code::NotFound))
}

/// An order's attempts, first to last.
pub async fn of_order(conn: &mut Conn, order: OrderId) -> Result<Vec<Payment>, Problem> {
    Ok(store::of_order(conn, order).await?)
}

pub async fn details_of(conn: &mut Conn, id: PaymentId) -> Result<Details, Problem> {
    let details = details::find(conn, id).await?;
    details.ok_or_else(|| Problem::internal("a payment without details"))
}

pub async fn all_details_of(conn: &mut Conn, ids: &[PaymentId]) -> Result<Vec<Details>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(details::find_all(conn, ids).await?)
}
