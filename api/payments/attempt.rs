//! A new attempt to pay: intended in one commit, called outside of any, recorded in another.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Details, Evidence, Payment, Status, choose, details, settle, store, sync};
use crate::app::App;
use crate::audit;
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::error::{Code, Problem};
use crate::events;
use crate::gateways::{
    Buyer, CancelOutcome, CreatePayment, Failure, GatewayError, Presentation, Snapshot,
};
use crate::http::idempotency::Run;
use crate::id::{OrderId, PaymentId};
use crate::orders::{self, Order, Terms};

/// Under what a payment's request keeps where the buyer wants to pay.
const PRESENTATION: &str = "presentation";

/// Where a buyer returns to after a gateway's page.
#[derive(Debug, Clone, Default)]
pub struct ReturnUrls {
    pub success: Option<String>,
    pub cancel: Option<String>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    pub provider: Option<String>,
    pub urls: ReturnUrls,
    pub presentation: Presentation,
    /// What the client asked for, without secrets.
    pub request: Map<String, Value>,
}

/// What a call to a gateway is made from; kept with the request's claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Intent {
    pub order: OrderId,
    pub payment: PaymentId,
}

/// What came of the call.
pub enum Called {
    /// The gateway answered, or did not.
    Answered(Box<Result<Snapshot, GatewayError>>),
    /// An earlier attempt turned out to be paid, or just being paid: nothing was called.
    Blocked,
    /// The sweeper was faster than the buyer who asked again after a crash: how the attempt
    /// stands is known.
    Known,
}

/// What came of the earlier attempts, and of the call.
pub struct Outcome {
    pub earlier: Vec<(PaymentId, Snapshot)>,
    pub called: Called,
}

/// Writes the attempt down, before any gateway is asked for anything. The caller has locked
/// the order. Earlier attempts are superseded: one at a time can be open.
pub async fn intend(
    conn: &mut Conn,
    app: &App,
    order: &Order,
    attempt: Attempt,
    now: Timestamp,
) -> Result<Intent, Problem> {
    order.check_payable(now)?;
    let earlier = super::of_order(conn, order.id).await?;
    if let Some(busy) = earlier.iter().find(|p| p.status.is_in_progress()) {
        return Err(in_progress(busy.id));
    }
    let gateway = choose::choose(app, order, attempt.provider.as_deref())?;
    store::supersede(conn, order.id, now).await?;
    let capabilities = gateway.capabilities();
    let mut payment = Payment::new(order, &earlier, gateway.id(), capabilities.livemode, now);
    payment.expires_at = Some(order.expires_at.min(now.plus(capabilities.expiry_most)));
    payment.next_sync_at = sync::next_at(&payment, now);
    store::insert(conn, &payment).await?;
    details::insert(conn, &Details::new(&payment, attempt)).await?;
    record_start(conn, &payment, now).await?;
    Ok(Intent {
        order: order.id,
        payment: payment.id,
    })
}

pub(super) async fn record_start(
    conn: &mut Conn,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(payment.organizer_id),
        actor: "system".to_owned(),
        action: "payment.created",
        object: payment.id.to_string(),
        at: now,
    };
    let content = (payment.order_id, payment.amount_minor, &payment.provider);
    entry.write(conn, &content).await
}

impl Details {
    pub(super) fn new(payment: &Payment, attempt: Attempt) -> Self {
        let mut request = attempt.request;
        request.insert(PRESENTATION.to_owned(), json!(attempt.presentation));
        Self {
            payment_id: payment.id,
            request: Json(request),
            next_action: None,
            method: None,
            failure: None,
            manual: None,
            success_url: attempt.urls.success,
            cancel_url: attempt.urls.cancel,
            last_answer: None,
            updated_at: payment.created_at,
        }
    }

    /// Where the buyer wants to pay.
    fn presentation(&self) -> Presentation {
        let kept = self.request.0.get(PRESENTATION).cloned();
        let kept = kept.and_then(|kept| serde_json::from_value(kept).ok());
        kept.unwrap_or_default()
    }
}

pub(super) fn in_progress(payment: PaymentId) -> Problem {
    Problem::new(Code::PaymentInProgress).member("payment_id", payment.to_string())
}

