//! One connection type over SQLite and PostgreSQL.
//!
//! A query is written once, inside [`sql!`], and compiled for both databases.
//! Where the two differ, the macro takes a query for each.

mod blocking;
mod cached;
#[cfg(debug_assertions)]
pub mod crash;
mod fault;
mod lease;
pub(crate) mod many;
mod migrate;
mod open;
pub mod schema;
pub mod sql_types;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod tls;
pub mod values;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Object};
use deadpool::{Runtime, Status};
use diesel::QueryResult;
use diesel::connection::AnsiTransactionManager;
use diesel::result::Error as DieselError;
use diesel::sqlite::SqliteConnection;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::{BuildError, Pool, PoolError};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use tokio::sync::Notify;

use crate::metrics::{self, Stopwatch};
pub use cached::Cache;
pub use fault::{Fault, Transient};
pub use lease::Lease;
use lease::Use;
pub use open::sqlite_path;

pub type SqliteConn = SyncConnectionWrapper<SqliteConnection, blocking::BlockingThreads>;
pub type PgConn = AsyncPgConnection;

/// How a transaction that writes begins on SQLite.
const WRITE: &str = "BEGIN IMMEDIATE";

/// How often a transaction that lost against another one is tried.
const TRANSACTION_TRIES: u32 = 3;

/// Why the database could not be opened, brought up to date or reached.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("DATABASE_URL must be sqlite:<file> or postgres://…")]
    UnknownScheme,
    #[error("DATABASE_URL: {0}")]
    Tls(#[from] tls::TlsError),
    #[error("no connection to the database: {0}")]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("migration failed: {0}")]
    Migrate(Box<dyn Error + Send + Sync>),
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// The sizes and limits of the connection pools.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// PostgreSQL connections, or SQLite's readers (it always has one writer).
    pub connections: usize,
    /// How long a request waits for a connection before it is told «overloaded».
    pub wait: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            connections: 16,
            wait: Duration::from_secs(5),
        }
    }
}

/// The configured database.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    /// Wakes who does what is queued.
    queued: Arc<Notify>,
}

/// SQLite has one writing connection behind the pool's fair queue, because several
/// writers starve each other, and several that can only read.
#[derive(Clone)]
enum Pools {
    Sqlite {
        writer: Pool<SqliteConn>,
        readers: Pool<SqliteConn>,
    },
    Postgres(Pool<PgConn>),
}

impl Db {
    /// Opens the pools. Their connections live on the runtime this is called from,
    /// not on the one that happens to need them first.
    pub fn open(url: &str, settings: PoolSettings) -> Result<Self, DbError> {
        Ok(Self {
            pools: Pools::open(url, settings)?,
            queued: Arc::default(),
        })
    }

