//! Messages from gateways. One that is enough by itself is stored and applied in one commit;
//! one that must be looked up is stored, then the gateway is asked. A hint is never stored.

mod disputes;
mod find_out;
mod reprocess;
pub mod routes;
mod store;
#[cfg(test)]
mod tests;

use actix_web::http::header::HeaderMap;

use crate::app::App;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::gateways::{ACCOUNT, Authenticity, Gateway, GatewayEvent, RawWebhook, Subject};
use crate::id::{PaymentId, WebhookEventId};
use crate::jobs::{self, Job};
use crate::metrics;
use crate::orders::Terms;
use crate::payments::{self, Asked, Evidence, Payment};
use crate::refunds;
use crate::tasks::{self, TaskKind};
pub use find_out::find_out;
pub use store::oldest_waiting;
use store::{Event, EventRow};

text_enum! {
    /// `received → applied | ignored | unmatched | failed → dead`.
    pub enum WebhookEventStatus {
        /// Stored, and to be looked up.
        Received = "received",
        Applied = "applied",
        /// It is about nothing that we act on.
        Ignored = "ignored",
        /// It is about a payment that we do not know.
        Unmatched = "unmatched",
        Failed = "failed",
        Dead = "dead",
    }
}

impl WebhookEventStatus {
    /// From where a message can be taken once more.
    const REPROCESSABLE: [Self; 4] = [Self::Received, Self::Unmatched, Self::Failed, Self::Dead];

    /// What becomes of a message, by what it says and whether its payment is known.
    fn of(payment: Option<&Payment>, event: &GatewayEvent) -> Self {
        match (payment, &event.reference, &event.remote) {
            (Some(_), ..) if event.is_enough() => Self::Applied,
            (Some(_), ..) => Self::Received,
            (None, Some(_), _) => Self::Unmatched,
            // The gateway may know whose payment that is.
            (None, None, Some(_)) => Self::Received,
            (None, None, None) => Self::Ignored,
        }
    }
}

/// How much of a message is kept.
const RAW_MOST_BYTES: usize = 16 * 1024;

/// Takes a message that a gateway, or somebody else, has posted.
pub async fn receive(
    app: &App,
    provider: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Problem> {
    let gateway = app.gateways.find(provider);
    let gateway = gateway
        .ok_or_else(|| Problem::new(Code::NotFound))?
        .as_ref();
    let message = RawWebhook {
        headers,
        body,
        received_at: app.clock.now(),
    };
    let authenticity = gateway.verify_webhook(&message).await;
    if authenticity == Authenticity::Invalid {
        metrics::webhook_taken(gateway.id(), "refused");
        return Err(Problem::new(Code::WebhookSignatureInvalid));
    }
    let events = gateway
        .parse_webhook(&message)
        .map_err(|_| Problem::new(Code::WebhookPayloadInvalid))?;
    metrics::webhook_taken(gateway.id(), "taken");
    for event in &events {
        if authenticity == Authenticity::Hint {
            follow_hint(app, gateway, event).await?;
        } else {
            take(app, gateway, event, body).await?;
        }
    }
    Ok(())
}

/// A hint makes us ask, and proves nothing.
async fn follow_hint(
    app: &App,
    gateway: &dyn Gateway,
    event: &GatewayEvent,
) -> Result<(), Problem> {
    // Anybody can send a hint, and PostgreSQL knows no text with a NUL.
    let reference = event.reference.as_ref();
    let Some(reference) = reference.filter(|it| !it.chars().any(char::is_control)) else {
        return Ok(());
    };
    let mut conn = app.db.find().await?;
    let payment = payments::find_by_reference(&mut conn, gateway.id(), ACCOUNT, reference).await?;
    drop(conn);
    match payment {
        Some(payment) => payments::wake(app, payment.id).await,
        None => Ok(()),
    }
}

/// Stores an event and does what it says, in one commit. A repeated one changes nothing.
async fn take(
    app: &App,
    gateway: &dyn Gateway,
    event: &GatewayEvent,
    body: &[u8],
) -> Result<(), Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let payment = match (&event.reference, &event.remote) {
                (Some(reference), _) => {
                    payments::find_by_reference(conn, gateway.id(), ACCOUNT, reference).await?
                }
                (None, Some(remote)) => {
                    payments::find_by_remote(conn, gateway.id(), ACCOUNT, remote).await?
                }
                (None, None) => None,
            };
            let status = WebhookEventStatus::of(payment.as_ref(), event);
            let row = Event {
                id: WebhookEventId::new(),
                organizer_id: payment.as_ref().map(|payment| payment.organizer_id),
                payment_id: payment.as_ref().map(|payment| payment.id),
                provider: gateway.id().to_owned(),
                account: ACCOUNT.to_owned(),
                dedupe_key: event.dedupe_key.clone(),
                kind: event.kind.clone(),
                authenticity: "signed".to_owned(),
                status,
                received_at: now,
                applied_at: (status == WebhookEventStatus::Applied).then_some(now),
                created_at: now,
                updated_at: now,
            };
            let row = EventRow {
                event: row,
                raw: keep(&gateway.redact(body)),
            };
            if !store::insert(conn, &row).await? {
                let about = (payment.as_ref(), Some(event));
                return repeat(conn, app, &row.event, about, now).await;
            }
            let id = row.event.id;
            if let Some(payment) = payment {
                act(conn, app, (id, &payment), Some(event), now).await?;
            } else if status == WebhookEventStatus::Unmatched {
                note_unmatched(conn, gateway.id(), id, now).await?;
            } else if status == WebhookEventStatus::Received {
                jobs::enqueue(conn, Job::FindOut { event: id }, now).await?;
            }
            Ok(())
        })
        .await
}

