//! Charges: one attempt each to take the money of a PaymentIntent.

use serde_json::{Value, json};

use super::account::Account;
use super::error::Outcome;
use super::ids;
use super::methods::{Behavior, Decline, Method, TestMethod, billing_details};
use super::money;
use super::object::shown;
use super::params::{Metadata, Params};
use super::payment_intents::Intent;
use super::shelf::{Kept, Page};
use super::transactions::{Kind, Movement};

/// How soon after its success a charge gets its balance transaction.
pub const SETTLE_SECONDS: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeStatus {
    Pending,
    Succeeded,
    Failed,
}

impl ChargeStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone)]
pub struct Charge {
    pub id: String,
    pub created: i64,
    pub intent: String,
    pub amount: i64,
    pub captured: i64,
    /// What went back, or is on its way.
    pub refunded: i64,
    pub currency: String,
    pub status: ChargeStatus,
    pub is_disputed: bool,
    pub customer: Option<String>,
    description: Option<String>,
    decline: Option<&'static Decline>,
    pub metadata: Metadata,
    payment_method: String,
    pub method: &'static TestMethod,
    receipt_email: Option<String>,
    shipping: Option<Value>,
    transaction: Option<String>,
}

/// What a sandbox has no values for.
const NULLS: &[&str] = &[
    "application",
    "application_fee",
    "application_fee_amount",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "receipt_url",
    "review",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

impl Kept for Charge {
    const OBJECT: &'static str = "charge";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Charge {
    pub fn is_paid(&self) -> bool {
        self.status == ChargeStatus::Succeeded
    }

    /// What may still go back.
    pub fn refundable(&self) -> i64 {
        self.captured.saturating_sub(self.refunded)
    }

    fn outcome(&self) -> Value {
        match (self.status, self.decline) {
            (ChargeStatus::Failed, decline) => json!({
                "advice_code": null,
                "network_advice_code": null,
                "network_decline_code": null,
                "network_status": "declined_by_network",
                "reason": decline.map(|decline| decline.decline_code.unwrap_or(decline.code)),
                "risk_level": "normal",
                "seller_message": "The bank did not return any further details with this decline.",
                "type": "issuer_declined",
            }),
            _ => json!({
                "advice_code": null,
                "network_advice_code": null,
                "network_decline_code": null,
                "network_status": "approved_by_network",
                "reason": null,
                "risk_level": "normal",
                "seller_message": "Payment complete.",
                "type": "authorized",
            }),
        }
    }

    pub fn show(&self) -> Value {
        let told = json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.captured,
            "amount_refunded": self.refunded,
            "balance_transaction": self.transaction,
            "billing_details": billing_details(),
            "calculated_statement_descriptor": "SANDBOX",
            "captured": self.captured > 0,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "disputed": self.is_disputed,
            "failure_code": self.decline.map(|decline| decline.code),
            "failure_message": self.decline.map(|decline| decline.message),
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "outcome": self.outcome(),
            "paid": self.is_paid(),
            "payment_intent": self.intent,
            "payment_method": self.payment_method,
            "payment_method_details": self.method.details(),
            "receipt_email": self.receipt_email,
            "refunded": self.captured > 0 && self.refundable() == 0,
            "shipping": self.shipping,
            "status": self.status.as_str(),
        });
        shown(NULLS, told)
    }
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.charges.get(id)?.show())
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let customer = params.text("customer")?;
    let intent = params.text("payment_intent")?;
    params.finish()?;
    let matches = |charge: &Charge| {
        (customer.is_none() || charge.customer == customer)
            && intent
                .as_ref()
                .is_none_or(|intent| charge.intent == *intent)
    };
    account
        .charges
        .page(&page, "/v1/charges", matches, Charge::show)
}

impl Account {
    /// A new charge, and the event about it. Answers its id.
    pub fn charge(
        &mut self,
        intent: &Intent,
        method: &Method,
        status: ChargeStatus,
        decline: Option<&'static Decline>,
    ) -> String {
        let is_captured = status == ChargeStatus::Succeeded && intent.capture_method != "manual";
        let charge = Charge {
            id: ids::new("ch_3", 23),
            created: self.now,
            intent: intent.id.clone(),
            amount: intent.amount,
            captured: if is_captured { intent.amount } else { 0 },
            refunded: 0,
            currency: intent.currency.clone(),
            status,
            is_disputed: false,
            customer: intent.customer.clone(),
            description: intent.description.clone(),
            decline,
            metadata: intent.metadata.clone(),
            payment_method: method.id.clone(),
            method: method.test,
            receipt_email: intent.receipt_email.clone(),
            shipping: intent.shipping.clone(),
            transaction: None,
        };
        let kind = match status {
            ChargeStatus::Pending => "charge.pending",
            ChargeStatus::Succeeded => "charge.succeeded",
            ChargeStatus::Failed => "charge.failed",
        };
        self.charges.put(charge.clone());
        self.emit(kind, charge.show());
        charge.id
    }

    /// The outcome of a charge that was pending.
    pub fn end_pending_charge(&mut self, id: &str, decline: Option<&'static Decline>) {
        let Some(mut charge) = self.charges.find(id).cloned() else {
            return;
        };
        charge.decline = decline;
        let kind = if decline.is_some() {
            charge.status = ChargeStatus::Failed;
            "charge.failed"
        } else {
            charge.status = ChargeStatus::Succeeded;
            charge.captured = charge.amount;
            "charge.succeeded"
        };
        self.charges.put(charge.clone());
        self.emit(kind, charge.show());
    }

    pub fn capture_charge(&mut self, id: &str, amount: i64) {
        let Some(mut charge) = self.charges.find(id).cloned() else {
            return;
        };
        charge.captured = amount;
        self.charges.put(charge.clone());
        self.emit("charge.captured", charge.show());
    }

    /// What was only authorized is let go, which Stripe shows as a refund of it all.
    pub fn release_charge(&mut self, id: &str) {
        let Some(mut charge) = self.charges.find(id).cloned() else {
            return;
        };
        charge.refunded = charge.amount;
        self.charges.put(charge.clone());
        self.emit("charge.refunded", charge.show());
    }

    /// A charge gets its balance transaction, and with it fee and net.
    pub fn settle_charge(&mut self, id: &str) {
        let Some(mut charge) = self.charges.find(id).cloned() else {
            return;
        };
        let is_available = matches!(charge.method.behavior, Behavior::BypassesPending);
        let transaction = self.move_balance(Movement {
            kind: Kind::Charge,
            amount: charge.captured,
            fee: money::fee(charge.captured),
            currency: charge.currency.clone(),
            source: charge.id.clone(),
            is_available,
        });
        let before = json!({"balance_transaction": charge.transaction});
        charge.transaction = Some(transaction);
        self.charges.put(charge.clone());
        self.emit_change("charge.updated", charge.show(), before);
    }
}
