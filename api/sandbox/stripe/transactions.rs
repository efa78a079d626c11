//! Balance transactions: what moved the account's balance.

use serde_json::{Value, json};

use super::account::Account;
use super::error::Outcome;
use super::ids;
use super::params::Params;
use super::shelf::{Kept, Page};

/// After how long money is available, in this test account.
const AVAILABLE_SECONDS: i64 = 7 * 24 * 60 * 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Charge,
    Refund,
    RefundFailure,
    /// A dispute takes, or gives back.
    Adjustment,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Adjustment => "adjustment",
        }
    }

    fn category(self, amount: i64) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Adjustment if amount < 0 => "dispute",
            Self::Adjustment => "dispute_reversal",
        }
    }
}

/// What moves the balance; the amount is negative where it falls.
pub struct Movement {
    pub kind: Kind,
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub source: String,
    pub is_available: bool,
}

#[derive(Clone)]
pub struct Transaction {
    pub id: String,
    created: i64,
    available_on: i64,
    kind: Kind,
    amount: i64,
    fee: i64,
    currency: String,
    source: String,
}

impl Kept for Transaction {
    const OBJECT: &'static str = "balance_transaction";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Transaction {
    pub fn show(&self, now: i64) -> Value {
        let status = if self.available_on <= now {
            "available"
        } else {
            "pending"
        };
        let fees = if self.fee == 0 {
            json!([])
        } else {
            json!([{
                "amount": self.fee, "application": null, "currency": self.currency,
                "description": "Stripe processing fees", "type": "stripe_fee",
            }])
        };
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.available_on,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": null,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": fees,
            "net": self.amount.saturating_sub(self.fee),
            "reporting_category": self.kind.category(self.amount),
            "source": self.source,
            "status": status,
            "type": self.kind.as_str(),
        })
    }
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.transactions.get(id)?.show(account.now))
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let kind = params.text("type")?;
    let source = params.text("source")?;
    let currency = params.text("currency")?;
    params.finish()?;
    let matches = |row: &Transaction| {
        kind.as_ref().is_none_or(|kind| row.kind.as_str() == kind)
            && source.as_ref().is_none_or(|source| row.source == *source)
            && currency
                .as_ref()
                .is_none_or(|currency| row.currency == *currency)
    };
    let now = account.now;
    let show = |row: &Transaction| row.show(now);
    account
        .transactions
        .page(&page, "/v1/balance_transactions", matches, show)
}

impl Account {
    /// Moves the balance. Answers the transaction's id.
    pub fn move_balance(&mut self, movement: Movement) -> String {
        let wait = if movement.is_available {
            0
        } else {
            AVAILABLE_SECONDS
        };
        let transaction = Transaction {
            id: ids::new("txn_3", 23),
            created: self.now,
            available_on: self.now.saturating_add(wait),
            kind: movement.kind,
            amount: movement.amount,
            fee: movement.fee,
            currency: movement.currency,
            source: movement.source,
        };
        let id = transaction.id.clone();
        self.transactions.put(transaction);
        id
    }
}
