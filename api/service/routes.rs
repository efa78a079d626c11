//! The service's own routes.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Contract;
use super::health::{self, Readiness};
use super::settings::public_config;
use crate::app::App;
use crate::config::Environment;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::keys::{Jwk, PublicTicketKey};

/// The routes outside of `/api/v1`.
pub fn configure_root(config: &mut ServiceConfig<'_>) {
    config
        .service(healthz)
        .service(readyz)
        .service(jwks)
        .service(ticket_keys);
}

/// The routes under `/api/v1`.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(index)
        .service(version)
        .service(contract)
        .service(public_config)
        .service(list_errors)
        .service(read_error);
}

/// Whether the process lives
#[utoipa::path(
    tag = "Service", operation_id = "healthz",
    responses((status = 200, description = "It lives", body = Object, example = json!({"status": "ok"})))
)]
#[get("/healthz")]
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Whether the process can do its work
///
/// With the age of the oldest due row of each queue: a growing one means that no worker runs.
#[utoipa::path(
    tag = "Service", operation_id = "readyz",
    responses((status = 200, body = Readiness, description = "Ready", example = json!({
        "status": "ready", "migrations_applied": true,
        "queues": {"jobs_oldest_seconds": 0, "emails_oldest_seconds": 0}
    })))
)]
#[get("/readyz")]
async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let readiness = health::check(&app).await?;
    if !readiness.migrations_applied {
        let detail = "The database is older than this program: run `tollgate migrate`.";
        return Err(Problem::new(Code::Overloaded).detail(detail).retry_after(5));
    }
    Ok(HttpResponse::Ok().json(readiness))
}

/// The keys that access tokens are signed with.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"keys": [{
    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
    "kid": "key_01h455vb4pex5vsknk084sn02q", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}]}))]
struct Jwks {
    keys: Vec<Jwk>,
}

/// The keys that verify access tokens
#[utoipa::path(
    tag = "Service", operation_id = "jwks",
    responses((status = 200, body = Jwks, description = "A JSON Web Key Set (RFC 7517)"))
)]
#[get("/.well-known/jwks.json")]
async fn jwks(app: web::Data<App>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "public, max-age=300"));
    response.json(Jwks {
        keys: app.keys.jwks(),
    })
}

/// The keys that verify tickets.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"keys": [{
    "kid": 3735928559_u32, "alg": "Ed25519",
    "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "not_before": null, "not_after": null, "status": "active"
}]}))]
struct TicketKeySet {
    keys: Vec<PublicTicketKey>,
}

/// The keys that verify tickets
///
/// For scanners that work offline; the README says how a code is read.
#[utoipa::path(
    tag = "Service", operation_id = "ticket_keys",
    responses((status = 200, body = TicketKeySet, description = "Public keys"))
)]
#[get("/.well-known/ticket-keys.json")]
async fn ticket_keys(app: web::Data<App>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "public, max-age=300"));
    response.json(TicketKeySet {
        keys: app.keys.tickets.public(),
    })
}

/// Where to begin.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "name": "Tollgate", "version": "0.1.0", "livemode": false,
    "links": {
        "contract": "http://127.0.0.1:8080/api/v1/openapi.json",
        "docs": "http://127.0.0.1:8080/api/docs/",
        "errors": "http://127.0.0.1:8080/api/v1/errors",
        "events": "http://127.0.0.1:8080/api/v1/events"
    }
}))]
struct Index {
    name: &'static str,
    version: &'static str,
    livemode: bool,
    links: Links,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Links {
    contract: String,
    docs: String,
    errors: String,
    events: String,
}

/// Where to begin
#[utoipa::path(
    tag = "Service", operation_id = "index",
    responses((status = 200, body = Index, description = "Links"))
)]
#[get("")]
async fn index(app: web::Data<App>) -> HttpResponse {
    let base = &app.config.public_base_url;
    HttpResponse::Ok().json(Index {
        name: "Tollgate",
        version: env!("CARGO_PKG_VERSION"),
        livemode: is_live(&app),
        links: Links {
            contract: format!("{base}/api/v1/openapi.json"),
            docs: format!("{base}/api/docs/"),
            errors: format!("{base}/api/v1/errors"),
            events: format!("{base}/api/v1/events"),
        },
    })
}

/// Which build this is.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"name": "Tollgate", "version": "0.1.0", "livemode": false}))]
struct Version {
    name: &'static str,
    version: &'static str,
    /// Whether real money moves.
    livemode: bool,
}

/// Which build this is
#[utoipa::path(
    tag = "Service", operation_id = "version",
    responses((status = 200, body = Version, description = "The build"))
)]
#[get("/version")]
async fn version(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(Version {
        name: "Tollgate",
        version: env!("CARGO_PKG_VERSION"),
        livemode: is_live(&app),
    })
}

/// This contract
#[utoipa::path(
    tag = "Service", operation_id = "contract",
    responses((
        status = 200, body = Object, description = "OpenAPI 3.1",
        example = json!({"openapi": "3.1.0", "info": {"title": "Tollgate"}})
    ))
)]
#[get("/openapi.json")]
async fn contract(contract: web::Data<Contract>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-cache"));
    response
        .content_type("application/json")
        .body(contract.0.clone())
}

fn is_live(app: &App) -> bool {
    app.config.environment == Environment::Production
}

/// One error code and what to do about it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "code": "sold_out", "status": 409, "title": "Not enough tickets available",
    "retryable": false, "advice": "Take fewer, or another type; `available` says what is left."
}))]
struct ErrorEntry {
    code: &'static str,
    status: u16,
    title: &'static str,
    /// Whether the same request may succeed when it is sent again later.
    retryable: bool,
    advice: &'static str,
}

impl From<Code> for ErrorEntry {
    fn from(code: Code) -> Self {
        Self {
            code: code.as_str(),
            status: code.status().as_u16(),
            title: code.title(),
            retryable: code.retryable(),
            advice: code.advice(),
        }
    }
}

/// Every error code.
#[derive(Serialize, utoipa::ToSchema)]
struct ErrorCatalogue {
    data: Vec<ErrorEntry>,
}

/// List the error codes
#[utoipa::path(
    tag = "Service", operation_id = "list_errors",
    responses((status = 200, body = ErrorCatalogue, description = "Every code there is"))
)]
#[get("/errors")]
async fn list_errors() -> HttpResponse {
    let data = Code::ALL.iter().copied().map(ErrorEntry::from).collect();
    HttpResponse::Ok().json(ErrorCatalogue { data })
}

/// Explain an error code
#[utoipa::path(
    tag = "Service", operation_id = "read_error",
    params(("code" = String, Path, example = "sold_out")),
    responses((status = 200, body = ErrorEntry, description = "The code"))
)]
#[get("/errors/{code}")]
async fn read_error(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let name: String = path::segment(&request, "code")?;
    let code = Code::from_name(&name).ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(HttpResponse::Ok().json(ErrorEntry::from(code)))
}
