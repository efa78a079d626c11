//! Who may see and act on a ticket: whoever may on its order.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::image_url;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::id::TicketId;
use crate::orders::{self, Caller, OrderAccess};
use crate::tickets::card::{self, Card};

/// The ticket of the path's `id`, with what the caller is to its order: its buyer or its
/// organizer's manager. To a stranger it does not exist.
pub struct TicketAccess {
    pub card: Card,
    pub order: OrderAccess,
}

async fn find(app: &App, id: TicketId) -> Result<Card, Problem> {
    let mut conn = app.db.find().await?;
    let card = card::find(&mut conn, id).await?;
    card.ok_or_else(|| Problem::new(Code::NotFound))
}

impl TicketAccess {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let caller = Caller::require(request).await?;
        let app = App::of(request)?;
        let card = find(app, path::segment(request, "id")?).await?;
        let mut conn = app.db.find().await?;
        let order = orders::access(&mut conn, caller, card.ticket.order_id).await?;
        order.check_viewer()?;
        Ok(Self { card, order })
    }
}

impl FromRequest for TicketAccess {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// A ticket whose picture may be seen: by whoever may see the ticket, or by a signed URL.
pub struct PictureAccess {
    pub card: Card,
}

impl FromRequest for PictureAccess {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if !image_url::is_signed(&request) {
                let TicketAccess { card, .. } = TicketAccess::of(&request).await?;
                return Ok(Self { card });
            }
            let app = App::of(&request)?;
            let card = find(app, path::segment(&request, "id")?).await?;
            if image_url::is_good(app, &request, &card.ticket) {
                Ok(Self { card })
            } else {
                Err(Problem::new(Code::NotFound))
            }
        })
    }
}
