//! Mails that buyers ask for: the links of their orders, and a confirmation once more.

use actix_web::{HttpResponse, post, web};

use crate::app::App;
use crate::error::Problem;
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::id::OrderId;
use crate::jobs::{self, Job};
use crate::orders::{self, OrderAccess, Terms};

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"email": "asha@example.com"}))]
struct LookupBody {
    email: String,
}

impl FromBody for LookupBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", parse::email);
        Some(Self { email: email? })
    }
}

/// Ask for the links of one's orders
///
/// Always 202, whether or not that address has any; if so, they are mailed.
#[utoipa::path(
    tag = "Orders", operation_id = "look_up_orders", request_body = LookupBody,
    responses((status = 202, description = "If there are orders, a mail is on its way"))
)]
#[post("/orders/lookup")]
pub async fn look_up(
    app: web::Data<App>,
    body: Body<LookupBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let email = body.0.email;
    app.limits.mail.check(&format!("orders:{email}"))?;
    mutation
        .run(async |conn| {
            let email = email.clone();
            jobs::enqueue(conn, Job::MailOrderLinks { email }, app.clock.now()).await?;
            Ok(Answer::accepted_without_body())
        })
        .await
}

/// Send an order's mails again
#[utoipa::path(
    tag = "Orders", operation_id = "resend_order", security(("user" = []), ("guest" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 202, description = "They are on their way")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/orders/{id}/resend")]
pub async fn resend(
    app: web::Data<App>,
    access: OrderAccess,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.check_viewer()?;
    app.limits.resend.check(&access.order.id.to_string())?;
    let terms = Terms::of(&app.config);
    mutation
        .run(async |conn| {
            orders::resend(conn, &access.order, &terms, app.clock.now()).await?;
            Ok(Answer::accepted_without_body())
        })
        .await
}
