//! Payments: Checkout sessions on Stripe's page, PaymentIntents on the client's own.

use std::time::Duration;

use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ListCheckoutSession,
    ProductData, RetrieveCheckoutSession,
};
use stripe_core::payment_intent::{
    CancelPaymentIntent, CancelPaymentIntentCancellationReason, CreatePaymentIntent,
    CreatePaymentIntentAutomaticPaymentMethods, ListPaymentIntent, RetrievePaymentIntent,
};
use stripe_shared::CheckoutSessionMode;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use super::Stripe;
use super::amounts::to_stripe;
use super::customer::Payer;
use super::error::CallError;
use super::listing::{PAGE, look_through};
use super::snapshot::{REFERENCE, VIA, VIA_CHECKOUT, VIA_SDK, of_intent, of_session, said};
use super::transport::{Answered, Operation, Sending};
use super::view::{IntentView, Metadata, Page, SessionView};
use crate::db::values::Timestamp;
use crate::digest::hex;
use crate::gateways::{
    CancelOutcome, CreatePayment, Failure, GatewayError, PaymentRefs, RemoteStatus, Snapshot,
};
use crate::money::{Currency, Money};

const MINUTE: Duration = Duration::from_secs(60);

/// How long a session lives at least and at most, with a minute for the way to Stripe.
const SESSION_LEAST: Duration = Duration::from_secs(31 * 60);
const SESSION_MOST: Duration = Duration::from_secs(24 * 60 * 60 - 60);

