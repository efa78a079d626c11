//! Orders: what somebody buys of one event, held until it is paid or its time is over.
//!
//! `pending → confirmed | expired | canceled`, and `expired | canceled → confirmed` for money
//! that came late while the stock could be taken again. A failed payment never fails an order.

mod cart;
mod change;
mod close;
mod confirm;
mod history;
mod holds;
mod mails;
mod permission;
mod place;
mod projection;
mod returned;
pub mod routes;
mod store;

use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::id::OrderId;
use crate::keys::GuestToken;
use crate::money::Money;
pub use cart::{BoothContact, Cart, Choice, ItemRequest, Line, LineItem};
pub use change::{OrderChange, change};
pub use close::{cancel, expire_due};
pub use confirm::{Reallocation, confirm, take_up_again};
pub use history::{HistoryEntry, history};
pub use mails::{mail_links, queue as queue_mail, queue_refund_mail, resend};
pub use permission::{Caller, OrderAccess, OrderRole, OrderScope, access, access_to};
pub use place::{NewOrder, Placed, PlacedOrder, Terms, Wish, place, place_all};
pub use projection::project;
pub use returned::give_stock_back;
pub use store::bookings::of_order as bookings_of;
pub use store::sessions::{
    CheckoutSession, find as find_session, insert as insert_session, of_order as session_of,
};
pub use store::{Item, Order, OrderFilter, list};
pub(crate) use store::{is_own, narrow_to_scope};

text_enum! {
    pub enum OrderStatus {
        Pending = "pending",
        Confirmed = "confirmed",
        Expired = "expired",
        Canceled = "canceled",
    }
}

text_enum! {
    /// What can be said about an order's money: a projection of the journals.
    pub enum PaymentStatus {
        Unpaid = "unpaid",
        /// A payment is on its way, unknown or in review.
        Processing = "processing",
        Paid = "paid",
        PartiallyRefunded = "partially_refunded",
        Refunded = "refunded",
        Overpaid = "overpaid",
        /// Money is here for an order that is not.
        RefundDue = "refund_due",
        ChargedBack = "charged_back",
    }
}

text_enum! {
    pub enum ItemKind {
        Ticket = "ticket",
        Booth = "booth",
    }
}

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    pub name: String,
    pub email: String,
    pub phone: Option<String>,
}

impl Order {
    pub fn total(&self) -> Money {
        Money::new(self.total_minor, self.currency)
    }

    pub fn buyer(&self) -> Buyer {
        Buyer {
            name: self.buyer_name.clone(),
            email: self.buyer_email.clone(),
            phone: self.buyer_phone.clone(),
        }
    }

    /// The token of a buyer without an account.
    pub fn guest_token(&self) -> GuestToken {
        GuestToken {
            order: self.id,
            version: self.token_version,
        }
    }

    /// Refuses what only an unpaid order within its time allows.
    pub fn check_payable(&self, now: Timestamp) -> Result<(), Problem> {
        match self.status {
            OrderStatus::Confirmed => Err(Problem::new(Code::OrderAlreadyPaid)),
            OrderStatus::Expired | OrderStatus::Canceled => Err(Problem::new(Code::OrderExpired)),
            OrderStatus::Pending if self.expires_at <= now => Err(Problem::new(Code::OrderExpired)),
            OrderStatus::Pending => Ok(()),
        }
    }
}

pub async fn find(conn: &mut Conn, id: OrderId) -> Result<Option<Order>, Problem> {
    Ok(store::find(conn, id).await?)
}

/// The order, locked until the transaction ends. Whoever changes an order, its payments or
/// its money locks it first: that puts all of them in one line.
pub async fn lock(conn: &mut Conn, id: OrderId) -> Result<Order, Problem> {
    let order = store::lock(conn, id).await?;
    order.ok_or_else(|| Problem::new(Code::NotFound))
}

/// An order's lines, in the order in which they were given.
pub async fn items_of(conn: &mut Conn, id: OrderId) -> Result<Vec<Item>, Problem> {
    Ok(store::items(conn, id).await?)
}

/// Keeps what an order holds for a payment that is under way, at most `hold_max` from when
/// the order was made.
pub async fn extend_hold(
    conn: &mut Conn,
    order: &Order,
    until: Timestamp,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), Problem> {
    let until = until.min(order.created_at.plus(terms.hold_max));
    if order.status == OrderStatus::Pending && until > order.expires_at {
        store::set_expiry(conn, order.id, until, now).await?;
        holds::set_expiry(conn, order.id, until, now).await?;
    }
    Ok(())
}

/// Gives an unpaid order no more time than until `until`, after its hold had been extended.
pub async fn shorten_hold(
    conn: &mut Conn,
    order: &Order,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Problem> {
    if order.status == OrderStatus::Pending && until < order.expires_at {
        store::set_expiry(conn, order.id, until, now).await?;
        holds::set_expiry(conn, order.id, until, now).await?;
    }
    Ok(())
}
