//! What the database alone does with the same rows: the limit that a server can come near.
//!
//! Each order, check-in and look-up is the statements that it cannot do without, prepared, one
//! transaction each. Rows are copies of rows that the server has written.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::load::CONNECTIONS;
use super::postgres;
use super::server::Store;

/// What the database alone does.
pub struct Limit {
    pub per_second: f64,
    /// How long it takes at worst, but for one of a hundred, when as many as the load's
    /// connections ask at once. SQLite, which has one writer, has no such figure.
    pub p99_ms: Option<f64>,
}

/// One transaction's statements; `:id` and `:more` are new keys, `:chosen` an old row's.
pub struct Work {
    pub statements: Vec<Statement>,
}

pub enum Statement {
    /// A copy of any row of a table, with other values in some columns.
    Copy(&'static str, &'static [(&'static str, &'static str)]),
    /// Any other.
    Plain(String),
}

/// An order of one ticket, of one of so many types.
pub fn order(types: usize) -> Work {
    use Statement::{Copy, Plain};
    let one = format!(
        "(SELECT i.id FROM inventory i WHERE i.name LIKE '{}' LIMIT 1)",
        if types == 1 { "Hot" } else { "Type :number" }
    );
    Work {
        statements: vec![
            Copy("idempotency", &[("key", ":text")]),
            Copy("orders", &[("id", ":id"), ("status", "'canceled'")]),
            Copy("order_items", &[("id", ":more"), ("order_id", ":id")]),
            Copy(
                "tickets",
                &[
                    ("id", ":id"),
                    ("order_id", ":id"),
                    ("order_item_id", ":more"),
                    ("serial", ":text"),
                    ("status", "'void'"),
                ],
            ),
            Copy("audit", &[("id", ":id"), ("seq", "NULL")]),
            Copy(
                "holds",
                &[("id", ":id"), ("order_id", ":id"), ("status", "'released'")],
            ),
            Plain(format!(
                "UPDATE inventory SET held = held + 1 WHERE capacity - held - sold >= 1 AND id = {one}"
            )),
        ],
    }
}

pub fn check_in() -> Work {
    use Statement::{Copy, Plain};
    Work {
        statements: vec![
            Plain(format!(
                "SELECT t.*, e.name FROM tickets t JOIN events e ON e.id = t.event_id WHERE t.id = {TICKET}"
            )),
            Copy(
                "scans",
                &[("id", ":id"), ("nonce", "NULL"), ("undoes", "NULL")],
            ),
            Copy(
                "admissions",
                &[
                    ("id", ":id"),
                    ("multi_entry", "TRUE"),
                    ("closed_at", "opened_at"),
                ],
            ),
            Plain(format!(
                "UPDATE tickets SET status = 'used', version = version + 1 WHERE id = {TICKET}"
            )),
        ],
    }
}

pub fn look_up() -> Work {
    let read = format!(
        "SELECT t.*, e.name FROM tickets t JOIN events e ON e.id = t.event_id WHERE t.id = {TICKET}"
    );
    Work {
        statements: vec![Statement::Plain(read)],
    }
}

/// A ticket somewhere: the first at or after a new key.
const TICKET: &str = "(SELECT id FROM tickets WHERE id >= :chosen ORDER BY id LIMIT 1)";

pub fn measure(store: &Store, work: &Work, seconds: u32) -> Limit {
    match store.url.strip_prefix("sqlite:") {
        Some(file) => Limit {
            per_second: sqlite(store, file, work, seconds),
            p99_ms: None,
        },
        None => Limit {
            per_second: pgbench(store, work, seconds, FASTEST).0,
            p99_ms: Some(pgbench(store, work, seconds, CONNECTIONS).1),
        },
    }
}

/// With so many clients PostgreSQL does the most on two cores.
const FASTEST: u32 = 16;

