//! What finance decides about money that is not what was asked for.

use super::{Payment, Status, settle, store};
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::UserId;
use crate::orders::{Order, Terms};

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It pays the order all the same.
    Accept,
    /// It goes back; the order may be paid anew.
    Refund,
}

/// Ends a payment's review. The caller has locked the order; a refund is begun by the caller
/// too.
pub async fn decide(
    conn: &mut Conn,
    terms: &Terms,
    order: Order,
    mut payment: Payment,
    decision: Decision,
    (by, note): (UserId, Option<&str>),
    now: Timestamp,
) -> Result<Payment, Problem> {
    if payment.status != Status::Review {
        let detail = format!("It is {}.", payment.status.as_str());
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let received = payment.received();
    let is_enough = received.currency == order.currency && received.minor >= order.total_minor;
    if decision == Decision::Accept && !is_enough {
        let detail = format!("{received} came, and the order costs {}.", order.total());
        return Err(Problem::new(Code::AmountMismatch).detail(detail));
    }
    let before = payment.clone();
    payment.move_to(Status::Succeeded, now);
    payment.next_sync_at = None;
    store::save(conn, &payment).await?;
    let (action, content) = match decision {
        Decision::Accept => ("payment.review_accepted", note),
        Decision::Refund => ("payment.review_refunded", note),
    };
    let entry = audit::Entry {
        organizer: Some(payment.organizer_id),
        actor: by.to_string(),
        action,
        object: payment.id.to_string(),
        at: now,
    };
    entry.write(conn, &content).await?;
    settle::record(conn, &payment, &by.to_string(), now).await?;
    match decision {
        Decision::Accept => {
            settle::resolve_review(conn, &order, &before, now).await?;
            settle::capture(conn, terms, order, &payment, now).await?;
        }
        Decision::Refund => {
            settle::let_go(conn, terms, &order, &before, now).await?;
            settle::project(conn, &order, now).await?;
        }
    }
    Ok(payment)
}
