//! How a mail leaves: to the terminal, into a folder, or over SMTP.

mod message;

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentTypeErr;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};
use tokio::time::error::Elapsed;

use crate::config::{Config, ConfigError, MailerSettings};
pub use message::{Attachment, InlineImage, Message};

/// How long a mail server may take for one word of the conversation.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take for all of them; shorter than a mail's lease.
const SEND_LIMIT: Duration = Duration::from_secs(60);

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("the template failed: {0}")]
    Template(#[from] minijinja::Error),
    #[error("the tickets could not be drawn")]
    Tickets,
    #[error("no key to sign the link with")]
    NoKey,
    #[error("the address cannot be used")]
    Address(#[from] lettre::address::AddressError),
    #[error("a file's content type cannot be used: {0}")]
    ContentType(#[from] ContentTypeErr),
    #[error("the mail cannot be built: {0}")]
    Build(#[from] lettre::error::Error),
    #[error("the mail server: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error("the mail server takes too long")]
    Slow(#[from] Elapsed),
    #[error("the mail's file: {0}")]
    File(#[from] std::io::Error),
}

impl MailError {
    /// Whether the same mail may leave later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Smtp(error) => !error.is_permanent(),
            Self::File(_) | Self::Slow(_) | Self::Tickets => true,
            _ => false,
        }
    }
}

/// The configured way out.
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Console,
    File(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Mailer {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let from = config
            .mail_from
            .parse()
            .map_err(|_| ConfigError::new("MAIL_FROM", "is no address"))?;
        let way = match &config.mailer {
            MailerSettings::Console => Way::Console,
            MailerSettings::File(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|error| ConfigError::new("MAIL_DIR", error.to_string()))?;
                Way::File(folder.clone())
            }
            MailerSettings::Smtp(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(|_| ConfigError::new("SMTP_URL", "cannot be read"))?;
                Way::Smtp(transport.timeout(Some(SMTP_TIMEOUT)).build())
            }
        };
        Ok(Self { from, way })
    }

    pub async fn send(&self, message: Message) -> Result<(), MailError> {
        let mail = self.build(&message)?;
        match &self.way {
            Way::Console => {
                print_mail(&message);
                Ok(())
            }
            Way::File(folder) => {
                let file = folder.join(format!("{}.eml", message.id));
                Ok(tokio::fs::write(file, mail.formatted()).await?)
            }
            Way::Smtp(transport) => {
                tokio::time::timeout(SEND_LIMIT, transport.send(mail)).await??;
                Ok(())
            }
        }
    }

    fn build(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let host = self.from.email.domain();
        Ok(lettre::Message::builder()
            .message_id(Some(format!("<{}@{host}>", message.id)))
            .from(self.from.clone())
            .to(message.recipient.parse::<lettre::Address>()?.into())
            .subject(&message.subject)
            .multipart(message.body()?)?)
    }
}

#[expect(clippy::print_stdout, reason = "showing the mail is what it is for")]
fn print_mail(message: &Message) {
    let files: String = message
        .file_names()
        .map(|name| format!("[{name}]\n"))
        .collect();
    println!(
        "\n--- mail to {} ---\n{}\n\n{}{files}--- end of mail ---\n",
        message.recipient, message.subject, message.text
    );
}
