//! What customers, their banks and the account's staff do: buttons of the page, control routes.

use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::attempt::How;
use super::error::{ApiError, Outcome};
use super::methods::{self, Later};
use super::params::Metadata;
use super::payment_intents::{Intent, Status};
use super::sessions::Session;

/// What somebody does with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Pay,
    Decline,
    RequireAction,
    /// Of a PaymentIntent: by staff. Of a session: the customer goes back, which changes nothing.
    Cancel,
    Expire,
    /// With a method whose outcome comes later.
    Process,
    AsyncSucceed,
    AsyncFail,
    Dispute,
    Refund,
}

/// The details that some acts have.
#[derive(Debug, Default)]
pub struct Details {
    /// What is refunded, in minor units; else all that is left.
    pub amount: Option<i64>,
    /// One of the published payment methods.
    pub method: Option<String>,
    /// Whether a dispute only asks.
    pub is_inquiry: bool,
}

/// What is acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Session(String),
    Intent(String),
}

impl Account {
    /// The newest session, else the newest PaymentIntent, that has this id or reference.
    pub fn target(&self, reference: &str) -> Option<Target> {
        let is_in = |metadata: &Metadata| metadata.values().any(|value| value == reference);
        let session = self.sessions.newest().find(|session: &&Session| {
            session.id == reference
                || session.client_reference_id.as_deref() == Some(reference)
                || is_in(&session.metadata)
                || is_in(session.intent_metadata())
        });
        if let Some(session) = session {
            return Some(Target::Session(session.id.clone()));
        }
        let is_it = |intent: &&Intent| intent.id == reference || is_in(&intent.metadata);
        let intent = self.intents.newest().find(is_it)?;
        Some(Target::Intent(intent.id.clone()))
    }

    /// Does it. A card that is refused is no error: somebody wanted that.
    pub fn act(&mut self, target: &Target, act: Act, details: &Details) -> Outcome<()> {
        let done = self.try_act(target, act, details);
        match done {
            Err(error) if error.status == 402 => Ok(()),
            done => done,
        }
    }

    fn try_act(&mut self, target: &Target, act: Act, details: &Details) -> Outcome<()> {
        let named = |otherwise: &'static str| {
            let name = details.method.clone();
            name.unwrap_or_else(|| otherwise.to_owned())
        };
        match act {
            Act::Pay => self.try_method(target, &named("pm_card_visa"), Some(true)),
            Act::Decline => self.try_method(target, &named("pm_card_chargeDeclined"), Some(false)),
            Act::RequireAction => {
                self.try_method(target, &named("pm_card_threeDSecureRequired"), None)
            }
            Act::Process => self.try_method(target, &named("pm_usBankAccount_processing"), None),
            Act::AsyncSucceed => self.end_delay(target, Later::Succeeds),
            Act::AsyncFail => self.end_delay(target, Later::Fails),
            Act::Cancel => match target {
                Target::Session(_) => Ok(()),
                Target::Intent(id) => self.cancel_intent(id, None),
            },
            Act::Expire => match self.session_of(target) {
                Some(session) => self.expire_session(&session),
                None => Err(impossible("it belongs to no Checkout Session")),
            },
            Act::Dispute => {
                let charge = self.charge_of(&self.existing_intent(target)?)?;
                self.open_dispute(&charge.id, "fraudulent", details.is_inquiry)
            }
            Act::Refund => {
                let charge = self.charge_of(&self.existing_intent(target)?)?;
                let reason = Some("requested_by_customer");
                self.refund(&charge, details.amount, reason, Metadata::new())?;
                Ok(())
            }
        }
    }

    /// Tries a method, or lets the customer authenticate the one that waits for it.
    fn try_method(
        &mut self,
        target: &Target,
        method: &str,
        authentic: Option<bool>,
    ) -> Outcome<()> {
        let intent = match target {
            Target::Session(session) => {
                if self.sessions.get(session)?.amount == 0 && authentic == Some(true) {
                    return self.complete_free(session);
                }
                self.intent_of_session(session)?
            }
            Target::Intent(intent) => self.intents.get(intent)?,
        };
        match (intent.status, authentic) {
            (Status::RequiresAction, Some(is_authentic)) => {
                self.authenticate(&intent.id, is_authentic)
            }
            (
                Status::RequiresPaymentMethod
                | Status::RequiresConfirmation
                | Status::RequiresAction,
                _,
            ) => {
                let test = methods::find(method);
                let test =
                    test.ok_or_else(|| impossible("the method is none of Stripe's tests"))?;
                let used = self.use_method(test);
                self.attempt(&intent.id, &used, &How::default())
            }
            (status, _) => Err(impossible(&format!("it is {}", status.as_str()))),
        }
    }

    fn end_delay(&mut self, target: &Target, later: Later) -> Outcome<()> {
        let id = self.existing_intent(target)?;
        let intent = self.intents.get(&id)?;
        if intent.status != Status::Processing {
            return Err(impossible(&format!("it is {}", intent.status.as_str())));
        }
        self.arrive_payment(&id, later);
        Ok(())
    }

    /// The PaymentIntent, where there is one already.
    fn existing_intent(&self, target: &Target) -> Outcome<String> {
        let intent = match target {
            Target::Intent(intent) => Some(intent.clone()),
            Target::Session(session) => self.sessions.get(session)?.intent,
        };
        intent.ok_or_else(|| impossible("nobody has tried to pay it"))
    }

    fn session_of(&self, target: &Target) -> Option<String> {
        match target {
            Target::Session(session) => Some(session.clone()),
            Target::Intent(intent) => self.intents.find(intent)?.session.clone(),
        }
    }

    /// How it stands.
    pub fn describe(&self, target: &Target) -> Value {
        let session = self.session_of(target);
        let session = session.and_then(|session| self.sessions.find(&session));
        let intent = self.existing_intent(target).ok();
        let intent = intent.and_then(|intent| self.intents.find(&intent));
        json!({
            "session": session.map(Session::show),
            "payment_intent": intent.map(Intent::show),
        })
    }
}

fn impossible(reason: &str) -> ApiError {
    ApiError::state("sandbox", format!("This cannot be done: {reason}."))
}
