//! What of a message is kept: only what is known to be harmless. Whatever Stripe adds later is
//! left out until somebody has looked at it.

use serde_json::{Map, Value};

use super::snapshot::{REFERENCE, REFUND_REFERENCE, VIA};

/// Members that are kept wherever they stand. None holds a name, an address or a secret.
const KEPT: &[&str] = &[
    "amount",
    "amount_received",
    "amount_refunded",
    "amount_total",
    "api_version",
    "brand",
    "card",
    "charge",
    "client_reference_id",
    "code",
    "created",
    "currency",
    "data",
    "decline_code",
    "due_by",
    "evidence_details",
    "expires_at",
    "failure_code",
    "failure_reason",
    "fraud_type",
    "id",
    "last4",
    "last_payment_error",
    "latest_charge",
    "livemode",
    "metadata",
    "mode",
    "object",
    "payment_intent",
    "payment_method_details",
    "payment_status",
    "pending_reason",
    "pending_webhooks",
    "reason",
    "request",
    "status",
    "type",
];

/// Metadata is anybody's, so only our own is kept.
const KEPT_METADATA: &[&str] = &[REFERENCE, REFUND_REFERENCE, VIA, "payment_id", "order_id"];

/// A message's text without secrets and personal data. It reads as before to us.
pub(super) fn redact(body: &[u8]) -> Vec<u8> {
    let kept = match serde_json::from_slice(body) {
        Ok(Value::Object(message)) => Value::Object(strip(message, KEPT)),
        _ => Value::Null,
    };
    kept.to_string().into_bytes()
}

fn strip(members: Map<String, Value>, kept: &[&str]) -> Map<String, Value> {
    let harmless = members
        .into_iter()
        .filter(|(name, _)| kept.contains(&name.as_str()));
    harmless
        .filter_map(|(name, value)| {
            let inner = if name == "metadata" {
                KEPT_METADATA
            } else {
                KEPT
            };
            let value = match value {
                Value::Object(members) => Value::Object(strip(members, inner)),
                Value::Array(_) => return None,
                scalar => scalar,
            };
            Some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateways::stripe::event;

    fn message() -> String {
        json!({
            "id": "evt_1", "object": "event", "type": "charge.refunded", "livemode": false,
            "created": 1_795_000_000, "request": {"id": "req_1", "idempotency_key": "k"},
            "data": {
                "previous_attributes": {"receipt_email": "asha@example.com"},
                "object": {
                    "id": "ch_1", "object": "charge", "amount": 5000, "currency": "usd",
                    "client_secret": "pi_1_secret_x", "receipt_email": "asha@example.com",
                    "receipt_url": "https://pay.stripe.com/receipts/x",
                    "url": "https://checkout.stripe.com/c/pay/cs_1#x",
                    "billing_details": {"name": "Asha Mwinyi", "address": {"line1": "Shangani"}},
                    "customer": {"id": "cus_1", "email": "asha@example.com", "name": "Asha Mwinyi"},
                    "customer_details": {"email": "asha@example.com", "phone": "+255700000000"},
                    "shipping": {"name": "Asha Mwinyi"},
                    "description": "For Asha Mwinyi",
                    "metadata": {"reference": "r1", "note": "Asha Mwinyi"},
                    "payment_intent": {"id": "pi_1", "client_secret": "pi_1_secret_x"},
                    "payment_method_details": {"type": "card", "card": {
                        "brand": "visa", "last4": "4242", "exp_year": 2030,
                        "fingerprint": "Xt5EWLLDS7FJjR1c", "wallet": {"dynamic_last4": "1111"}}},
                    "last_payment_error": {"type": "card_error", "code": "card_declined",
                        "message": "For Asha Mwinyi", "payment_method": {"id": "pm_1"}},
                    "refunds": {"data": [{"destination_details": {"card": {"reference": "1"}}}]},
                },
            },
        })
        .to_string()
    }

    #[test]
    fn no_secret_and_nobodys_data_is_kept() {
        let kept = String::from_utf8(redact(message().as_bytes())).unwrap();
        for personal in [
            "Asha",
            "asha@",
            "secret",
            "Shangani",
            "+255",
            "2030",
            "Xt5E",
            "1111",
            "https://",
            "idempotency",
        ] {
            assert!(!kept.contains(personal), "{personal} in {kept}");
        }
        for known in [
            "visa",
            "4242",
            "card_declined",
            "pi_1",
            "req_1",
            "5000",
            "r1",
        ] {
            assert!(kept.contains(known), "{known} not in {kept}");
        }
    }

    #[test]
    fn what_is_kept_reads_as_what_came() {
        let before = event::parse(message().as_bytes(), false).unwrap();
        let after = event::parse(&redact(message().as_bytes()), false).unwrap();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        let dispute = json!({
            "id": "evt_2", "type": "charge.dispute.created", "livemode": false,
            "data": {"object": {
                "id": "dp_1", "payment_intent": "pi_1", "status": "needs_response",
                "reason": "fraudulent", "amount": 5000, "currency": "usd", "metadata": {},
                "evidence": {"customer_email_address": "asha@example.com"},
                "evidence_details": {"due_by": 1_795_000_000},
            }},
        })
        .to_string();
        let before = event::parse(dispute.as_bytes(), false).unwrap();
        let kept = redact(dispute.as_bytes());
        assert!(!String::from_utf8_lossy(&kept).contains("asha"));
        let after = event::parse(&kept, false).unwrap();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert!(after.dispute.is_some());
    }

    #[test]
    fn what_is_no_message_leaves_nothing() {
        let bodies: [&[u8]; 4] = [b"", b"asha@example.com", b"[\"asha\"]", b"\xff"];
        for body in bodies {
            assert_eq!(redact(body), b"null");
        }
    }
}
