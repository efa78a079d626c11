//! The payment methods that Stripe publishes for tests, and what each of them does.

use serde_json::{Value, json};

use super::account::Account;
use super::error::{ApiError, Outcome};
use super::shelf::Kept;

/// One of the published payment methods.
#[derive(Debug)]
pub struct TestMethod {
    pub name: &'static str,
    pub kind: &'static str,
    pub brand: &'static str,
    pub last4: &'static str,
    pub behavior: Behavior,
}

/// What a payment method does when it is charged.
#[derive(Debug, Clone, Copy)]
pub enum Behavior {
    Succeeds,
    /// The money is available at once.
    BypassesPending,
    Declines(&'static Decline),
    /// The customer must authenticate first; then it succeeds, or declines.
    NeedsAction(Option<&'static Decline>),
    /// It succeeds, and is disputed.
    Disputes {
        reason: &'static str,
        is_inquiry: bool,
    },
    /// It succeeds; a refund is pending for some time.
    RefundPends,
    /// It succeeds; a refund seems to succeed, and fails later.
    RefundFails,
    /// The outcome comes later, by itself, or when it is told.
    Delays(Option<Later>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Later {
    Succeeds,
    Fails,
}

/// Why a card is refused.
#[derive(Debug)]
pub struct Decline {
    pub code: &'static str,
    pub decline_code: Option<&'static str>,
    pub message: &'static str,
}

impl Decline {
    pub fn error(&self) -> ApiError {
        ApiError::card(self.code, self.decline_code, self.message)
    }
}

const fn declined(decline_code: &'static str, message: &'static str) -> Decline {
    Decline {
        code: "card_declined",
        decline_code: Some(decline_code),
        message,
    }
}

const fn other(code: &'static str, message: &'static str) -> Decline {
    Decline {
        code,
        decline_code: None,
        message,
    }
}

pub static GENERIC: Decline = declined("generic_decline", "Your card was declined.");
static FUNDS: Decline = declined("insufficient_funds", "Your card has insufficient funds.");
static LOST: Decline = declined("lost_card", "Your card was declined.");
static STOLEN: Decline = declined("stolen_card", "Your card was declined.");
static FRAUDULENT: Decline = declined("fraudulent", "Your card was declined.");
static VELOCITY: Decline = declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
);
static EXPIRED: Decline = other("expired_card", "Your card has expired.");
static CVC: Decline = other("incorrect_cvc", "Your card's security code is incorrect.");
static PROCESSING: Decline = other(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);
pub static NOT_AUTHENTICATED: Decline = other(
    "payment_intent_authentication_failure",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
);
/// Where nobody is there to authenticate.
pub static AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    decline_code: Some("authentication_required"),
    message: "Your card was declined. This transaction requires authentication.",
};
pub static BANK_FUNDS: Decline = other(
    "payment_method_customer_decline",
    "The customer's account has insufficient funds to cover this payment.",
);

const fn card(name: &'static str, last4: &'static str, behavior: Behavior) -> TestMethod {
    TestMethod {
        name,
        kind: "card",
        brand: "visa",
        last4,
        behavior,
    }
}

const fn bank(name: &'static str, later: Option<Later>) -> TestMethod {
    TestMethod {
        name,
        kind: "us_bank_account",
        brand: "",
        last4: "6789",
        behavior: Behavior::Delays(later),
    }
}

const fn master(name: &'static str, last4: &'static str) -> TestMethod {
    TestMethod {
        name,
        kind: "card",
        brand: "mastercard",
        last4,
        behavior: Behavior::Succeeds,
    }
}

const fn dispute(reason: &'static str, is_inquiry: bool) -> Behavior {
    Behavior::Disputes { reason, is_inquiry }
}

use Behavior::{BypassesPending, Declines, NeedsAction, RefundFails, RefundPends, Succeeds};

pub static METHODS: &[TestMethod] = &[
    card("pm_card_visa", "4242", Succeeds),
    card("pm_card_visa_debit", "5556", Succeeds),
    master("pm_card_mastercard", "4444"),
    master("pm_card_mastercard_debit", "8210"),
    card("pm_card_bypassPending", "0077", BypassesPending),
    card("pm_card_chargeDeclined", "0002", Declines(&GENERIC)),
    card("pm_card_visa_chargeDeclined", "0002", Declines(&GENERIC)),
    card(
        "pm_card_chargeDeclinedInsufficientFunds",
        "9995",
        Declines(&FUNDS),
    ),
    card(
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "9995",
        Declines(&FUNDS),
    ),
    card(
        "pm_card_visa_chargeDeclinedLostCard",
        "9987",
        Declines(&LOST),
    ),
    card(
        "pm_card_visa_chargeDeclinedStolenCard",
        "9979",
        Declines(&STOLEN),
    ),
    card(
        "pm_card_chargeDeclinedFraudulent",
        "0019",
        Declines(&FRAUDULENT),
    ),
    card(
        "pm_card_chargeDeclinedExpiredCard",
        "0069",
        Declines(&EXPIRED),
    ),
    card("pm_card_chargeDeclinedIncorrectCvc", "0127", Declines(&CVC)),
    card(
        "pm_card_chargeDeclinedProcessingError",
        "0119",
        Declines(&PROCESSING),
    ),
    card(
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "6975",
        Declines(&VELOCITY),
    ),
    card("pm_card_chargeCustomerFail", "0341", Declines(&GENERIC)),
    card("pm_card_authenticationRequired", "3184", NeedsAction(None)),
    card(
        "pm_card_authenticationRequiredOnSetup",
        "3155",
        NeedsAction(None),
    ),
    card(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "8260",
        NeedsAction(Some(&FUNDS)),
    ),
    card("pm_card_threeDSecure", "3063", NeedsAction(None)),
    card("pm_card_threeDSecureRequired", "3063", NeedsAction(None)),
    card("pm_card_threeDSecure2Required", "3220", NeedsAction(None)),
    card(
        "pm_card_threeDSecureRequiredChargeDeclined",
        "1629",
        NeedsAction(Some(&GENERIC)),
    ),
    card("pm_card_threeDSecureOptional", "3055", Succeeds),
    card(
        "pm_card_createDispute",
        "0259",
        dispute("fraudulent", false),
    ),
    card(
        "pm_card_createDisputeProductNotReceived",
        "2685",
        dispute("product_not_received", false),
    ),
    card(
        "pm_card_createDisputeInquiry",
        "1976",
        dispute("fraudulent", true),
    ),
    card("pm_card_pendingRefund", "7726", RefundPends),
    card("pm_card_refundFail", "5126", RefundFails),
    bank("pm_usBankAccount_success", Some(Later::Succeeds)),
    bank("pm_usBankAccount_insufficientFunds", Some(Later::Fails)),
    bank("pm_usBankAccount_processing", None),
];

pub fn find(name: &str) -> Option<&'static TestMethod> {
    METHODS.iter().find(|method| method.name == name)
}

/// A test method as one customer used it.
#[derive(Clone)]
pub struct Method {
    pub id: String,
    pub test: &'static TestMethod,
    created: i64,
}

impl Kept for Method {
    const OBJECT: &'static str = "PaymentMethod";
    const PARAM: &'static str = "payment_method";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Method {
    pub fn show(&self) -> Value {
        let kind = self.test.kind;
        let details = self.test.details();
        json!({
            "id": self.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing_details(),
            kind: details.get(kind),
            "created": self.created,
            "customer": null,
            "livemode": false,
            "metadata": {},
            "type": kind,
        })
    }
}

impl TestMethod {
    /// What a charge tells about it.
    pub fn details(&self) -> Value {
        let is_card = self.kind == "card";
        let details = if is_card {
            json!({
                "brand": self.brand,
                "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
                "country": "US",
                "exp_month": 12,
                "exp_year": 2034,
                "fingerprint": format!("sandbox{}", self.last4),
                "funding": "credit",
                "last4": self.last4,
                "network": self.brand,
                "three_d_secure": null,
                "wallet": null,
            })
        } else {
            json!({
                "account_holder_type": "individual",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "fingerprint": format!("sandbox{}", self.last4),
                "last4": self.last4,
                "routing_number": "110000000",
            })
        };
        json!({"type": self.kind, self.kind: details})
    }
}

pub fn billing_details() -> Value {
    let address = json!({
        "city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null,
    });
    json!({"address": address, "email": null, "name": null, "phone": null, "tax_id": null})
}

impl Account {
    /// The payment method that a parameter names: a published one, or one that was used before.
    pub fn method(&mut self, name: &str) -> Outcome<Method> {
        if let Some(used) = self.methods.find(name) {
            return Ok(used.clone());
        }
        let unknown = || ApiError::unknown_value("PaymentMethod", name, "payment_method");
        let test = find(name).ok_or_else(unknown)?;
        Ok(self.use_method(test))
    }

    pub fn use_method(&mut self, test: &'static TestMethod) -> Method {
        let method = Method {
            id: super::ids::new("pm_1", 23),
            test,
            created: self.now,
        };
        self.methods.put(method.clone());
        method
    }
}
