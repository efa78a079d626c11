//! Refunds: never more than was captured, and able to fail late.

use serde_json::{Value, json};

use super::account::{Account, Due};
use super::charges::Charge;
use super::error::{ApiError, Outcome};
use super::ids;
use super::methods::Behavior;
use super::money;
use super::params::{Metadata, Params};
use super::shelf::{Kept, Page};
use super::transactions::{Kind, Movement};

/// After how long a test refund changes by itself.
const LATER_SECONDS: i64 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

impl RefundStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::RequiresAction)
    }
}

#[derive(Clone)]
pub struct Refund {
    pub id: String,
    pub created: i64,
    pub amount: i64,
    pub currency: String,
    pub charge: String,
    intent: String,
    pub status: RefundStatus,
    pub reason: Option<&'static str>,
    pub metadata: Metadata,
    failure_reason: Option<&'static str>,
    transaction: String,
    failure_transaction: Option<String>,
}

impl Kept for Refund {
    const OBJECT: &'static str = "refund";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Refund {
    pub fn show(&self) -> Value {
        let pending = self.status == RefundStatus::Pending;
        json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "destination_details": {"card": {"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"}, "type": "card"},
            "failure_balance_transaction": self.failure_transaction,
            "failure_reason": self.failure_reason,
            "metadata": self.metadata,
            "payment_intent": self.intent,
            "pending_reason": pending.then_some("processing"),
            "reason": self.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status.as_str(),
            "transfer_reversal": null,
        })
    }
}

pub fn create(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    let amount = params.integer("amount")?;
    let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
    let reason = params.choice("reason", &reasons)?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.ignore(&[
        "instructions_email",
        "refund_application_fee",
        "reverse_transfer",
    ]);
    params.finish()?;
    let charge = match (charge, intent) {
        (Some(charge), _) => {
            let found = account.charges.find(&charge).cloned();
            found.ok_or_else(|| ApiError::no_such("charge", &charge, "charge"))?
        }
        (None, Some(intent)) => account.charge_of(&intent)?,
        (None, None) => {
            let message = "One of the following params should be provided for this request: \
                           payment_intent or charge.";
            return Err(ApiError::invalid("charge", message).with("code", "parameter_missing"));
        }
    };
    let refund = account.refund(&charge, amount, reason, metadata)?;
    Ok(refund.show())
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.refunds.get(id)?.show())
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let charge = params.text("charge")?;
    let intent = params.text("payment_intent")?;
    params.finish()?;
    let matches = |refund: &Refund| {
        charge
            .as_ref()
            .is_none_or(|charge| refund.charge == *charge)
            && intent
                .as_ref()
                .is_none_or(|intent| refund.intent == *intent)
    };
    account
        .refunds
        .page(&page, "/v1/refunds", matches, Refund::show)
}

pub fn update(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut refund = account.refunds.get(id)?;
    let before = json!({"metadata": refund.metadata});
    params.metadata(&mut refund.metadata)?;
    params.finish()?;
    account.refunds.put(refund.clone());
    account.emit_change("refund.updated", refund.show(), before);
    Ok(refund.show())
}

/// Only a refund that waits for the customer can be called back.
pub fn cancel(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    let refund = account.refunds.get(id)?;
    if refund.status != RefundStatus::RequiresAction {
        let message = "You can only cancel a refund whose status is requires_action.";
        return Err(ApiError::state("resource_invalid_state", message));
    }
    account.end_refund(refund, RefundStatus::Canceled, None);
    Ok(account.refunds.get(id)?.show())
}

impl Account {
    /// The charge of a PaymentIntent that money can go back from.
    pub fn charge_of(&self, intent: &str) -> Outcome<Charge> {
        let intent = self
            .intents
            .find(intent)
            .ok_or_else(|| ApiError::no_such("payment_intent", intent, "payment_intent"))?;
        let charge = intent.latest_charge.as_deref();
        let charge = charge.and_then(|charge| self.charges.find(charge));
        let paid = charge.filter(|charge| charge.is_paid() && charge.captured > 0);
        paid.cloned().ok_or_else(|| {
            let id = &intent.id;
            let message =
                format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
            intent.unexpected(message)
        })
    }