/// Within this of being written down a payment is started, but for what is resumed later.
const STARTED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// An object of Stripe's that stands for a payment of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remote<'a> {
    Session(&'a str),
    Intent(&'a str),
}

impl<'a> Remote<'a> {
    /// Reads an id; `None` for one of another kind.
    pub(super) fn of(id: &'a str) -> Option<Self> {
        let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !id.bytes().all(is_sane) {
            return None;
        }
        match id.split_once('_')?.0 {
            "cs" => Some(Self::Session(id)),
            "pi" => Some(Self::Intent(id)),
            _ => None,
        }
    }
}

/// What every object that belongs to a payment says about it.
fn metadata_of(payment: &CreatePayment, via: &str) -> Metadata {
    Metadata::from([
        (REFERENCE.to_owned(), payment.refs.reference.clone()),
        ("payment_id".to_owned(), payment.refs.payment.to_string()),
        ("order_id".to_owned(), payment.order.to_string()),
        (VIA.to_owned(), via.to_owned()),
    ])
}

/// Stripe's name of a currency.
pub(super) fn currency_of(currency: Currency) -> stripe_types::Currency {
    let code = currency.code().to_lowercase();
    code.parse()
        .unwrap_or(stripe_types::Currency::Unknown(code))
}

/// An amount in Stripe's unit.
pub(super) fn amount_of(amount: Money) -> Result<i64, GatewayError> {
    to_stripe(amount).ok_or_else(|| {
        GatewayError::Rejected(Failure {
            code: "amount_not_supported".to_owned(),
            message: "Stripe cannot take this amount.".to_owned(),
            retryable: false,
        })
    })
}

/// When a session ends: with the hold, as far as Stripe's limits allow. It follows from the
/// payment alone, so that a repeated call is the same; but for one that comes much later, which
/// must still be allowed.
fn session_end(payment: &CreatePayment, now: Timestamp) -> Timestamp {
    let started = payment.refs.created_at;
    let base = match now.since(started) < MINUTE / 2 {
        true => started,
        false => now,
    };
    let (least, most) = (base.plus(SESSION_LEAST), base.plus(SESSION_MOST));
    payment.expires_at.max(least).min(most)
}

fn session_request(
    payment: &CreatePayment,
    payer: Payer,
    amount: i64,
    now: Timestamp,
) -> CreateCheckoutSession {
    let mut price =
        CreateCheckoutSessionLineItemsPriceData::new(currency_of(payment.refs.amount.currency));
    price.unit_amount = Some(amount);
    price.product_data = Some(ProductData::new(payment.description.clone()));
    let mut line = CreateCheckoutSessionLineItems::new();
    line.price_data = Some(price);
    line.quantity = Some(1);
    // Stripe does not copy a session's metadata.
    let mut intent = CreateCheckoutSessionPaymentIntentData::new();
    intent.metadata = Some(metadata_of(payment, VIA_CHECKOUT));
    intent.description = Some(payment.description.clone());
    let session = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .line_items(vec![line])
        .payment_intent_data(intent)
        .metadata(metadata_of(payment, VIA_CHECKOUT))
        .client_reference_id(payment.refs.reference.clone())
        .success_url(payment.return_url.clone())
        .cancel_url(payment.return_url.clone())
        .expires_at(session_end(payment, now).unix_seconds());
    match payer {
        Payer::Customer(id) => session.customer(id),
        Payer::Address(address) => session.customer_email(address),
        Payer::Nobody => session,
    }
}

fn intent_request(payment: &CreatePayment, payer: Payer, amount: i64) -> CreatePaymentIntent {
    let methods = CreatePaymentIntentAutomaticPaymentMethods::new(true);
    let intent = CreatePaymentIntent::new(amount, currency_of(payment.refs.amount.currency))
        .automatic_payment_methods(methods)
        .description(payment.description.clone())
        .metadata(metadata_of(payment, VIA_SDK));
    match payer {
        Payer::Customer(id) => intent.customer(id),
        Payer::Address(address) => intent.receipt_email(address),
        Payer::Nobody => intent,
    }
}

impl Stripe {
    pub(super) async fn make_session(
        &self,
        payment: &CreatePayment,
    ) -> Result<Snapshot, GatewayError> {
        let amount = amount_of(payment.refs.amount)?;
        let payer = self.payer(&payment.buyer).await;
        let request = session_request(payment, payer, amount, self.clock.now());
        let key = format!("{}-session", payment.idempotency_key);
        let once = Sending::once(Operation::MakeSession, key);
        let made = self.transport.call(&request, once).await?;
        of_session(&made, self.account())
    }

    pub(super) async fn make_intent(
        &self,
        payment: &CreatePayment,
    ) -> Result<Snapshot, GatewayError> {
        let amount = amount_of(payment.refs.amount)?;
        let payer = self.payer(&payment.buyer).await;
        let request = intent_request(payment, payer, amount);
        let key = format!("{}-intent", payment.idempotency_key);
        let once = Sending::once(Operation::MakeIntent, key);
        let made = self.transport.call(&request, once).await?;
        of_intent(&made, self.account())
    }

    pub(super) async fn session(&self, id: &str) -> Result<Answered<SessionView>, CallError> {
        let request = RetrieveCheckoutSession::new(id).expand([
            "payment_intent".to_owned(),
            "payment_intent.latest_charge".to_owned(),
        ]);
        let asking = Sending::asking(Operation::FindSession);
        self.transport.call(&request, asking).await
    }

    pub(super) async fn intent(&self, id: &str) -> Result<Answered<IntentView>, CallError> {
        let request = RetrievePaymentIntent::new(id).expand(["latest_charge".to_owned()]);
        let asking = Sending::asking(Operation::FindIntent);
        self.transport.call(&request, asking).await
    }

    pub(super) async fn find(&self, remote: Remote<'_>) -> Result<Snapshot, GatewayError> {
        match remote {
            Remote::Session(id) => of_session(&self.session(id).await?, self.account()),
            Remote::Intent(id) => of_intent(&self.intent(id).await?, self.account()),
        }
    }

    /// Looks for what a call made that was never answered, where objects list their references.
    /// Stripe's search lags behind, so it is not asked.
    pub(super) async fn search(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        let (from, turn) = (
            refs.created_at.minus(MINUTE),
            refs.created_at.plus(STARTED_WITHIN),
        );
        let mut windows = vec![bounds(from, Some(turn))];
        if self.clock.now() > turn {
            windows.push(bounds(turn, None));
        }
        for window in windows {
            let found = match self.search_sessions(refs, window).await? {
                Some(id) => Some(id),
                // The PaymentIntent of a session also has the reference, so sessions come first.
                None => self.search_intents(refs, window).await?,
            };
            let remote = found.as_deref().and_then(Remote::of);
            if let Some(remote) = remote {
                return self.find(remote).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn search_sessions(
        &self,
        refs: &PaymentRefs,
        window: RangeQueryTs,
    ) -> Result<Option<String>, CallError> {
        let ask = async |after: Option<String>| {
            let mut list = ListCheckoutSession::new().created(window).limit(PAGE);
            if let Some(after) = after {
                list = list.starting_after(after);
            }
            let asking = Sending::asking(Operation::ListSessions);
            let page = self.transport.call::<_, Page<SessionView>>(&list, asking);
            Ok(page.await?.object)
        };
        look_through(ask, |it: &SessionView| {
            let by_id = it.client_reference_id.as_ref() == Some(&refs.reference);
            let by_metadata = said(it.metadata.as_ref(), REFERENCE) == Some(&refs.reference);
            (by_id || by_metadata).then(|| it.id.clone())
        })
        .await
    }

    async fn search_intents(
        &self,
        refs: &PaymentRefs,
        window: RangeQueryTs,
    ) -> Result<Option<String>, CallError> {
        let ask = async |after| self.page_of_intents(window, after).await;
        look_through(ask, |it: &IntentView| {
            let is_it = said(it.metadata.as_ref(), REFERENCE) == Some(&refs.reference);
            is_it.then(|| it.id.clone())
        })
        .await
    }

    async fn page_of_intents(
        &self,
        window: RangeQueryTs,
        after: Option<String>,
    ) -> Result<Page<IntentView>, CallError> {
        let mut list = ListPaymentIntent::new().created(window).limit(PAGE);
        if let Some(after) = after {
            list = list.starting_after(after);
        }
        let asking = Sending::asking(Operation::ListIntents);
        Ok(self.transport.call(&list, asking).await?.object)
    }

    /// Every payment of ours that buyers began to pay in that time. Others may use the account.
    pub(super) async fn list_intents(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Snapshot>, GatewayError> {
        let window = bounds(from, Some(until));
        let mut found = Vec::new();
        let ask = async |after| self.page_of_intents(window, after).await;
        look_through(ask, |it: &IntentView| {
            if said(it.metadata.as_ref(), REFERENCE).is_some() {
                found.push(it.clone());
            }
            None::<()>
        })
        .await?;
        let snapshots = found.into_iter().map(|object| {
            let answered = Answered {
                object,
                request_id: None,
            };
            of_intent(&answered, self.account())
        });
        snapshots.collect()
    }

    /// Ends what can still be paid. What is paid meanwhile has won the race, and is told.
    pub(super) async fn close(&self, remote: Remote<'_>) -> Result<CancelOutcome, GatewayError> {
        // The first answer to a key is kept for a day, and this one may change until then.
        let key = hex(&crate::random::bytes::<16>());
        let closed = match remote {
            Remote::Session(id) => {
                let once = Sending::once(Operation::ExpireSession, key);
                let request = ExpireCheckoutSession::new(id);
                let closed = self.transport.call(&request, once).await;
                closed.map(|closed| of_session(&closed, self.account()))
            }
            Remote::Intent(id) => {
                let once = Sending::once(Operation::CancelIntent, key);
                let reason = CancelPaymentIntentCancellationReason::Abandoned;
                let request = CancelPaymentIntent::new(id).cancellation_reason(reason);
                let closed = self.transport.call(&request, once).await;
                closed.map(|closed| of_intent(&closed, self.account()))
            }
        };
        let snapshot = match closed {
            Ok(snapshot) => snapshot?,
            Err(error) if error.is_wrong_state() => self.find(remote).await?,
            Err(error) => return Err(error.into()),
        };
        Ok(match snapshot.status {
            RemoteStatus::Canceled | RemoteStatus::Expired => CancelOutcome::Canceled(Snapshot {
                status: RemoteStatus::Canceled,
                ..snapshot
            }),
            _ => CancelOutcome::NotCancelable(snapshot),
        })
    }
}

fn bounds(from: Timestamp, until: Option<Timestamp>) -> RangeQueryTs {
    RangeQueryTs::Bounds(RangeBoundsTs {
        gte: Some(from.unix_seconds()),
        lt: until.map(Timestamp::unix_seconds),
        ..RangeBoundsTs::default()
    })
}
