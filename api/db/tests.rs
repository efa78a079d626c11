//! What the rest of the house relies on, on both databases.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;

use super::schema::{self, jobs, organizers};
use super::testing::{on_each_database, postgres_url};
use super::values::{Json, Timestamp};
use super::{Conn, Db, DbError, PoolSettings, Transient, bulk_row, many, sql};
use crate::id::{JobId, OrganizerId};

fn now() -> Timestamp {
    Timestamp::parse("2027-02-11T13:00:00.123456Z").unwrap()
}

async fn add_organizer(conn: &mut Conn, slug: &str) -> QueryResult<usize> {
    sql!(conn, |c| diesel::insert_into(organizers::table)
        .values((
            organizers::id.eq(OrganizerId::new()),
            organizers::name.eq("Zanzibar Nights"),
            organizers::slug.eq(slug),
            organizers::default_currency.eq("TZS"),
            organizers::time_zone.eq("UTC"),
            organizers::version.eq(1),
            organizers::created_at.eq(now()),
            organizers::updated_at.eq(now()),
        ))
        .execute(c)
        .await)
}

async fn count(db: &Db) -> i64 {
    let mut conn = db.read().await.unwrap();
    count_with(&mut conn).await.unwrap()
}

async fn count_with(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| organizers::table.count().get_result(c).await)
}

#[derive(Debug)]
enum Failure {
    OnPurpose { transient: bool },
    Db(#[expect(dead_code, reason = "read in a failing test's message")] DbError),
}

impl<E: Into<DbError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Db(error.into())
    }
}

