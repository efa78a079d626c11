//! Whose payment a stored message is about, when it names only an object of the gateway's.

use super::reprocess::{again, read_again};
use super::{WebhookEventStatus, note_unmatched, store};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::gateways::ACCOUNT;
use crate::id::WebhookEventId;
use crate::payments;

/// Asks the gateway, then does what the message says. What belongs to none of our payments is
/// of no concern: others may use the account. Without an answer the message waits, and the job
/// comes back.
pub async fn find_out(app: &App, id: WebhookEventId) -> Result<(), Problem> {
    let mut conn = app.db.find().await?;
    let row = store::find(&mut conn, id, None).await?;
    drop(conn);
    let waits = |row: &store::EventRow| {
        row.event.status == WebhookEventStatus::Received && row.event.payment_id.is_none()
    };
    let Some(row) = row.filter(waits) else {
        return Ok(());
    };
    let said = read_again(app, &row);
    let gateway = app.gateways.find(&row.event.provider);
    let remote = said.as_ref().and_then(|said| said.remote.as_deref());
    let reference = match (gateway, remote) {
        (Some(gateway), Some(remote)) => gateway.reference_of(remote).await.map_err(|error| {
            tracing::warn!(event = %id, %error, "no answer");
            Problem::new(Code::ProviderError)
        })?,
        _ => None,
    };
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let provider = row.event.provider.as_str();
            let payment = match &reference {
                Some(reference) => {
                    payments::find_by_reference(conn, provider, ACCOUNT, reference).await?
                }
                None => None,
            };
            let status = match (&payment, &said, &reference) {
                (Some(_), Some(said), _) => WebhookEventStatus::of(payment.as_ref(), said),
                (None, _, Some(_)) => WebhookEventStatus::Unmatched,
                (_, Some(_), None) => WebhookEventStatus::Ignored,
                (_, None, _) => WebhookEventStatus::Failed,
            };
            let about = (payment.as_ref(), said.as_ref());
            let taken = again(conn, app, (id, status), about, now).await?;
            if taken.is_some() && status == WebhookEventStatus::Unmatched {
                note_unmatched(conn, provider, id, now).await?;
            }
            Ok(())
        })
        .await
}
