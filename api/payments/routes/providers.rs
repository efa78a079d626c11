//! The gateways that are configured.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::accounts::SignedIn;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::gateways::Gateway;
use crate::money::Currency;
use crate::organizers;
use crate::payments;

/// A gateway and what it can do.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "dummy", "account": "default", "default": true, "livemode": false,
    "currencies": null, "amount_least_minor": 1, "next_actions": ["redirect"],
    "can_cancel": true, "refunds": "partial", "inquiry_delay_seconds": 0,
    "inquiry_interval_seconds": 10, "expiry_most_seconds": 86400,
    "health": {"open": 2, "overdue": 0}
}))]
struct Provider {
    id: &'static str,
    account: &'static str,
    /// Whether it is taken where a payment names none.
    default: bool,
    livemode: bool,
    /// Every one, if null.
    currencies: Option<&'static [&'static str]>,
    /// In the installation's own currency.
    amount_least_minor: i64,
    next_actions: &'static [&'static str],
    can_cancel: bool,
    #[schema(example = "partial")]
    refunds: &'static str,
    inquiry_delay_seconds: u64,
    inquiry_interval_seconds: u64,
    expiry_most_seconds: u64,
    health: Health,
}

/// How its payments fare.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"open": 2, "overdue": 0}))]
struct Health {
    /// How many of its payments are not final.
    open: i64,
    /// How many of those should have been asked for a minute ago or longer.
    overdue: i64,
}

/// All gateways.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"data": []}))]
struct Providers {
    data: Vec<Provider>,
}

/// List the gateways
///
/// Those that are configured, what they can do, and how they fare.
#[utoipa::path(
    tag = "Gateways", operation_id = "list_providers", security(("user" = [])),
    responses((status = 200, body = Providers, description = "The gateways")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/providers")]
pub async fn list(app: web::Data<App>, caller: SignedIn) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let managed = organizers::managed_by(&mut conn, &caller).await?;
    if managed.is_some_and(|managed| managed.is_empty()) {
        return Err(Problem::new(Code::Forbidden));
    }
    let default = app.gateways.default().map(|gateway| gateway.id());
    let mut data = Vec::new();
    for gateway in app.gateways.iter() {
        let id = gateway.id();
        let (open, overdue) = payments::count_open(&mut conn, id, app.clock.now()).await?;
        let health = Health { open, overdue };
        let currency = app.config.default_currency;
        data.push(provider(
            gateway.as_ref(),
            default == Some(id),
            currency,
            health,
        ));
    }
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(Providers { data }))
}

fn provider(gateway: &dyn Gateway, default: bool, currency: Currency, health: Health) -> Provider {
    let capabilities = gateway.capabilities();
    Provider {
        id: gateway.id(),
        account: crate::gateways::ACCOUNT,
        default,
        livemode: capabilities.livemode,
        currencies: capabilities.currencies,
        amount_least_minor: (capabilities.amounts)(currency).least_minor,
        next_actions: capabilities.next_actions,
        can_cancel: capabilities.can_cancel,
        refunds: capabilities.refunds,
        inquiry_delay_seconds: capabilities.inquiry_delay.as_secs(),
        inquiry_interval_seconds: capabilities.inquiry_interval.as_secs(),
        expiry_most_seconds: capabilities.expiry_most.as_secs(),
        health,
    }
}
