//! An order ends without being paid: canceled, or its time is over.

use serde_json::json;

use super::holds::{self, HoldStatus};
use super::place::record;
use super::store::bookings::{self, BookingStatus};
use super::{Order, OrderStatus, PaymentStatus, Terms, mails, projection, store};
use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::{OrderId, UserId};
use crate::jobs::{self, Job};
use crate::tickets;

/// How many orders one run of the job ends.
const BATCH: i64 = 100;

/// Cancels an unpaid order. The caller has locked it.
pub async fn cancel(
    conn: &mut Conn,
    order: &Order,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<Order, Problem> {
    match order.status {
        OrderStatus::Confirmed => return Err(Problem::new(Code::OrderAlreadyPaid)),
        OrderStatus::Expired | OrderStatus::Canceled => {
            let detail = format!("It is {}.", order.status.as_str());
            return Err(Problem::new(Code::InvalidTransition).detail(detail));
        }
        OrderStatus::Pending => {}
    }
    if order.payment_status == PaymentStatus::Processing {
        return Err(Problem::new(Code::PaymentInProgress));
    }
    let ended = end(
        conn,
        order,
        OrderStatus::Canceled,
        HoldStatus::Released,
        now,
    );
    let order = ended.await?;
    record(conn, &order, actor, "order.canceled", now, &json!({})).await?;
    Ok(order)
}

/// Ends the pending orders whose time is over; an order whose payment is under way has had its
/// time made longer before.
pub async fn expire_due(app: &App) -> Result<(), Problem> {
    let terms = Terms::of(&app.config);
    loop {
        let now = app.clock.now();
        let mut reader = app.db.read().await?;
        let due = store::due(&mut reader, now, BATCH).await?;
        drop(reader);
        for id in &due {
            let expired = app
                .db
                .transaction(async |conn| expire(conn, *id, &terms, now).await);
            expired.await?;
        }
        if due.is_empty() {
            return Ok(());
        }
    }
}

async fn expire(
    conn: &mut Conn,
    id: OrderId,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), Problem> {
    let order = super::lock(conn, id).await?;
    if order.status != OrderStatus::Pending || order.expires_at > now {
        return Ok(());
    }
    mails::queue_expired(conn, &order, terms, now).await?;
    let (status, hold) = (OrderStatus::Expired, HoldStatus::Expired);
    let order = end(conn, &order, status, hold, now).await?;
    let entry = crate::audit::Entry {
        organizer: Some(order.organizer_id),
        actor: "system".to_owned(),
        action: "order.expired",
        object: order.id.to_string(),
        at: now,
    };
    entry.write(conn, &json!({})).await
}

async fn end(
    conn: &mut Conn,
    order: &Order,
    to: OrderStatus,
    hold: HoldStatus,
    now: Timestamp,
) -> Result<Order, Problem> {
    let ended = store::set_status(conn, order.id, &[OrderStatus::Pending], to, now).await?;
    let ended = ended.ok_or_else(|| Problem::new(Code::InvalidTransition))?;
    tickets::void_reserved(conn, order.id, now).await?;
    bookings::set_status(conn, order.id, BookingStatus::Released, now).await?;
    // Attempts that are still open must not be paid any more.
    jobs::enqueue(conn, Job::CloseAttempts { order: order.id }, now).await?;
    let in_progress = ended.payment_status == PaymentStatus::Processing;
    let ended = projection::project(conn, &ended, in_progress, now).await?;
    holds::end(conn, order.id, hold, now).await?;
    Ok(ended)
}
