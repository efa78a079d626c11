//! Stock that comes back from orders in force.

use std::collections::BTreeMap;

use super::store::bookings::{self, BookingStatus};
use super::{Order, holds};
use crate::booths::{self, BoothStatus};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::events::{self, EventStatus};
use crate::id::{BoothId, TicketTypeId};
use crate::inventory;
use crate::tickets::Ticket;

/// Gives back what tickets and booths of an order took, as far as it can still be sold. Touches
/// stock and booths, so it comes last in a transaction.
pub async fn give_stock_back(
    conn: &mut Conn,
    order: &Order,
    ended: &[Ticket],
    with_booths: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    let event = events::find(conn, order.event_id).await?;
    let is_on_sale = event.is_some_and(|event| {
        event.status == EventStatus::Published && event.ends_at.is_none_or(|end| now < end)
    });
    if !is_on_sale {
        return Ok(());
    }
    let mut of_types: BTreeMap<TicketTypeId, i64> = BTreeMap::new();
    for ticket in ended {
        *of_types.entry(ticket.ticket_type_id).or_default() += 1;
    }
    let mut portions = Vec::new();
    for (kind, quantity) in of_types {
        let sale = inventory::find(conn, order.event_id, kind).await?;
        let sale = sale.filter(|sale| sale.ticket_type.sales_end.is_none_or(|end| now < end));
        portions.extend(sale.map(|sale| (sale.inventory.id, quantity)));
    }
    let portions = inventory::portions(portions);
    let units: Vec<BoothId> = if with_booths {
        let bookings = bookings::of_order(conn, order.id).await?;
        let booked = bookings
            .iter()
            .filter(|(it, ..)| it.status == BookingStatus::Booked);
        booked.map(|(booking, ..)| booking.booth_id).collect()
    } else {
        Vec::new()
    };
    if !units.is_empty() {
        bookings::set_status(conn, order.id, BookingStatus::Released, now).await?;
    }
    holds::shrink(conn, order.id, &portions, &units, now).await?;
    inventory::unsell(conn, portions, now).await?;
    let (booked, free) = (BoothStatus::Booked, BoothStatus::Available);
    booths::move_all(conn, units, booked, free, now).await
}
