//! Disputes: a customer's bank takes the money back, or only asks.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::error::{ApiError, Outcome};
use super::ids;
use super::params::{Metadata, Params};
use super::shelf::{Kept, Page};
use super::transactions::{Kind, Movement};

const DAYS_TO_ANSWER: i64 = 9;
const FEE: i64 = 1_500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStatus {
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl DisputeStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningUnderReview => "warning_under_review",
            Self::WarningClosed => "warning_closed",
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    fn is_inquiry(self) -> bool {
        matches!(
            self,
            Self::WarningNeedsResponse | Self::WarningUnderReview | Self::WarningClosed
        )
    }

    fn is_over(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost)
    }
}

#[derive(Clone)]
pub struct Dispute {
    pub id: String,
    pub created: i64,
    pub amount: i64,
    currency: String,
    pub charge: String,
    intent: String,
    reason: &'static str,
    pub status: DisputeStatus,
    metadata: Metadata,
    evidence: Map<String, Value>,
    submissions: i64,
    transactions: Vec<String>,
    brand: &'static str,
}

impl Kept for Dispute {
    const OBJECT: &'static str = "dispute";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// What evidence may say. Everything not yet said is shown as null.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

impl Dispute {
    /// Whether the money is with the customer's bank.
    pub fn took_money(&self) -> bool {
        !self.status.is_inquiry() && self.status != DisputeStatus::Won
    }

    fn show(&self, account: &Account) -> Value {
        let mut evidence: Map<String, Value> = EVIDENCE
            .iter()
            .map(|name| ((*name).to_owned(), Value::Null))
            .collect();
        evidence.insert("enhanced_evidence".to_owned(), json!({}));
        evidence.extend(self.evidence.clone());
        let transactions = self.transactions.iter();
        let transactions: Vec<Value> = transactions
            .filter_map(|id| Some(account.transactions.find(id)?.show(account.now)))
            .collect();
        let due_by = self.created.saturating_add(DAYS_TO_ANSWER * 24 * 60 * 60);
        let method = if self.submissions > 0 {
            "manual"
        } else {
            "not_submitted"
        };
        json!({
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": transactions,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": evidence,
            "evidence_details": {
                "due_by": due_by,
                "enhanced_eligibility": {},
                "has_evidence": !self.evidence.is_empty(),
                "past_due": account.now > due_by,
                "submission_count": self.submissions,
                "submission_method": method,
            },
            "is_charge_refundable": self.status.is_inquiry(),
            "livemode": false,
            "metadata": self.metadata,
            "payment_intent": self.intent,
            "payment_method_details": {
                "card": {"brand": self.brand, "case_type": if self.status.is_inquiry() { "inquiry" } else { "chargeback" }, "network_reason_code": "10.4"},
                "type": "card",
            },
            "reason": self.reason,
            "status": self.status.as_str(),
        })
    }
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.disputes.get(id)?.show(account))
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let charge = params.text("charge")?;
    let intent = params.text("payment_intent")?;
    params.finish()?;
    let matches = |dispute: &Dispute| {
        charge
            .as_ref()
            .is_none_or(|charge| dispute.charge == *charge)
            && intent
                .as_ref()
                .is_none_or(|intent| dispute.intent == *intent)
    };
    let show = |dispute: &Dispute| dispute.show(account);
    account.disputes.page(&page, "/v1/disputes", matches, show)
}

