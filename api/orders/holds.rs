//! What an order holds of the stock, from when it is placed until it is paid or over.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::booths::{self, BoothStatus};
use crate::db::schema::holds;
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::error::Problem;
use crate::id::{BoothId, HoldId, InventoryId, OrderId};
use crate::inventory::{self, Portion};
use crate::orders::Order;

text_enum! {
    /// `active → consumed | released | expired`.
    pub enum HoldStatus {
        Active = "active",
        Consumed = "consumed",
        Released = "released",
        Expired = "expired",
    }
}

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub(super) struct Hold in holds {
        id: HoldId,
        order_id: OrderId,
        inventory_id: Option<InventoryId>,
        booth_id: Option<BoothId>,
        quantity: i64,
        status: HoldStatus,
        expires_at: Timestamp,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

/// What an order holds now.
macro_rules! active {
    ($order:expr) => {
        holds::table
            .filter(holds::order_id.eq($order))
            .filter(holds::status.eq(HoldStatus::Active))
    };
}

/// What an order holds of the stock.
pub(super) fn of_stock(
    order: &Order,
    stock: &[Portion],
    status: HoldStatus,
    now: Timestamp,
) -> Vec<Hold> {
    let hold = |(id, quantity): &Portion| Hold {
        inventory_id: Some(*id),
        quantity: *quantity,
        ..Hold::new(order, status, now)
    };
    stock.iter().map(hold).collect()
}

/// What an order holds of the booths.
pub(super) fn of_booths(
    order: &Order,
    booths: &[BoothId],
    status: HoldStatus,
    now: Timestamp,
) -> Vec<Hold> {
    let hold = |id: &BoothId| Hold {
        booth_id: Some(*id),
        ..Hold::new(order, status, now)
    };
    booths.iter().map(hold).collect()
}

impl Hold {
    fn new(order: &Order, status: HoldStatus, now: Timestamp) -> Self {
        Self {
            id: HoldId::new(),
            order_id: order.id,
            inventory_id: None,
            booth_id: None,
            quantity: 1,
            status,
            expires_at: match status {
                HoldStatus::Active => order.expires_at,
                HoldStatus::Consumed | HoldStatus::Released | HoldStatus::Expired => now,
            },
            created_at: now,
            updated_at: now,
        }
    }
}

/// Notes what was taken.
pub(super) async fn insert(conn: &mut Conn, rows: Vec<Hold>) -> Result<(), Problem> {
    many::insert_all(conn, rows).await?;
    Ok(())
}

/// Takes a part out of what an order has for good.
pub(super) async fn shrink(
    conn: &mut Conn,
    order: OrderId,
    stock: &[Portion],
    booths: &[BoothId],
    now: Timestamp,
) -> Result<(), Problem> {
    macro_rules! consumed {
        () => {
            holds::table
                .filter(holds::order_id.eq(order))
                .filter(holds::status.eq(HoldStatus::Consumed))
        };
    }
    for (id, quantity) in stock {
        let of_stock = || consumed!().filter(holds::inventory_id.eq(*id).assume_not_null());
        let shrunk = sql!(conn, |c| diesel::update(of_stock())
            .filter(holds::quantity.gt(*quantity))
            .set((
                holds::quantity.eq(holds::quantity - *quantity),
                holds::updated_at.eq(now)
            ))
            .cached()
            .execute(c)
            .await)?;
        if shrunk == 0 {
            sql!(conn, |c| diesel::update(of_stock())
                .set((
                    holds::status.eq(HoldStatus::Released),
                    holds::updated_at.eq(now)
                ))
                .cached()
                .execute(c)
                .await)?;
        }
    }
    if booths.is_empty() {
        return Ok(());
    }
    let of_booths = consumed!().filter(holds::booth_id.eq_any(booths.iter().map(Some)));
    sql!(conn, |c| diesel::update(of_booths)
        .set((
            holds::status.eq(HoldStatus::Released),
            holds::updated_at.eq(now)
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn set_expiry(
    conn: &mut Conn,
    order: OrderId,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Problem> {
    sql!(conn, |c| diesel::update(active!(order))
        .set((holds::expires_at.eq(until), holds::updated_at.eq(now)))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends what an order holds actively: sold when it is consumed, else given back. Touches stock
/// and booths, so it comes last in a transaction.
pub(super) async fn end(
    conn: &mut Conn,
    order: OrderId,
    status: HoldStatus,
    now: Timestamp,
) -> Result<(), Problem> {
    let ended: Vec<Hold> = sql!(conn, |c| diesel::update(active!(order))
        .set((holds::status.eq(status), holds::updated_at.eq(now)))
        .returning(Hold::as_returning())
        .cached()
        .get_results(c)
        .await)?;
    let stock = inventory::portions(
        ended
            .iter()
            .filter_map(|hold| Some((hold.inventory_id?, hold.quantity))),
    );
    let units: Vec<BoothId> = ended.iter().filter_map(|hold| hold.booth_id).collect();
    if status == HoldStatus::Consumed {
        inventory::sell(conn, stock, now).await?;
        booths::move_all(conn, units, BoothStatus::Held, BoothStatus::Booked, now).await
    } else {
        inventory::release(conn, stock, now).await?;
        booths::move_all(conn, units, BoothStatus::Held, BoothStatus::Available, now).await
    }
}