fn copy(table: &str, columns: &[String], changed: &[(&str, &str)]) -> String {
    let value = |column: &String| {
        let found = changed.iter().find(|(name, _)| name == column);
        found.map_or_else(|| format!("\"{column}\""), |(_, value)| (*value).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let names = columns.join("\", \"");
    let values = values.join(", ");
    format!(
        "INSERT INTO {table} (\"{names}\") SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) AS one"
    )
}

/// A table's columns, in its order.
pub fn columns(store: &Store, table: &str) -> Vec<String> {
    if let Some(file) = store.url.strip_prefix("sqlite:") {
        let connection = Connection::open(file).unwrap();
        let query = format!("SELECT name FROM pragma_table_info('{table}')");
        let mut rows = connection.prepare(&query).unwrap();
        let names = rows.query_map([], |row| row.get(0)).unwrap();
        return names.map(Result::unwrap).collect();
    }
    let query = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
    );
    let output = Command::new("psql")
        .args([&store.url, "-Atc", &query])
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    shown.lines().map(str::to_owned).collect()
}

fn texts(store: &Store, work: &Work) -> Vec<String> {
    let text = |statement: &Statement| match statement {
        Statement::Copy(table, changed) => copy(table, &columns(store, table), changed),
        Statement::Plain(text) => text.clone(),
    };
    work.statements.iter().map(text).collect()
}

fn sqlite(store: &Store, file: &str, work: &Work, seconds: u32) -> f64 {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
        )
        .unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    let bind = |text: String| {
        let text = text
            .replace(":text", "hex(:id)")
            .replace("'Type :number'", "'Type ' || :number");
        text.replace("TRUE", "1")
    };
    let texts: Vec<String> = texts(store, work).into_iter().map(bind).collect();
    let begin = Instant::now();
    let mut done = 0_u32;
    while begin.elapsed() < Duration::from_secs(seconds.into()) {
        let keys = [
            (":id", key(done, 1)),
            (":more", key(done, 2)),
            (":chosen", chosen(done)),
        ];
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for text in &texts {
            let mut statement = connection.prepare_cached(text).unwrap();
            for (name, value) in &keys {
                if let Some(index) = statement.parameter_index(name).unwrap() {
                    statement.raw_bind_parameter(index, value).unwrap();
                }
            }
            if let Some(index) = statement.parameter_index(":number").unwrap() {
                statement.raw_bind_parameter(index, done % 50).unwrap();
            }
            let mut rows = statement.raw_query();
            while rows.next().unwrap().is_some() {}
        }
        connection.execute_batch("COMMIT").unwrap();
        done += 1;
    }
    f64::from(done) / begin.elapsed().as_secs_f64()
}

/// A key that nobody has.
fn key(number: u32, kind: u8) -> Vec<u8> {
    let random = uuid::Uuid::new_v4();
    let [.., a, b] = *random.as_bytes();
    [
        &[0xff, kind, a, b][..],
        &random.as_bytes()[..8],
        &number.to_be_bytes(),
    ]
    .concat()
}

/// A place among the keys of this year.
fn chosen(number: u32) -> Vec<u8> {
    let mut key = uuid::Uuid::now_v7().as_bytes().to_vec();
    key[5] = (number % 251).to_be_bytes()[3];
    key
}

/// Transactions per second, and the 99th of a hundred latencies in milliseconds.
fn pgbench(store: &Store, work: &Work, seconds: u32, clients: u32) -> (f64, f64) {
    let new = |a: &str, b: &str| {
        format!(
            "(lpad(to_hex(:{a}::bigint), 16, '0') || lpad(to_hex(:{b}::bigint), 16, '0'))::uuid"
        )
    };
    let bind = |text: String| {
        text.replace(":id", &new("a", "b"))
            .replace(":more", &new("b", "a"))
            .replace(":chosen", "(SELECT id FROM tickets WHERE id >= '01900000-0000-7000-8000-000000000000' ORDER BY id OFFSET 0 LIMIT 1)")
            .replace(":text", "('k' || :a::text || '-' || :b::text)")
            .replace("'Type :number'", "('Type ' || :number::text)")
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "\\set a random(1, 4611686018427387904)").unwrap();
    writeln!(file, "\\set b random(1, 4611686018427387904)").unwrap();
    writeln!(file, "\\set number random(0, 49)\nBEGIN;").unwrap();
    for text in texts(store, work) {
        writeln!(file, "{};", bind(text)).unwrap();
    }
    writeln!(file, "COMMIT;").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(postgres::bin().join("pgbench"))
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"])
        .args(["--client", &clients.to_string()])
        .args(["--time", &seconds.to_string(), "--log", "--log-prefix"])
        .arg(folder.path().join("log"))
        .arg("--file")
        .arg(file.path())
        .arg(&store.url)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = shown.lines().find_map(|line| line.strip_prefix("tps = "));
    let line = line.unwrap_or_else(|| panic!("{shown}{}", String::from_utf8_lossy(&output.stderr)));
    let per_second = line.split_whitespace().next().unwrap().parse().unwrap();
    (per_second, p99_ms(folder.path()))
}

/// From pgbench's log: the third figure of a line is the transaction's microseconds.
fn p99_ms(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let texts: Vec<String> = texts.collect();
    let micros = |line: &str| line.split(' ').nth(2).unwrap().parse().unwrap();
    let mut all: Vec<u32> = texts.iter().flat_map(|it| it.lines().map(micros)).collect();
    all.sort_unstable();
    f64::from(all[all.len() * 99 / 100]) / 1e3
}
