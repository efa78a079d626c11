//! Taking a stored message once more: one whose payment is known by now, or that went wrong.

use actix_web::http::header::HeaderMap;

use super::store::{self, Event, EventRow};
use super::{WebhookEventStatus, act};
use crate::app::App;
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::gateways::{GatewayEvent, RawWebhook};
use crate::id::{UserId, WebhookEventId};
use crate::jobs::{self, Job};
use crate::payments::{self, Payment};
use crate::tasks::{self, TaskKind};

/// What a stored message says; `None` where it cannot be read any more: it was cut, or its
/// gateway is not configured. It was authentic when it came.
pub(super) fn read_again(app: &App, row: &EventRow) -> Option<GatewayEvent> {
    let headers = HeaderMap::new();
    let message = RawWebhook {
        headers: &headers,
        body: row.raw.as_bytes(),
        received_at: row.event.received_at,
    };
    let gateway = app.gateways.find(&row.event.provider)?;
    let events = gateway.parse_webhook(&message).ok()?;
    let mut events = events.into_iter();
    events.find(|event| event.dedupe_key == row.event.dedupe_key)
}

/// Does what a stored message says, as if it had just come.
pub(super) async fn reprocess(
    conn: &mut Conn,
    app: &App,
    row: &EventRow,
    actor: UserId,
    now: Timestamp,
) -> Result<Event, Problem> {
    let (event, said) = (&row.event, read_again(app, row));
    let payment = find_payment(conn, event, said.as_ref()).await?;
    let status = match (&payment, &said) {
        (payment, Some(said)) => WebhookEventStatus::of(payment.as_ref(), said),
        // What it says is lost, but the gateway can be asked.
        (Some(_), None) => WebhookEventStatus::Received,
        (None, None) => WebhookEventStatus::Failed,
    };
    let taken = again(
        conn,
        app,
        (event.id, status),
        (payment.as_ref(), said.as_ref()),
        now,
    );
    let taken = taken.await?.ok_or_else(|| {
        let detail = "Only a message that was not applied is taken again.";
        Problem::new(Code::InvalidTransition).detail(detail)
    })?;
    let entry = audit::Entry {
        organizer: taken.organizer_id,
        actor: actor.to_string(),
        action: "webhook_event.reprocessed",
        object: event.id.to_string(),
        at: now,
    };
    entry.write(conn, &taken.status).await?;
    Ok(taken)
}

/// Gives a message that was not applied its new status, and does what it says. A message whose
/// payment is found needs nobody any more.
pub(super) async fn again(
    conn: &mut Conn,
    app: &App,
    (id, status): (WebhookEventId, WebhookEventStatus),
    (payment, said): (Option<&Payment>, Option<&GatewayEvent>),
    now: Timestamp,
) -> Result<Option<Event>, Problem> {
    let Some(taken) = store::take_again(conn, id, status, payment, now).await? else {
        return Ok(None);
    };
    if let Some(payment) = payment {
        act(conn, app, (id, payment), said, now).await?;
        tasks::close(conn, TaskKind::Unmatched, &id.to_string(), now).await?;
    } else if status == WebhookEventStatus::Received {
        jobs::enqueue(conn, Job::FindOut { event: id }, now).await?;
    }
    Ok(Some(taken))
}

async fn find_payment(
    conn: &mut Conn,
    event: &Event,
    said: Option<&GatewayEvent>,
) -> Result<Option<Payment>, Problem> {
    if let Some(id) = event.payment_id {
        return payments::find(conn, id).await.map(Some);
    }
    let Some(said) = said else {
        return Ok(None);
    };
    let (provider, account) = (&event.provider, &event.account);
    Ok(match (&said.reference, &said.remote) {
        (Some(reference), _) => {
            payments::find_by_reference(conn, provider, account, reference).await?
        }
        (None, Some(remote)) => payments::find_by_remote(conn, provider, account, remote).await?,
        (None, None) => None,
    })
}
