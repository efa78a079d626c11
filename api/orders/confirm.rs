//! An order becomes good: tickets valid, booths booked, what was owed earned, mails written.

use serde_json::json;

use super::holds::{self, HoldStatus};
use super::store::bookings::{self, BookingStatus};
use super::{ItemKind, Order, OrderStatus, Terms, mails, projection, store};
use crate::audit;
use crate::booths::{self, BoothStatus};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::{BoothId, OrderItemId};
use crate::inventory::{self, Portion, Taken};
use crate::ledger::{self, Account, Cause, Journal, Transfer};
use crate::money::Money;
use crate::tickets::{self, Attendee, NewTickets, TicketStatus};

/// Confirms a pending order that is paid, or costs nothing. The caller has locked it.
pub async fn confirm(
    conn: &mut Conn,
    order: Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<Order, Problem> {
    let order = mark(conn, &order, &[OrderStatus::Pending], now).await?;
    let order = make_good(conn, order, terms, now).await?;
    holds::end(conn, order.id, HoldStatus::Consumed, now).await?;
    Ok(order)
}

/// Whether an order that was over could be had again.
pub enum Reallocation {
    Done,
    /// Somebody else has it now.
    Gone,
}

/// Takes an expired or canceled order up again, if all of its stock is still there.
pub async fn take_up_again(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<Reallocation, Problem> {
    let taken = conn
        .transaction(async |conn| take_again(conn, order, now).await)
        .await;
    match taken {
        Ok(()) => {}
        Err(problem) if matches!(problem.code, Code::SoldOut | Code::BoothTaken) => {
            return Ok(Reallocation::Gone);
        }
        Err(problem) => return Err(problem),
    }
    let ended = [OrderStatus::Expired, OrderStatus::Canceled];
    let order = mark(conn, order, &ended, now).await?;
    make_good(conn, order, terms, now).await?;
    Ok(Reallocation::Done)
}

async fn mark(
    conn: &mut Conn,
    order: &Order,
    from: &[OrderStatus],
    now: Timestamp,
) -> Result<Order, Problem> {
    let confirmed = store::set_status(conn, order.id, from, OrderStatus::Confirmed, now).await?;
    confirmed.ok_or_else(|| Problem::new(Code::InvalidTransition))
}

/// All that being confirmed means, but for the stock.
async fn make_good(
    conn: &mut Conn,
    order: Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<Order, Problem> {
    tickets::issue(conn, order.id, now).await?;
    bookings::set_status(conn, order.id, BookingStatus::Booked, now).await?;
    earn(conn, &order, now).await?;
    let entry = audit::Entry {
        organizer: Some(order.organizer_id),
        actor: "system".to_owned(),
        action: "order.confirmed",
        object: order.id.to_string(),
        at: now,
    };
    let content = json!({"total_minor": order.total_minor});
    entry.write(conn, &content).await?;
    mails::queue_confirmations(conn, &order, terms, now).await?;
    projection::project(conn, &order, false, now).await
}

/// What the buyer owed becomes revenue.
async fn earn(conn: &mut Conn, order: &Order, now: Timestamp) -> Result<(), Problem> {
    let items = store::items(conn, order.id).await?;
    let sum = |kind: ItemKind| {
        let of_kind = items.iter().filter(|item| item.kind == kind);
        Money::new(of_kind.map(|item| item.total_minor).sum(), order.currency)
    };
    let transfer = |credit, amount| Transfer {
        debit: Account::Receivable,
        credit,
        amount,
    };
    let journal = Journal {
        organizer: order.organizer_id,
        cause: Cause::Confirmation,
        cause_id: order.id.to_string(),
        order: order.id,
        payment: None,
        transfers: vec![
            transfer(Account::RevenueTickets, sum(ItemKind::Ticket)),
            transfer(Account::RevenueBooths, sum(ItemKind::Booth)),
        ],
        occurred_at: now,
    };
    ledger::record(conn, journal).await
}

async fn take_again(conn: &mut Conn, order: &Order, now: Timestamp) -> Result<(), Problem> {
    let items = store::items(conn, order.id).await?;
    let mut stock: Vec<Portion> = Vec::new();
    let mut types = Vec::new();
    for item in &items {
        if let Some(kind) = item.ticket_type_id {
            let sale = inventory::find(conn, order.event_id, kind).await?;
            let sale = sale.ok_or_else(|| Problem::new(Code::SoldOut))?;
            stock.push((sale.inventory.id, item.quantity));
            types.push((item, sale.ticket_type));
        }
    }
    let before = tickets::of_order(conn, order.id).await?;
    let attendees = |item: OrderItemId| -> Vec<Attendee> {
        let void = before
            .iter()
            .filter(|t| t.order_item_id == item && t.status == TicketStatus::Void);
        void.filter_map(tickets::Ticket::attendee).collect()
    };
    let kept: Vec<(&super::Item, _, Vec<Attendee>)> = types
        .iter()
        .map(|(item, kind)| (*item, kind, attendees(item.id)))
        .collect();
    let lines: Vec<NewTickets<'_>> = kept
        .iter()
        .map(|(item, kind, attendees)| NewTickets {
            organizer: order.organizer_id,
            event: order.event_id,
            session: kind.session_id.or(order.session_id),
            order: order.id,
            item: item.id,
            ticket_type: kind.id,
            quantity: item.quantity,
            first_position: item.quantity + 1,
            attendees,
        })
        .collect();
    tickets::reserve(conn, &lines, now).await?;
    let bookings = bookings::of_order(conn, order.id).await?;
    let units: Vec<BoothId> = bookings.iter().map(|(b, ..)| b.booth_id).collect();
    let stock = inventory::portions(stock);
    inventory::take(conn, stock.clone(), Taken::Sold, now).await?;
    let (free, booked) = (BoothStatus::Available, BoothStatus::Booked);
    booths::move_all(conn, units.clone(), free, booked, now).await?;
    let status = HoldStatus::Consumed;
    let mut held = holds::of_stock(order, &stock, status, now);
    held.extend(holds::of_booths(order, &units, status, now));
    holds::insert(conn, held).await
}
