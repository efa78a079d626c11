//! What an empty database needs before anybody can use it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{App, StartError};
use crate::config::{AdminSettings, Environment};
use crate::db::{Conn, sqlite_path};
use crate::error::Problem;
use crate::{accounts, organizers};

/// Any number that no other program uses for an advisory lock in this database.
const LOCK: i64 = 0x746f_6c6c_6164_6d6e;

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
        let Some(AdminSettings { email, password }) = self.config.admin.clone() else {
            return Ok(Greeting::Nothing);
        };
        let mut conn = self.db.read().await?;
        if accounts::admin_exists(&mut conn).await? {
            return Ok(Greeting::Nothing);
        }
        drop(conn);
        if let Some(password) = password {
            let is_first = create_first_admin(self, &email, password).await?;
            return Ok(match is_first {
                true => Greeting::Configured { email },
                false => Greeting::Nothing,
            });
        }
        let password = URL_SAFE_NO_PAD.encode(crate::random::bytes::<15>());
        if self.config.environment != Environment::Development || !std::io::stdout().is_terminal() {
            return self.greet_by_file(email, password).await;
        }
        let is_first = create_first_admin(self, &email, password.clone()).await?;
        Ok(match is_first {
            true => Greeting::Shown { email, password },
            false => Greeting::Nothing,
        })
    }

    /// Writes the password down before there is an admin, under a name that no other process
    /// uses: whatever happens then, it is not lost. On a failure the file stays, since the
    /// admin may have been committed all the same.
    async fn greet_by_file(&self, email: String, password: String) -> Result<Greeting, StartError> {
        let file = password_file(&self.config.database_url);
        let draft = draft_of(&file);
        write_private(&draft, &format!("{email}\n{password}\n")).map_err(StartError::AdminFile)?;
        if !create_first_admin(self, &email, password).await? {
            if let Err(error) = std::fs::remove_file(&draft) {
                tracing::warn!(%error, file = %draft.display(), "a file of no use stays");
            }
            return Ok(Greeting::Nothing);
        }
        match std::fs::rename(&draft, &file) {
            Ok(()) => Ok(Greeting::Kept { email, file }),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "the password could not be put there");
                Ok(Greeting::Kept { email, file: draft })
            }
        }
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

/// Makes an admin unless there is one; answers whether there was none. Of several processes
/// that start at once one is the first, and its password is the good one.
async fn create_first_admin(app: &App, email: &str, password: String) -> Result<bool, Problem> {
    let hash = app.passwords.hash(password).await?;
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            queue_up(conn).await?;
            if accounts::admin_exists(conn).await? {
                return Ok(false);
            }
            accounts::create_admin(conn, email, &hash, now).await?;
            Ok(true)
        })
        .await
}

/// Waits for the transactions of other first starts. SQLite has one writer at a time anyway.
pub(super) async fn queue_up(conn: &mut Conn) -> Result<(), Problem> {
    if let Conn::Postgres(_) = conn {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        conn.batch_execute(&lock).await?;
    }
    Ok(())
}

/// Beside the SQLite file, else in the working folder.
fn password_file(database_url: &str) -> PathBuf {
    match database_url.strip_prefix("sqlite:") {
        Some(path) => PathBuf::from(format!("{}.admin", sqlite_path(path))),
        None => PathBuf::from("tollgate.db.admin"),
    }
}

fn draft_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(URL_SAFE_NO_PAD.encode(crate::random::bytes::<9>()));
    PathBuf::from(name)
}

/// Writes a new file that only its owner can read.
fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_file_stands_beside_the_database() {
        for (url, file) in [
            ("sqlite:tollgate.db", "tollgate.db.admin"),
            ("sqlite://data/tollgate.db", "data/tollgate.db.admin"),
            ("sqlite:///data/tollgate.db", "/data/tollgate.db.admin"),
            ("sqlite:////data/tollgate.db", "//data/tollgate.db.admin"),
            ("postgres://host/tollgate", "tollgate.db.admin"),
        ] {
            assert_eq!(password_file(url).to_str(), Some(file), "{url}");
        }
    }

    #[test]
    fn a_private_file_is_new_and_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        write_private(&file, "x").unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write_private(&file, "y").is_err());
        assert_ne!(draft_of(&file), draft_of(&file));
    }
}
