//! A shop that has sold for years: 200,000 orders with a million tickets, loaded in bulk.

use super::limit::columns;
use super::server::Store;
use super::sql;

const ORDERS: u32 = 200_000;
const TICKETS_OF_ORDER: u32 = 5;

/// Values of columns that the copies do not share; `{order}` and `{own}` become keys.
type Changed = &'static [(&'static str, &'static str)];

/// Each table with how many rows an order has there.
const TABLES: &[(&str, u32, Changed)] = &[
    ("orders", 1, &[("id", "{order}")]),
    (
        "order_items",
        1,
        &[("id", "{own}"), ("order_id", "{order}")],
    ),
    (
        "tickets",
        TICKETS_OF_ORDER,
        &[
            ("id", "{own}"),
            ("order_id", "{order}"),
            ("order_item_id", "{item}"),
            ("position", "(i - 1) % 5 + 1"),
            ("serial", "'G' || i"),
        ],
    ),
    (
        "audit",
        2,
        &[
            ("id", "{own}"),
            ("object", "'G' || i"),
            ("seq", "i"),
            ("prev_hash", "''"),
            ("hash", "''"),
        ],
    ),
    ("idempotency", 1, &[("key", "'grown ' || i")]),
];

/// Copies rows that the server has written, as many as years leave.
pub fn grow(store: &Store) {
    let statements = TABLES.iter().map(|(table, of_order, changed)| {
        let rows = ORDERS * of_order;
        copies(store, table, rows, *of_order, changed)
    });
    // What PostgreSQL does by itself over the years; SQLite is asked as it is.
    let tidy = ["VACUUM ANALYZE", "CHECKPOINT"].map(str::to_owned);
    let is_embedded = store.url.starts_with("sqlite:");
    let tidy = tidy.into_iter().filter(|_| !is_embedded);
    let statements: Vec<String> = statements.chain(tidy).collect();
    for statement in statements {
        sql::execute(store, &statement);
    }
}

fn copies(store: &Store, table: &str, rows: u32, of_order: u32, changed: Changed) -> String {
    let columns = columns(store, table);
    // Keys of before this year, in the order in which they were made.
    let key = |kind: u8, number: &str| match store.url.starts_with("sqlite:") {
        true => format!("unhex(printf('0180000000007{kind:03}8000%012x', {number}))"),
        false => {
            format!("('01800000-0000-7{kind:03}-8000-' || lpad(to_hex({number}), 12, '0'))::uuid")
        }
    };
    let order = format!("(i - 1) / {of_order} + 1");
    let value = |column: &String| {
        let found = changed.iter().find(|(name, _)| name == column);
        let value = found.map_or_else(|| format!("\"{column}\""), |(_, it)| (*it).to_owned());
        value
            .replace("{order}", &key(1, &order))
            .replace("{item}", &key(2, &order))
            .replace("{own}", &key(2, "i"))
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let which = match table {
        // One that is good, of an order that is over.
        "tickets" => "WHERE status = 'valid'",
        "orders" => "WHERE status = 'confirmed'",
        _ => "",
    };
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO {table} (\"{}\") SELECT {} FROM n, (SELECT * FROM {table} {which} LIMIT 1) AS one",
        columns.join("\", \""),
        values.join(", ")
    )
}
