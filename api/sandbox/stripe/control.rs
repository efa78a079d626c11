//! The control routes under `/control/stripe`: what tests, and whoever rehearses, decide.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Stripe;
use super::account::Account;
use super::acts::{Act, Details};
use super::delivery::{Message, Mode, State, Twist};
use super::error::ApiError;
use super::faults::Fault;
use super::operations::Operation;
use crate::sandbox::control::{Answer, Refusal, read};

/// The most that one call can ask for.
const TIMES_MOST: usize = 1_000;

pub(in crate::sandbox) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/payments/{reference}", web::post().to(act))
        .route("/truth", web::get().to(tell_truth))
        .route("/faults", web::post().to(script_fault))
        .route("/faults", web::delete().to(heal))
        .route("/refunds/{id}", web::post().to(decide_refund))
        .route("/disputes/{id}", web::post().to(decide_dispute))
        .route("/settings", web::post().to(set))
        .route("/events/{id}", web::post().to(deliver))
        .route("/deliveries", web::get().to(list_deliveries))
        .route("/deliveries", web::post().to(set_mode))
        .route("/deliveries/release", web::post().to(release))
        .route("/deliveries/settled", web::post().to(settle))
        .route("/webhook_endpoints/{id}/roll", web::post().to(roll));
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let message = error.text("message").unwrap_or_default();
        if error.status == 404 {
            Self::unknown(&message)
        } else {
            Self::conflict(message)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    outcome: Act,
    amount_minor: Option<i64>,
    method: Option<String>,
    #[serde(default)]
    inquiry: bool,
}

