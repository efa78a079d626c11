//! What gateways have posted, and taking it once more.

mod view;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use futures_util::future::LocalBoxFuture;

use uuid::Uuid;

use self::view::{EventView, Passed};
use crate::accounts::SignedIn;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text, names};
use crate::http::{parse, path};
use crate::id::{GatewayCallId, PaymentId, WebhookEventId};
use crate::organizers;
use crate::payments;
use crate::payments::routes::PaymentAccess;
use crate::webhooks::WebhookEventStatus;
use crate::webhooks::reprocess::{read_again, reprocess as take_again};
use crate::webhooks::store::{self, EventFilter, EventRow};

/// The message of the path's `id`, for a manager of its organizer or an admin. To anybody else
/// there is none.
pub struct ManagedEvent {
    by: SignedIn,
    row: EventRow,
}

impl FromRequest for ManagedEvent {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let id: WebhookEventId = path::segment(&request, "id")?;
            let mut conn = App::of(&request)?.db.find().await?;
            let managed = organizers::managed_by(&mut conn, &by).await?;
            let row = store::find(&mut conn, id, managed.as_deref()).await?;
            let row = row.ok_or_else(|| Problem::new(Code::NotFound))?;
            Ok(Self { by, row })
        })
    }
}

/// List gateways' messages
///
/// Managers see those about payments of their organizers; admins all, also those about payments
/// that we do not know.
#[utoipa::path(
    tag = "Gateways", operation_id = "list_webhook_events", security(("user" = [])),
    params(
        ("provider" = Option<String>, Query),
        ("status" = Option<String>, Query, description = "One or more statuses"),
        ("type" = Option<String>, Query, description = "In the gateway's own words"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<EventView>, description = "Newest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/webhook-events")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let managed = organizers::managed_by(&mut conn, &caller).await?;
    if managed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(Code::Forbidden));
    }
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let statuses = query.optional(
        "status",
        names(WebhookEventStatus::NAMES, WebhookEventStatus::from_name),
    );
    let filter = EventFilter {
        organizers: managed,
        provider: query.optional("provider", as_text(parse::name)),
        statuses: statuses.unwrap_or_default(),
        kind: query.optional("type", as_text(parse::name)),
    };
    query.finish()?;
    let rows = store::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |event| event.id, EventView::from)?;
    Ok(page.respond())
}

/// Read a gateway's message
///
/// What it says of the payment is shown; its text is not: it may hold personal data.
#[utoipa::path(
    tag = "Gateways", operation_id = "read_webhook_event", security(("user" = [])),
    params(("id" = WebhookEventId, Path)),
    responses((status = 200, body = EventView, description = "The message"))
)]
#[get("/webhook-events/{id}")]
pub async fn read(app: web::Data<App>, managed: ManagedEvent) -> HttpResponse {
    let said = read_again(&app, &managed.row);
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    response.json(EventView::from(managed.row.event).says(said))
}

/// Take a gateway's message again
///
/// One that was not applied: `received`, `unmatched`, `failed` or `dead`. It is settled as if it
/// had just come; its new status says what came of it. 202 when the gateway must be asked first.
#[utoipa::path(
    tag = "Gateways", operation_id = "reprocess_webhook_event", security(("user" = [])),
    params(("id" = WebhookEventId, Path)),
    responses(
        (status = 200, body = EventView, description = "The message as it is now"),
        (status = 202, body = EventView, description = "The gateway is asked about its payment")
    ),
    extensions(("x-errors" = json!(["invalid_transition"])))
)]
#[post("/webhook-events/{id}/reprocess")]
pub async fn reprocess(
    app: web::Data<App>,
    managed: ManagedEvent,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let ManagedEvent { by, row } = managed;
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            let event = take_again(conn, &app, &row, by.user.id, now).await?;
            let is_asked = event.status == WebhookEventStatus::Received;
            let view = EventView::from(event);
            match is_asked {
                true => Answer::accepted(&view),
                false => Answer::ok(&view),
            }
        })
        .await
}

/// List what passed between us and a payment's gateway
///
/// What the gateway has told about it (`in`) and what it was asked (`out`), oldest first. A call
/// appears a moment after it was made, and for 90 days.
#[utoipa::path(
    tag = "Payments", operation_id = "list_payment_events", security(("user" = [])),
    params(
        ("id" = PaymentId, Path),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<Passed>, description = "Oldest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/payment-intents/{id}/events")]
pub async fn of_payment(
    app: web::Data<App>,
    request: HttpRequest,
    access: PaymentAccess,
) -> Result<HttpResponse, Problem> {
    if !access.order.role.is_manager() {
        return Err(Problem::new(Code::Forbidden));
    }
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let (payment, limit) = (access.payment.id, page.fetch_limit());
    let after: Option<Uuid> = page.after()?;
    let mut conn = app.db.read().await?;
    let told = after.map(WebhookEventId::from_uuid);
    let told = store::of_payment(&mut conn, payment, told, limit).await?;
    let asked = after.map(GatewayCallId::from_uuid);
    let asked = payments::calls_of(&mut conn, payment, asked, limit).await?;
    // Ids sort by the time they were made.
    let told = told.into_iter().map(|it| (it.id.uuid(), Passed::from(it)));
    let asked = asked.into_iter().map(|it| (it.id.uuid(), Passed::from(it)));
    let mut rows: Vec<(Uuid, Passed)> = told.chain(asked).collect();
    rows.sort_by_key(|(id, _)| *id);
    let page = page.page(rows, |(id, _)| *id, |(_, passed)| passed)?;
    Ok(page.respond())
}