/// Makes the earlier attempts unpayable, then asks the gateway for the new one. Resumed after
/// a crash, it first looks whether that happened.
pub async fn call(app: &App, intent: &Intent, run: Run) -> Result<Outcome, Problem> {
    let mut conn = app.db.find().await?;
    let attempts = super::of_order(&mut conn, intent.order).await?;
    drop(conn);
    let payment = attempts
        .iter()
        .find(|payment| payment.id == intent.payment)
        .ok_or_else(|| Problem::internal("an intent without its payment"))?;
    let open = attempts
        .iter()
        .filter(|other| other.attempt_no < payment.attempt_no && other.status.is_open());
    let (mut earlier, mut is_blocked) = (Vec::new(), false);
    for other in open {
        match cancel_earlier(app, other).await {
            Some(CancelOutcome::Canceled(snapshot)) => earlier.push((other.id, snapshot)),
            Some(CancelOutcome::NotCancelable(snapshot)) => {
                use crate::gateways::RemoteStatus::{Processing, Succeeded};
                is_blocked |= matches!(snapshot.status, Processing | Succeeded);
                earlier.push((other.id, snapshot));
            }
            // It stays superseded and watched.
            None => {}
        }
    }
    let called = if is_blocked {
        Called::Blocked
    } else if payment.status != Status::Created {
        Called::Known
    } else {
        Called::Answered(Box::new(start(app, payment, run).await))
    };
    Ok(Outcome { earlier, called })
}

async fn cancel_earlier(app: &App, payment: &Payment) -> Option<CancelOutcome> {
    let gateway = app.gateways.find(&payment.provider)?;
    match gateway.cancel(&payment.refs()).await {
        Ok(outcome) => Some(outcome),
        Err(error) => {
            tracing::warn!(payment = %payment.id, %error, "not canceled: superseded");
            None
        }
    }
}

async fn start(app: &App, payment: &Payment, run: Run) -> Result<Snapshot, GatewayError> {
    let gateway = app.gateways.find(&payment.provider);
    let gateway = gateway.ok_or_else(|| GatewayError::Config("it is gone".to_owned()))?;
    if run == Run::Resumed {
        let found = sync::ask(gateway.as_ref(), payment, payment.created_at).await;
        if let Some(snapshot) = found.map_err(of_inquiry)? {
            return Ok(snapshot);
        }
    }
    let create = describe(app, payment, gateway.id())
        .await
        .map_err(|problem| {
            tracing::error!(payment = %payment.id, cause = ?problem.cause, "not described");
            GatewayError::NotSent("what it is for could not be read".to_owned())
        })?;
    gateway.create(&create).await
}

/// What a gateway is told of a payment.
async fn describe(app: &App, payment: &Payment, provider: &str) -> Result<CreatePayment, Problem> {
    let mut conn = app.db.find().await?;
    let order = orders::find(&mut conn, payment.order_id).await?;
    let order = order.ok_or_else(|| Problem::internal("a payment without its order"))?;
    let details = super::details_of(&mut conn, payment.id).await?;
    let description = match order.description {
        Some(description) => description,
        None => {
            let event = events::find(&mut conn, order.event_id).await?;
            event.map_or_else(|| format!("Order {}", order.id), |event| event.name)
        }
    };
    let (base, reference) = (&app.config.public_base_url, &payment.reference);
    Ok(CreatePayment {
        refs: payment.refs(),
        order: order.id,
        presentation: details.presentation(),
        buyer: Buyer {
            name: order.buyer_name,
            email: order.buyer_email,
        },
        idempotency_key: format!("{}-{reference}", payment.id),
        description,
        return_url: format!("{base}/api/v1/returns/{provider}?reference={reference}"),
        expires_at: payment.expires_at.unwrap_or(payment.created_at),
    })
}

/// A question that is refused says nothing about the payment, which may be there.
fn of_inquiry(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Rejected(_) | GatewayError::Config(_) => {
            GatewayError::Unknown(format!("asked whether it is there: {error}"))
        }
        _ => error,
    }
}

/// What a client is told of a new attempt.
pub enum Recorded {
    Started(Payment),
    /// The gateway's answer never came: only evidence will tell.
    Unknown(Payment),
    Refused(Problem),
}

/// What came of the call; a fault of ours meant that none was made, and is told once more.
pub fn outcome_of(outcome: &Result<Outcome, Problem>) -> Result<&Outcome, Problem> {
    outcome.as_ref().map_err(|problem| {
        tracing::error!(cause = ?problem.cause, "no call was made");
        problem.repeated()
    })
}

