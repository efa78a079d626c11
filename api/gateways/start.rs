//! What a gateway is told of a payment that is to be started.

use serde::{Deserialize, Serialize};

use super::PaymentRefs;
use crate::db::values::Timestamp;
use crate::id::OrderId;

/// Where a buyer pays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presentation {
    /// On the gateway's own page.
    Hosted,
    /// On the client's, with the gateway's script; where a gateway has none, on its page.
    #[default]
    Sdk,
}

/// Who pays.
#[derive(Clone)]
pub struct Buyer {
    pub name: String,
    pub email: String,
}

/// Names and addresses of people are nothing for a log.
impl std::fmt::Debug for Buyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buyer").finish_non_exhaustive()
    }
}

/// A payment to be started.
#[derive(Debug, Clone)]
pub struct CreatePayment {
    pub refs: PaymentRefs,
    pub order: OrderId,
    pub buyer: Buyer,
    pub presentation: Presentation,
    /// What makes a repeated call the same call.
    pub idempotency_key: String,
    pub description: String,
    /// Where the buyer comes back to.
    pub return_url: String,
    /// When it should not be payable any more.
    pub expires_at: Timestamp,
}
