//! The checkout's handlers.

mod view;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde_json::{Map, Value};
use utoipa_actix_web::service_config::ServiceConfig;

use self::view::SessionView;
use super::CheckoutIntent;
use crate::accounts::MaybeSignedIn;
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation, Recorded};
use crate::http::path;
use crate::http::version::{self, Privacy};
use crate::id::{CheckoutSessionId, EventId, EventSessionId};
use crate::money::Currency;
use crate::orders::routes::{BuyerBody, ItemBody, placed, read_order};
use crate::orders::{self, Caller, NewOrder};
use crate::payments::routes::{CheckoutPaymentShape, check_urls, read_attempt};
use crate::payments::{self, Attempt};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(create).service(read);
}

/// A purchase in one call.
#[derive(utoipa::ToSchema)]
#[schema(as = NewCheckoutSession, example = json!({
    "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "items": [{"ticket_type": "vip", "quantity": 2}],
    "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    "payment": {"success_url": "http://localhost:5173/thanks"}
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct CheckoutShape {
    event_id: EventId,
    session_id: Option<EventSessionId>,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<ItemBody>,
    buyer: BuyerBody,
    /// What the buyer was shown; refused when it is not so.
    currency: Option<Currency>,
    expected_total_minor: Option<i64>,
    payment: Option<CheckoutPaymentShape>,
    #[schema(max_length = 35)]
    locale: Option<String>,
    #[schema(max_length = 500)]
    description: Option<String>,
    metadata: Option<Map<String, Value>>,
}

struct CheckoutBody {
    order: NewOrder,
    attempt: Attempt,
}

impl FromBody for CheckoutBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order = read_order(fields);
        let attempt = fields.object("payment", read_attempt);
        Some(Self {
            order: order?,
            attempt: attempt?.unwrap_or_default(),
        })
    }
}

/// Buy
///
/// The one-call purchase: places the order, holds its stock, starts the payment. `next_action`
/// says where the buyer pays. A buyer without an account gets an `order_token`, to be sent as
/// `Authorization: Bearer`. 202 when the gateway's answer never came; after 502 the order is
/// kept, and the same request with the same key tries again.
#[utoipa::path(
    tag = "Checkout", operation_id = "create_checkout_session", security((), ("user" = [])),
    request_body = CheckoutShape,
    responses(
        (status = 201, body = SessionView, description = "The purchase"),
        (status = 202, body = SessionView, description = "Whether it can be paid is not known yet")
    ),
    extensions(("x-errors" = json!([
        "idempotency_key_required", "sold_out", "booth_taken", "event_not_on_sale",
        "price_changed", "too_many_open_orders", "quantity_out_of_range",
        "ticket_type_not_found", "booth_type_not_found", "return_url_not_allowed",
        "currency_not_supported", "provider_not_available", "amount_too_small",
        "money_not_integer", "payment_declined", "provider_error", "provider_misconfigured"
    ])))
)]
#[post("/checkout-sessions")]
async fn create(
    app: web::Data<App>,
    request: HttpRequest,
    by: MaybeSignedIn,
    body: Body<CheckoutBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let CheckoutBody { order, attempt } = body.0;
    check_urls(&app.config, &attempt.urls, "/payment")?;
    let placed = placed(&app, &request, &by);
    mutation
        .run_with_call(
            async |conn| super::begin(conn, &app, &order, attempt.clone(), &placed).await,
            async |intent: &CheckoutIntent, run| match &intent.payment {
                Some(payment) => Some(payments::call(&app, payment, run).await),
                None => None,
            },
            async |conn, intent, outcome| {
                let recorded = match (&intent.payment, outcome) {
                    (Some(payment), Some(outcome)) => {
                        let outcome = payments::outcome_of(outcome)?;
                        let now = app.clock.now();
                        payments::record(conn, &app, payment, outcome, now).await?
                    }
                    _ => return answer(conn, &app, intent, true).await,
                };
                match recorded {
                    payments::Recorded::Started(_) => answer(conn, &app, intent, true).await,
                    payments::Recorded::Unknown(_) => answer(conn, &app, intent, false).await,
                    payments::Recorded::Refused(problem) => {
                        let id = intent.order.to_string();
                        Ok(Recorded::Refusal(problem.member("order_id", id)))
                    }
                }
            },
        )
        .await
}

/// What the buyer is told.
async fn answer(
    conn: &mut Conn,
    app: &App,
    intent: &CheckoutIntent,
    is_known: bool,
) -> Result<Recorded, Problem> {
    let order = orders::find(conn, intent.order).await?;
    let order = order.ok_or_else(|| Problem::internal("a checkout without its order"))?;
    let token = order.owner_id.is_none().then(|| order.guest_token());
    let view = SessionView::load(conn, intent.session, order, &app.keys).await?;
    let view = if token.is_some() {
        view.with_token()
    } else {
        view
    };
    let answer = if is_known {
        Answer::created(&view)?
    } else {
        Answer::accepted(&view)?
    };
    let location = format!("/api/v1/checkout-sessions/{}", intent.session);
    Ok(Recorded::Answer(
        answer.location(location).guest_token(token),
    ))
}

/// Read a checkout
///
/// Its `status` follows its order: `open`, `processing`, `complete` or `expired`.
#[utoipa::path(
    tag = "Checkout", operation_id = "read_checkout_session",
    security(("user" = []), ("guest" = [])),
    params(("id" = CheckoutSessionId, Path)),
    responses((status = 200, body = SessionView, description = "The purchase")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/checkout-sessions/{id}")]
async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    let id: CheckoutSessionId = path::segment(&request, "id")?;
    let mut conn = app.db.find().await?;
    let session = orders::find_session(&mut conn, id).await?;
    let session = session.ok_or_else(|| Problem::new(Code::NotFound))?;
    let access = orders::access(&mut conn, caller, session.order_id).await?;
    access.check_owner()?;
    let payments = payments::of_order(&mut conn, session.order_id).await?;
    let stamp = payments.iter().map(|payment| payment.version).sum();
    let version = access.order.version;
    let view = SessionView::load(&mut conn, id, access.order, &app.keys).await?;
    Ok(version::stamped_object(
        &request,
        version,
        stamp,
        Privacy::Personal,
        &view,
    ))
}
