//! PaymentIntents: what they are, how they are made, read and changed.

use serde_json::{Value, json};

use super::account::Account;
use super::attempt::How;
use super::error::{ApiError, Outcome};
use super::ids;
use super::money;
use super::object::shown;
use super::params::{Metadata, Params};
use super::shelf::{Kept, Page};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Clone)]
pub struct Intent {
    pub id: String,
    pub secret: String,
    pub created: i64,
    pub amount: i64,
    pub amount_received: i64,
    pub amount_capturable: i64,
    pub currency: String,
    pub status: Status,
    pub capture_method: &'static str,
    pub confirmation_method: &'static str,
    /// Whether methods that leave the page are allowed.
    pub allows_redirects: bool,
    pub customer: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub payment_method: Option<String>,
    pub latest_charge: Option<String>,
    pub last_error: Option<Value>,
    pub next_action: Option<Value>,
    pub return_url: Option<String>,
    pub canceled_at: Option<i64>,
    pub cancellation_reason: Option<&'static str>,
    pub receipt_email: Option<String>,
    pub setup_future_usage: Option<&'static str>,
    pub shipping: Option<Value>,
    pub statement_descriptor_suffix: Option<String>,
    /// The Checkout Session that made it.
    pub session: Option<String>,
}

/// What a sandbox has no values for.
const NULLS: &[&str] = &[
    "allowed_payment_method_types",
    "application",
    "application_fee_amount",
    "excluded_payment_method_types",
    "on_behalf_of",
    "payment_method_configuration_details",
    "processing",
    "review",
    "source",
    "statement_descriptor",
    "transfer_data",
    "transfer_group",
];

impl Kept for Intent {
    const OBJECT: &'static str = "payment_intent";
    const PARAM: &'static str = "intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Intent {
    pub fn new(amount: i64, currency: String, now: i64) -> Self {
        let id = ids::new("pi_3", 23);
        Self {
            secret: ids::new(&format!("{id}_secret_"), 25),
            id,
            created: now,
            amount,
            amount_received: 0,
            amount_capturable: 0,
            currency,
            status: Status::RequiresPaymentMethod,
            capture_method: "automatic_async",
            confirmation_method: "automatic",
            allows_redirects: true,
            customer: None,
            description: None,
            metadata: Metadata::new(),
            payment_method: None,
            latest_charge: None,
            last_error: None,
            next_action: None,
            return_url: None,
            canceled_at: None,
            cancellation_reason: None,
            receipt_email: None,
            setup_future_usage: None,
            shipping: None,
            statement_descriptor_suffix: None,
            session: None,
        }
    }

    pub fn show(&self) -> Value {
        let redirects = if self.allows_redirects {
            "always"
        } else {
            "never"
        };
        let told = json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount_capturable,
            "amount_details": {"tip": {}},
            "amount_received": self.amount_received,
            "automatic_payment_methods": {"allow_redirects": redirects, "enabled": true},
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method,
            "client_secret": self.secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "description": self.description,
            "last_payment_error": self.last_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": self.next_action,
            "payment_method": self.payment_method,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "receipt_email": self.receipt_email,
            "setup_future_usage": self.setup_future_usage,
            "shipping": self.shipping,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status.as_str(),
        });
        shown(NULLS, told)
    }

    /// A refusal because of the status, which shows the object.
    pub fn unexpected(&self, message: String) -> ApiError {
        ApiError::state("payment_intent_unexpected_state", message)
            .with("payment_intent", self.show())
    }
}

/// Known, and without effect here.
pub const IGNORED: &[&str] = &[
    "allowed_payment_method_types",
    "amount_details",
    "excluded_payment_method_types",
    "hooks",
    "mandate_data",
    "payment_details",
    "payment_method_configuration",
    "payment_method_options",
    "radar_options",
    "use_stripe_sdk",
];

/// Since endive, which methods there are is for Stripe to say.
pub fn refuse_method_types(account: &Account, params: &mut Params) -> Outcome<()> {
    let given = params.json("payment_method_types");
    if given.is_none() || !account.is_since("2026-09") {
        return Ok(());
    }
    let message = "The `payment_method_types` parameter is no longer supported. Use dynamic payment \
                   methods, `excluded_payment_method_types` or `allowed_payment_method_types`.";
    let error = ApiError::invalid("payment_method_types", message);
    Err(error.with("code", "payment_method_types_no_longer_supported"))
}

