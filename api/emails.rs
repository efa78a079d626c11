//! Mails: written as rows in the commit of what they tell, sent by the worker.

mod deliver;
mod passes;
pub mod routes;
mod store;
mod summary;
mod template;

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::id::{OrganizerId, UserId};
use crate::keys::Token;
pub use deliver::deliver_due;
use store::EmailRow;
pub use store::{count_dead, count_unfinished, oldest_due, sent_about};
pub use summary::{BoothSummary, LineSummary, OrderSummary, RefundSummary};

text_enum! {
    /// What a mail says; each has a text and an HTML form in `emails/templates`.
    pub enum Template {
        VerifyEmail = "verify_email",
        ResetPassword = "reset_password",
        Welcome = "welcome",
        OrderConfirmation = "order_confirmation",
        BoothConfirmation = "booth_confirmation",
        PaymentFailed = "payment_failed",
        OrderExpired = "order_expired",
        PaymentLate = "payment_late",
        Refunded = "refunded",
        RefundRejected = "refund_rejected",
        OrderLinks = "order_links",
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

impl Template {
    /// Whether its link lets the reader into an account.
    fn opens_account(self) -> bool {
        matches!(
            self,
            Self::VerifyEmail | Self::ResetPassword | Self::Welcome
        )
    }
}

/// A link whose token is derived when the mail is written, so that no table holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    pub page_url: String,
    pub token: Token,
}

/// What a template needs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EmailData {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// How long the link is good, for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_hours: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderSummary>,
    /// The orders that somebody looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booth: Option<BoothSummary>,
    /// What goes back, or was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundSummary>,
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
    let row = EmailRow::new(email, now);
    Ok(store::insert(conn, &row).await?)
}

/// Queues a mail once more, as a new one: to its recipient, or to another address.
async fn resend(
    conn: &mut Conn,
    email: &EmailRow,
    recipient: Option<String>,
    actor: UserId,
    now: Timestamp,
) -> Result<EmailRow, Problem> {
    if email.template.opens_account() {
        let detail =
            "It opens an account: only the owner can ask for such a mail, and gets a new one.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let copy = NewEmail {
        organizer: email.organizer_id,
        template: email.template,
        recipient: recipient.unwrap_or_else(|| email.recipient.clone()),
        data: email.data.0.clone(),
        dedupe_key: String::new(),
    };
    let mut row = EmailRow::new(copy, now);
    row.dedupe_key = format!("resend:{}:{}", email.id, row.id);
    store::insert(conn, &row).await?;
    let entry = audit::Entry {
        organizer: email.organizer_id,
        actor: actor.to_string(),
        action: "email.resent",
        object: email.id.to_string(),
        at: now,
    };
    entry.write(conn, &(row.id, &row.recipient)).await?;
    Ok(row)
}
