//! Attempts to pay a PaymentIntent: the machine of its states.

use serde_json::{Value, json};

use super::account::{Account, Due};
use super::charges::ChargeStatus;
use super::error::{ApiError, Outcome};
use super::methods::{self, Behavior, Decline, Later, Method};
use super::params::Params;
use super::payment_intents::{IGNORED, Intent, Status, refuse_method_types};

/// How a PaymentIntent is confirmed.
#[derive(Default)]
pub struct How {
    /// The customer is not there.
    pub off_session: bool,
    /// To fail rather than to wait for the customer.
    pub error_on_action: bool,
    pub return_url: Option<String>,
}

/// After how long a delayed method comes to its end by itself.
const DELAY_SECONDS: i64 = 60;

pub fn confirm(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut intent = account.intents.get(id)?;
    refuse_method_types(account, &mut params)?;
    params.ignore(IGNORED);
    let how = How {
        off_session: params.boolean("off_session")?.unwrap_or_default(),
        error_on_action: params
            .boolean("error_on_requires_action")?
            .unwrap_or_default(),
        return_url: params.text("return_url")?,
    };
    let secret = params.text("client_secret")?;
    if secret.is_some_and(|secret| secret != intent.secret) {
        let message = "The client_secret provided does not match the PaymentIntent's.";
        return Err(ApiError::invalid("client_secret", message));
    }
    let method = params.text("payment_method")?;
    let email = params.text("receipt_email")?;
    let shipping = params.json("shipping");
    let usage = params.choice("setup_future_usage", &["off_session", "on_session"])?;
    params.finish()?;
    if intent.session.is_some() {
        let message = "You cannot confirm this PaymentIntent because it was created by Checkout.";
        return Err(intent.unexpected(message.to_owned()));
    }
    intent.check_confirmable()?;
    if let Some(method) = method {
        intent.payment_method = Some(account.method(&method)?.id);
    }
    intent.receipt_email = email.or(intent.receipt_email);
    intent.shipping = shipping.or(intent.shipping);
    intent.setup_future_usage = usage.or(intent.setup_future_usage);
    account.intents.put(intent);
    account.confirm(id, how)
}

pub fn cancel(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let intent = account.intents.get(id)?;
    let reasons = [
        "duplicate",
        "fraudulent",
        "requested_by_customer",
        "abandoned",
    ];
    let reason = params.choice("cancellation_reason", &reasons)?;
    params.finish()?;
    if intent.session.is_some() && intent.status != Status::RequiresCapture {
        let message = "You cannot cancel a PaymentIntent of a Checkout Session. Expire the Checkout Session instead.";
        return Err(intent.unexpected(message.to_owned()));
    }
    account.cancel_intent(id, reason)?;
    Ok(account.intents.get(id)?.show())
}

pub fn capture(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let intent = account.intents.get(id)?;
    let amount = params.integer("amount_to_capture")?;
    params.ignore(&[
        "statement_descriptor",
        "statement_descriptor_suffix",
        "amount_details",
        "payment_details",
        "hooks",
    ]);
    let mut metadata = intent.metadata.clone();
    params.metadata(&mut metadata)?;
    params.finish()?;
    if intent.status != Status::RequiresCapture {
        let status = intent.status.as_str();
        return Err(intent.unexpected(format!(
            "This PaymentIntent could not be captured because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be captured: requires_capture."
        )));
    }
    let amount = amount.unwrap_or(intent.amount_capturable);
    if !(1..=intent.amount_capturable).contains(&amount) {
        let message = "The amount to capture must be positive and not above the capturable amount.";
        return Err(ApiError::invalid("amount_to_capture", message));
    }
    let intent = Intent { metadata, ..intent };
    account.intents.put(intent);
    account.capture(id, amount);
    Ok(account.intents.get(id)?.show())
}

impl Intent {
    fn check_confirmable(&self) -> Outcome<()> {
        match self.status {
            Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction => Ok(()),
            Status::Succeeded => Err(self.unexpected(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.".to_owned(),
            )),
            status => Err(self.unexpected(format!(
                "You cannot confirm this PaymentIntent because it has a status of {}.", status.as_str()
            ))),
        }
    }
}

