//! The database behind the server's back.

use std::process::Command;

use rusqlite::Connection;

use super::server::Store;

pub fn execute(store: &Store, statement: &str) {
    match store.url.strip_prefix("sqlite:") {
        Some(file) => {
            let connection = Connection::open(file).unwrap();
            connection
                .busy_timeout(std::time::Duration::from_secs(10))
                .unwrap();
            connection.execute(statement, []).unwrap();
        }
        None => {
            let mut psql = Command::new("psql");
            let psql = psql.args([&store.url, "-v", "ON_ERROR_STOP=1", "-qc", statement]);
            assert!(psql.status().unwrap().success(), "{statement}");
        }
    }
}

pub fn count(store: &Store, query: &str) -> u32 {
    match store.url.strip_prefix("sqlite:") {
        Some(file) => {
            let connection = Connection::open(file).unwrap();
            connection.query_row(query, [], |row| row.get(0)).unwrap()
        }
        None => text(store, query).parse().unwrap(),
    }
}

pub fn text(store: &Store, query: &str) -> String {
    match store.url.strip_prefix("sqlite:") {
        Some(file) => {
            let connection = Connection::open(file).unwrap();
            connection.query_row(query, [], |row| row.get(0)).unwrap()
        }
        None => {
            let mut psql = Command::new("psql");
            let output = psql.args([&store.url, "-Atc", query]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }
    }
}
