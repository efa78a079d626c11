//! Who may see and act on a refund: whoever may on its order.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::id::UserId;
use crate::orders::{self, Caller, OrderAccess};
use crate::refunds::{self, Refund};

/// The refund of the path's `id`, for its organizer's finance.
pub struct FinancedRefund {
    pub refund: Refund,
    pub by: UserId,
}

/// The refund of the path's `id`, with what the caller is to its order.
pub struct RefundAccess {
    pub refund: Refund,
    pub order: OrderAccess,
}

impl RefundAccess {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Caller::require(request).await?;
        let mut conn = App::of(request)?.db.find().await?;
        let refund = refunds::find(&mut conn, path::segment(request, "id")?).await?;
        let order = orders::access(&mut conn, caller, refund.order_id).await?;
        Ok(Self { refund, order })
    }
}

impl FromRequest for RefundAccess {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

impl FromRequest for FinancedRefund {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let RefundAccess { refund, order } = RefundAccess::of(&request).await?;
            order.check_finance()?;
            let by = order.actor();
            let by = by.ok_or_else(|| Problem::new(Code::Forbidden))?;
            Ok(Self { refund, by })
        })
    }
}