impl Account {
    /// Tries to charge the payment method that a PaymentIntent has.
    pub fn confirm(&mut self, id: &str, how: How) -> Outcome<Value> {
        let mut intent = self.intents.get(id)?;
        intent.check_confirmable()?;
        let Some(method) = intent.payment_method.clone() else {
            return Err(intent.unexpected(
                "You cannot confirm this PaymentIntent because it's missing a payment method. You \
                 can either update the PaymentIntent with a payment method and then confirm it \
                 again, or confirm it again directly with a payment method or ConfirmationToken."
                    .to_owned(),
            ));
        };
        intent.return_url = how.return_url.clone().or(intent.return_url);
        if intent.allows_redirects
            && intent.return_url.is_none()
            && !how.off_session
            && !how.error_on_action
        {
            let message = "This PaymentIntent is configured to accept payment methods enabled in \
                           your Dashboard. Because some of these payment methods might redirect \
                           your customer off of your page, you must provide a `return_url`. If you \
                           don't want to accept redirect-based payment methods, set \
                           `automatic_payment_methods[enabled]` to `true` and \
                           `automatic_payment_methods[allow_redirects]` to `never` when creating \
                           Setup Intents and Payment Intents.";
            return Err(ApiError::invalid("return_url", message));
        }
        self.intents.put(intent);
        let method = self.methods.get(&method)?;
        self.attempt(id, &method, &how)?;
        Ok(self.intents.get(id)?.show())
    }

    /// What comes of a payment method, which is what its test promises.
    pub fn attempt(&mut self, id: &str, method: &Method, how: &How) -> Outcome<()> {
        match method.test.behavior {
            Behavior::Declines(decline) => Err(self.decline(id, method, decline)?),
            Behavior::NeedsAction(_) if how.off_session || how.error_on_action => {
                Err(self.decline(id, method, &methods::AUTHENTICATION_REQUIRED)?)
            }
            Behavior::NeedsAction(_) => self.require_action(id, method),
            Behavior::Delays(later) => {
                self.process(id, method)?;
                if let Some(later) = later {
                    self.later(DELAY_SECONDS, Due::Arrives(id.to_owned(), later));
                }
                Ok(())
            }
            _ => self.succeed(id, method),
        }
    }

    /// A charge succeeds: the money came, or may be captured.
    pub fn succeed(&mut self, id: &str, method: &Method) -> Outcome<()> {
        let mut intent = self.intents.get(id)?;
        intent.payment_method = Some(method.id.clone());
        intent.last_error = None;
        intent.next_action = None;
        let is_manual = intent.capture_method == "manual";
        let charge = self.charge(&intent, method, ChargeStatus::Succeeded, None);
        intent.latest_charge = Some(charge.clone());
        if is_manual {
            intent.status = Status::RequiresCapture;
            intent.amount_capturable = intent.amount;
            self.intents.put(intent.clone());
            self.emit("payment_intent.amount_capturable_updated", intent.show());
            if let Some(session) = &intent.session {
                self.session_completed(session);
            }
            return Ok(());
        }
        self.receive(intent);
        if let Behavior::Disputes { reason, is_inquiry } = method.test.behavior {
            self.open_dispute(&charge, reason, is_inquiry)?;
        }
        Ok(())
    }

    /// All the money of a PaymentIntent came.
    fn receive(&mut self, mut intent: Intent) {
        intent.status = Status::Succeeded;
        intent.amount_received = intent.amount;
        self.intents.put(intent.clone());
        self.emit("payment_intent.succeeded", intent.show());
        if let Some(session) = &intent.session {
            self.session_paid(session);
        }
        let charge = intent.latest_charge.unwrap_or_default();
        self.later(super::charges::SETTLE_SECONDS, Due::Settle(charge));
    }

    fn capture(&mut self, id: &str, amount: i64) {
        let Some(mut intent) = self.intents.find(id).cloned() else {
            return;
        };
        let charge = intent.latest_charge.clone().unwrap_or_default();
        self.capture_charge(&charge, amount);
        intent.amount_capturable = 0;
        intent.amount_received = amount;
        intent.status = Status::Succeeded;
        self.intents.put(intent.clone());
        self.emit("payment_intent.succeeded", intent.show());
        self.later(super::charges::SETTLE_SECONDS, Due::Settle(charge));
    }

    /// A charge fails; another method may be tried. Answers what whoever confirmed is told.
    pub fn decline(
        &mut self,
        id: &str,
        method: &Method,
        decline: &'static Decline,
    ) -> Outcome<ApiError> {
        let mut intent = self.intents.get(id)?;
        let charge = self.charge(&intent, method, ChargeStatus::Failed, Some(decline));
        intent.latest_charge = Some(charge.clone());
        let error = decline.error().with("charge", charge);
        self.refuse_attempt(intent, method, error)
    }

