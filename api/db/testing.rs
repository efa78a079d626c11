//! Databases for the unit tests of what lies below HTTP.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use super::{Db, PoolSettings};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Runs `test` on a fresh, migrated database of each kind; PostgreSQL where
/// `TEST_DATABASE_URL` names one.
pub(crate) fn on_each_database(test: impl AsyncFn(&str, Db)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        run(&url, &test).await;
        let Some(server) = postgres_url() else { return };
        let name = format!("tollgate_unit_{}_{}", std::process::id(), next());
        let mut admin = AsyncPgConnection::establish(&server).await.unwrap();
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        admin.batch_execute(&create).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        run(&format!("{base}/{name}"), &test).await;
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        admin.batch_execute(&drop).await.unwrap();
    });
}

async fn run(url: &str, test: &impl AsyncFn(&str, Db)) {
    let db = Db::open(url, PoolSettings::default()).unwrap();
    db.migrate().await.unwrap();
    test(url, db).await;
}

#[expect(clippy::disallowed_methods, reason = "where the tests' PostgreSQL is")]
pub(crate) fn postgres_url() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

fn next() -> u32 {
    COUNT.fetch_add(1, Ordering::SeqCst)
}
