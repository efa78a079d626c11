//! Mails: written as rows in the commit of what they tell, sent by the worker.

mod deliver;
mod store;
mod template;

use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::db::values::{Json, Timestamp, text_enum};
use crate::error::Problem;
use crate::id::{EmailId, OrganizerId};
use crate::keys::Token;
pub use deliver::deliver_due;
use store::EmailRow;
pub use store::{count_unfinished, oldest_due};

text_enum! {
    /// What a mail says; each has a text and an HTML form in `emails/templates`.
    pub enum Template {
        VerifyEmail = "verify_email",
        ResetPassword = "reset_password",
        Welcome = "welcome",
    }
}

text_enum! {
    pub enum EmailStatus {
        Queued = "queued",
        Sending = "sending",
        Sent = "sent",
        Dead = "dead",
    }
}

/// A link whose token is derived when the mail is written, so that no table holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    pub page_url: String,
    pub token: Token,
}

/// What a template needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EmailData {
    pub name: String,
    pub link: Option<Link>,
    /// How long the link is good, for the reader.
    pub valid_hours: Option<i64>,
}

/// A mail to be sent.
pub struct NewEmail {
    pub organizer: Option<OrganizerId>,
    pub template: Template,
    pub recipient: String,
    pub data: EmailData,
    /// One mail per fact: a second one with the same key is not written.
    pub dedupe_key: String,
}

/// Queues a mail in the caller's transaction.
pub async fn queue(conn: &mut Conn, email: NewEmail, now: Timestamp) -> Result<(), Problem> {
    let row = EmailRow {
        id: EmailId::new(),
        organizer_id: email.organizer,
        template: email.template,
        recipient: email.recipient,
        data: Json(email.data),
        dedupe_key: email.dedupe_key,
        status: EmailStatus::Queued,
        attempts: 0,
        run_at: now,
        lease_until: None,
        last_error: None,
        sent_at: None,
        created_at: now,
        updated_at: now,
    };
    Ok(store::insert(conn, &row).await?)
}
