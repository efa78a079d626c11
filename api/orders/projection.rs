//! What an order says about its money: written here and nowhere else, from the journals.

use super::{Order, OrderStatus, PaymentStatus, store};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::ledger;

/// Brings an order's projection up to date, in the commit of what changed.
///
/// `in_progress` says whether a payment of it is processing, unknown or in review.
pub async fn project(
    conn: &mut Conn,
    order: &Order,
    in_progress: bool,
    now: Timestamp,
) -> Result<Order, Problem> {
    let balance = ledger::balance(conn, order.id, order.currency).await?;
    let paid_minor = balance.captured_minor;
    let status = payment_status(order.status, order.total_minor, paid_minor, in_progress);
    if (order.paid_minor, order.payment_status) == (paid_minor, status) {
        return Ok(order.clone());
    }
    Ok(store::set_money(conn, order.id, paid_minor, status, now).await?)
}

fn payment_status(
    order: OrderStatus,
    total_minor: i64,
    paid_minor: i64,
    in_progress: bool,
) -> PaymentStatus {
    match order {
        OrderStatus::Confirmed if paid_minor > total_minor => PaymentStatus::Overpaid,
        OrderStatus::Confirmed => PaymentStatus::Paid,
        _ if in_progress => PaymentStatus::Processing,
        _ if paid_minor > 0 => PaymentStatus::RefundDue,
        _ => PaymentStatus::Unpaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_name() {
        use OrderStatus::{Canceled, Confirmed, Expired, Pending};
        for (order, total, paid, in_progress, expected) in [
            (Pending, 100, 0, false, PaymentStatus::Unpaid),
            (Pending, 100, 0, true, PaymentStatus::Processing),
            (Confirmed, 100, 100, false, PaymentStatus::Paid),
            (Confirmed, 0, 0, false, PaymentStatus::Paid),
            (Confirmed, 100, 200, true, PaymentStatus::Overpaid),
            (Expired, 100, 0, false, PaymentStatus::Unpaid),
            (Expired, 100, 100, false, PaymentStatus::RefundDue),
            (Canceled, 100, 100, true, PaymentStatus::Processing),
        ] {
            let status = payment_status(order, total, paid, in_progress);
            assert_eq!(status, expected, "{order:?} {paid}/{total} {in_progress}");
        }
    }
}
