//! The payments' handlers.

mod body;
mod permission;
mod providers;
mod returns;
mod review;
mod search;
mod transactions;
pub mod view;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

pub use self::body::{CheckoutPaymentShape, check_urls, read_attempt};
use self::body::{IntentBody, IntentShape};
pub use self::permission::PaymentAccess;
use self::view::{PaymentView, Sight};
use super::attempt::{self, Intent};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::gateways::dummy::Outcome;
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation, Recorded};
use crate::http::parse;
use crate::http::version::{self, Privacy};
use crate::id::PaymentId;
use crate::orders::{self, Caller};
use crate::refunds;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(create)
        .service(search::list)
        .service(read)
        .service(cancel)
        .service(simulate)
        .service(sync)
        .service(review::review)
        .service(transactions::list)
        .service(transactions::read)
        .service(providers::list)
        .service(returns::get)
        .service(returns::post);
}

/// Pay an order
///
/// One attempt through one gateway; `next_action` says what the buyer does next. An earlier
/// attempt that is still open is canceled at its gateway first. 202 when the gateway's answer
/// never came: ask `…/sync` later.
#[utoipa::path(
    tag = "Payments", operation_id = "create_payment_intent",
    security(("user" = []), ("guest" = [])),
    request_body = IntentShape,
    responses(
        (status = 201, body = PaymentView, description = "The attempt"),
        (status = 202, body = PaymentView, description = "Its outcome is not known yet")
    ),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "payment_declined", "order_already_paid",
        "payment_in_progress", "order_expired", "amount_mismatch", "return_url_not_allowed",
        "currency_not_supported", "provider_not_available", "amount_too_small",
        "money_not_integer", "provider_error", "provider_misconfigured"
    ])))
)]
#[post("/payment-intents")]
async fn create(
    app: web::Data<App>,
    caller: Caller,
    body: Body<IntentBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let body = body.0;
    let mut conn = app.db.find().await?;
    let access = orders::access(&mut conn, caller, body.order_id).await;
    drop(conn);
    let access = access.map_err(unknown_order)?;
    access.check_owner()?;
    check_urls(&app.config, &body.attempt.urls, "")?;
    mutation
        .run_with_call(
            async |conn| {
                let order = orders::lock(conn, body.order_id).await?;
                check_amount(&body, &order)?;
                let now = app.clock.now();
                attempt::intend(conn, &app, &order, body.attempt.clone(), now).await
            },
            async |intent: &Intent, run| attempt::call(&app, intent, run).await,
            async |conn, intent, outcome| {
                let outcome = attempt::outcome_of(outcome)?;
                let now = app.clock.now();
                let recorded = attempt::record(conn, &app, intent, outcome, now).await?;
                let sight = Sight {
                    keys: Some(&app.keys),
                    ..Sight::of_order(access.role)
                };
                Ok(match recorded {
                    attempt::Recorded::Started(payment) => {
                        let location = format!("/api/v1/payment-intents/{}", payment.id);
                        let version = payment.version;
                        let view = PaymentView::load(conn, payment, sight).await?;
                        let answer = Answer::created(&view)?.version(version);
                        Recorded::Answer(answer.location(location))
                    }
                    attempt::Recorded::Unknown(payment) => {
                        let view = PaymentView::load(conn, payment, sight).await?;
                        Recorded::Answer(Answer::accepted(&view)?)
                    }
                    attempt::Recorded::Refused(problem) => Recorded::Refusal(problem),
                })
            },
        )
        .await
}

/// An unknown id in a body, or one of somebody else's, is a fault of the body.
fn unknown_order(problem: Problem) -> Problem {
    match problem.code {
        Code::NotFound => {
            Problem::invalid_member("/order_id", "not_found", "there is no such order")
        }
        _ => problem,
    }
}

/// What the client believes about the amount must be so; it never makes it so.
fn check_amount(body: &IntentBody, order: &orders::Order) -> Result<(), Problem> {
    let amount = body.expected_amount_minor.unwrap_or(order.total_minor);
    let currency = body.expected_currency.unwrap_or(order.currency);
    if (amount, currency) == (order.total_minor, order.currency) {
        return Ok(());
    }
    let detail = format!("The order's total is {}.", order.total());
    let problem = Problem::new(Code::AmountMismatch).detail(detail);
    Err(problem.member("amount_minor", order.total_minor))
}

