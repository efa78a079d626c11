//! What a refund does to the tickets and booths that its money paid for.

use super::store;
use super::{Refund, Source};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::id::TicketId;
use crate::orders::{self, Order};
use crate::tickets::{self, TicketStatus};

use TicketStatus::{Suspended, Used, Valid, Void};

/// Stops what is covered, so that nobody comes in on money that goes back.
pub(super) async fn stop(conn: &mut Conn, refund: &Refund, now: Timestamp) -> Result<(), Problem> {
    if !refund.voids {
        return Ok(());
    }
    for covered in store::covered(conn, refund.id).await? {
        tickets::set_status(conn, covered.ticket_id, &[Valid, Used], Suspended, now).await?;
    }
    Ok(())
}

/// Nothing comes of it: what was stopped for it is good again.
pub(super) async fn let_go(
    conn: &mut Conn,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Problem> {
    store::set_active(conn, refund.id, false).await?;
    if !refund.voids {
        return Ok(());
    }
    for covered in store::covered(conn, refund.id).await? {
        if !covered.was_suspended {
            tickets::reinstate(conn, covered.ticket_id, now).await?;
        }
    }
    Ok(())
}

/// The money is gone: what it paid for ends, and can be sold again while the event is on sale.
pub(super) async fn end(
    conn: &mut Conn,
    order: &Order,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Problem> {
    store::set_active(conn, refund.id, false).await?;
    if !refund.voids {
        return Ok(());
    }
    let covered = store::covered(conn, refund.id).await?;
    let tickets: Vec<TicketId> = covered.iter().map(|it| it.ticket_id).collect();
    void(conn, order, &tickets, refund.is_full, now).await
}

/// Somebody gave all the money back at the gateway: nothing of the order is good any more.
pub(super) async fn end_all(
    conn: &mut Conn,
    order: &Order,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Problem> {
    debug_assert_eq!(refund.source, Source::External);
    let tickets = tickets::of_order(conn, order.id).await?;
    let good = tickets.iter().filter(|it| it.status != Void);
    let good: Vec<TicketId> = good.map(|ticket| ticket.id).collect();
    void(conn, order, &good, true, now).await
}

async fn void(
    conn: &mut Conn,
    order: &Order,
    tickets: &[TicketId],
    with_booths: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut ended = Vec::new();
    for id in tickets {
        let from = [Valid, Used, Suspended];
        ended.extend(tickets::set_status(conn, *id, &from, Void, now).await?);
    }
    orders::give_stock_back(conn, order, &ended, with_booths, now).await
}
