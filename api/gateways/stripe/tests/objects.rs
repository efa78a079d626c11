//! Stripe's objects in full, as its documentation shows them.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::REFERENCE;
use crate::gateways::stripe::error::ApiError;
use crate::gateways::stripe::view::{
    ChargeView, CustomerView, IntentView, Page, RefundView, SessionView,
};

fn read(text: &str) -> Value {
    serde_json::from_str(&text.replace("OUR_REFERENCE", REFERENCE)).unwrap()
}

/// A PaymentIntent that a buyer may pay.
pub(super) fn intent() -> Value {
    read(
        r#"{
        "id": "pi_1", "object": "payment_intent", "amount": 5000, "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0, "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": true},
        "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic_async",
        "client_secret": "pi_1_secret_x", "confirmation_method": "automatic",
        "created": 1795000000, "currency": "usd", "customer": "cus_1",
        "description": "Order ord_1", "last_payment_error": null, "latest_charge": null,
        "livemode": false, "metadata": {"reference": "OUR_REFERENCE", "via": "sdk"},
        "next_action": null, "on_behalf_of": null, "payment_method": null,
        "payment_method_options": {}, "payment_method_types": ["card", "link"],
        "processing": null, "receipt_email": null, "review": null, "setup_future_usage": null,
        "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "requires_payment_method",
        "transfer_data": null, "transfer_group": null
    }"#,
    )
}

/// A charge of a card.
pub(super) fn charge() -> Value {
    read(
        r#"{
        "id": "ch_1", "object": "charge", "amount": 5000, "amount_captured": 5000,
        "amount_refunded": 0, "application": null, "application_fee": null,
        "application_fee_amount": null, "balance_transaction": null,
        "billing_details": {"address": {"city": null, "country": null, "line1": null,
            "line2": null, "postal_code": null, "state": null}, "email": "asha@example.com",
            "name": "Asha Mwinyi", "phone": null, "tax_id": null},
        "calculated_statement_descriptor": "TOLLGATE", "captured": true,
        "created": 1795000001, "currency": "usd", "customer": "cus_1", "description": null,
        "disputed": false, "failure_balance_transaction": null, "failure_code": null,
        "failure_message": null, "fraud_details": {}, "livemode": false, "metadata": {},
        "on_behalf_of": null, "outcome": null, "paid": true, "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "payment_method_details": {"type": "card", "card": {
            "amount_authorized": 5000, "authorization_code": null, "brand": "visa",
            "checks": null, "country": "US", "exp_month": 1, "exp_year": 2030,
            "extended_authorization": {"status": "disabled"}, "fingerprint": "f",
            "funding": "credit", "incremental_authorization": {"status": "unavailable"},
            "installments": null, "last4": "4242", "mandate": null,
            "multicapture": {"status": "unavailable"}, "network": "visa",
            "network_token": {"used": false}, "overcapture": {"maximum_amount_capturable": 5000,
            "status": "unavailable"}, "regulated_status": "unregulated",
            "three_d_secure": null, "wallet": null}},
        "receipt_email": null, "receipt_number": null, "receipt_url": "https://pay.stripe.com/r",
        "refunded": false, "review": null, "shipping": null, "source": null,
        "source_transfer": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "succeeded", "transfer_data": null,
        "transfer_group": null
    }"#,
    )
}

/// A Checkout session that a buyer may pay on.
pub(super) fn session() -> Value {
    read(
        r#"{
        "id": "cs_test_1", "object": "checkout.session", "adaptive_pricing": {"enabled": false},
        "after_expiration": null, "allow_promotion_codes": null, "amount_subtotal": 5000,
        "amount_total": 5000, "automatic_tax": {"enabled": false, "liability": null,
        "provider": null, "status": null}, "billing_address_collection": null,
        "cancel_url": "https://tickets.example.com/x", "client_reference_id": "OUR_REFERENCE",
        "client_secret": null, "collected_information": null, "consent": null,
        "consent_collection": null, "created": 1795000000, "currency": "usd",
        "currency_conversion": null, "custom_fields": [],
        "custom_text": {"after_submit": null, "shipping_address": null, "submit": null,
        "terms_of_service_acceptance": null}, "customer": "cus_1", "customer_creation": null,
        "customer_details": null, "customer_email": null, "discounts": [],
        "expires_at": 1795001860, "invoice": null, "invoice_creation": null,
        "livemode": false, "locale": null, "metadata": {"reference": "OUR_REFERENCE"},
        "mode": "payment", "origin_context": null, "payment_intent": null, "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "payment_status": "unpaid", "permissions": null,
        "phone_number_collection": {"enabled": false}, "recovered_from": null,
        "saved_payment_method_options": null, "setup_intent": null,
        "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [],
        "status": "open", "submit_type": null, "subscription": null,
        "success_url": "https://tickets.example.com/x", "total_details": {"amount_discount": 0,
        "amount_shipping": 0, "amount_tax": 0}, "ui_mode": "hosted_page",
        "url": "https://checkout.stripe.com/c/pay/cs_test_1#x", "wallet_options": null
    }"#,
    )
}

