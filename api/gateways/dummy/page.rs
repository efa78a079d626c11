//! The dummy gateway's hosted page: buttons where others ask for a card.

use std::sync::{Arc, LazyLock};

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use minijinja::{AutoEscape, Environment, context};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::message::Outcome;
use super::store::{self, Charge, DummyStatus};
use super::{Dummy, ID};
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::money::Money;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let source = include_str!("page.html");
    if let Err(error) = environment.add_template("page", source) {
        tracing::error!(%error, "the dummy gateway's page cannot be read");
    }
    environment
});

/// Only the page's own style; forms go nowhere else. The way back to the shop is no form's
/// answer, because browsers would hold that to the same rule.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Adds the page to the routes.
pub fn configure(config: &mut web::ServiceConfig, dummy: Arc<Dummy>) {
    config
        .app_data(web::Data::from(dummy))
        .route("/simulate/{payment}", web::get().to(show))
        .route("/simulate/{payment}", web::post().to(press));
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    k: String,
}

#[derive(Deserialize)]
struct Press {
    outcome: String,
}

impl Dummy {
    pub(super) fn page_url(&self, payment: &str) -> String {
        let key = self.page_key(payment);
        format!("{}/simulate/{payment}?k={key}", self.public_base_url)
    }

    /// Who has it may decide: like the address of any hosted page.
    fn page_key(&self, payment: &str) -> String {
        self.page_mac(payment)
            .map_or_else(String::new, |mac| hex(&mac))
    }

    fn return_url(&self, charge: &Charge) -> String {
        let (base, reference) = (&self.public_base_url, &charge.reference);
        format!("{base}/api/v1/returns/{ID}?reference={reference}")
    }

    async fn charge(&self, payment: &str, key: &str) -> Result<Charge, Problem> {
        let not_found = || Problem::new(Code::NotFound);
        let expected = self.page_key(payment);
        let is_known = bool::from(expected.as_bytes().ct_eq(key.as_bytes()));
        if expected.is_empty() || !is_known {
            return Err(not_found());
        }
        let mut conn = self.db.find().await?;
        let charge = store::find_by_payment(&mut conn, payment).await?;
        charge.ok_or_else(not_found)
    }
}

async fn show(
    dummy: web::Data<Dummy>,
    payment: web::Path<String>,
    key: web::Query<Key>,
) -> Result<HttpResponse, Problem> {
    let charge = dummy.charge(&payment, &key.k).await?;
    render(&dummy, &charge, false)
}

/// A button: decides the charge, then sends the buyer back. Leaving decides nothing.
async fn press(
    dummy: web::Data<Dummy>,
    payment: web::Path<String>,
    key: web::Query<Key>,
    press: web::Form<Press>,
) -> Result<HttpResponse, Problem> {
    let charge = dummy.charge(&payment, &key.k).await?;
    let outcome = match press.outcome.as_str() {
        "pay" => Some(Outcome::Succeed),
        "decline" => Some(Outcome::Fail),
        "cancel" => Some(Outcome::Cancel),
        "leave" => None,
        _ => return Err(Problem::new(Code::ValidationFailed)),
    };
    if let Some(outcome) = outcome {
        dummy.decide(&charge.reference, outcome).await?;
    }
    let charge = dummy.charge(&payment, &key.k).await?;
    render(&dummy, &charge, true)
}

fn render(dummy: &Dummy, charge: &Charge, leaves: bool) -> Result<HttpResponse, Problem> {
    let page = ENVIRONMENT.get_template("page").and_then(|page| {
        page.render(context! {
            amount => Money::new(charge.amount_minor, charge.currency).to_string(),
            reference => &charge.reference,
            status => charge.status.as_str(),
            is_open => charge.status == DummyStatus::Open,
            leaves => leaves,
            return_url => dummy.return_url(charge),
        })
    });
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8");
    Ok(response.body(page.map_err(Problem::internal)?))
}
