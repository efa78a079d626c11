//! A request that changes something runs to its end, even if its client hangs up.
//!
//! Actix drops a handler when the connection is reset. Half a purchase must not depend on
//! a phone's reception.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web;
use tracing::Instrument;

use crate::app::App;
use crate::error::Problem;

/// Runs unsafe methods on a task of their own, counted so that stopping waits for them.
/// A panic inside becomes a 500.
pub async fn detach(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.method().is_safe() {
        return next.call(request).await;
    }
    let running = request
        .app_data::<web::Data<App>>()
        .map(|app| app.running.clone())
        .unwrap_or_default();
    let closing = running.is_closed();
    let work = running.track_future(next.call(request).in_current_span());
    let outcome = actix_web::rt::spawn(work).await;
    let mut response = outcome.map_err(|panicked| Problem::internal(panicked.to_string()))??;
    if closing {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(response)
}