/// Evidence is submitted unless told otherwise. `winning_evidence` and `losing_evidence` as
/// `uncategorized_text` decide a test's dispute, as Stripe documents.
pub fn update(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut dispute = account.disputes.get(id)?;
    params.metadata(&mut dispute.metadata)?;
    params.ignore(&["intended_submission_method"]);
    let submit = params.boolean("submit")?.unwrap_or(true);
    let mut is_told = false;
    if let Some(mut evidence) = params.map("evidence")? {
        for name in EVIDENCE {
            if let Some(text) = evidence.text(name)? {
                dispute
                    .evidence
                    .insert((*name).to_owned(), Value::String(text));
                is_told = true;
            }
        }
        evidence.finish()?;
    }
    params.finish()?;
    if is_told && dispute.status.is_over() {
        let message = "This dispute is closed: its evidence cannot be changed.";
        return Err(ApiError::state("dispute_closed", message));
    }
    let text = dispute
        .evidence
        .get("uncategorized_text")
        .and_then(Value::as_str);
    let verdict = match text {
        Some("winning_evidence") => Some(true),
        Some("losing_evidence") => Some(false),
        _ => None,
    };
    let is_submitted = submit && is_told;
    if is_submitted {
        dispute.submissions = dispute.submissions.saturating_add(1);
        dispute.status = if dispute.status.is_inquiry() {
            DisputeStatus::WarningUnderReview
        } else {
            DisputeStatus::UnderReview
        };
    }
    account.disputes.put(dispute.clone());
    account.emit("charge.dispute.updated", dispute.show(account));
    if let Some(is_won) = verdict.filter(|_| is_submitted) {
        account.decide_dispute(id, is_won)?;
    }
    Ok(account.disputes.get(id)?.show(account))
}

/// Gives in: it is lost.
pub fn close(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    account.decide_dispute(id, false)?;
    Ok(account.disputes.get(id)?.show(account))
}

impl Account {
    /// Somebody's bank takes the money of a charge back, or asks about it.
    pub fn open_dispute(
        &mut self,
        charge: &str,
        reason: &'static str,
        is_inquiry: bool,
    ) -> Outcome<()> {
        let mut charge = self.charges.get(charge)?;
        let amount = charge.refundable();
        if !charge.is_paid() || amount == 0 || charge.is_disputed {
            let message = "There is nothing to dispute, or it is disputed already.";
            return Err(ApiError::state("charge_not_disputable", message));
        }
        charge.is_disputed = true;
        self.charges.put(charge.clone());
        let mut dispute = Dispute {
            id: ids::new("du_1", 23),
            created: self.now,
            amount,
            currency: charge.currency.clone(),
            charge: charge.id.clone(),
            intent: charge.intent.clone(),
            reason,
            status: if is_inquiry {
                DisputeStatus::WarningNeedsResponse
            } else {
                DisputeStatus::NeedsResponse
            },
            metadata: Metadata::new(),
            evidence: Map::new(),
            submissions: 0,
            transactions: Vec::new(),
            brand: charge.method.brand,
        };
        if !is_inquiry {
            self.move_disputed(&mut dispute, amount.saturating_neg(), FEE);
        }
        self.disputes.put(dispute.clone());
        let shown = dispute.show(self);
        self.emit("charge.dispute.created", shown.clone());
        if !is_inquiry {
            self.emit("charge.dispute.funds_withdrawn", shown);
        }
        Ok(())
    }

    fn move_disputed(&mut self, dispute: &mut Dispute, amount: i64, fee: i64) {
        let transaction = self.move_balance(Movement {
            kind: Kind::Adjustment,
            amount,
            fee,
            currency: dispute.currency.clone(),
            source: dispute.id.clone(),
            is_available: true,
        });
        dispute.transactions.push(transaction);
    }

    /// The bank has decided. An inquiry is only closed.
    pub fn decide_dispute(&mut self, id: &str, is_won: bool) -> Outcome<()> {
        let mut dispute = self.disputes.get(id)?;
        if dispute.status.is_over() {
            let message = "This dispute is already closed.";
            return Err(ApiError::state("dispute_closed", message));
        }
        let is_inquiry = dispute.status.is_inquiry();
        dispute.status = match (is_inquiry, is_won) {
            (true, _) => DisputeStatus::WarningClosed,
            (false, true) => DisputeStatus::Won,
            (false, false) => DisputeStatus::Lost,
        };
        if dispute.status == DisputeStatus::Won {
            let amount = dispute.amount;
            self.move_disputed(&mut dispute, amount, 0);
        }
        self.disputes.put(dispute.clone());
        let shown = dispute.show(self);
        self.emit("charge.dispute.closed", shown.clone());
        if dispute.status == DisputeStatus::Won {
            self.emit("charge.dispute.funds_reinstated", shown);
        }
        Ok(())
    }

    pub fn show_dispute(&self, id: &str) -> Option<Value> {
        Some(self.disputes.find(id)?.show(self))
    }
}