/// Read a payment
///
/// A pure read of what we know; `…/sync` asks the gateway.
#[utoipa::path(
    tag = "Payments", operation_id = "read_payment_intent",
    security(("user" = []), ("guest" = [])),
    params(("id" = PaymentId, Path)),
    responses((status = 200, body = PaymentView, description = "The payment")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/payment-intents/{id}")]
async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    access: PaymentAccess,
) -> Result<HttpResponse, Problem> {
    access.order.check_viewer()?;
    let version = access.payment.version;
    let sight = Sight::of(access.order.role, &app.keys);
    let view = PaymentView::new(access.payment, Some(access.details), sight);
    Ok(version::object(&request, version, Privacy::Personal, &view))
}

/// Cancel a payment
///
/// At the gateway first; refused when it can still be paid there, or is.
#[utoipa::path(
    tag = "Payments", operation_id = "cancel_payment_intent",
    security(("user" = []), ("guest" = [])),
    params(("id" = PaymentId, Path)),
    responses((status = 200, body = PaymentView, description = "The payment as it is now")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "not_cancelable", "provider_error"
    ])))
)]
#[post("/payment-intents/{id}/cancel")]
async fn cancel(
    app: web::Data<App>,
    access: PaymentAccess,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.order.check_viewer()?;
    mutation.require_key()?;
    mutation
        .run_with_call(
            async |_| Ok(access.payment.id),
            async |id: &PaymentId, _| super::cancel(&app, *id).await,
            async |conn, id, outcome: &Result<_, Problem>| {
                if let Err(problem) = outcome {
                    return Ok(Recorded::Refusal(problem.repeated()));
                }
                let payment = super::find(conn, *id).await?;
                let version = payment.version;
                let sight = Sight::of(access.order.role, &app.keys);
                let view = PaymentView::load(conn, payment, sight).await?;
                Ok(Recorded::Answer(Answer::ok(&view)?.version(version)))
            },
        )
        .await
}

#[derive(utoipa::ToSchema)]
#[schema(as = Simulation, example = json!({"outcome": "succeed"}))]
struct SimulateBody {
    outcome: Outcome,
}

impl FromBody for SimulateBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let outcome = parse::one_of(Outcome::NAMES, Outcome::from_name);
        let outcome = fields.required("outcome", outcome);
        Some(Self { outcome: outcome? })
    }
}

/// Decide a dummy payment
///
/// What its hosted page does, for tests. The outcome stands at the dummy gateway from then on,
/// and its signed message brings it.
#[utoipa::path(
    tag = "Payments", operation_id = "simulate_payment_intent",
    security(("user" = []), ("guest" = [])),
    params(("id" = PaymentId, Path)),
    request_body = SimulateBody,
    responses((status = 202, body = PaymentView, description = "The payment, before the message")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/payment-intents/{id}/simulate")]
async fn simulate(
    app: web::Data<App>,
    access: PaymentAccess,
    body: Body<SimulateBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    access.order.check_owner()?;
    let dummy = app.gateways.dummy();
    let dummy = dummy.filter(|_| access.payment.provider == crate::gateways::dummy::ID);
    let dummy = dummy.ok_or_else(|| Problem::new(Code::NotFound))?;
    let outcome = body.0.outcome;
    mutation
        .run_with_call(
            async |_| Ok(access.payment.reference.clone()),
            async |reference: &String, _| dummy.decide(reference, outcome).await,
            async |conn, _, decided: &Result<bool, Problem>| {
                match decided {
                    Err(problem) => return Ok(Recorded::Refusal(problem.repeated())),
                    Ok(false) => {
                        let detail = "The gateway has decided this payment already.";
                        let problem = Problem::new(Code::InvalidTransition).detail(detail);
                        return Ok(Recorded::Refusal(problem));
                    }
                    Ok(true) => {}
                }
                let payment = super::find(conn, access.payment.id).await?;
                let view = PaymentView::load(conn, payment, Sight::buyer(&app.keys)).await?;
                Ok(Recorded::Answer(Answer::accepted(&view)?))
            },
        )
        .await
}

/// Ask the gateway now
///
/// Too early for the gateway, the stored state is answered. Buyers may ask every 10 seconds.
#[utoipa::path(
    tag = "Payments", operation_id = "sync_payment_intent",
    security(("user" = []), ("guest" = [])),
    params(("id" = PaymentId, Path)),
    responses((status = 200, body = PaymentView, description = "The payment as it is now")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[post("/payment-intents/{id}/sync")]
async fn sync(app: web::Data<App>, access: PaymentAccess) -> Result<HttpResponse, Problem> {
    access.order.check_viewer()?;
    let sight = Sight::of(access.order.role, &app.keys);
    if !sight.as_manager {
        app.limits.sync.check(&access.payment.id.to_string())?;
    }
    let payment = super::sync(&app, access.payment.id).await?;
    refunds::look_for(&app, &payment).await?;
    let mut conn = app.db.find().await?;
    let view = PaymentView::load(&mut conn, payment, sight).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(view))
}