    fn refuse_attempt(
        &mut self,
        mut intent: Intent,
        method: &Method,
        error: ApiError,
    ) -> Outcome<ApiError> {
        let error = error.with("payment_method", method.show());
        intent.payment_method = None;
        intent.next_action = None;
        intent.status = Status::RequiresPaymentMethod;
        intent.last_error = Some(error.fields());
        self.intents.put(intent.clone());
        self.emit("payment_intent.payment_failed", intent.show());
        Ok(error.with("payment_intent", intent.show()))
    }

    /// The customer must authenticate, on a page of ours.
    pub fn require_action(&mut self, id: &str, method: &Method) -> Outcome<()> {
        let mut intent = self.intents.get(id)?;
        intent.payment_method = Some(method.id.clone());
        intent.status = Status::RequiresAction;
        let url = format!("{}/authenticate/{id}?key={}", self.base, intent.secret);
        intent.next_action = Some(match &intent.return_url {
            Some(return_url) => json!({
                "type": "redirect_to_url",
                "redirect_to_url": {"url": url, "return_url": return_url},
            }),
            None => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }),
        });
        self.intents.put(intent.clone());
        self.emit("payment_intent.requires_action", intent.show());
        Ok(())
    }

    /// What the customer's bank says: the payment goes on, or fails.
    pub fn authenticate(&mut self, id: &str, is_authentic: bool) -> Outcome<()> {
        let intent = self.intents.get(id)?;
        if intent.status != Status::RequiresAction {
            return Err(intent.unexpected("Nothing is to be authenticated.".to_owned()));
        }
        let method = self
            .methods
            .get(intent.payment_method.as_deref().unwrap_or_default())?;
        if !is_authentic {
            self.refuse_attempt(intent, &method, methods::NOT_AUTHENTICATED.error())?;
            return Ok(());
        }
        if let Behavior::NeedsAction(Some(decline)) = method.test.behavior {
            self.decline(id, &method, decline)?;
            return Ok(());
        }
        self.succeed(id, &method)
    }

    /// The customer did all there is to do; the outcome comes later.
    pub fn process(&mut self, id: &str, method: &Method) -> Outcome<()> {
        let mut intent = self.intents.get(id)?;
        intent.payment_method = Some(method.id.clone());
        intent.last_error = None;
        intent.next_action = None;
        intent.status = Status::Processing;
        let charge = self.charge(&intent, method, ChargeStatus::Pending, None);
        intent.latest_charge = Some(charge);
        self.intents.put(intent.clone());
        self.emit("payment_intent.processing", intent.show());
        if let Some(session) = &intent.session {
            self.session_completed(session);
        }
        Ok(())
    }

    /// The outcome of a delayed method.
    pub fn arrive_payment(&mut self, id: &str, later: Later) {
        let Some(mut intent) = self.intents.find(id).cloned() else {
            return;
        };
        if intent.status != Status::Processing {
            return;
        }
        let charge = intent.latest_charge.clone().unwrap_or_default();
        if later == Later::Succeeds {
            self.end_pending_charge(&charge, None);
            self.receive(intent);
            return;
        }
        let error = methods::BANK_FUNDS.error().with("charge", charge.clone());
        self.end_pending_charge(&charge, Some(&methods::BANK_FUNDS));
        intent.payment_method = None;
        intent.status = Status::RequiresPaymentMethod;
        intent.last_error = Some(error.fields());
        self.intents.put(intent.clone());
        self.emit("payment_intent.payment_failed", intent.show());
        if let Some(session) = &intent.session {
            self.session_failed(session);
        }
    }

    pub fn cancel_intent(&mut self, id: &str, reason: Option<&'static str>) -> Outcome<()> {
        let mut intent = self.intents.get(id)?;
        if matches!(
            intent.status,
            Status::Succeeded | Status::Canceled | Status::Processing
        ) {
            let status = intent.status.as_str();
            return Err(intent.unexpected(format!(
                "You cannot cancel this PaymentIntent because it has a status of {status}. Only a \
                 PaymentIntent with one of the following statuses may be canceled: \
                 requires_payment_method, requires_capture, requires_confirmation, requires_action, \
                 processing."
            )));
        }
        if intent.status == Status::RequiresCapture {
            let charge = intent.latest_charge.clone().unwrap_or_default();
            self.release_charge(&charge);
        }
        intent.status = Status::Canceled;
        intent.canceled_at = Some(self.now);
        intent.cancellation_reason = reason;
        intent.amount_capturable = 0;
        intent.next_action = None;
        self.intents.put(intent.clone());
        self.emit("payment_intent.canceled", intent.show());
        Ok(())
    }
}
