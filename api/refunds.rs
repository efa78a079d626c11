//! Refunds: money that goes back by the road on which it came.
//!
//! The amount is reserved on its payment from the first wish on, so that no two refunds give
//! back more than came in. Asked for, approved and submitted are commits of their own; the
//! gateway is called between them, once for each reference.

mod ask;
mod decide;
mod machine;
mod policy;
pub mod routes;
mod settle;
mod store;
mod sweep;
mod units;

use crate::db::Conn;
use crate::db::values::text_enum;
use crate::error::{Code, Problem};
use crate::gateways::{RefundCause, RefundRefs};
use crate::id::{RefundId, TicketId};
use crate::money::Money;
use crate::payments::Payment;
pub use ask::{Asked, Asker, Target, Wish, ask, give_back, give_back_payment};
pub use decide::{approve, cancel, mark_done, reject, retry};
pub use policy::{Policy, UsedTickets, of_event as policy_of, save as save_policy};
pub use settle::{notice, settle};
pub use store::{Refund, RefundFilter, find_scoped, list};
pub use sweep::{advance, advance_now, look_for, sweep};

text_enum! {
    /// How a refund stands; its arrows are in [`machine`].
    pub enum RefundStatus {
        Requested = "requested",
        Approved = "approved",
        Submitted = "submitted",
        Pending = "pending",
        Unknown = "unknown",
        Succeeded = "succeeded",
        Failed = "failed",
        Rejected = "rejected",
        Canceled = "canceled",
    }
}

text_enum! {
    /// Who began a refund.
    pub enum Source {
        /// Somebody asked for it here.
        Ours = "ours",
        /// The money came too late, twice, or was not what was asked for.
        Automatic = "automatic",
        /// It was made at the gateway.
        External = "external",
    }
}

text_enum! {
    pub enum RefundReason {
        RequestedByCustomer = "requested_by_customer",
        Duplicate = "duplicate",
        Fraudulent = "fraudulent",
        EventCanceled = "event_canceled",
        Other = "other",
    }
}

impl Refund {
    pub fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }

    pub fn refs(&self, payment: &Payment) -> RefundRefs {
        RefundRefs {
            payment: payment.refs(),
            reference: self.reference.clone(),
            provider_refund_id: self.provider_refund_id.clone(),
            amount: self.amount(),
            cause: match self.reason {
                RefundReason::RequestedByCustomer => RefundCause::RequestedByCustomer,
                RefundReason::Duplicate => RefundCause::Duplicate,
                RefundReason::Fraudulent => RefundCause::Fraudulent,
                RefundReason::EventCanceled | RefundReason::Other => RefundCause::Other,
            },
        }
    }
}

/// The tickets that a refund is for.
pub async fn tickets_of(conn: &mut Conn, id: RefundId) -> Result<Vec<TicketId>, Problem> {
    let covered = store::covered(conn, id).await?;
    Ok(covered.into_iter().map(|it| it.ticket_id).collect())
}

pub async fn find(conn: &mut Conn, id: RefundId) -> Result<Refund, Problem> {
    let refund = store::find(conn, id).await?;
    refund.ok_or_else(|| Problem::new(Code::NotFound))
}
