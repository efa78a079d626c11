//! The toy gateway: translates between the kiosk's words and ours.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tollgate::gateways::{
    AmountLimits, Authenticity, CancelOutcome, Capabilities, CreatePayment, Currency, Failure,
    Gateway, GatewayError, GatewayEvent, Money, NextAction, PaymentRefs, RawWebhook, RefundRefs,
    RefundSnapshot, RemoteRefundStatus, RemoteStatus, Snapshot, Subject, Timestamp, Unreadable,
};

pub struct Toy {
    pub base: String,
    pub secret: String,
    /// With limits of time, so that no call waits for ever.
    pub http: reqwest::Client,
}

/// A charge in the kiosk's words.
#[derive(Deserialize)]
struct Charge {
    id: String,
    reference: String,
    amount: String,
    currency: String,
    state: String,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    reference: Option<String>,
    amount: String,
    currency: String,
    state: String,
}

#[derive(Deserialize)]
struct News {
    id: String,
    what: String,
    reference: String,
}

/// An answer that came, and that we do not understand.
fn unreadable() -> GatewayError {
    GatewayError::Unknown("an answer that cannot be read".to_owned())
}

/// `1500` becomes `15.00`. The kiosk takes currencies of two decimals only.
fn decimal(money: Money) -> String {
    format!("{}.{:02}", money.minor / 100, money.minor % 100)
}

fn minor(amount: &str) -> Option<i64> {
    let (whole, fraction) = amount.split_once('.')?;
    let is_right = fraction.len() == 2;
    is_right.then(|| format!("{whole}{fraction}").parse().ok())?
}

impl Charge {
    fn read(&self) -> Result<Snapshot, GatewayError> {
        let status = match self.state.as_str() {
            "open" => RemoteStatus::RequiresAction,
            "working" => RemoteStatus::Processing,
            "paid" => RemoteStatus::Succeeded,
            "declined" => RemoteStatus::Failed,
            "closed" => RemoteStatus::Canceled,
            _ => return Err(unreadable()),
        };
        Ok(Snapshot {
            next_action: (status == RemoteStatus::RequiresAction).then(|| NextAction::Redirect {
                url: format!("https://kiosk.example.com/{}", self.id),
            }),
            amount_minor: Some(minor(&self.amount).ok_or_else(unreadable)?),
            currency: Some(Currency::from_code(&self.currency).ok_or_else(unreadable)?),
            reference: Some(self.reference.clone()),
            provider_payment_id: Some(self.id.clone()),
            failure: (status == RemoteStatus::Failed).then(|| no("declined")),
            ..Snapshot::new(status, &self.state)
        })
    }
}

impl Refund {
    fn read(&self) -> Result<RefundSnapshot, GatewayError> {
        let status = match self.state.as_str() {
            "waiting" => RemoteRefundStatus::Pending,
            "done" => RemoteRefundStatus::Succeeded,
            "refused" => RemoteRefundStatus::Failed,
            _ => return Err(unreadable()),
        };
        Ok(RefundSnapshot {
            status,
            provider_refund_id: self.id.clone(),
            reference: self.reference.clone(),
            amount_minor: minor(&self.amount).ok_or_else(unreadable)?,
            currency: Currency::from_code(&self.currency).ok_or_else(unreadable)?,
            failure: (status == RemoteRefundStatus::Failed).then(|| no("refused")),
        })
    }
}

/// A no. What the kiosk says may be shown to a buyer.
fn no(code: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: "The kiosk said no.".to_owned(),
        retryable: true,
    }
}

impl Toy {
    /// One call. What never arrived, what was refused and what nobody can know are told apart.
    async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<T, GatewayError> {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.bearer_auth(&self.secret).json(&body);
        let response = request.send().await?;
        match response.status() {
            StatusCode::OK | StatusCode::CREATED => {
                let bytes = response.bytes().await?;
                serde_json::from_slice(&bytes).map_err(|_| unreadable())
            }
            StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::RateLimited {
                after: Duration::from_secs(1),
            }),
            StatusCode::UNAUTHORIZED => Err(GatewayError::Config("the secret".to_owned())),
            StatusCode::NOT_FOUND => Err(GatewayError::Rejected(no("not_found"))),
            StatusCode::CONFLICT => Err(GatewayError::Rejected(no("not_refundable"))),
            other => Err(GatewayError::Unknown(other.to_string())),
        }
    }

    async fn get<T: for<'a> Deserialize<'a>>(&self, path: &str) -> Result<T, GatewayError> {
        self.call(Method::GET, path, Value::Null).await
    }

    /// The kiosk's own name of a payment; asked for where its creation was not answered.
    async fn id(&self, refs: &PaymentRefs) -> Result<String, GatewayError> {
        if let Some(id) = &refs.provider_payment_id {
            return Ok(id.clone());
        }
        let found = self.find_by_reference(refs).await?;
        let id = found.and_then(|it| it.provider_payment_id);
        id.ok_or_else(|| GatewayError::Rejected(no("not_found")))
    }
}

