//! Who may see and act on a payment: whoever may on its order.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::orders::{self, Caller, OrderAccess};
use crate::payments::{self, BilledPayment, Details, Payment};

/// The payment of the path's `id`, with what the caller is to its order.
pub struct PaymentAccess {
    pub payment: Payment,
    pub details: Details,
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
            let id = path::segment(&request, "id")?;
            let gather = &app.gathers.payments;
            let found = gather.find(&app.db, id, payments::find_gathered).await?;
            let BilledPayment {
                payment,
                order,
                details,
            } = found.ok_or_else(|| Problem::new(Code::NotFound))?;
            let mut conn = app.db.find().await?;
            let order = orders::access_to(&mut conn, caller, order).await?;
            Ok(Self {
                payment,
                details,
                order,
            })
        })
    }
}
