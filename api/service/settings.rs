//! What a front end must know before it can sell.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::app::App;
use crate::gateways::Gateway;
use crate::money::Currency;

/// What a front end must know.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "default_currency": "TZS", "currencies": null, "hold_ttl_seconds": 900,
    "gateways": [{
        "id": "dummy", "default": true, "livemode": false, "publishable_key": null,
        "currencies": null, "next_actions": ["redirect"]
    }]
}))]
struct PublicConfig {
    default_currency: Currency,
    /// What can be paid in; every ISO 4217 currency, if null.
    currencies: Option<Vec<&'static str>>,
    /// How long an unpaid order is held.
    hold_ttl_seconds: u64,
    gateways: Vec<PublicGateway>,
}

/// A way to pay.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "dummy", "default": true, "livemode": false, "publishable_key": null,
    "currencies": null, "next_actions": ["redirect"]
}))]
struct PublicGateway {
    id: &'static str,
    /// Whether it is taken where a payment names none.
    default: bool,
    livemode: bool,
    /// For the gateway's own script in the browser, where it has one.
    publishable_key: Option<String>,
    /// Every one, if null.
    currencies: Option<&'static [&'static str]>,
    /// The kinds of `next_action` that its payments can have.
    next_actions: &'static [&'static str],
}

/// What a front end must know
#[utoipa::path(
    tag = "Service", operation_id = "public_config",
    responses((status = 200, body = PublicConfig, description = "The settings that are no secret"))
)]
#[get("/config/public")]
pub async fn public_config(app: web::Data<App>) -> HttpResponse {
    let default = app.gateways.default().map(|gateway| gateway.id());
    let gateways: Vec<PublicGateway> = app
        .gateways
        .iter()
        .map(|gateway| public_gateway(gateway.as_ref(), default))
        .collect();
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "public, max-age=60"));
    response.json(PublicConfig {
        default_currency: app.config.default_currency,
        currencies: currencies(&gateways),
        hold_ttl_seconds: app.config.hold_ttl.as_secs(),
        gateways,
    })
}

fn public_gateway(gateway: &dyn Gateway, default: Option<&str>) -> PublicGateway {
    let capabilities = gateway.capabilities();
    PublicGateway {
        id: gateway.id(),
        default: default == Some(gateway.id()),
        livemode: capabilities.livemode,
        publishable_key: gateway.publishable_key().map(str::to_owned),
        currencies: capabilities.currencies,
        next_actions: capabilities.next_actions,
    }
}

/// What any of the gateways takes.
fn currencies(gateways: &[PublicGateway]) -> Option<Vec<&'static str>> {
    let mut all = Vec::new();
    for gateway in gateways {
        all.extend(gateway.currencies?);
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}