#[async_trait(?Send)]
impl Gateway for Toy {
    fn id(&self) -> &'static str {
        "toy"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            livemode: false,
            next_actions: &["redirect"],
            currencies: Some(&["TZS", "USD"]),
            amounts: AmountLimits::any,
            can_cancel: true,
            refunds: "partial",
            inquiry_binds_amount: true,
            inquiry_delay: Duration::ZERO,
            inquiry_interval: Duration::from_secs(10),
            horizon: Duration::from_secs(60),
            expiry_most: Duration::from_secs(24 * 60 * 60),
        }
    }

    async fn create(&self, payment: &CreatePayment) -> Result<Snapshot, GatewayError> {
        let refs = &payment.refs;
        let body = json!({
            "reference": refs.reference, "amount": decimal(refs.amount),
            "currency": refs.amount.currency.code(), "text": payment.description,
            "back": payment.return_url, "open_until": payment.expires_at.unix_seconds(),
        });
        let charge: Charge = self.call(Method::POST, "/charges", body).await?;
        charge.read()
    }

    async fn retrieve(&self, refs: &PaymentRefs) -> Result<Snapshot, GatewayError> {
        let id = self.id(refs).await?;
        let charge: Charge = self.get(&format!("/charges/{id}")).await?;
        charge.read()
    }

    async fn find_by_reference(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Option<Snapshot>, GatewayError> {
        let path = format!("/charges?reference={}", refs.reference);
        let found: Vec<Charge> = self.get(&path).await?;
        found.first().map(Charge::read).transpose()
    }

    async fn cancel(&self, refs: &PaymentRefs) -> Result<CancelOutcome, GatewayError> {
        let path = format!("/charges/{}/close", self.id(refs).await?);
        let charge: Charge = self.call(Method::POST, &path, Value::Null).await?;
        let snapshot = charge.read()?;
        Ok(match snapshot.status {
            RemoteStatus::Canceled => CancelOutcome::Canceled(snapshot),
            _ => CancelOutcome::NotCancelable(snapshot),
        })
    }

    async fn refund(&self, refund: &RefundRefs) -> Result<RefundSnapshot, GatewayError> {
        let path = format!("/charges/{}/refunds", self.id(&refund.payment).await?);
        let body = json!({"reference": refund.reference, "amount": decimal(refund.amount)});
        let made: Refund = self.call(Method::POST, &path, body).await?;
        made.read()
    }

    async fn retrieve_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        let path = format!("/refunds?reference={}", refund.reference);
        let found: Vec<Refund> = self.get(&path).await?;
        found.first().map(Refund::read).transpose()
    }

    async fn list_refunds(&self, refs: &PaymentRefs) -> Result<Vec<RefundSnapshot>, GatewayError> {
        let path = format!("/charges/{}/refunds", self.id(refs).await?);
        let found: Vec<Refund> = self.get(&path).await?;
        found.iter().map(Refund::read).collect()
    }

    async fn list(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Snapshot>, GatewayError> {
        let (from, until) = (from.unix_seconds(), until.unix_seconds());
        let found: Vec<Charge> = self
            .get(&format!("/charges?from={from}&until={until}"))
            .await?;
        found.iter().map(Charge::read).collect()
    }

    async fn verify_webhook(&self, message: &RawWebhook<'_>) -> Authenticity {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(message.body);
        let header = message.headers.get("kiosk-signature");
        let text = header.and_then(|it| it.to_str().ok()).unwrap_or_default();
        let digest = STANDARD.decode(text);
        match digest.is_ok_and(|digest| mac.verify_slice(&digest).is_ok()) {
            true => Authenticity::Verified,
            false => Authenticity::Invalid,
        }
    }

    /// The kiosk only says that there is news: we ask what it is.
    fn parse_webhook(&self, message: &RawWebhook<'_>) -> Result<Vec<GatewayEvent>, Unreadable> {
        let news: News = serde_json::from_slice(message.body).map_err(|_| Unreadable)?;
        Ok(vec![GatewayEvent {
            dedupe_key: news.id,
            subject: match news.what.as_str() {
                "refund" => Subject::Refunds,
                _ => Subject::Payment,
            },
            kind: news.what,
            reference: Some(news.reference),
            ..GatewayEvent::default()
        }])
    }
}
