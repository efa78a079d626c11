//! What an order says about its money: written here and nowhere else, from the journals.

use super::{Order, OrderStatus, PaymentStatus, store};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::ledger::{self, Balance};

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
    let status = payment_status(order.status, order.total_minor, balance, in_progress);
    let (paid, refunded) = (balance.captured_minor, balance.refunded_minor);
    if (order.paid_minor, order.refunded_minor, order.payment_status) == (paid, refunded, status) {
        return Ok(order.clone());
    }
    Ok(store::set_money(conn, order.id, balance, status, now).await?)
}

fn payment_status(
    order: OrderStatus,
    total_minor: i64,
    balance: Balance,
    in_progress: bool,
) -> PaymentStatus {
    let kept = balance
        .captured_minor
        .saturating_sub(balance.refunded_minor);
    let gave_all_back = balance.refunded_minor > 0 && kept <= 0;
    match order {
        OrderStatus::Confirmed if kept > total_minor => PaymentStatus::Overpaid,
        OrderStatus::Confirmed if kept == total_minor => PaymentStatus::Paid,
        OrderStatus::Confirmed if gave_all_back => PaymentStatus::Refunded,
        OrderStatus::Confirmed => PaymentStatus::PartiallyRefunded,
        _ if in_progress => PaymentStatus::Processing,
        _ if kept > 0 => PaymentStatus::RefundDue,
        _ if gave_all_back => PaymentStatus::Refunded,
        _ => PaymentStatus::Unpaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_name() {
        use OrderStatus::{Canceled, Confirmed, Expired, Pending};
        for (order, total, paid, refunded, in_progress, expected) in [
            (Pending, 100, 0, 0, false, PaymentStatus::Unpaid),
            (Pending, 100, 0, 0, true, PaymentStatus::Processing),
            (Confirmed, 100, 100, 0, false, PaymentStatus::Paid),
            (Confirmed, 0, 0, 0, false, PaymentStatus::Paid),
            (Confirmed, 100, 200, 0, true, PaymentStatus::Overpaid),
            (Confirmed, 100, 200, 100, false, PaymentStatus::Paid),
            (
                Confirmed,
                100,
                100,
                30,
                false,
                PaymentStatus::PartiallyRefunded,
            ),
            (Confirmed, 100, 100, 100, false, PaymentStatus::Refunded),
            (
                Confirmed,
                100,
                200,
                150,
                false,
                PaymentStatus::PartiallyRefunded,
            ),
            (Expired, 100, 0, 0, false, PaymentStatus::Unpaid),
            (Expired, 100, 100, 0, false, PaymentStatus::RefundDue),
            (Expired, 100, 100, 40, false, PaymentStatus::RefundDue),
            (Expired, 100, 100, 100, false, PaymentStatus::Refunded),
            (Canceled, 100, 100, 0, true, PaymentStatus::Processing),
        ] {
            let balance = Balance {
                captured_minor: paid,
                refunded_minor: refunded,
            };
            let status = payment_status(order, total, balance, in_progress);
            assert_eq!(status, expected, "{order:?} {balance:?} of {total}");
        }
    }
}