async fn act(
    stripe: web::Data<Stripe>,
    reference: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Answer {
    let decision: Decision = read(&request, &body)?;
    let details = Details {
        amount: decision.amount_minor,
        method: decision.method,
        is_inquiry: decision.inquiry,
    };
    change(&stripe, |account| {
        let target = account.target(&reference);
        let target = target.ok_or_else(|| Refusal::unknown("payment of that id or reference"))?;
        account.act(&target, decision.outcome, &details)?;
        Ok(account.describe(&target))
    })
}

/// Does something to the account, and has what follows from it posted.
fn change(stripe: &Stripe, change: impl FnOnce(&mut Account) -> Result<Value, Refusal>) -> Answer {
    let told = change(&mut stripe.lock())?;
    stripe.wake.notify_one();
    Ok(web::Json(told))
}

async fn tell_truth(stripe: web::Data<Stripe>) -> Answer {
    Ok(web::Json(stripe.lock().truth()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    operation: String,
    fault: Fault,
    #[serde(default = "once")]
    times: usize,
}

fn once() -> usize {
    1
}

async fn script_fault(stripe: web::Data<Stripe>, request: HttpRequest, body: web::Bytes) -> Answer {
    let script: Script = read(&request, &body)?;
    if !Operation::is_known(&script.operation) {
        return Err(Refusal::unknown("operation of that name"));
    }
    if script.times > TIMES_MOST {
        return Err(Refusal::invalid("times is at most 1000"));
    }
    let mut account = stripe.lock();
    account
        .faults
        .script(&script.operation, script.fault, script.times);
    Ok(web::Json(json!({"ok": true})))
}

async fn heal(stripe: web::Data<Stripe>) -> Answer {
    stripe.lock().faults.heal();
    stripe.healed.notify_waiters();
    Ok(web::Json(json!({"ok": true})))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundOutcome {
    Succeed,
    Fail,
    RequireAction,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundDecision {
    outcome: RefundOutcome,
}

async fn decide_refund(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Answer {
    let decision: RefundDecision = read(&request, &body)?;
    change(&stripe, |account| {
        account.refunds.get(&id)?;
        match decision.outcome {
            RefundOutcome::Succeed => account.finish_refund(&id, None),
            RefundOutcome::Fail => account.finish_refund(&id, Some("lost_or_stolen_card")),
            RefundOutcome::RequireAction => account.ask_about_refund(&id),
        }
        Ok(account.refunds.get(&id)?.show())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Win,
    Lose,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisputeDecision {
    outcome: Verdict,
}

async fn decide_dispute(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Answer {
    let decision: DisputeDecision = read(&request, &body)?;
    change(&stripe, |account| {
        account.decide_dispute(&id, matches!(decision.outcome, Verdict::Win))?;
        Ok(account.show_dispute(&id).unwrap_or_default())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    slow_refunds: bool,
}

async fn set(stripe: web::Data<Stripe>, request: HttpRequest, body: web::Bytes) -> Answer {
    let settings: NewSettings = read(&request, &body)?;
    stripe.lock().slow_refunds = settings.slow_refunds;
    Ok(web::Json(json!({"slow_refunds": settings.slow_refunds})))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deliver {
    /// At once, beside its own tries.
    Again,
    /// Never, if it was not sent yet.
    Drop,
    /// After so many seconds, if it was not sent yet.
    Late,
    /// At once, signed by somebody else.
    Forged,
    /// At once, rightly signed too long ago.
    Stale,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivering {
    deliver: Deliver,
    after_seconds: Option<u32>,
    /// For `again`: the version that it is rendered for.
    api_version: Option<String>,
}

async fn deliver(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Answer {
    let order: Delivering = read(&request, &body)?;
    let seconds = i64::from(order.after_seconds.unwrap_or(600));
    let twist = match order.deliver {
        Deliver::Again => Twist {
            version: order.api_version,
            ..Twist::default()
        },
        Deliver::Forged => Twist {
            is_forged: true,
            ..Twist::default()
        },
        Deliver::Stale => Twist {
            age_seconds: seconds,
            ..Twist::default()
        },
        Deliver::Drop | Deliver::Late => return postpone(&stripe, &id, &order.deliver, seconds),
    };
    let messages = {
        let account = stripe.lock();
        account.events.get(&id)?;
        account.messages_of(&id, &twist)
    };
    Ok(web::Json(stripe.post_all(messages).await))
}

fn postpone(stripe: &Stripe, id: &str, deliver: &Deliver, seconds: i64) -> Answer {
    let mut account = stripe.lock();
    account.events.get(id)?;
    let now = account.now;
    let changed = match deliver {
        Deliver::Late => account
            .post
            .change(id, State::Waiting, now.saturating_add(seconds)),
        _ => account.post.change(id, State::Dropped, now),
    };
    Ok(web::Json(json!({"changed": changed})))
}

impl Account {
    /// An event for every endpoint that wants it.
    fn messages_of(&self, event: &str, twist: &Twist) -> Vec<Message> {
        let kind = self.events.find(event).map_or("", |event| event.kind);
        let wanting = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.wants(kind));
        wanting
            .filter_map(|endpoint| self.message(event, &endpoint.id, twist))
            .collect()
    }
}

async fn list_deliveries(stripe: web::Data<Stripe>) -> Answer {
    let account = stripe.lock();
    Ok(web::Json(
        json!({"mode": account.post.mode, "data": account.post.deliveries}),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMode {
    mode: Mode,
}

/// What was held before stays held until it is released.
async fn set_mode(stripe: web::Data<Stripe>, request: HttpRequest, body: web::Bytes) -> Answer {
    let new: NewMode = read(&request, &body)?;
    stripe.lock().post.mode = new.mode;
    Ok(web::Json(json!({"mode": new.mode})))
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Given,
    Shuffled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    order: Order,
    #[serde(default = "once")]
    times: usize,
}

/// Posts all that is held, each so many times, and tells what came of it.
async fn release(stripe: web::Data<Stripe>, request: HttpRequest, body: web::Bytes) -> Answer {
    let release: Release = read(&request, &body)?;
    if !(1..=TIMES_MOST).contains(&release.times) {
        return Err(Refusal::invalid("times is from 1 to 1000"));
    }
    let mut messages = {
        let mut account = stripe.lock();
        let held = account.post.release();
        let pairs = (0..release.times).flat_map(|_| held.iter());
        let messages = pairs
            .filter_map(|(event, endpoint)| account.message(event, endpoint, &Twist::default()));
        messages.collect::<Vec<_>>()
    };
    if matches!(release.order, Order::Shuffled) {
        messages.sort_by_cached_key(|_| crate::random::bytes::<16>());
    }
    Ok(web::Json(stripe.post_all(messages).await))
}

/// Waits until nothing that is due is left to be posted.
async fn settle(stripe: web::Data<Stripe>) -> Answer {
    stripe.settled().await;
    list_deliveries(stripe).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Roll {
    secret: Option<String>,
    /// How long the old secrets sign too: at most a day.
    #[serde(default)]
    keep_seconds: u32,
}

async fn roll(
    stripe: web::Data<Stripe>,
    id: web::Path<String>,
    request: HttpRequest,
    body: web::Bytes,
) -> Answer {
    let roll: Roll = read(&request, &body)?;
    let seconds = i64::from(roll.keep_seconds).min(24 * 60 * 60);
    let secret = stripe.lock().roll_secret(&id, roll.secret, seconds)?;
    let told: Value = json!({"id": id.as_str(), "secret": secret});
    Ok(web::Json(told))
}
