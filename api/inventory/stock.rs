//! Stock that is taken, sold and given back.

use std::collections::BTreeMap;

use super::store::{self, Inventory};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::InventoryId;
use crate::metrics;

/// What stock is taken into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Held,
    Sold,
}

impl Taken {
    /// How much of a quantity is held from now on, and how much sold.
    pub(super) fn split(self, quantity: i64) -> (i64, i64) {
        match self {
            Self::Held => (quantity, 0),
            Self::Sold => (0, quantity),
        }
    }
}

/// How much of one stock an order takes.
pub type Portion = (InventoryId, i64);

/// Adds up what lines draw on the same stock; in ascending order.
pub fn portions(lines: impl IntoIterator<Item = Portion>) -> Vec<Portion> {
    let mut sums = BTreeMap::new();
    for (inventory, quantity) in lines {
        *sums.entry(inventory).or_insert(0) += quantity;
    }
    sums.into_iter().collect()
}

/// Takes all portions, or refuses with what is left of the first that is too small.
///
/// The caller's transaction must take nothing but booths afterwards: rows of stock are locked
/// last and in ascending order, so that orders over the same types never wait in a circle.
pub async fn take(
    conn: &mut Conn,
    taken: Vec<Portion>,
    into: Taken,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(short) = store::take(conn, portions(taken), into, now).await? else {
        return Ok(());
    };
    Err(match store::find_inventory(conn, short).await? {
        Some(stock) => sold_out(&stock, 0),
        None => Problem::new(Code::SoldOut),
    })
}

/// The refusal of who wants more than what is left of a stock when `taken` more are gone.
pub fn sold_out(stock: &Inventory, taken: i64) -> Problem {
    metrics::stock_guard_hit("tickets");
    let available = (stock.available() - taken).max(0);
    let name = &stock.name;
    let detail = format!("Only {available} tickets remaining for {name}");
    let refused = Problem::new(Code::SoldOut).detail(detail);
    refused.member("available", available)
}

/// Moves what was held to sold.
pub async fn sell(conn: &mut Conn, held: Vec<Portion>, now: Timestamp) -> Result<(), Problem> {
    let_go(conn, held, true, now).await
}

/// Gives back what was sold.
pub async fn unsell(
    conn: &mut Conn,
    mut sold: Vec<Portion>,
    now: Timestamp,
) -> Result<(), Problem> {
    sold.sort_unstable();
    for (id, quantity) in sold {
        store::unsell(conn, id, quantity, now).await?;
    }
    Ok(())
}

/// Gives back what was held.
pub async fn release(conn: &mut Conn, held: Vec<Portion>, now: Timestamp) -> Result<(), Problem> {
    let_go(conn, held, false, now).await
}

async fn let_go(
    conn: &mut Conn,
    mut held: Vec<Portion>,
    becomes_sold: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    held.sort_unstable();
    for (id, quantity) in held {
        store::let_go(conn, id, quantity, becomes_sold, now).await?;
    }
    Ok(())
}