pub fn create(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    refuse_method_types(account, &mut params)?;
    params.ignore(IGNORED);
    let amount = params.integer("amount")?;
    let amount = amount.ok_or_else(|| ApiError::missing_param("amount"))?;
    let currency = money::currency(&params.required("currency")?, "currency")?;
    money::check_charge(amount, &currency, "amount")?;
    let mut intent = Intent::new(amount, currency, account.now);
    let capture = params.choice(
        "capture_method",
        &["automatic", "automatic_async", "manual"],
    )?;
    intent.capture_method = capture.unwrap_or(intent.capture_method);
    let confirmation = params.choice("confirmation_method", &["automatic", "manual"])?;
    intent.confirmation_method = confirmation.unwrap_or(intent.confirmation_method);
    if let Some(mut automatic) = params.map("automatic_payment_methods")? {
        let enabled = automatic.boolean("enabled")?;
        enabled.ok_or_else(|| ApiError::missing_param("automatic_payment_methods[enabled]"))?;
        let redirects = automatic.choice("allow_redirects", &["always", "never"])?;
        intent.allows_redirects = redirects != Some("never");
        automatic.finish()?;
    }
    let confirm = params.boolean("confirm")?.unwrap_or_default();
    let off_session = params.boolean("off_session")?;
    let strict = params.boolean("error_on_requires_action")?;
    let return_url = params.text("return_url")?;
    for (name, given) in [
        ("off_session", off_session.is_some()),
        ("error_on_requires_action", strict.is_some()),
        ("return_url", return_url.is_some()),
    ] {
        if given && !confirm {
            let message = format!("You can only provide `{name}` with `confirm` set to true.");
            return Err(ApiError::invalid(name, message));
        }
    }
    account.read_shared(&mut intent, &mut params)?;
    params.finish()?;
    account.announce_intent(&intent);
    account.intents.put(intent.clone());
    if !confirm {
        return Ok(intent.show());
    }
    let how = How {
        off_session: off_session.unwrap_or_default(),
        error_on_action: strict.unwrap_or_default(),
        return_url,
    };
    account.confirm(&intent.id, how)
}

pub fn retrieve(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let secret = params.text("client_secret")?;
    params.finish()?;
    let intent = account.intents.get(id)?;
    if secret.is_some_and(|secret| secret != intent.secret) {
        let message = "The client_secret provided does not match the client_secret associated with the PaymentIntent.";
        return Err(ApiError::invalid("client_secret", message));
    }
    Ok(intent.show())
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let customer = params.text("customer")?;
    params.finish()?;
    let matches = |intent: &Intent| customer.is_none() || intent.customer == customer;
    let intents = &account.intents;
    intents.page(&page, "/v1/payment_intents", matches, Intent::show)
}

pub fn update(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut intent = account.intents.get(id)?;
    refuse_method_types(account, &mut params)?;
    params.ignore(IGNORED);
    let is_open = matches!(
        intent.status,
        Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction
    );
    let amount = params.integer("amount")?;
    let currency = params.text("currency")?;
    if (amount.is_some() || currency.is_some()) && !is_open {
        let status = intent.status.as_str();
        return Err(intent.unexpected(format!(
            "This PaymentIntent's amount could not be updated because it has a status of {status}. \
             You may only update the amount of a PaymentIntent with one of the following statuses: \
             requires_payment_method, requires_confirmation, requires_action."
        )));
    }
    if let Some(currency) = currency {
        intent.currency = money::currency(&currency, "currency")?;
    }
    intent.amount = amount.unwrap_or(intent.amount);
    money::check_charge(intent.amount, &intent.currency, "amount")?;
    account.read_shared(&mut intent, &mut params)?;
    params.finish()?;
    account.intents.put(intent.clone());
    Ok(intent.show())
}

impl Account {
    /// What may be given at the start, and changed later.
    fn read_shared(&mut self, intent: &mut Intent, params: &mut Params) -> Outcome<()> {
        if let Some(customer) = params.text("customer")? {
            self.check_customer(&customer)?;
            intent.customer = Some(customer);
        }
        params.metadata(&mut intent.metadata)?;
        if let Some(description) = params.raw("description")? {
            intent.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(email) = params.raw("receipt_email")? {
            intent.receipt_email = Some(email).filter(|text| !text.is_empty());
        }
        if let Some(shipping) = params.json("shipping") {
            intent.shipping = Some(shipping);
        }
        if let Some(suffix) = params.text("statement_descriptor_suffix")? {
            intent.statement_descriptor_suffix = Some(suffix);
        }
        let usage = params.choice("setup_future_usage", &["off_session", "on_session"])?;
        intent.setup_future_usage = usage.or(intent.setup_future_usage);
        if let Some(method) = params.text("payment_method")? {
            if !matches!(
                intent.status,
                Status::RequiresPaymentMethod
                    | Status::RequiresConfirmation
                    | Status::RequiresAction
            ) {
                let status = intent.status.as_str();
                return Err(intent.unexpected(format!(
                    "You cannot update this PaymentIntent's payment method because it has a status of {status}."
                )));
            }
            intent.payment_method = Some(self.method(&method)?.id);
            intent.status = Status::RequiresConfirmation;
            intent.next_action = None;
        }
        Ok(())
    }

    pub fn announce_intent(&mut self, intent: &Intent) {
        self.emit("payment_intent.created", intent.show());
    }
}
