//! What Stripe's objects say, in our words. Statuses as of docs.stripe.com/payments/intents,
//! /api/checkout/sessions/object and /refunds.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::amounts::from_stripe;
use super::transport::Answered;
use super::view::{IntentView, Linked, Metadata, RefundView, SessionView};
use crate::gateways::{
    Failure, GatewayError, NextAction, PaymentMethod, RefundSnapshot, RemoteRefundStatus,
    RemoteStatus, Snapshot,
};
use crate::money::{Currency, Money};

/// Where objects carry our reference of the payment, on all of Stripe's objects alike.
pub(super) const REFERENCE: &str = "reference";

/// Where a refund carries our own reference of it.
pub(super) const REFUND_REFERENCE: &str = "refund_reference";

/// Where a PaymentIntent says through what it was started: [`VIA_CHECKOUT`] or [`VIA_SDK`].
pub(super) const VIA: &str = "via";
pub(super) const VIA_CHECKOUT: &str = "checkout";
pub(super) const VIA_SDK: &str = "sdk";

/// What the account is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account<'a> {
    pub livemode: bool,
    /// Without one nobody can pay on a page of their own.
    pub publishable_key: Option<&'a str>,
}

pub(super) fn said<'a>(metadata: Option<&'a Metadata>, name: &str) -> Option<&'a String> {
    metadata?.get(name)
}

/// An amount of Stripe's, if it says one. One that is no amount of ours is taken for no answer:
/// it can be neither compared nor booked.
fn money(amount: Option<i64>, currency: Option<&String>) -> Result<Option<Money>, GatewayError> {
    let (Some(amount), Some(code)) = (amount, currency) else {
        return Ok(None);
    };
    let read = Currency::from_code(code).and_then(|currency| from_stripe(amount, currency));
    let unreadable = || GatewayError::Unknown("an amount that is none of ours".to_owned());
    read.map(Some).ok_or_else(unreadable)
}

/// Nothing is paid by a word that does not say how much.
fn check_paid(status: RemoteStatus, money: Option<Money>) -> Result<(), GatewayError> {
    if status == RemoteStatus::Succeeded && money.is_none() {
        let why = "it is paid, and how much is not said";
        return Err(GatewayError::Unknown(why.to_owned()));
    }
    Ok(())
}

/// A PaymentIntent's status. A status that we do not know keeps everything as it is: money may
/// be on its way. A failed charge is not the end: the buyer may try another card.
fn intent_status(word: &str) -> RemoteStatus {
    match word {
        "requires_payment_method" | "requires_confirmation" | "requires_action" => {
            RemoteStatus::RequiresAction
        }
        "succeeded" => RemoteStatus::Succeeded,
        "canceled" => RemoteStatus::Canceled,
        _ => RemoteStatus::Processing,
    }
}

/// A session's status. A completed session that is not paid waits for the money, unless its
/// PaymentIntent says how that ended: nobody can pay on it any more.
fn session_status(session: &SessionView) -> RemoteStatus {
    let is_paid = matches!(
        session.payment_status.as_deref(),
        Some("paid" | "no_payment_required")
    );
    match session.status.as_deref() {
        Some("open") => RemoteStatus::RequiresAction,
        Some("expired") => RemoteStatus::Expired,
        _ if is_paid => RemoteStatus::Succeeded,
        _ => match intent_of(session).and_then(|intent| intent.status.as_deref()) {
            Some("requires_payment_method") => RemoteStatus::Failed,
            Some("canceled") => RemoteStatus::Canceled,
            _ => RemoteStatus::Processing,
        },
    }
}

fn intent_of(session: &SessionView) -> Option<&IntentView> {
    session.payment_intent.as_ref().and_then(Linked::object)
}

fn failure_of(intent: &IntentView) -> Option<Failure> {
    intent
        .last_payment_error
        .as_ref()
        .map(super::error::ApiError::failure)
}

/// What a payment was made with: for a card, what everybody may know of it.
fn method_of(intent: &IntentView) -> Option<PaymentMethod> {
    let charge = intent.latest_charge.as_ref()?.object()?;
    let details = charge.payment_method_details.as_ref()?;
    let card = details.card.as_ref();
    Some(PaymentMethod {
        kind: details.kind.clone()?,
        brand: card.and_then(|card| card.brand.clone()),
        last4: card.and_then(|card| card.last4.clone()),
        phone_masked: None,
    })
}

