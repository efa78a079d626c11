//! SQL types that exist on both databases.
//!
//! Diesel's own `Uuid`, `Timestamptz` and `Jsonb` are PostgreSQL only (or have a
//! different meaning on SQLite). These three stand in for them, under the same
//! names, so `schema.rs` reads as if it had been printed from PostgreSQL.

pub use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{query_builder::QueryId, sql_types::SqlType};

/// `uuid` on PostgreSQL, a 16-byte `blob` on SQLite.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(
    postgres_type(oid = 2950, array_oid = 2951),
    sqlite_type(name = "Binary")
)]
pub struct Uuid;

/// `timestamptz` on PostgreSQL, fixed-width RFC 3339 `text` in UTC on SQLite,
/// so that comparing the text compares the instants.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(
    postgres_type(oid = 1184, array_oid = 1185),
    sqlite_type(name = "Text")
)]
pub struct Timestamptz;

impl diesel::sql_types::SqlOrd for Timestamptz {}

/// `jsonb` on PostgreSQL, JSON `text` on SQLite.
#[derive(Debug, Clone, Copy, Default, QueryId, SqlType)]
#[diesel(
    postgres_type(oid = 3802, array_oid = 3807),
    sqlite_type(name = "Text")
)]
pub struct Jsonb;

// `table!` expects every column called `Timestamptz` to take an interval. Only
// PostgreSQL has intervals, so a query that uses one will not compile for SQLite.
impl diesel::sql_types::ops::Add for Timestamptz {
    type Rhs = diesel::sql_types::Interval;
    type Output = Self;
}

impl diesel::sql_types::ops::Sub for Timestamptz {
    type Rhs = diesel::sql_types::Interval;
    type Output = Self;
}
