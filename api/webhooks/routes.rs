//! Where gateways post, and what they have posted.

mod events;

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;
use crate::error::Problem;
use crate::http::body::RawBody;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(receive)
        .service(events::list)
        .service(events::read)
        .service(events::reprocess)
        .service(events::of_payment);
}

/// That a message has arrived.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"status": "received"}))]
struct Received {
    status: &'static str,
}

/// Take a gateway's message
///
/// Only the gateway can post here: its own signature is what is checked. Any further query
/// parameter is accepted. The same message twice changes nothing more.
#[utoipa::path(
    tag = "Gateways", operation_id = "receive_webhook",
    params(("provider" = String, Path, example = "dummy")),
    responses((status = 200, body = Received, description = "It is safe with us")),
    extensions(("x-errors" = json!([
        "webhook_signature_invalid", "webhook_payload_invalid", "payload_too_large",
        "request_timeout", "malformed_json"
    ])))
)]
#[post("/webhooks/{provider}")]
async fn receive(
    app: web::Data<App>,
    request: HttpRequest,
    provider: web::Path<String>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    super::receive(&app, &provider, request.headers(), &body.0).await?;
    let status = "received";
    Ok(HttpResponse::Ok().json(Received { status }))
}