    /// Gives money back, all that is left unless told how much.
    pub fn refund(
        &mut self,
        charge: &Charge,
        amount: Option<i64>,
        reason: Option<&'static str>,
        metadata: Metadata,
    ) -> Outcome<Refund> {
        let amount = self.check_refund(charge, amount)?;
        let transaction = self.move_balance(Movement {
            kind: Kind::Refund,
            amount: amount.saturating_neg(),
            fee: 0,
            currency: charge.currency.clone(),
            source: charge.id.clone(),
            is_available: true,
        });
        let is_pending =
            self.slow_refunds || matches!(charge.method.behavior, Behavior::RefundPends);
        let refund = Refund {
            id: ids::new("re_3", 23),
            created: self.now,
            amount,
            currency: charge.currency.clone(),
            charge: charge.id.clone(),
            intent: charge.intent.clone(),
            status: if is_pending {
                RefundStatus::Pending
            } else {
                RefundStatus::Succeeded
            },
            reason,
            metadata,
            failure_reason: None,
            transaction,
            failure_transaction: None,
        };
        match charge.method.behavior {
            Behavior::RefundPends => {
                self.later(LATER_SECONDS, Due::RefundSucceeds(refund.id.clone()));
            }
            Behavior::RefundFails => {
                self.later(LATER_SECONDS, Due::RefundFails(refund.id.clone()));
            }
            _ => {}
        }
        let mut charge = charge.clone();
        charge.refunded = charge.refunded.saturating_add(amount);
        self.charges.put(charge.clone());
        self.refunds.put(refund.clone());
        self.emit("refund.created", refund.show());
        self.emit("charge.refunded", charge.show());
        Ok(refund)
    }

    fn check_refund(&self, charge: &Charge, amount: Option<i64>) -> Outcome<i64> {
        let id = &charge.id;
        if !charge.is_paid() || charge.captured == 0 {
            let message = format!("Charge {id} has not been captured or did not succeed.");
            return Err(ApiError::state("charge_not_refundable", message));
        }
        let is_taken = self
            .disputes
            .iter()
            .any(|dispute| dispute.charge == *id && dispute.took_money());
        if is_taken {
            let message = format!("Charge {id} has been charged back; cannot issue a refund.");
            return Err(ApiError::state("charge_disputed", message));
        }
        let left = charge.refundable();
        if left == 0 {
            let message = format!("Charge {id} has already been refunded.");
            return Err(ApiError::state("charge_already_refunded", message));
        }
        let amount = amount.unwrap_or(left);
        money::check_shape(amount, &charge.currency, "amount")?;
        if amount > left {
            let shown = |amount| money::display(amount, &charge.currency);
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                shown(amount),
                shown(left)
            );
            return Err(ApiError::invalid("amount", message));
        }
        Ok(amount)
    }

    /// The bank took a refund, or did not; also one that seemed to have succeeded.
    pub fn finish_refund(&mut self, id: &str, failure: Option<&'static str>) {
        let Some(refund) = self.refunds.find(id).cloned() else {
            return;
        };
        match (refund.status, failure) {
            (status, None) if status.is_open() => {
                self.end_refund(refund, RefundStatus::Succeeded, None);
            }
            (status, Some(failure)) if status.is_open() || status == RefundStatus::Succeeded => {
                self.end_refund(refund, RefundStatus::Failed, Some(failure));
            }
            _ => {}
        }
    }

    /// A pending refund waits for the customer.
    pub fn ask_about_refund(&mut self, id: &str) {
        if let Some(refund) = self.refunds.find(id).cloned()
            && refund.status == RefundStatus::Pending
        {
            self.end_refund(refund, RefundStatus::RequiresAction, None);
        }
    }

    fn end_refund(
        &mut self,
        mut refund: Refund,
        status: RefundStatus,
        failure: Option<&'static str>,
    ) {
        let before = json!({"status": refund.status.as_str()});
        refund.status = status;
        refund.failure_reason = failure;
        if matches!(status, RefundStatus::Failed | RefundStatus::Canceled) {
            self.return_to_balance(&mut refund);
        }
        self.refunds.put(refund.clone());
        if status == RefundStatus::Failed {
            self.emit("refund.failed", refund.show());
        }
        self.emit_change("refund.updated", refund.show(), before.clone());
        self.emit_change("charge.refund.updated", refund.show(), before);
    }

    /// What did not reach the customer is the account's again, and can be refunded again.
    fn return_to_balance(&mut self, refund: &mut Refund) {
        let transaction = self.move_balance(Movement {
            kind: Kind::RefundFailure,
            amount: refund.amount,
            fee: 0,
            currency: refund.currency.clone(),
            source: refund.charge.clone(),
            is_available: true,
        });
        refund.failure_transaction = Some(transaction);
        if let Some(mut charge) = self.charges.find(&refund.charge).cloned() {
            charge.refunded = charge.refunded.saturating_sub(refund.amount);
            self.charges.put(charge);
        }
    }
}
