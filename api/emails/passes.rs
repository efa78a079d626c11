//! The tickets that a confirmation brings: each code as a picture in the mail, and the date
//! for the calendar. Drawn when the mail leaves, so that the codes are those of then.

use serde::Serialize;

use super::store::EmailRow;
use super::{Template, template::one_line};
use crate::app::App;
use crate::error::Problem;
use crate::mail::{Attachment, InlineImage, MailError};
use crate::tickets::card::{self, Card};
use crate::tickets::{calendar, qr};

/// How large a code stands in a mail, in pixels; shown at half of that.
const PICTURE_PIXELS: u16 = 400;

/// A ticket as the mail shows it.
#[derive(Debug, Serialize)]
pub(super) struct ShownPass {
    cid: String,
    type_name: String,
    serial: String,
    attendee: Option<String>,
}

/// What goes with a mail.
#[derive(Default)]
pub(super) struct Passes {
    pub shown: Vec<ShownPass>,
    pub inline: Vec<InlineImage>,
    pub attachments: Vec<Attachment>,
}

impl Passes {
    /// Those of the order that a confirmation is about; none for any other mail.
    pub async fn of(app: &App, email: &EmailRow) -> Result<Self, MailError> {
        let (Template::OrderConfirmation, Some(order)) = (email.template, email.order_id) else {
            return Ok(Self::default());
        };
        let cards = load(app, order).await.map_err(|problem| {
            tracing::warn!(email = %email.id, cause = ?problem.cause, "no tickets for the mail");
            MailError::Tickets
        })?;
        let mut passes = Self::default();
        for card in &cards {
            // Stopped tickets have no code to show.
            let Ok(code) = card.code(&app.keys.tickets) else {
                continue;
            };
            let options = qr::QrOptions::of_size(PICTURE_PIXELS);
            let drawn = tokio::task::spawn_blocking(move || qr::png(&code, &options)).await;
            let bytes = drawn.map_err(|_| MailError::Tickets)?;
            let cid = format!("{}@tickets", card.ticket.serial.to_lowercase());
            passes.inline.push(InlineImage {
                content_id: cid.clone(),
                content_type: "image/png",
                bytes: bytes.map_err(|_| MailError::Tickets)?,
            });
            passes.shown.push(ShownPass {
                cid,
                type_name: one_line(&card.type_name),
                serial: card.ticket.serial.clone(),
                attendee: card.ticket.attendee_name.as_deref().map(one_line),
            });
        }
        passes.attachments.extend(dates(&cards));
        Ok(passes)
    }
}

async fn load(app: &App, order: crate::id::OrderId) -> Result<Vec<Card>, Problem> {
    let mut conn = app.db.read().await?;
    Ok(card::of_order(&mut conn, order).await?)
}

/// One calendar file for each date that the tickets are for.
fn dates(cards: &[Card]) -> Vec<Attachment> {
    let mut seen = Vec::new();
    let mut files = Vec::new();
    for card in cards {
        let session = card.session.as_ref().map(|session| session.id);
        if seen.contains(&session) {
            continue;
        }
        seen.push(session);
        let name = match files.len() {
            0 => "event.ics".to_owned(),
            n => format!("event-{}.ics", n + 1),
        };
        files.push(Attachment {
            file_name: name,
            content_type: "text/calendar",
            bytes: calendar::ics(&card.occasion()).into_bytes(),
        });
    }
    files
}
