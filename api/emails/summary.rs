//! What mails say of an order and a booth: kept with the mail, so that it tells what was true
//! when it was queued.

use serde::{Deserialize, Serialize};

use crate::db::values::Timestamp;
use crate::id::OrderId;
use crate::money::Currency;

/// An order. Its link is derived when the mail is written, so that no table holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderSummary {
    pub order_id: OrderId,
    pub token_version: i64,
    /// Where the front end shows an order; without one the mail has no link.
    pub page_url: String,
    pub event_name: String,
    pub starts_at: Timestamp,
    /// IANA.
    pub time_zone: String,
    /// The venue's name, address and city.
    pub place: Option<String>,
    pub lines: Vec<LineSummary>,
    pub total_minor: i64,
    pub currency: Currency,
}

/// One line of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineSummary {
    pub description: String,
    pub quantity: i64,
    pub total_minor: i64,
}

/// A booked booth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoothSummary {
    pub number: String,
    /// Empty where there is only one.
    pub hall: String,
    pub type_name: String,
    pub company_name: String,
}

/// How much a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSummary {
    pub amount_minor: i64,
    pub currency: Currency,
}
