//! Checkout Sessions: a hosted page, and the PaymentIntent that is made once the customer acts.

mod create;

use serde_json::{Value, json};

pub use self::create::create;
use super::account::Account;
use super::error::{ApiError, Outcome};
use super::line_items::LineItem;
use super::object::shown;
use super::params::{Metadata, Params};
use super::payment_intents::{Intent, Status};
use super::shelf::{Kept, Page};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    Open,
    Complete,
    Expired,
}

impl SessionStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

#[derive(Clone)]
pub struct Session {
    pub id: String,
    pub created: i64,
    pub expires_at: i64,
    pub status: SessionStatus,
    payment_status: &'static str,
    pub amount: i64,
    pub currency: String,
    pub lines: Vec<LineItem>,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub client_reference_id: Option<String>,
    customer: Option<String>,
    customer_email: Option<String>,
    pub metadata: Metadata,
    /// The PaymentIntent as it will be.
    template: Intent,
    pub intent: Option<String>,
    ui_mode: &'static str,
    locale: Option<String>,
    url: String,
}

impl Kept for Session {
    const OBJECT: &'static str = "checkout.session";
    const PARAM: &'static str = "session";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Session {
    /// What its PaymentIntent carries, or will.
    pub fn intent_metadata(&self) -> &Metadata {
        &self.template.metadata
    }

    pub fn payment_status(&self) -> &'static str {
        self.payment_status
    }

    pub fn show(&self) -> Value {
        let is_open = self.status == SessionStatus::Open;
        let email = self.customer_email.clone();
        let details = json!({
            "address": null, "business_name": null, "email": email, "individual_name": null,
            "name": null, "phone": null, "tax_exempt": "none", "tax_ids": [],
        });
        let told = json!({
            "id": self.id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": false},
            "amount_subtotal": self.amount,
            "amount_total": self.amount,
            "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": self.created,
            "currency": self.currency,
            "custom_fields": [],
            "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
            "customer": self.customer,
            "customer_creation": "if_required",
            "customer_details": if is_open && email.is_none() { Value::Null } else { details },
            "customer_email": email,
            "discounts": [],
            "expires_at": self.expires_at,
            "invoice_creation": {"enabled": false, "invoice_data": {
                "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
                "issuer": null, "metadata": {}, "rendering_options": null,
            }},
            "livemode": false,
            "locale": self.locale,
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": self.intent,
            "payment_method_collection": "if_required",
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "payment_status": self.payment_status,
            "phone_number_collection": {"enabled": false},
            "shipping_options": [],
            "status": self.status.as_str(),
            "success_url": self.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": self.ui_mode,
            "url": is_open.then_some(&self.url),
        });
        shown(NULLS, told)
    }
}

const NULLS: &[&str] = &[
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "invoice",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "subscription",
    "wallet_options",
];

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.sessions.get(id)?.show())
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let intent = params.text("payment_intent")?;
    let customer = params.text("customer")?;
    let status = params.choice("status", &["open", "complete", "expired"])?;
    params.finish()?;
    let matches = |session: &Session| {
        (intent.is_none() || session.intent == intent)
            && (customer.is_none() || session.customer == customer)
            && status.is_none_or(|status| session.status.as_str() == status)
    };
    account
        .sessions
        .page(&page, "/v1/checkout/sessions", matches, Session::show)
}

pub fn list_lines(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    params.ignore(&["limit"]);
    params.finish()?;
    let session = account.sessions.get(id)?;
    Ok(session.show_lines())
}

pub fn expire(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    account.expire_session(id)?;
    Ok(account.sessions.get(id)?.show())
}

impl Account {
    /// Ends an open session: nobody can pay it any more.
    pub fn expire_session(&mut self, id: &str) -> Outcome<()> {
        let mut session = self.sessions.get(id)?;
        if session.status != SessionStatus::Open {
            let status = session.status.as_str();
            let message = format!(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
                 Session has a status of {status}."
            );
            return Err(ApiError::state("checkout_session_not_open", message));
        }
        session.status = SessionStatus::Expired;
        self.sessions.put(session.clone());
        if let Some(intent) = &session.intent {
            self.cancel_intent(intent, Some("expired"))?;
        }
        self.emit("checkout.session.expired", session.show());
        Ok(())
    }

    /// Ends the sessions whose time is over.
    pub fn expire_sessions(&mut self) {
        let over: Vec<String> = self
            .sessions
            .iter()
            .filter(|session| {
                session.status == SessionStatus::Open && session.expires_at <= self.now
            })
            .map(|session| session.id.clone())
            .collect();
        for id in over {
            if let Err(error) = self.expire_session(&id) {
                let code = error.text("code");
                tracing::error!(code, "a session does not expire");
            }
        }
    }

    /// The PaymentIntent of an open session; the first to act makes it.
    pub fn intent_of_session(&mut self, id: &str) -> Outcome<Intent> {
        let mut session = self.sessions.get(id)?;
        if session.status != SessionStatus::Open {
            let status = session.status.as_str();
            let message = format!("This Checkout Session is {status}.");
            return Err(ApiError::state("checkout_session_not_open", message));
        }
        if let Some(intent) = &session.intent {
            return self.intents.get(intent);
        }
        let mut intent = session.template.clone();
        intent.created = self.now;
        intent.session = Some(session.id.clone());
        intent.return_url = Some(session.url.clone());
        session.intent = Some(intent.id.clone());
        self.sessions.put(session);
        self.intents.put(intent.clone());
        self.announce_intent(&intent);
        Ok(intent)
    }

    /// Nothing is to be paid.
    pub fn complete_free(&mut self, id: &str) -> Outcome<()> {
        let session = self.sessions.get(id)?;
        if session.amount == 0 && session.status == SessionStatus::Open {
            self.session_completed(id);
        }
        Ok(())
    }

    /// The customer is done; whether the money came is another question.
    pub fn session_completed(&mut self, id: &str) {
        let Some(mut session) = self.sessions.find(id).cloned() else {
            return;
        };
        session.status = SessionStatus::Complete;
        let intent = session
            .intent
            .as_ref()
            .and_then(|intent| self.intents.find(intent));
        if intent.is_some_and(|intent| intent.status == Status::Succeeded) {
            session.payment_status = "paid";
        }
        self.sessions.put(session.clone());
        self.emit("checkout.session.completed", session.show());
    }

    /// The money of a session came.
    pub fn session_paid(&mut self, id: &str) {
        let Some(mut session) = self.sessions.find(id).cloned() else {
            return;
        };
        if session.status == SessionStatus::Open {
            self.session_completed(id);
            return;
        }
        session.payment_status = "paid";
        self.sessions.put(session.clone());
        self.emit("checkout.session.async_payment_succeeded", session.show());
    }

    /// The money of a session will not come.
    pub fn session_failed(&mut self, id: &str) {
        if let Some(session) = self.sessions.find(id).cloned() {
            self.emit("checkout.session.async_payment_failed", session.show());
        }
    }
}
