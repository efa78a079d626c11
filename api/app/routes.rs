//! Every route, and the contract that is made from the same list.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config as SwaggerConfig, SwaggerUi};

use super::App;
use crate::error::{Code, Problem};
use crate::gateways::dummy;
use crate::http::openapi;
use crate::{
    accounts, audit, booths, checkout, emails, events, gate, inventory, jobs, orders, organizers,
    payments, reconciliation, refunds, service, tasks, tickets, webhooks,
};

/// Where Swagger UI finds the contract.
const CONTRACT_PATH: &str = "/api/v1/openapi.json";

/// The operations of every noun.
pub fn operations(config: &mut ServiceConfig<'_>) {
    service::routes::configure_root(config);
    // A request is held against one after the other: what is asked most comes first.
    config.service(utoipa_actix_web::scope("/api/v1").configure(|config| {
        gate::routes::configure(config);
        orders::routes::configure(config);
        payments::routes::configure(config);
        checkout::routes::configure(config);
        webhooks::routes::configure(config);
        tickets::routes::configure(config);
        service::routes::configure(config);
        accounts::routes::configure(config);
        organizers::routes::configure(config);
        events::routes::configure(config);
        inventory::routes::configure(config);
        booths::routes::configure(config);
        refunds::routes::configure(config);
        reconciliation::routes::configure(config);
        tasks::routes::configure(config);
        emails::routes::configure(config);
        audit::routes::configure(config);
        jobs::routes::configure(config);
    }));
}

/// The contract, from the code that routes.
pub fn contract() -> OpenApi {
    let (_, document) = actix_web::App::new()
        .into_utoipa_app()
        .configure(operations)
        .split_for_parts();
    openapi::finish(document)
}

/// The pages beside the API: Swagger UI, from inside the binary, and the dummy gateway's own.
pub fn pages(config: &mut web::ServiceConfig, app: &App) {
    let swagger = SwaggerConfig::new([CONTRACT_PATH])
        .try_it_out_enabled(true)
        .persist_authorization(true)
        .display_request_duration(true)
        .filter(true)
        .validator_url("none");
    if let Some(dummy) = app.gateways.dummy() {
        dummy::page::configure(config, dummy.clone());
    }
    config
        .route("/api/redoc", web::get().to(redirect_to_docs))
        .route("/api/redoc/", web::get().to(redirect_to_docs))
        .route("/api/docs", web::get().to(redirect_to_docs))
        .service(SwaggerUi::new("/api/docs/{_:.*}").config(swagger))
        .default_service(web::to(nothing_here));
}

async fn redirect_to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/api/docs/"))
        .finish()
}

async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Code::NotFound))
}
