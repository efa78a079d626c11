//! Sending what is due: claim, send outside of any transaction, record.

use std::time::Duration;

use futures_util::future::join_all;

use super::passes::Passes;
use super::store::{self, EmailRow};
use super::template;
use crate::app::App;
use crate::error::Problem;
use crate::jobs::backoff;
use crate::mail::{MailError, Message};

/// Longer than any send may take, so that no mail is sent by two workers.
const LEASE: Duration = Duration::from_secs(120);
/// How many are sent at once: one after the other, a slow server would outlast the lease.
const BATCH: i64 = 5;
const ATTEMPTS_MOST: i64 = 12;

/// Sends the mails that are due now; answers how many were tried.
///
/// A process that dies between sending and recording leaves a mail that is sent again when
/// its lease runs out: no mail is lost, and only that one comes twice.
pub async fn deliver_due(app: &App) -> Result<usize, Problem> {
    let now = app.clock.now();
    let mut reader = app.db.read().await?;
    if store::oldest_due(&mut reader, now).await?.is_none() {
        return Ok(0);
    }
    drop(reader);
    let claimed = app
        .db
        .transaction(async |conn| Ok::<_, Problem>(store::claim(conn, BATCH, now, LEASE).await?))
        .await?;
    let sending = claimed.iter().map(async |email| {
        let outcome = send(app, email).await;
        record(app, email, outcome).await
    });
    let outcomes = join_all(sending).await;
    outcomes.into_iter().collect::<Result<(), _>>()?;
    Ok(claimed.len())
}

async fn send(app: &App, email: &EmailRow) -> Result<(), MailError> {
    let passes = Passes::of(app, email).await?;
    let rendered = template::render(email.template, &email.data.0, &passes.shown, &app.keys)?;
    app.mailer
        .send(Message {
            id: email.id.to_string(),
            recipient: email.recipient.clone(),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            inline: passes.inline,
            attachments: passes.attachments,
        })
        .await
}

async fn record(
    app: &App,
    email: &EmailRow,
    outcome: Result<(), MailError>,
) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.write().await?;
    match outcome {
        Ok(()) => store::mark_sent(&mut conn, email.id, now).await?,
        Err(error) => {
            let retry = error.is_passing() && email.attempts < ATTEMPTS_MOST;
            let run_at = retry.then(|| now.plus(backoff(email.attempts)));
            tracing::warn!(email = %email.id, attempts = email.attempts, retry, "mail not sent");
            store::mark_failed(&mut conn, email.id, &error.to_string(), run_at, now).await?;
        }
    }
    Ok(())
}
