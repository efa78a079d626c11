//! The schema's changes, embedded in the binary.

use std::collections::HashSet;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::migration::MigrationSource;
use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Db, DbError, Pools, sql};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number that no other program uses for an advisory lock in this database.
const LOCK: i64 = 0x746f_6c6c_6761_7465;

/// How often a migration that met another process doing the same is tried on SQLite,
/// which has no lock to wait for.
const SQLITE_TRIES: u32 = 10;

pub(super) async fn run(db: &Db) -> Result<(), DbError> {
    match &db.pools {
        Pools::Sqlite { writer, .. } => {
            let mut tries = 1;
            loop {
                let mut harness = AsyncMigrationHarness::new(writer.get().await?);
                match migrate(&mut harness, SQLITE) {
                    Err(_) if tries < SQLITE_TRIES => tries += 1,
                    outcome => return outcome,
                }
                drop(harness);
                let pause = Duration::from_millis(crate::random::jitter_below(200));
                tokio::time::sleep(pause).await;
            }
        }
        Pools::Postgres(pool) => {
            let mut conn = pool.get().await?;
            let lock = format!("SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})");
            conn.batch_execute(&lock).await?;
            let mut harness = AsyncMigrationHarness::new(conn);
            let outcome = migrate(&mut harness, POSTGRES);
            let unlock = format!("SELECT pg_advisory_unlock({LOCK}); SET lock_timeout = '5s'");
            harness.into_inner().batch_execute(&unlock).await?;
            outcome
        }
    }
}

fn migrate<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> Result<(), DbError> {
    tokio::task::block_in_place(|| harness.run_pending_migrations(migrations).map(drop))
        .map_err(DbError::Migrate)
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

pub(super) async fn is_current(db: &Db) -> Result<bool, DbError> {
    let known = match db.pools {
        Pools::Sqlite { .. } => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
        Pools::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
    };
    let mut conn = db.read().await?;
    let query = "SELECT version FROM __diesel_schema_migrations";
    let applied: Vec<Applied> = sql!(&mut conn, |c| diesel::sql_query(query).load(c).await)?;
    let applied: HashSet<String> = applied.into_iter().map(|row| row.version).collect();
    Ok(known.iter().all(|version| applied.contains(version)))
}

fn versions<DB: Backend>(migrations: &EmbeddedMigrations) -> Result<Vec<String>, DbError> {
    let migrations = MigrationSource::<DB>::migrations(migrations).map_err(DbError::Migrate)?;
    Ok(migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}
