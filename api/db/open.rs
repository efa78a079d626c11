//! Opening one connection of each kind.

use std::path::Path;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::task::JoinError;

use super::tls::Target;
use super::{PgConn, SqliteConn};

/// WAL with `synchronous = FULL`: an answered request survives a power cut.
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

const POSTGRES_SETUP: &str = "SET TIME ZONE 'UTC'; SET lock_timeout = '5s';
    SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s';";

/// The file that a URL names after `sqlite:`; it may write `sqlite://path` too.
pub fn sqlite_path(path: &str) -> String {
    path.strip_prefix("//").unwrap_or(path).to_owned()
}

pub(super) fn sqlite_writer(path: &str) -> AsyncDieselConnectionManager<SqliteConn> {
    manager(path, |path| async move {
        create_private(Path::new(&path))?;
        let mut conn = SqliteConn::establish(&path).await?;
        setup(&mut conn, SQLITE_SETUP).await?;
        setup(&mut conn, "PRAGMA cache_size = -8000").await?;
        Ok(conn)
    })
}

/// Many of them share what the system keeps of the file: their own caches are small.
pub(super) fn sqlite_reader(path: &str) -> AsyncDieselConnectionManager<SqliteConn> {
    manager(path, |path| async move {
        let mut conn = SqliteConn::establish(&path).await?;
        setup(&mut conn, SQLITE_SETUP).await?;
        setup(
            &mut conn,
            "PRAGMA query_only = ON; PRAGMA cache_size = -1000",
        )
        .await?;
        Ok(conn)
    })
}

pub(super) fn postgres(target: Target) -> AsyncDieselConnectionManager<PgConn> {
    manager("postgres", move |_| {
        let target = target.clone();
        async move {
            let failed = |e: &dyn std::fmt::Display| ConnectionError::BadConnection(e.to_string());
            let (client, connection) = target
                .config
                .connect(target.tls)
                .await
                .map_err(|e| failed(&e))?;
            let mut conn = PgConn::try_from_client_and_connection(client, connection).await?;
            setup(&mut conn, POSTGRES_SETUP).await?;
            // Faults are told apart by their English text. Only a superuser may ask for it;
            // everybody else has it already or is told «internal» instead of «overloaded».
            if let Err(error) = conn.batch_execute("SET lc_messages = 'C'").await {
                tracing::debug!(%error, "the database keeps its own language for messages");
            }
            Ok(conn)
        }
    })
}

async fn setup<C: SimpleAsyncConnection>(conn: &mut C, statements: &str) -> ConnectionResult<()> {
    conn.batch_execute(statements)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)
}

/// Makes the database file readable by its owner only, before SQLite would make it
/// readable by all.
fn create_private(path: &Path) -> ConnectionResult<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            let path = path.display();
            Err(ConnectionError::BadConnection(format!("{path}: {e}")))
        }
        _ => Ok(()),
    }
}

/// Opens connections on the runtime this is called from: a PostgreSQL connection stops
/// with the runtime that opened it, and an Actix worker's comes and goes.
fn manager<C, F>(
    url: &str,
    open: impl Fn(String) -> F + Send + Sync + 'static,
) -> AsyncDieselConnectionManager<C>
where
    C: AsyncConnection + 'static,
    F: Future<Output = ConnectionResult<C>> + Send + 'static,
{
    let runtime = Handle::current();
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |url| {
        let opening = runtime.spawn(open(url.to_owned()));
        let lost = |e: JoinError| ConnectionError::BadConnection(e.to_string());
        async move { opening.await.map_err(lost)? }.boxed()
    });
    AsyncDieselConnectionManager::new_with_config(url, config)
}