/// Leaves out what is not said.
fn raw<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let said = members.into_iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How a PaymentIntent stands.
pub(super) fn of_intent(
    it: &Answered<IntentView>,
    account: Account<'_>,
) -> Result<Snapshot, GatewayError> {
    let intent = &it.object;
    let word = intent
        .status
        .clone()
        .unwrap_or_else(|| "unknown".to_owned());
    let status = intent_status(&word);
    let amount = match status {
        RemoteStatus::Succeeded => intent.amount_received.or(intent.amount),
        _ => intent.amount,
    };
    let money = money(amount, intent.currency.as_ref())?;
    check_paid(status, money)?;
    let next_action = match (&intent.client_secret, account.publishable_key) {
        (Some(secret), Some(key)) => Some(NextAction::Sdk {
            provider: super::ID.to_owned(),
            client_secret: secret.clone(),
            publishable_key: key.to_owned(),
        }),
        _ => None,
    };
    let metadata = intent.metadata.as_ref();
    let is_of_session = said(metadata, VIA).is_some_and(|via| via == VIA_CHECKOUT);
    Ok(Snapshot {
        status,
        next_action: next_action
            .filter(|_| status == RemoteStatus::RequiresAction && !is_of_session),
        amount_minor: money.map(|money| money.minor),
        currency: money.map(|money| money.currency),
        reference: said(metadata, REFERENCE).cloned(),
        // We know a payment on Stripe's page by its session.
        provider_payment_id: (!is_of_session).then(|| intent.id.clone()),
        method: method_of(intent),
        failure: failure_of(intent),
        expires_at: None,
        livemode: intent.livemode.unwrap_or(account.livemode),
        raw: raw([
            ("object", json!("payment_intent")),
            ("id", json!(intent.id)),
            ("status", json!(intent.status)),
            ("amount", json!(intent.amount)),
            ("amount_received", json!(intent.amount_received)),
            ("currency", json!(intent.currency)),
            ("request_id", json!(it.request_id)),
        ]),
        provider_status: word,
    })
}

/// How a Checkout session stands. Its end is not told: ours is the order's, and where the
/// session may live longer than that it is closed.
pub(super) fn of_session(
    it: &Answered<SessionView>,
    account: Account<'_>,
) -> Result<Snapshot, GatewayError> {
    let session = &it.object;
    let status = session_status(session);
    let money = money(session.amount_total, session.currency.as_ref())?;
    check_paid(status, money)?;
    let intent = intent_of(session);
    let words = [&session.status, &session.payment_status];
    let words: Vec<&str> = words.into_iter().filter_map(Option::as_deref).collect();
    let url = session.url.clone();
    let reference = session.client_reference_id.as_ref();
    let reference = reference.or_else(|| said(session.metadata.as_ref(), REFERENCE));
    Ok(Snapshot {
        status,
        provider_status: words.join("/"),
        next_action: url
            .filter(|_| status == RemoteStatus::RequiresAction)
            .map(|url| NextAction::Redirect { url }),
        amount_minor: money.map(|money| money.minor),
        currency: money.map(|money| money.currency),
        reference: reference.cloned(),
        provider_payment_id: Some(session.id.clone()),
        method: intent.and_then(method_of),
        failure: intent.and_then(failure_of),
        expires_at: None,
        livemode: session.livemode.unwrap_or(account.livemode),
        raw: raw([
            ("object", json!("checkout.session")),
            ("id", json!(session.id)),
            ("status", json!(session.status)),
            ("payment_status", json!(session.payment_status)),
            ("amount_total", json!(session.amount_total)),
            ("currency", json!(session.currency)),
            (
                "payment_intent",
                json!(session.payment_intent.as_ref().map(Linked::id)),
            ),
            (
                "intent_status",
                json!(intent.and_then(|intent| intent.status.clone())),
            ),
            ("request_id", json!(it.request_id)),
        ]),
    })
}

/// How a refund stands. A status that we do not know, or none, is not its end.
pub(super) fn of_refund(it: &RefundView) -> Result<RefundSnapshot, GatewayError> {
    let status = match it.status.as_deref() {
        Some("succeeded") => RemoteRefundStatus::Succeeded,
        Some("failed" | "canceled") => RemoteRefundStatus::Failed,
        _ => RemoteRefundStatus::Pending,
    };
    let money = money(it.amount, it.currency.as_ref())?;
    let money = money
        .ok_or_else(|| GatewayError::Unknown("a refund that does not say how much".to_owned()))?;
    let failure = (status == RemoteRefundStatus::Failed).then(|| Failure {
        code: it
            .failure_reason
            .clone()
            .or_else(|| it.status.clone())
            .unwrap_or_default(),
        message: "Stripe could not give the money back.".to_owned(),
        retryable: false,
    });
    Ok(RefundSnapshot {
        status,
        provider_refund_id: it.id.clone(),
        reference: said(it.metadata.as_ref(), REFUND_REFERENCE).cloned(),
        amount_minor: money.minor,
        currency: money.currency,
        failure,
    })
}