/// The session, paid.
pub(super) fn paid_session() -> Value {
    let paid = json!({"status": "succeeded", "amount_received": 5000, "latest_charge": charge()});
    let members = json!({"status": "complete", "payment_status": "paid", "url": null,
        "payment_intent": with(intent(), &paid)});
    with(session(), &members)
}

/// A refund of ours.
pub(super) fn refund() -> Value {
    json!({
        "id": "re_1", "object": "refund", "amount": 2000, "balance_transaction": null,
        "charge": "ch_1", "created": 1_795_000_100, "currency": "usd",
        "destination_details": {"card": {"reference_status": "pending", "reference_type":
        "acquirer_reference_number", "type": "refund"}, "type": "card"},
        "metadata": {"reference": REFERENCE, "refund_reference": "f1"}, "payment_intent": "pi_1",
        "reason": "requested_by_customer", "receipt_number": null,
        "source_transfer_reversal": null, "status": "succeeded", "transfer_reversal": null,
    })
}

/// A customer of ours.
pub(super) fn customer(digest: &str) -> Value {
    json!({
        "id": "cus_1", "object": "customer", "address": null, "balance": 0,
        "created": 1_795_000_000, "currency": null, "default_source": null, "delinquent": false,
        "description": null, "email": "asha@example.com", "invoice_prefix": "0759376C",
        "invoice_settings": {"custom_fields": null, "default_payment_method": null,
        "footer": null, "rendering_options": null}, "livemode": false,
        "metadata": {"tollgate_buyer": digest}, "name": "Asha Mwinyi", "phone": null,
        "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
    })
}

pub(super) fn list(path: &str, data: &[Value], has_more: bool) -> Value {
    json!({"object": "list", "url": path, "has_more": has_more, "data": data})
}

pub(super) fn with(mut object: Value, members: &Value) -> Value {
    let own = object.as_object_mut().unwrap();
    own.extend(members.as_object().unwrap().clone());
    object
}

/// Reads an object as the typed one and as the narrow view.
fn both<T: miniserde::Deserialize + Into<V>, V: DeserializeOwned>(object: &Value) -> (V, V) {
    let typed: T = miniserde::json::from_str(&object.to_string()).unwrap();
    let narrow = serde_json::from_value(object.clone()).unwrap();
    (typed.into(), narrow)
}

#[test]
fn typed_objects_and_narrow_views_say_the_same() {
    let error = json!({"type": "card_error", "code": "card_declined", "decline_code":
        "do_not_honor", "message": "Your card was declined.", "param": null});
    let paid = json!({"status": "succeeded", "amount_received": 5000, "latest_charge": charge()});
    let failed = json!({"last_payment_error": error, "latest_charge": "ch_1"});
    let odd = json!({"status": "invented_later", "currency": "tzs", "livemode": true});
    for members in [json!({}), paid.clone(), failed, odd] {
        let object = with(intent(), &members);
        let (typed, narrow) = both::<stripe_shared::PaymentIntent, IntentView>(&object);
        assert_eq!(typed, narrow);
    }
    let complete = json!({"status": "complete", "payment_status": "paid", "url": null,
        "payment_intent": with(intent(), &paid)});
    for members in [json!({}), complete, json!({"payment_intent": "pi_1"})] {
        let object = with(session(), &members);
        let (typed, narrow) = both::<stripe_shared::CheckoutSession, SessionView>(&object);
        assert_eq!(typed, narrow);
    }
    let (typed, narrow) = both::<stripe_shared::Refund, RefundView>(&refund());
    assert_eq!(typed, narrow);
    let (typed, narrow) = both::<stripe_shared::Charge, ChargeView>(&charge());
    assert_eq!(typed, narrow);
    let (typed, narrow) = both::<stripe_shared::Customer, CustomerView>(&customer("d"));
    assert_eq!(typed, narrow);
    let page = list("/v1/refunds", &[refund(), refund()], true);
    let (typed, narrow) =
        both::<stripe_types::List<stripe_shared::Refund>, Page<RefundView>>(&page);
    assert_eq!(typed, narrow);
}

#[test]
fn typed_errors_and_narrow_ones_say_the_same() {
    let body = json!({"type": "invalid_request_error", "code": "amount_too_small",
        "message": "Amount must be at least $0.50 usd", "param": "amount",
        "doc_url": "https://stripe.com/docs/error-codes/amount-too-small"});
    let typed: stripe_shared::ApiErrors = miniserde::json::from_str(&body.to_string()).unwrap();
    let envelope = json!({"error": body}).to_string();
    assert_eq!(
        Some(ApiError::from(&typed)),
        ApiError::read(envelope.as_bytes())
    );
}
