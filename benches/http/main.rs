//! Requests per second of the release server, on each database, beside what the database alone
//! does with the same rows: `cargo bench --bench http`, or `-- sqlite` for one of them; with
//! `-- grown` after a million tickets were sold.
//!
//! The load comes from `wrk`, on the same machine: server, database and load share its cores.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::disallowed_methods,
    reason = "a measurement reads clock and environment, and prints what it found"
)]

mod grown;
mod limit;
mod load;
mod postgres;
mod scenes;
mod server;
mod sql;
mod stage;

use postgres::Cluster;
use server::Store;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let says = |name: &str| wanted.iter().any(|arg| arg == name);
    let wants = |name: &str| says(name) || !(says("sqlite") || says("postgres"));
    let is_grown = says("grown");
    if wants("sqlite") {
        let folder = tempfile::tempdir().unwrap();
        scenes::run(&Store::sqlite(folder.path()), is_grown);
    }
    if wants("postgres") {
        let cluster = Cluster::start();
        scenes::run(&Store::postgres(&cluster.database("bench")), is_grown);
    }
}
