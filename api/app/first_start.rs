//! What an empty database needs before anybody can use it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{App, StartError};
use crate::config::{AdminSettings, Environment};
use crate::error::Problem;
use crate::{accounts, organizers};

/// How whoever started Tollgate learns the admin's password.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeting {
    /// There was an admin already, or none is configured.
    Nothing,
    /// The password is the configured one.
    Configured { email: String },
    /// It was made up, and is shown once: on the terminal.
    Shown { email: String, password: String },
    /// It was made up, and nobody looks: it is in this file.
    Kept { email: String, file: PathBuf },
}

/// Makes the default organizer unless it exists.
pub(super) async fn default_organizer(app: &App) -> Result<(), Problem> {
    let (currency, now) = (app.config.default_currency, app.clock.now());
    app.db
        .transaction(async |conn| organizers::ensure_default(conn, currency, now).await)
        .await
}

impl App {
    /// Makes the admin of the settings if there is no admin yet.
    pub async fn greet(&self) -> Result<Greeting, StartError> {
        let Some(admin) = &self.config.admin else {
            return Ok(Greeting::Nothing);
        };
        let mut conn = self.db.read().await?;
        if accounts::admin_exists(&mut conn).await? {
            return Ok(Greeting::Nothing);
        }
        drop(conn);
        let AdminSettings { email, password } = admin.clone();
        let made_up = password.is_none();
        let password =
            password.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(crate::random::bytes::<15>()));
        if !create_admin(self, &email, password.clone()).await? {
            // Another process of the same first start was faster.
            return Ok(Greeting::Nothing);
        }
        if !made_up {
            return Ok(Greeting::Configured { email });
        }
        if self.config.environment == Environment::Development && std::io::stdout().is_terminal() {
            return Ok(Greeting::Shown { email, password });
        }
        let file = password_file(&self.config.database_url);
        write_private(&file, &format!("{email}\n{password}\n")).map_err(StartError::AdminFile)?;
        Ok(Greeting::Kept { email, file })
    }
}

/// Makes an admin, or makes one of an existing account; answers whether it was new.
pub async fn create_admin(app: &App, email: &str, password: String) -> Result<bool, Problem> {
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    app.db
        .transaction(async |conn| accounts::create_admin(conn, email, &hash, now).await)
        .await
}

/// Beside the SQLite file, else in the working folder.
fn password_file(database_url: &str) -> PathBuf {
    match database_url.strip_prefix("sqlite:") {
        Some(path) => PathBuf::from(format!("{}.admin", path.trim_start_matches("//"))),
        None => PathBuf::from("tollgate.db.admin"),
    }
}

fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(content.as_bytes())
}
