//! The books. A journal has one cause and consists of transfers from one account to another,
//! so it balances by construction; nothing in it is ever changed.

pub mod invariants;
mod store;

use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::Problem;
use crate::id::{JournalId, OrderId, OrganizerId, PaymentId, PostingId};
use crate::money::{Currency, Money};
use store::{JournalRow, PostingRow};

text_enum! {
    /// What made a journal necessary.
    pub enum Cause {
        /// Money came in through a gateway, or was received by hand.
        Capture = "capture",
        /// The order that it was for stands: what was owed is earned.
        Confirmation = "confirmation",
        /// Money came in that is not what was asked for.
        Review = "review",
        /// What was noted for review turned out otherwise.
        ReviewResolved = "review_resolved",
        /// Money went back.
        Refund = "refund",
        /// Money that went back was returned by the buyer's bank.
        RefundReturned = "refund_returned",
    }
}

/// An account of an organizer, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// What a gateway holds for us.
    Clearing(String),
    Receivable,
    RevenueTickets,
    RevenueBooths,
    /// What was given back of what was earned.
    Refunds,
    /// Money that fits nothing.
    SuspenseUnmatched,
    /// Money that came too late, or twice.
    SuspenseLate,
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clearing(provider) => write!(f, "clearing:{provider}"),
            Self::Receivable => f.write_str("receivable"),
            Self::RevenueTickets => f.write_str("revenue:tickets"),
            Self::RevenueBooths => f.write_str("revenue:booths"),
            Self::Refunds => f.write_str("refunds"),
            Self::SuspenseUnmatched => f.write_str("suspense:unmatched"),
            Self::SuspenseLate => f.write_str("suspense:late"),
        }
    }
}

/// One movement of money.
pub struct Transfer {
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
}

/// What is written together, once for each cause.
pub struct Journal {
    pub organizer: OrganizerId,
    pub cause: Cause,
    /// The id of what caused it.
    pub cause_id: String,
    pub order: OrderId,
    pub payment: Option<PaymentId>,
    pub transfers: Vec<Transfer>,
    pub occurred_at: Timestamp,
}

/// What the journals say about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    pub captured_minor: i64,
    pub refunded_minor: i64,
}

/// Where a payment's money stands in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It paid its order.
    Earned,
    /// It came too late, or twice.
    Late,
    /// It is not what was asked for.
    Unmatched,
}

impl Standing {
    /// The account that a refund is taken from.
    pub fn account(self) -> Account {
        match self {
            Self::Earned => Account::Refunds,
            Self::Late => Account::SuspenseLate,
            Self::Unmatched => Account::SuspenseUnmatched,
        }
    }
}

/// Writes a journal. A second one for the same cause is a fault of ours, and refused by the
/// database; transfers of nothing are left out.
pub async fn record(conn: &mut Conn, journal: Journal) -> Result<(), Problem> {
    let id = JournalId::new();
    let postings: Vec<PostingRow> = journal
        .transfers
        .into_iter()
        .filter(|transfer| transfer.amount.minor > 0)
        .map(|transfer| PostingRow {
            id: PostingId::new(),
            journal_id: id,
            debit_account: transfer.debit.to_string(),
            credit_account: transfer.credit.to_string(),
            amount_minor: transfer.amount.minor,
            currency: transfer.amount.currency,
        })
        .collect();
    if postings.is_empty() {
        return Ok(());
    }
    let row = JournalRow {
        id,
        organizer_id: journal.organizer,
        cause_type: journal.cause,
        cause_id: journal.cause_id,
        order_id: journal.order,
        payment_id: journal.payment,
        occurred_at: journal.occurred_at,
        created_at: journal.occurred_at,
    };
    store::insert(conn, &row, postings).await?;
    Ok(())
}

/// What came in for an order so far and what of that went back, in its currency.
pub async fn balance(
    conn: &mut Conn,
    order: OrderId,
    currency: Currency,
) -> Result<Balance, Problem> {
    let postings = store::of_order(conn, order, currency).await?;
    let sum = |of: Cause| {
        let such = postings
            .iter()
            .filter(|it| it.cause == of && it.is_captured());
        such.fold(0_i64, |sum, it| sum.saturating_add(it.amount_minor))
    };
    Ok(Balance {
        captured_minor: sum(Cause::Capture),
        refunded_minor: sum(Cause::Refund).saturating_sub(sum(Cause::RefundReturned)),
    })
}

impl store::Posted {
    /// What was never captured was given back from another account.
    fn is_captured(&self) -> bool {
        let unmatched = Account::SuspenseUnmatched.to_string();
        let of_refund = matches!(self.cause, Cause::Refund | Cause::RefundReturned);
        !of_refund || ![&self.debit_account, &self.credit_account].contains(&&unmatched)
    }
}

/// Where a payment's money stands; `None` when none came.
pub async fn standing(conn: &mut Conn, payment: PaymentId) -> Result<Option<Standing>, Problem> {
    let credited = store::credited(conn, payment).await?;
    let credited = credited.into_iter().next();
    Ok(credited.map(|account| match account.as_str() {
        "suspense:late" => Standing::Late,
        "suspense:unmatched" => Standing::Unmatched,
        _ => Standing::Earned,
    }))
}