impl Transient for Failure {
    fn is_transient(&self) -> bool {
        matches!(self, Self::OnPurpose { transient: true })
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |kind: &str| -> BTreeSet<String> {
        let folder = format!("{}/migrations/{kind}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[derive(QueryableByName)]
struct TableName {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[test]
fn the_schema_is_the_databases() {
    macro_rules! select_all {
        ($conn:expr, $($table:ident),+) => {{
            $(sql!($conn, |c| schema::$table::table.limit(0).execute(c).await).unwrap();)+
            BTreeSet::from([$(stringify!($table)),+])
        }};
    }
    on_each_database(async |_, db| {
        let mut conn = db.read().await.unwrap();
        let conn = &mut conn;
        let known = select_all!(
            conn,
            organizers,
            users,
            memberships,
            login_sessions,
            signing_keys,
            events,
            event_sessions,
            emails,
            jobs,
            audit,
            idempotency,
            inventory,
            ticket_types,
            booth_types,
            booths,
            orders,
            order_items,
            tickets,
            booth_bookings,
            holds,
            checkout_sessions,
            payments,
            payment_details,
            journals,
            postings,
            webhook_events,
            tasks,
            dummy_charge,
            checkin_lists,
            scans,
            admissions,
            refunds,
            refund_tickets,
            refund_policies,
            dummy_refund,
            reconciliation_runs,
            gateway_calls
        );
        let names: Vec<TableName> = sql!(conn,
            sqlite: |c| diesel::sql_query(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'"
            ).load(c).await,
            postgres: |c| diesel::sql_query(
                "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'"
            ).load(c).await
        )
        .unwrap();
        let there: BTreeSet<&str> = names.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(there, known);
    });
}

#[test]
fn a_transaction_is_whole_or_nothing_and_nests() {
    on_each_database(async |_, db| {
        let failed: Result<(), Failure> = db
            .transaction(async |conn| {
                add_organizer(conn, "lost").await?;
                Err(Failure::OnPurpose { transient: false })
            })
            .await;
        assert!(matches!(failed, Err(Failure::OnPurpose { .. })));
        assert_eq!(count(&db).await, 0);

        db.transaction(async |conn| {
            add_organizer(conn, "kept").await?;
            let inner: Result<(), Failure> = conn
                .transaction(async |conn| {
                    add_organizer(conn, "lost").await?;
                    Err(Failure::OnPurpose { transient: false })
                })
                .await;
            assert!(inner.is_err());
            add_organizer(conn, "kept too").await?;
            Ok::<_, Failure>(())
        })
        .await
        .unwrap();
        assert_eq!(count(&db).await, 2);
    });
}

#[test]
fn what_lost_against_another_is_tried_three_times() {
    on_each_database(async |_, db| {
        for (fails, transient, expected) in [(2, true, 3), (9, true, 3), (1, false, 1)] {
            let tries = Cell::new(0);
            let outcome: Result<(), Failure> = db
                .transaction(async |_| {
                    tries.set(tries.get() + 1);
                    if tries.get() <= fails {
                        return Err(Failure::OnPurpose { transient });
                    }
                    Ok(())
                })
                .await;
            assert_eq!(tries.get(), expected);
            assert_eq!(outcome.is_ok(), fails == 2);
        }
    });
}

#[test]
fn a_cancelled_transaction_leaves_no_lock() {
    on_each_database(async |_, db| {
        for slug in ["first", "second", "third"] {
            let hanging = db.transaction(async |conn| {
                add_organizer(conn, slug).await?;
                std::future::pending::<Result<(), Failure>>().await
            });
            let cancelled = tokio::time::timeout(Duration::from_millis(50), hanging).await;
            assert!(cancelled.is_err());
            let next =
                db.transaction(async |conn| Ok::<_, Failure>(add_organizer(conn, slug).await?));
            let next = tokio::time::timeout(Duration::from_secs(3), next).await;
            assert_eq!(next.expect("nobody holds the lock").unwrap(), 1);
        }
        assert_eq!(count(&db).await, 3);
    });
}

#[test]
fn a_snapshot_sees_one_state_and_keeps_nobody_waiting() {
    on_each_database(async |_, db| {
        let counts = db
            .snapshot(async |conn| {
                let before = count_with(conn).await?;
                db.transaction(async |conn| Ok::<_, Failure>(add_organizer(conn, "new").await?))
                    .await?;
                Ok::<_, Failure>((before, count_with(conn).await?))
            })
            .await
            .unwrap();
        assert_eq!(counts, (0, 0));
        assert_eq!(count(&db).await, 1);
        let written = db
            .snapshot(async |conn| Ok::<_, Failure>(add_organizer(conn, "x").await?))
            .await;
        assert!(written.is_err(), "a snapshot cannot write");
    });
}

bulk_row! {
    struct NewJob in jobs {
        id: JobId,
        kind: String,
        payload: Json<serde_json::Value>,
        dedupe_key: Option<String>,
        status: String,
        attempts: i64,
        run_at: Timestamp,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

#[test]
fn what_is_queued_is_told_when_it_is_committed() {
    on_each_database(async |_, db| {
        let told = || db.queued().now_or_never().is_some();
        let committed = db.transaction(async |conn| {
            conn.note_queued();
            assert!(!told());
            Ok::<_, DbError>(())
        });
        committed.await.unwrap();
        assert!(told() && !told());
        db.transaction(async |_| Ok::<_, DbError>(()))
            .await
            .unwrap();
        assert!(!told());
    });
}

#[test]
fn many_rows_go_in_with_one_statement() {
    on_each_database(async |_, db| {
        let row = |number| NewJob {
            id: JobId::new(),
            kind: "sweep".to_owned(),
            payload: Json(serde_json::json!({ "number": number })),
            dedupe_key: (number == 0).then(|| "the first".to_owned()),
            status: "queued".to_owned(),
            attempts: number,
            run_at: now(),
            created_at: now(),
            updated_at: now(),
        };
        let mut conn = db.write().await.unwrap();
        let conn = &mut conn;
        for (numbers, inserted) in [(0..0, 0), (0..1, 1), (1..100, 99), (100..3_000, 2_900)] {
            let rows = numbers.map(row).collect();
            assert_eq!(many::insert_all(conn, rows).await, Ok(inserted));
        }
        let read: Vec<(i64, Option<String>)> = sql!(conn, |c| jobs::table
            .order(jobs::id)
            .select((jobs::attempts, jobs::dedupe_key))
            .load(c)
            .await)
        .unwrap();
        let first = (0, Some("the first".to_owned()));
        let others = (1..3_000).map(|number| (number, None));
        assert!(std::iter::once(first).chain(others).eq(read));
        let read: (Timestamp, Json<serde_json::Value>) = sql!(conn, |c| jobs::table
            .order(jobs::id)
            .select((jobs::run_at, jobs::payload))
            .first(c)
            .await)
        .unwrap();
        assert_eq!(read.0, now());
        assert_eq!(read.1.0, serde_json::json!({ "number": 0 }));
    });
}

#[test]
fn a_pool_that_is_empty_answers_in_time() {
    on_each_database(async |url, _| {
        let settings = PoolSettings {
            connections: 1,
            wait: Duration::from_millis(50),
        };
        let db = Db::open(url, settings).unwrap();
        let held = db.write().await.unwrap();
        let refused = db.write().await.err().unwrap();
        assert_eq!(refused.fault(), super::Fault::Overloaded);
        drop(held);
        db.write().await.unwrap();
    });
}

/// `TEST_DATABASE_CA` is the certificate of the authority that the server's is from.
#[test]
#[expect(clippy::disallowed_methods, reason = "where the tests' certificate is")]
fn postgres_over_tls_is_verified() {
    let (Some(url), Ok(ca)) = (postgres_url(), std::env::var("TEST_DATABASE_CA")) else {
        eprintln!("skipped: TEST_DATABASE_URL and TEST_DATABASE_CA name no PostgreSQL with TLS");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let connect = async |parameters: String| {
            let db = Db::open(&format!("{url}?{parameters}"), PoolSettings::default())?;
            let mut conn = db.read().await?;
            let conn = &mut conn;
            let query = "SELECT CASE WHEN ssl THEN 'tls' ELSE 'plain' END AS name
                FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let row: TableName = sql!(conn,
                sqlite: |c| diesel::sql_query(query).get_result(c).await,
                postgres: |c| diesel::sql_query(query).get_result(c).await
            )?;
            Ok::<_, DbError>(row.name)
        };
        assert_eq!(connect("sslmode=disable".into()).await.unwrap(), "plain");
        assert_eq!(connect("sslmode=require".into()).await.unwrap(), "tls");
        let verified = format!("sslmode=verify-full&sslrootcert={ca}");
        assert_eq!(connect(verified).await.unwrap(), "tls");
        // The system knows nothing of the tests' authority.
        assert!(connect("sslmode=verify-full".into()).await.is_err());
        assert!(
            connect("sslmode=verify-full&sslrootcert=/nowhere".into())
                .await
                .is_err()
        );
    });
}