/// Writes down what came of the call.
pub async fn record(
    conn: &mut Conn,
    app: &App,
    intent: &Intent,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Recorded, Problem> {
    let terms = Terms::of(&app.config);
    let order = orders::lock(conn, intent.order).await?;
    for (id, snapshot) in &outcome.earlier {
        let provider = super::find(conn, *id).await?.provider;
        let evidence = Evidence::asked(snapshot, &provider, &app.keys);
        settle(conn, &terms, *id, &evidence, now).await?;
    }
    let payment = super::find(conn, intent.payment).await?;
    let answer = match &outcome.called {
        Called::Blocked => return blocked(conn, &order, payment, now).await,
        Called::Known => return Ok(Recorded::Started(payment)),
        Called::Answered(answer) => answer.as_ref(),
    };
    let error = match answer {
        Ok(snapshot) => {
            let evidence = Evidence::asked(snapshot, &payment.provider, &app.keys);
            settle(conn, &terms, payment.id, &evidence, now).await?;
            let payment = super::find(conn, payment.id).await?;
            return Ok(Recorded::Started(payment));
        }
        Err(error) => error,
    };
    tracing::warn!(payment = %payment.id, provider = payment.provider, %error, "not started");
    match error {
        GatewayError::NotSent(_) => Ok(Recorded::Refused(Problem::new(Code::ProviderError))),
        GatewayError::RateLimited { after } => {
            let problem = Problem::new(Code::ProviderError).retry_after(after.as_secs().max(1));
            Ok(Recorded::Refused(problem))
        }
        GatewayError::Rejected(failure) => {
            end(conn, &payment, Status::Failed, Some(failure), now).await?;
            Ok(Recorded::Refused(declined(failure)))
        }
        GatewayError::Config(_) => {
            end(conn, &payment, Status::Failed, None, now).await?;
            Ok(Recorded::Refused(Problem::new(Code::ProviderMisconfigured)))
        }
        GatewayError::Unknown(_) => {
            let payment = move_to(conn, &payment, Status::Unknown, now).await?;
            if payment.status != Status::Unknown {
                // Evidence was faster than the timeout.
                return Ok(Recorded::Started(payment));
            }
            let until = order.created_at.plus(terms.hold_max);
            orders::extend_hold(conn, &order, until, &terms, now).await?;
            super::settle::project(conn, &order, now).await?;
            Ok(Recorded::Unknown(payment))
        }
    }
}

fn declined(failure: &Failure) -> Problem {
    // Some gateways know their least only after conversion.
    let code = match failure.code.as_str() {
        "amount_too_small" => Code::AmountTooSmall,
        _ => Code::PaymentDeclined,
    };
    Problem::new(code)
        .detail(failure.message.clone())
        .member("failure_code", failure.code.clone())
}

/// Nothing was started because an earlier attempt is paid, or just being paid.
async fn blocked(
    conn: &mut Conn,
    order: &Order,
    payment: Payment,
    now: Timestamp,
) -> Result<Recorded, Problem> {
    end(conn, &payment, Status::Canceled, None, now).await?;
    let attempts = super::of_order(conn, order.id).await?;
    let busy = attempts.iter().find(|p| p.status.is_in_progress());
    Ok(Recorded::Refused(match busy {
        Some(busy) => in_progress(busy.id),
        None => Problem::new(Code::OrderAlreadyPaid),
    }))
}

async fn end(
    conn: &mut Conn,
    payment: &Payment,
    status: Status,
    failure: Option<&Failure>,
    now: Timestamp,
) -> Result<(), Problem> {
    if let Some(failure) = failure {
        details::note_failure(conn, payment.id, Some(failure), now).await?;
    }
    move_to(conn, payment, status, now).await?;
    Ok(())
}

/// Moves an attempt that no gateway has said anything about.
async fn move_to(
    conn: &mut Conn,
    payment: &Payment,
    status: Status,
    now: Timestamp,
) -> Result<Payment, Problem> {
    if payment.status != Status::Created {
        return Ok(payment.clone());
    }
    let mut moved = payment.clone();
    moved.status = status;
    moved.completed_at = status.is_final().then_some(now);
    moved.version += 1;
    moved.updated_at = now;
    moved.next_sync_at = sync::next_at(&moved, now);
    store::save(conn, &moved).await?;
    Ok(moved)
}
