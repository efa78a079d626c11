//! The dummy gateway's signed messages.
//!
//! `X-Dummy-Signature: t=<unix>,v1=<hex>`: HMAC-SHA256 of `t.body` with the shared secret.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::refunds::Refund;
use super::store::{self, Charge, DummyStatus};
use super::{Dummy, TOLERANCE_SECONDS, snapshot_of};
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::digest::{hex, read_hex};
use crate::error::Problem;
use crate::gateways::{
    GatewayEvent, RawWebhook, RefundSnapshot, RemoteStatus, Snapshot, Unreadable,
};
use crate::jobs::{self, Job};
use crate::money::Currency;

pub const SIGNATURE_HEADER: &str = "x-dummy-signature";

text_enum! {
    /// What somebody lets become of a charge.
    pub enum Outcome {
        Succeed = "succeed",
        Fail = "fail",
        Cancel = "cancel",
        Process = "process",
    }
}

impl Outcome {
    pub(super) fn status(self) -> DummyStatus {
        match self {
            Self::Succeed => DummyStatus::Succeeded,
            Self::Fail => DummyStatus::Failed,
            Self::Cancel => DummyStatus::Canceled,
            Self::Process => DummyStatus::Processing,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Succeed => "payment.succeeded",
            Self::Fail => "payment.failed",
            Self::Cancel => "payment.canceled",
            Self::Process => "payment.processing",
        }
    }
}

/// A message's body.
#[derive(Debug, Deserialize)]
struct Message {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    reference: String,
    amount_minor: i64,
    currency: String,
    livemode: bool,
    /// Of a message about a refund.
    refund: Option<RefundSnapshot>,
}

impl Dummy {
    pub(super) async fn queue_message(
        &self,
        conn: &mut Conn,
        charge: &Charge,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let body = json!({
            "id": format!("devt_{}", hex(&crate::random::bytes::<12>())),
            "type": outcome.kind(),
            "created": now.unix_seconds(),
            "data": {
                "payment_id": charge.payment,
                "reference": charge.reference,
                "amount_minor": charge.amount_minor,
                "currency": charge.currency.code(),
                "livemode": false,
            },
        });
        let body = body.to_string();
        Ok(jobs::enqueue(conn, Job::DeliverDummyWebhook { body }, now).await?)
    }

    pub(super) async fn queue_refund_message(
        &self,
        conn: &mut Conn,
        refund: &Refund,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let charge = store::find(conn, &refund.charge).await?;
        let charge = charge.ok_or_else(|| Problem::internal("a refund without its charge"))?;
        let body = json!({
            "id": format!("devt_{}", hex(&crate::random::bytes::<12>())),
            "type": "payment.refunded",
            "created": now.unix_seconds(),
            "data": {
                "payment_id": charge.payment,
                "reference": charge.reference,
                "amount_minor": charge.amount_minor,
                "currency": charge.currency.code(),
                "livemode": false,
                "refund": RefundSnapshot::from(refund),
            },
        });
        let body = body.to_string();
        Ok(jobs::enqueue(conn, Job::DeliverDummyWebhook { body }, now).await?)
    }

    /// The header that a message is sent with.
    pub fn sign(&self, body: &str, now: Timestamp) -> Option<String> {
        let at = now.unix_seconds();
        let digest = self.mac(at, body.as_bytes())?.finalize().into_bytes();
        Some(format!("t={at},v1={}", hex(&digest)))
    }

    /// What the address of a payment's page is known by.
    pub(super) fn page_mac(&self, payment: &str) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(format!("page:{payment}").as_bytes());
        Some(mac.finalize().into_bytes().into())
    }

    fn mac(&self, at: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(format!("{at}.").as_bytes());
        mac.update(body);
        Some(mac)
    }

    /// Whether a message was signed with our secret, lately.
    pub(super) fn is_signed(&self, message: &RawWebhook<'_>) -> bool {
        let header = message.headers.get(SIGNATURE_HEADER);
        let parts = header.and_then(|header| read_signature(header.to_str().ok()?));
        let Some((at, digest)) = parts else {
            return false;
        };
        let age = message.received_at.unix_seconds().saturating_sub(at);
        if !(-TOLERANCE_SECONDS..=TOLERANCE_SECONDS).contains(&age) {
            return false;
        }
        let mac = self.mac(at, message.body);
        mac.is_some_and(|mac| mac.verify_slice(&digest).is_ok())
    }
}

fn read_signature(header: &str) -> Option<(i64, Vec<u8>)> {
    let (at, digest) = header.split_once(',')?;
    let at = at.strip_prefix("t=")?.parse().ok()?;
    let digest = digest.strip_prefix("v1=")?;
    Some((at, read_hex(digest)?))
}

/// What a message says; a kind that we do not know is told as one that is about nothing.
pub(super) fn parse(body: &[u8]) -> Result<GatewayEvent, Unreadable> {
    let message: Message = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let status = match message.kind.as_str() {
        "payment.succeeded" => Some(RemoteStatus::Succeeded),
        "payment.failed" => Some(RemoteStatus::Failed),
        "payment.canceled" => Some(RemoteStatus::Canceled),
        "payment.processing" => Some(RemoteStatus::Processing),
        _ => None,
    };
    let data = message.data;
    let currency = Currency::from_code(&data.currency).ok_or(Unreadable)?;
    if message.id.is_empty() || message.id.len() > 200 || data.reference.is_empty() {
        return Err(Unreadable);
    }
    let snapshot = status.map(|status| Snapshot {
        amount_minor: Some(data.amount_minor),
        currency: Some(currency),
        reference: Some(data.reference.clone()),
        livemode: data.livemode,
        ..snapshot_of(status, &message.kind)
    });
    let refund = data.refund.filter(|_| message.kind == "payment.refunded");
    let is_about_something = snapshot.is_some() || refund.is_some();
    Ok(GatewayEvent {
        dedupe_key: message.id,
        kind: message.kind,
        reference: is_about_something.then_some(data.reference),
        snapshot,
        refund,
        ..GatewayEvent::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back() {
        let body = br#"{"id":"devt_1","type":"payment.succeeded","created":1,"data":{
            "payment_id":"pay_x","reference":"r1","amount_minor":5000,"currency":"tzs","livemode":false}}"#;
        let event = parse(body).unwrap();
        let snapshot = event.snapshot.unwrap();
        assert_eq!(event.dedupe_key, "devt_1");
        assert_eq!(snapshot.status, RemoteStatus::Succeeded);
        assert_eq!(snapshot.amount_minor, Some(5_000));
        assert_eq!(snapshot.currency.unwrap().code(), "TZS");
        assert_eq!(event.reference.as_deref(), Some("r1"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"id":"","type":"payment.succeeded","data":{"reference":"r","amount_minor":1,"currency":"TZS","livemode":false}}"#,
            r#"{"id":"a","type":"payment.succeeded","data":{"reference":"r","amount_minor":1.5,"currency":"TZS","livemode":false}}"#,
            r#"{"id":"a","type":"payment.succeeded","data":{"reference":"r","amount_minor":1,"currency":"XXXX","livemode":false}}"#,
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_unknown_kind_is_about_nothing() {
        let body = br#"{"id":"a","type":"payment.renamed","data":{
            "reference":"r","amount_minor":1,"currency":"TZS","livemode":false}}"#;
        let event = parse(body).unwrap();
        assert!(event.snapshot.is_none() && event.reference.is_none());
    }
}
