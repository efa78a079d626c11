//! Who may see and act on a payment: whoever may on its order.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::app::App;
use crate::error::Problem;
use crate::http::path;
use crate::orders::{self, Caller, OrderAccess};
use crate::payments::{self, Payment};

/// The payment of the path's `id`, with what the caller is to its order.
pub struct PaymentAccess {
    pub payment: Payment,
    pub order: OrderAccess,
}

impl FromRequest for PaymentAccess {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = Caller::require(&request).await?;
            let app = App::of(&request)?;
            let mut conn = app.db.find().await?;
            let payment = payments::find(&mut conn, path::segment(&request, "id")?).await?;
            let order = orders::access(&mut conn, caller, payment.order_id).await?;
            Ok(Self { payment, order })
        })
    }
}
