//! How a Checkout Session is made, and what makes none.

use serde_json::Value;

use super::{Session, SessionStatus};
use crate::sandbox::stripe::account::Account;
use crate::sandbox::stripe::error::{ApiError, Outcome};
use crate::sandbox::stripe::params::{Metadata, Params};
use crate::sandbox::stripe::payment_intents::{Intent, refuse_method_types};
use crate::sandbox::stripe::{ids, line_items, money};

/// How soon and how late a session may expire; it does at the latest unless told.
const EXPIRY_LEAST: i64 = 30 * 60;
const EXPIRY_MOST: i64 = 24 * 60 * 60;

/// Known, and without effect here.
const IGNORED: &[&str] = &[
    "adaptive_pricing",
    "allowed_payment_method_types",
    "billing_address_collection",
    "branding_settings",
    "consent_collection",
    "custom_text",
    "customer_creation",
    "customer_update",
    "excluded_payment_method_types",
    "integration_identifier",
    "invoice_creation",
    "managed_payments",
    "name_collection",
    "origin_context",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "phone_number_collection",
    "saved_payment_method_options",
    "submit_type",
    "wallet_options",
];

pub fn create(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    refuse_method_types(account, &mut params)?;
    params.ignore(IGNORED);
    let mode = params.choice("mode", &["payment", "setup", "subscription"])?;
    if mode != Some("payment") {
        let message = "This sandbox makes Checkout Sessions of mode payment only.";
        return Err(ApiError::invalid("mode", message));
    }
    let ui_mode = read_ui_mode(account, &mut params)?;
    let lines = line_items::read(&mut params)?;
    let (amount, currency) = line_items::total(&lines)?;
    if amount > 0 {
        money::check_charge(amount, &currency, "line_items")?;
    }
    let success_url = read_url(&mut params, "success_url")?;
    let success_url = success_url.ok_or_else(|| ApiError::missing_param("success_url"))?;
    let cancel_url = read_url(&mut params, "cancel_url")?;
    let expires_at = read_expiry(account, &mut params)?;
    let client_reference_id = params.text("client_reference_id")?;
    if client_reference_id
        .as_ref()
        .is_some_and(|id| id.len() > 200)
    {
        let message = "Invalid string: must be at most 200 characters";
        return Err(ApiError::invalid("client_reference_id", message));
    }
    let customer = params.text("customer")?;
    customer
        .as_ref()
        .map_or(Ok(()), |customer| account.check_customer(customer))?;
    let customer_email = params.text("customer_email")?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    let locale = params.text("locale")?;
    let mut template = read_template(&mut params, amount, &currency)?;
    template.customer.clone_from(&customer);
    params.finish()?;
    let id = ids::new("cs_test_a1", 56);
    let session = Session {
        url: format!("{}/pay/{id}", account.base),
        id,
        created: account.now,
        expires_at,
        status: SessionStatus::Open,
        payment_status: if amount == 0 {
            "no_payment_required"
        } else {
            "unpaid"
        },
        amount,
        currency,
        lines,
        success_url,
        cancel_url,
        client_reference_id,
        customer,
        customer_email,
        metadata,
        template,
        intent: None,
        ui_mode,
        locale,
    };
    account.sessions.put(session.clone());
    Ok(session.show())
}

/// Hosted pages are what there is; they were called `hosted` before dahlia.
fn read_ui_mode(account: &Account, params: &mut Params) -> Outcome<&'static str> {
    let words: &[&'static str] = if account.is_since("2026-03") {
        &["hosted_page", "embedded_page", "elements", "form"]
    } else {
        &["hosted", "embedded", "custom"]
    };
    let hosted = words.first().copied().unwrap_or("hosted_page");
    let given = params.choice("ui_mode", words)?.unwrap_or(hosted);
    if given == hosted {
        return Ok(hosted);
    }
    Err(ApiError::invalid(
        "ui_mode",
        "This sandbox has hosted pages only.",
    ))
}

fn read_url(params: &mut Params, name: &str) -> Outcome<Option<String>> {
    let Some(text) = params.text(name)? else {
        return Ok(None);
    };
    // Stripe puts the session's id where its placeholder stands.
    let plain = text.replace("{CHECKOUT_SESSION_ID}", "cs");
    let is_url = plain.parse::<actix_web::http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    });
    if is_url && text.len() <= 5_000 {
        return Ok(Some(text));
    }
    Err(ApiError::invalid(name, "Not a valid URL").with("code", "url_invalid"))
}

fn read_expiry(account: &Account, params: &mut Params) -> Outcome<i64> {
    let latest = account.now.saturating_add(EXPIRY_MOST);
    let Some(expires_at) = params.integer("expires_at")? else {
        return Ok(latest);
    };
    if expires_at < account.now.saturating_add(EXPIRY_LEAST) {
        let message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.";
        return Err(ApiError::invalid("expires_at", message));
    }
    if expires_at > latest {
        let message =
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.";
        return Err(ApiError::invalid("expires_at", message));
    }
    Ok(expires_at)
}

fn read_template(params: &mut Params, amount: i64, currency: &str) -> Outcome<Intent> {
    let mut template = Intent::new(amount, currency.to_owned(), 0);
    let Some(mut data) = params.map("payment_intent_data")? else {
        return Ok(template);
    };
    data.metadata(&mut template.metadata)?;
    template.description = data.text("description")?;
    template.receipt_email = data.text("receipt_email")?;
    template.statement_descriptor_suffix = data.text("statement_descriptor_suffix")?;
    let capture = data.choice(
        "capture_method",
        &["automatic", "automatic_async", "manual"],
    )?;
    template.capture_method = capture.unwrap_or(template.capture_method);
    template.setup_future_usage =
        data.choice("setup_future_usage", &["off_session", "on_session"])?;
    data.ignore(&["statement_descriptor", "shipping", "transfer_group"]);
    data.finish()?;
    Ok(template)
}