async fn note_unmatched(
    conn: &mut Conn,
    provider: &str,
    event: WebhookEventId,
    now: Timestamp,
) -> Result<(), Problem> {
    let note = format!("{provider} tells of a payment that is not ours.");
    let (kind, object) = (TaskKind::Unmatched, event.to_string());
    tasks::open(conn, None, kind, &object, &note, now).await
}

/// Does what an event says about its payment and the payment's refunds; one that does not say
/// it is looked up.
async fn act(
    conn: &mut Conn,
    app: &App,
    (event, payment): (WebhookEventId, &Payment),
    said: Option<&GatewayEvent>,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(said) = said.filter(|said| said.is_enough()) else {
        return look_up(conn, event, payment.id, now).await;
    };
    let terms = Terms::of(&app.config);
    if let Some(snapshot) = &said.snapshot {
        let evidence = Evidence::told(snapshot, &payment.provider, &app.keys);
        payments::settle(conn, &terms, payment.id, &evidence, now).await?;
    }
    if let Some(refund) = &said.refund {
        refunds::notice(conn, &terms, payment.id, refund, now).await?;
    }
    if let Some(dispute) = &said.dispute {
        disputes::note(conn, payment, dispute, now).await?;
    }
    Ok(())
}

/// A repeated event that still waits for its look-up is looked up at once; one whose payment
/// was not known is taken when it is known by now.
async fn repeat(
    conn: &mut Conn,
    app: &App,
    row: &Event,
    (payment, said): (Option<&Payment>, Option<&GatewayEvent>),
    now: Timestamp,
) -> Result<(), Problem> {
    let earlier = store::find_earlier(conn, &row.provider, &row.account, &row.dedupe_key).await?;
    match earlier {
        Some((id, WebhookEventStatus::Received, Some(payment))) => {
            look_up(conn, id, payment, now).await
        }
        Some((event, WebhookEventStatus::Received, None)) => {
            Ok(jobs::enqueue(conn, Job::FindOut { event }, now).await?)
        }
        Some((id, WebhookEventStatus::Unmatched, _)) if payment.is_some() => {
            let about = (payment, said);
            reprocess::again(conn, app, (id, row.status), about, now).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn look_up(
    conn: &mut Conn,
    event: WebhookEventId,
    payment: PaymentId,
    now: Timestamp,
) -> Result<(), Problem> {
    let job = Job::LookUpPayment { event, payment };
    Ok(jobs::enqueue(conn, job, now).await?)
}

/// Asks the gateway about the payment of a stored event, and about its refunds where the event
/// is about those. Without an answer the event waits, and the job comes back.
pub async fn apply(app: &App, event: WebhookEventId, payment: PaymentId) -> Result<(), Problem> {
    let no_answer = || Problem::new(Code::ProviderError);
    let Asked::Answered(payment) = payments::look_up(app, payment).await? else {
        return Err(no_answer());
    };
    let is_answered = match subject_of(app, event).await? {
        Subject::Payment => true,
        Subject::Refunds => refunds::look_for(app, &payment).await?,
    };
    if !is_answered {
        return Err(no_answer());
    }
    let (mut conn, now) = (app.db.write().await?, app.clock.now());
    let received_at = store::mark_applied(&mut conn, event, now).await?;
    if let Some(received_at) = received_at {
        metrics::webhook_applied(now.since(received_at));
    }
    Ok(())
}

/// What a stored event is about.
async fn subject_of(app: &App, event: WebhookEventId) -> Result<Subject, Problem> {
    let mut conn = app.db.find().await?;
    let row = store::find(&mut conn, event, None).await?;
    let said = row.and_then(|row| reprocess::read_again(app, &row));
    Ok(said.map(|said| said.subject).unwrap_or_default())
}

/// What is kept of a message: its text, cut.
fn keep(body: &[u8]) -> String {
    let kept = body.get(..RAW_MOST_BYTES).unwrap_or(body);
    String::from_utf8_lossy(kept).replace('\0', " ")
}
