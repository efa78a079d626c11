//! Stripe: Checkout sessions and PaymentIntents, by typed requests over our own transport.
//!
//! What the account at Stripe says is the truth; its events only wake us up.

mod amounts;
mod charge;
mod customer;
mod error;
mod event;
mod listing;
mod permits;
mod redact;
mod refund;
mod retry;
mod signature;
mod snapshot;
#[cfg(test)]
mod tests;
mod transport;
mod view;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use self::charge::Remote;
use self::snapshot::{Account, REFERENCE, said};
use self::transport::Transport;
use super::{
    Authenticity, CancelOutcome, Capabilities, CreatePayment, Failure, Gateway, GatewayError,
    GatewayEvent, PaymentRefs, Presentation, RawWebhook, RefundRefs, RefundSnapshot, Snapshot,
    Unreadable,
};
use crate::clock::Clock;
use crate::config::{ConfigError, StripeSettings};
use crate::db::values::Timestamp;

/// Stripe's name.
pub const ID: &str = "stripe";

/// A search must be over before another worker may take the payment over.
const SEARCH_LIMIT: Duration = Duration::from_secs(45);

/// One Stripe account.
pub struct Stripe {
    transport: Transport,
    settings: StripeSettings,
    clock: Clock,
}

impl Stripe {
    pub fn new(settings: StripeSettings, clock: Clock) -> Result<Self, ConfigError> {
        let transport = Transport::new(&settings)
            .map_err(|error| ConfigError::new("STRIPE_API_BASE", error.to_string()))?;
        Ok(Self {
            transport,
            settings,
            clock,
        })
    }

    fn account(&self) -> Account<'_> {
        Account {
            livemode: self.settings.livemode(),
            publishable_key: self.settings.publishable_key.as_deref(),
        }
    }
}

fn not_found() -> GatewayError {
    GatewayError::Rejected(Failure {
        code: "not_found".to_owned(),
        message: "Stripe knows no such payment.".to_owned(),
        retryable: false,
    })
}

#[async_trait(?Send)]
impl Gateway for Stripe {
    fn id(&self) -> &'static str {
        ID
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            livemode: self.settings.livemode(),
            next_actions: match self.settings.publishable_key {
                Some(_) => &["redirect", "sdk"],
                None => &["redirect"],
            },
            currencies: Some(amounts::CURRENCIES),
            amounts: amounts::limits,
            can_cancel: true,
            refunds: "partial",
            inquiry_binds_amount: true,
            inquiry_delay: Duration::ZERO,
            inquiry_interval: Duration::from_secs(10),
            // A request that Stripe has begun may take more than a minute.
            horizon: Duration::from_secs(10 * 60),
            expiry_most: Duration::from_secs(24 * 60 * 60),
        }
    }

    fn publishable_key(&self) -> Option<&str> {
        self.settings.publishable_key.as_deref()
    }

    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        match (payment.presentation, &self.settings.publishable_key) {
            (Presentation::Sdk, Some(_)) => self.make_intent(payment).await,
            _ => self.make_session(payment).await,
        }
    }

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        let id = refs.provider_payment_id.as_deref().unwrap_or_default();
        match Remote::of(id) {
            Some(remote) => self.find(remote).await,
            None => Err(not_found()),
        }
    }

    async fn find_by_reference(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        let search = tokio::time::timeout(SEARCH_LIMIT, self.search(refs));
        let too_long = || GatewayError::Unknown("the search took too long".to_owned());
        search.await.map_err(|_| too_long())?
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        let known = refs.provider_payment_id.clone();
        let id = match known {
            Some(id) => Some(id),
            None => {
                let found = self.find_by_reference(refs).await?;
                found.and_then(|found| found.provider_payment_id)
            }
        };
        match id.as_deref().and_then(Remote::of) {
            Some(remote) => self.close(remote).await,
            None => Err(not_found()),
        }
    }

    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        self.make_refund(refund).await
    }

    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        self.find_refund(refund).await
    }

    async fn list_refunds(&self, refs: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError> {
        self.refunds_of(refs).await
    }

    /// What buyers have begun to pay: a session that nobody touched has no PaymentIntent.
    async fn list(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Snapshot>, GatewayError> {
        self.list_intents(from, until).await
    }

    async fn verify_webhook(&self, message: &RawWebhook<'_>) -> Authenticity {
        let header = message.headers.get(signature::HEADER);
        let header = header.and_then(|header| header.to_str().ok());
        let secrets = &self.settings.webhook_secrets;
        let now = message.received_at.unix_seconds();
        match header {
            Some(header) if signature::is_signed(header, message.body, secrets, now) => {
                Authenticity::Verified
            }
            _ => Authenticity::Invalid,
        }
    }

    fn parse_webhook(&self, message: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable> {
        event::parse(message.body, self.settings.livemode()).map(|event| vec![event])
    }

    async fn reference_of(&self, remote: &str) -> Result<Option<String>, GatewayError> {
        let metadata = match Remote::of(remote) {
            Some(Remote::Intent(id)) => self.intent(id).await.map(|it| it.object.metadata),
            Some(Remote::Session(id)) => self.session(id).await.map(|it| it.object.metadata),
            None => return Ok(None),
        };
        match metadata {
            Ok(metadata) => Ok(said(metadata.as_ref(), REFERENCE).cloned()),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn redact(&self, body: &[u8]) -> Vec<u8> {
        redact::redact(body)
    }

    fn reference_of_return(&self, parameters: &HashMap<String, String>) -> Option<String> {
        parameters.get("reference").cloned()
    }
}