    /// Brings the database up to date. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), DbError> {
        migrate::run(self).await
    }

    /// Whether every migration this binary knows has been applied.
    pub async fn is_migrated(&self) -> Result<bool, DbError> {
        migrate::is_current(self).await
    }

    /// A connection for single reading statements. On SQLite it cannot write.
    pub async fn read(&self) -> Result<Conn, DbError> {
        self.lease(Use::Read).await
    }

    /// A connection for finding a few rows by their keys, which takes microseconds. What may
    /// read more belongs on [`Db::read`]: on SQLite this keeps a serving thread.
    pub async fn find(&self) -> Result<Conn, DbError> {
        self.lease(Use::Find).await
    }

    /// A connection for a single writing statement; several belong in a [`Db::transaction`].
    pub async fn write(&self) -> Result<Conn, DbError> {
        self.lease(Use::Write).await
    }

    async fn lease(&self, what_for: Use) -> Result<Conn, DbError> {
        let waiting = Stopwatch::start();
        let conn = match &self.pools {
            Pools::Sqlite { writer, readers } => {
                let pool = match what_for {
                    Use::Write => writer,
                    Use::Read | Use::Find => readers,
                };
                Conn::Sqlite(self.lend(pool.get().await?, what_for))
            }
            Pools::Postgres(pool) => Conn::Postgres(self.lend(pool.get().await?, what_for)),
        };
        metrics::pool_waited(waiting.elapsed());
        Ok(conn)
    }

    fn lend<M: Manager>(&self, object: Object<M>, what_for: Use) -> Lease<M> {
        Lease::new(object, what_for, Arc::clone(&self.queued))
    }

    /// Ends when a transaction of this process that queued work is over, since the last time.
    pub async fn queued(&self) {
        self.queued.notified().await;
    }

    /// Whether it is asked without a round trip.
    pub fn is_embedded(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// How the pools stand, each by its name.
    pub fn connections(&self) -> Vec<(&'static str, Status)> {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                vec![("writer", writer.status()), ("readers", readers.status())]
            }
            Pools::Postgres(pool) => vec![("all", pool.status())],
        }
    }

    /// Runs `work` in one transaction, again when it lost against another (a deadlock,
    /// a busy database), at most three times.
    pub async fn transaction<T, E>(
        &self,
        work: impl AsyncFn(&mut Conn) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DieselError> + From<DbError> + Transient,
    {
        let mut tries = 1;
        loop {
            let mut conn = self.write().await?;
            match conn.transaction(async |conn| work(conn).await).await {
                Err(error) if tries < TRANSACTION_TRIES && error.is_transient() => {
                    drop(conn);
                    let pause = crate::random::jitter_below(20 << tries);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs several reads that must see one state of the database, without keeping
    /// any writer waiting.
    pub async fn snapshot<T, E>(
        &self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DieselError> + From<DbError>,
    {
        let mut conn = self.read().await?;
        conn.bracket(
            "BEGIN DEFERRED",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            work,
        )
        .await
    }
}

impl Pools {
    fn open(url: &str, settings: PoolSettings) -> Result<Self, DbError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let pool = |manager, size| {
                Pool::builder(manager)
                    .max_size(size)
                    .wait_timeout(Some(settings.wait))
                    .runtime(Runtime::Tokio1)
                    .build()
            };
            let path = open::sqlite_path(path);
            Ok(Self::Sqlite {
                writer: pool(open::sqlite_writer(&path), 1)?,
                readers: pool(open::sqlite_reader(&path), settings.connections.max(1))?,
            })
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = Pool::builder(open::postgres(tls::Target::parse(url)?))
                .max_size(settings.connections.max(1))
                .wait_timeout(Some(settings.wait))
                .create_timeout(Some(settings.wait))
                .runtime(Runtime::Tokio1)
                .build()?;
            Ok(Self::Postgres(pool))
        } else {
            Err(DbError::UnknownScheme)
        }
    }
}

/// A connection to whichever database is configured.
#[expect(
    clippy::large_enum_variant,
    reason = "one per request, never many together"
)]
pub enum Conn {
    Sqlite(Lease<AsyncDieselConnectionManager<SqliteConn>>),
    Postgres(Lease<AsyncDieselConnectionManager<PgConn>>),
}

/// Runs a query on whichever database `$conn` is connected to.
///
/// The query is written once and compiled for both, or written twice where they
/// differ. Put nothing else in it: leaving early, with `?`, costs the connection
/// its place in the pool.
macro_rules! sql {
    ($conn:expr, |$c:ident| $query:expr) => {
        $crate::db::sql!($conn, sqlite: |$c| $query, postgres: |$c| $query)
    };
    ($conn:expr, sqlite: |$s:ident| $sqlite:expr, postgres: |$p:ident| $postgres:expr) => {
        match &mut *$conn {
            $crate::db::Conn::Sqlite(lease) => {
                let $s: &mut $crate::db::SqliteConn = lease.enter();
                let result = $sqlite;
                lease.leave();
                result
            }
            $crate::db::Conn::Postgres(lease) => {
                let $p: &mut $crate::db::PgConn = lease.enter();
                let result = $postgres;
                lease.leave();
                result
            }
        }
    };
}
pub(crate) use many::bulk_row;
pub(crate) use sql;

impl Conn {
    /// Runs `work` in a transaction, or in a savepoint if one is already open.
    ///
    /// On SQLite the transaction takes the write lock at once (`BEGIN IMMEDIATE`):
    /// a deferred one that reads first and writes later fails without waiting.
    pub async fn transaction<T, E>(
        &mut self,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DieselError>,
    {
        self.bracket(WRITE, "BEGIN", work).await
    }

    async fn bracket<T, E>(
        &mut self,
        sqlite_begin: &'static str,
        postgres_begin: &'static str,
        work: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<DieselError>,
    {
        let nested = *self.depth() > 0;
        sql!(self,
            sqlite: |c| if nested { begin(c).await } else { begin_sqlite(c, sqlite_begin).await },
            postgres: |c| if nested { begin(c).await } else { begin_postgres(c, postgres_begin).await }
        )?;
        *self.depth() += 1;

        let outcome = work(self).await;
        #[cfg(debug_assertions)]
        let counts = !nested && outcome.is_ok() && sqlite_begin == WRITE;
        #[cfg(debug_assertions)]
        if counts {
            crash::before_commit();
        }
        let ended = match outcome {
            // What makes it durable waits for the disk.
            Ok(_) => sql!(self,
                sqlite: |c| {
                    blocking::run_here(nested);
                    commit(c).await
                },
                postgres: |c| commit(c).await
            ),
            Err(_) => sql!(self, |c| rollback(c).await),
        };
        #[cfg(debug_assertions)]
        if counts && ended.is_ok() {
            crash::after_commit();
        }
        // Until it has ended for certain, the lease counts it as open.
        if ended.is_ok() {
            *self.depth() -= 1;
        }
        let value = outcome?;
        ended?;
        Ok(value)
    }

    fn depth(&mut self) -> &mut u32 {
        match self {
            Self::Sqlite(lease) => &mut lease.depth,
            Self::Postgres(lease) => &mut lease.depth,
        }
    }

    /// Has [`Db::queued`] end when this connection goes back, and its transaction is over.
    pub fn note_queued(&mut self) {
        match self {
            Self::Sqlite(lease) => lease.has_queued = true,
            Self::Postgres(lease) => lease.has_queued = true,
        }
    }

    /// Runs statements that answer nothing.
    pub async fn batch_execute(&mut self, statements: &str) -> QueryResult<()> {
        sql!(self, |c| c.batch_execute(statements).await)
    }
}

async fn begin<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    C::TransactionManager::begin_transaction(conn).await
}

async fn begin_sqlite(conn: &mut SqliteConn, statement: &'static str) -> QueryResult<()> {
    conn.spawn_blocking(move |c| AnsiTransactionManager::begin_transaction_sql(c, statement))
        .await
}

async fn begin_postgres(conn: &mut PgConn, statement: &'static str) -> QueryResult<()> {
    diesel_async::AnsiTransactionManager::begin_transaction_sql(conn, statement).await
}

async fn commit<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    C::TransactionManager::commit_transaction(conn).await
}

async fn rollback<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    C::TransactionManager::rollback_transaction(conn).await
}
