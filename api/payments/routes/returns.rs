//! Where buyers come back to from a gateway's page. What their browser says is a hint: the
//! gateway is asked, and the buyer sent on to the front end.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};

use crate::app::App;
use crate::error::{Code, Problem};
use crate::gateways::ACCOUNT;
use crate::http::body::RawBody;
use crate::orders;
use crate::payments::{self, Payment, Status};

/// Come back from a gateway
///
/// For browsers. Asks the gateway and redirects to the payment's `success_url` when it is paid
/// or on its way, else to its `cancel_url`. Any parameter is accepted.
#[utoipa::path(
    tag = "Gateways", operation_id = "return_from_gateway",
    params(("provider" = String, Path, example = "dummy")),
    responses(
        (status = 200, description = "A page that says that the window may be closed", content_type = "text/html"),
        (status = 303, description = "On to the front end")
    )
)]
#[get("/returns/{provider}")]
pub async fn get(
    app: web::Data<App>,
    request: HttpRequest,
    provider: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    come_back(&app, &provider, parameters(request.query_string())).await
}

/// Come back from a gateway that posts a form
#[utoipa::path(
    tag = "Gateways", operation_id = "return_from_gateway_by_form",
    params(("provider" = String, Path, example = "dummy")),
    responses(
        (status = 200, description = "A page that says that the window may be closed", content_type = "text/html"),
        (status = 303, description = "On to the front end")
    ),
    extensions(("x-errors" = json!(["payload_too_large", "request_timeout", "malformed_json"])))
)]
#[post("/returns/{provider}")]
pub async fn post(
    app: web::Data<App>,
    request: HttpRequest,
    provider: web::Path<String>,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let mut all = parameters(request.query_string());
    all.extend(parameters(&String::from_utf8_lossy(&body.0)));
    come_back(&app, &provider, all).await
}

fn parameters(text: &str) -> HashMap<String, String> {
    web::Query::<HashMap<String, String>>::from_query(text)
        .map(web::Query::into_inner)
        .unwrap_or_default()
}

async fn come_back(
    app: &App,
    provider: &str,
    parameters: HashMap<String, String>,
) -> Result<HttpResponse, Problem> {
    let gateway = app.gateways.find(provider);
    let gateway = gateway.ok_or_else(|| Problem::new(Code::NotFound))?;
    let reference = gateway.reference_of_return(&parameters);
    let mut conn = app.db.find().await?;
    let payment = match reference.filter(|it| !it.chars().any(char::is_control)) {
        Some(reference) => {
            payments::find_by_reference(&mut conn, provider, ACCOUNT, &reference).await?
        }
        None => None,
    };
    drop(conn);
    let Some(payment) = payment else {
        return Ok(send_on(app.config.default_cancel_url.clone()));
    };
    let payment = payments::sync(app, payment.id).await?;
    Ok(send_on(destination(app, &payment).await?))
}

/// Where the front end wants the buyer, with what it needs to know which purchase this was.
async fn destination(app: &App, payment: &Payment) -> Result<Option<String>, Problem> {
    let mut conn = app.db.find().await?;
    let details = payments::details_of(&mut conn, payment.id).await?;
    let session = orders::session_of(&mut conn, payment.order_id).await?;
    let is_good = payment.status == Status::Succeeded || payment.status.is_in_progress();
    let config = &app.config;
    let url = if is_good {
        details
            .success_url
            .or_else(|| config.default_success_url.clone())
    } else {
        details
            .cancel_url
            .or_else(|| config.default_cancel_url.clone())
    };
    let query = match session {
        Some(session) => format!("session={}", session.id),
        None => format!("order={}&payment={}", payment.order_id, payment.id),
    };
    Ok(url.map(|url| with_query(&url, &query)))
}

/// Adds parameters before the fragment.
fn with_query(url: &str, query: &str) -> String {
    let (page, fragment) = match url.split_once('#') {
        Some((page, fragment)) => (page, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let glue = if page.contains('?') { '&' } else { '?' };
    format!("{page}{glue}{query}{fragment}")
}

fn send_on(url: Option<String>) -> HttpResponse {
    let Some(url) = url else {
        let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
                    <title>Thank you</title><p>This window may be closed.</p></html>";
        return HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type("text/html; charset=utf-8")
            .body(page);
    };
    HttpResponse::SeeOther()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::LOCATION, url))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::with_query;

    #[test]
    fn parameters_are_added_where_they_belong() {
        for (url, expected) in [
            ("https://a.b/c", "https://a.b/c?x=1"),
            ("https://a.b/c?d=e", "https://a.b/c?d=e&x=1"),
            ("https://a.b/#/c", "https://a.b/?x=1#/c"),
        ] {
            assert_eq!(with_query(url, "x=1"), expected);
        }
    }
}
