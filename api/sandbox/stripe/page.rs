//! The hosted pages: buttons where the true ones ask for a card, or for a code of the bank.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError, web};
use minijinja::{AutoEscape, Environment, context};
use serde::Deserialize;

use super::Stripe;
use super::account::Account;
use super::acts::{Act, Details, Target};
use super::money;
use super::payment_intents::{Intent, Status};
use super::sessions::{Session, SessionStatus};
use crate::sandbox::control::Refusal;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    if let Err(error) = environment.add_template("page", include_str!("page.html")) {
        tracing::error!(%error, "the sandbox's page cannot be read");
    }
    environment
});

/// Only the page's own style, no scripts. Browsers hold a form's redirects to `form-action`
/// too, and these lead back to the shop, wherever that is.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; \
                      base-uri 'none'; frame-ancestors 'none'";

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/stripe/pay/{session}", web::get().to(show_session))
        .route("/stripe/pay/{session}", web::post().to(press_in_session))
        .route("/stripe/authenticate/{intent}", web::get().to(show_intent))
        .route(
            "/stripe/authenticate/{intent}",
            web::post().to(press_in_intent),
        );
}

#[derive(Deserialize)]
struct Press {
    outcome: String,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

async fn show_session(stripe: web::Data<Stripe>, id: web::Path<String>) -> HttpResponse {
    let account = stripe.lock();
    match account.sessions.find(&id) {
        Some(session) => render_session(&account, session),
        None => unknown(),
    }
}

/// A button: done at once; then the customer goes back to the shop, or sees what is next.
async fn press_in_session(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    press: web::Form<Press>,
) -> HttpResponse {
    let act = match press.outcome.as_str() {
        "pay" => Act::Pay,
        "decline" => Act::Decline,
        "three_d_secure" => Act::RequireAction,
        "delayed" => Act::Process,
        "cancel" => Act::Cancel,
        _ => return Refusal::invalid("there is no such button").error_response(),
    };
    let response = {
        let mut account = stripe.lock();
        let target = Target::Session(id.clone());
        let is_open = account
            .sessions
            .find(&id)
            .is_some_and(|session| session.status == SessionStatus::Open);
        // A button on a page that is out of date only shows how it stands.
        if is_open && let Err(error) = account.act(&target, act, &Details::default()) {
            return Refusal::from(error).error_response();
        }
        match account.sessions.find(&id) {
            None => unknown(),
            Some(session) => match (session.status, act, &session.cancel_url) {
                (SessionStatus::Complete, ..) => see(&session.way_to(&session.success_url)),
                (_, Act::Cancel, Some(url)) => see(&session.way_to(url)),
                _ => see(&format!("/stripe/pay/{}", session.id)),
            },
        }
    };
    stripe.wake.notify_one();
    response
}

/// What Stripe replaces with the session's id.
const PLACEHOLDER: &str = "{CHECKOUT_SESSION_ID}";

impl Session {
    /// A page of the shop's, which may want to know whose customer comes.
    fn way_to(&self, url: &str) -> String {
        url.replace(PLACEHOLDER, &self.id)
    }
}

fn render_session(account: &Account, session: &Session) -> HttpResponse {
    let intent = session
        .intent
        .as_ref()
        .and_then(|intent| account.intents.find(intent));
    let back = match session.status {
        SessionStatus::Complete => Some(&session.success_url),
        _ => session.cancel_url.as_ref(),
    };
    let lines: Vec<String> = session
        .lines
        .iter()
        .map(|line| format!("{} × {}", line.quantity, line.name))
        .collect();
    render(context! {
        amount => money::display(session.amount, &session.currency),
        lines => lines,
        status => session.status.as_str(),
        is_open => session.status == SessionStatus::Open,
        is_session => true,
        authenticates => intent.is_some_and(|intent| intent.status == Status::RequiresAction),
        error => intent.and_then(error_of),
        back => back.map(|url| session.way_to(url)),
        id => &session.id,
    })
}

fn error_of(intent: &Intent) -> Option<String> {
    let error = intent.last_error.as_ref()?;
    error.get("message")?.as_str().map(str::to_owned)
}

/// Who has the PaymentIntent's secret may authenticate it, as in the true flow.
fn permitted<'a>(account: &'a Account, id: &str, key: &Key) -> Option<&'a Intent> {
    let intent = account.intents.find(id)?;
    (intent.secret == key.key).then_some(intent)
}

async fn show_intent(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    key: web::Query<Key>,
) -> HttpResponse {
    let account = stripe.lock();
    let Some(intent) = permitted(&account, &id, &key) else {
        return unknown();
    };
    let waits = intent.status == Status::RequiresAction;
    render(context! {
        amount => money::display(intent.amount, &intent.currency),
        status => intent.status.as_str(),
        is_open => waits,
        authenticates => waits,
        error => error_of(intent),
        back => intent.back(),
        id => &intent.id,
    })
}

async fn press_in_intent(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    key: web::Query<Key>,
    press: web::Form<Press>,
) -> HttpResponse {
    let is_authentic = match press.outcome.as_str() {
        "pay" => true,
        "decline" => false,
        _ => return Refusal::invalid("there is no such button").error_response(),
    };
    let response = {
        let mut account = stripe.lock();
        let Some(intent) = permitted(&account, &id, &key) else {
            return unknown();
        };
        if intent.status == Status::RequiresAction
            && let Err(error) = account.authenticate(&id, is_authentic)
        {
            return Refusal::from(error).error_response();
        }
        let back = account.intents.find(&id).and_then(Intent::back);
        see(&back.unwrap_or_else(|| format!("/stripe/authenticate/{id}?key={}", key.key)))
    };
    stripe.wake.notify_one();
    response
}

impl Intent {
    /// Where the customer goes, with what Stripe adds to it.
    fn back(&self) -> Option<String> {
        let url = self.return_url.as_ref()?;
        let mark = if url.contains('?') { '&' } else { '?' };
        let status = if self.status == Status::Succeeded {
            "succeeded"
        } else {
            "failed"
        };
        Some(format!(
            "{url}{mark}payment_intent={}&payment_intent_client_secret={}&redirect_status={status}",
            self.id, self.secret
        ))
    }
}

fn unknown() -> HttpResponse {
    Refusal::unknown("such page").error_response()
}

fn see(url: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, url))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

fn render(values: minijinja::Value) -> HttpResponse {
    let page = ENVIRONMENT
        .get_template("page")
        .and_then(|page| page.render(values));
    match page {
        Ok(page) => HttpResponse::Ok()
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .content_type("text/html; charset=utf-8")
            .body(page),
        Err(error) => {
            tracing::error!(%error, "the sandbox's page cannot be shown");
            HttpResponse::InternalServerError().finish()
        }
    }
}
