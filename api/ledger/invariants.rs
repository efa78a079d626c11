//! What must always be true of the books and of what follows from them, checked by reading.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use crate::db::{Conn, sql};
use crate::error::Problem;

/// An invariant that does not hold, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub count: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Each as a query for the rows that break it, in SQL that both databases understand.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "every succeeded payment is booked once",
        "SELECT p.id FROM payments p WHERE p.status = 'succeeded' AND NOT EXISTS (
            SELECT 1 FROM journals j WHERE j.cause_type IN ('capture', 'review')
                AND j.payment_id = p.id)",
    ),
    (
        "only succeeded payments are captured",
        "SELECT j.id FROM journals j JOIN payments p ON p.id = j.payment_id
            WHERE j.cause_type = 'capture' AND p.status <> 'succeeded'",
    ),
    (
        "a confirmed order is paid",
        "SELECT id FROM orders WHERE status = 'confirmed' AND paid_minor < total_minor",
    ),
    (
        "a confirmed order is earned",
        "SELECT o.id FROM orders o WHERE o.status = 'confirmed' AND o.total_minor > 0
            AND NOT EXISTS (SELECT 1 FROM journals j
                WHERE j.cause_type = 'confirmation' AND j.order_id = o.id)",
    ),
    (
        "what an order says it was paid is what the journals say",
        "SELECT o.id FROM orders o WHERE o.paid_minor <> COALESCE((
            SELECT SUM(p.amount_minor) FROM postings p JOIN journals j ON j.id = p.journal_id
            WHERE j.order_id = o.id AND j.cause_type = 'capture'
                AND p.currency = o.currency), 0)",
    ),
    (
        "an order in force has a ticket for each one sold",
        "SELECT i.id FROM order_items i JOIN orders o ON o.id = i.order_id
            WHERE i.kind = 'ticket' AND o.status IN ('pending', 'confirmed')
            AND i.quantity <> (SELECT count(*) FROM tickets t
                WHERE t.order_item_id = i.id
                    AND (t.status <> 'void' OR t.issued_at IS NOT NULL))",
    ),
    (
        "tickets are good for confirmed orders only",
        "SELECT t.id FROM tickets t JOIN orders o ON o.id = t.order_id
            WHERE (t.status IN ('valid', 'used') AND o.status <> 'confirmed')
                OR (t.status = 'reserved' AND o.status <> 'pending')",
    ),
    (
        "no hold outlives its order",
        "SELECT h.id FROM holds h JOIN orders o ON o.id = h.order_id
            WHERE h.status = 'active' AND o.status <> 'pending'",
    ),
    (
        "a pending order holds what it took",
        "SELECT o.id FROM orders o WHERE o.status = 'pending' AND NOT EXISTS (
            SELECT 1 FROM holds h WHERE h.order_id = o.id AND h.status = 'active')",
    ),
    (
        "stock is held and sold as its holds say",
        "SELECT s.id FROM inventory s WHERE s.held <> COALESCE((SELECT SUM(h.quantity)
                FROM holds h WHERE h.inventory_id = s.id AND h.status = 'active'), 0)
            OR s.sold <> COALESCE((SELECT SUM(h.quantity)
                FROM holds h WHERE h.inventory_id = s.id AND h.status = 'consumed'), 0)",
    ),
    (
        "no stock is oversold",
        "SELECT id FROM inventory WHERE held + sold > capacity",
    ),
    (
        "booths are held and booked as their holds say",
        "SELECT b.id FROM booths b WHERE (CASE b.status WHEN 'held' THEN 1 ELSE 0 END) <>
                (SELECT count(*) FROM holds h WHERE h.booth_id = b.id AND h.status = 'active')
            OR (CASE b.status WHEN 'booked' THEN 1 ELSE 0 END) <>
                (SELECT count(*) FROM holds h WHERE h.booth_id = b.id AND h.status = 'consumed')",
    ),
    (
        "every capture is in the audit log",
        "SELECT p.id FROM payments p WHERE p.status = 'succeeded' AND (SELECT count(*)
            FROM audit a WHERE a.action = 'payment.succeeded') < (SELECT count(*)
            FROM payments q WHERE q.status = 'succeeded')",
    ),
    (
        "what a payment gave back is what its refunds say",
        "SELECT p.id FROM payments p WHERE p.refunded_minor <> COALESCE((SELECT SUM(r.amount_minor)
                FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded'), 0)
            OR p.refunded_minor <> COALESCE((SELECT SUM(CASE j.cause_type
                    WHEN 'refund' THEN q.amount_minor ELSE -q.amount_minor END) FROM postings q
                JOIN journals j ON j.id = q.journal_id
                WHERE j.payment_id = p.id AND j.cause_type IN ('refund', 'refund_returned')), 0)",
    ),
    (
        "what a payment keeps for refunds is what they say",
        "SELECT p.id FROM payments p WHERE p.refund_reserved_minor <> COALESCE((
            SELECT SUM(r.amount_minor) FROM refunds r WHERE r.payment_id = p.id
                AND r.status NOT IN ('rejected', 'canceled', 'failed')), 0)",
    ),
    (
        "no more is given back than came in",
        "SELECT id FROM payments WHERE refund_reserved_minor > 0
            AND refund_reserved_minor > COALESCE(received_minor, amount_minor)",
    ),
    (
        "what an order says it gave back is what the journals say",
        "SELECT o.id FROM orders o WHERE o.refunded_minor <> COALESCE((
            SELECT SUM(CASE j.cause_type WHEN 'refund' THEN p.amount_minor ELSE -p.amount_minor END)
            FROM postings p JOIN journals j ON j.id = p.journal_id
            WHERE j.order_id = o.id AND j.cause_type IN ('refund', 'refund_returned')
                AND p.debit_account <> 'suspense:unmatched'
                AND p.credit_account <> 'suspense:unmatched' AND p.currency = o.currency), 0)",
    ),
    (
        "what was given back opens no gate",
        "SELECT t.id FROM tickets t JOIN refund_tickets c ON c.ticket_id = t.id
            JOIN refunds r ON r.id = c.refund_id
            WHERE r.voids AND ((r.status = 'succeeded' AND t.status <> 'void')
                OR (c.active AND r.status NOT IN ('requested', 'succeeded')
                    AND t.status IN ('valid', 'used')))",
    ),
    (
        "money in suspense has an open task",
        "SELECT s.payment_id FROM (
            SELECT j.payment_id AS payment_id, SUM(CASE WHEN p.credit_account LIKE 'suspense:%'
                    THEN p.amount_minor ELSE -p.amount_minor END) AS kept
                FROM postings p JOIN journals j ON j.id = p.journal_id
                WHERE p.credit_account LIKE 'suspense:%' OR p.debit_account LIKE 'suspense:%'
                GROUP BY j.payment_id) s
            WHERE s.kept <> 0 AND (SELECT count(*) FROM tasks t WHERE t.done_at IS NULL) = 0",
    ),
];

/// The dummy gateway's truth is what our books say that it holds. True when everything has
/// been asked for.
const DUMMY_TRUTH: &str = "SELECT currency FROM (
        SELECT currency, amount_minor AS x FROM postings WHERE debit_account = 'clearing:dummy'
        UNION ALL
        SELECT currency, -amount_minor FROM postings WHERE credit_account = 'clearing:dummy'
        UNION ALL
        SELECT currency, -amount_minor FROM dummy_charge WHERE status = 'succeeded'
        UNION ALL
        SELECT currency, amount_minor FROM dummy_refund WHERE status = 'succeeded'
    ) t GROUP BY currency HAVING SUM(x) <> 0";

/// Every invariant that does not hold now.
pub async fn violations(conn: &mut Conn) -> Result<Vec<Violation>, Problem> {
    let mut violations = Vec::new();
    for (invariant, query) in INVARIANTS {
        violations.extend(check(conn, invariant, query).await?);
    }
    Ok(violations)
}

/// Whether our books are the dummy gateway's.
pub async fn dummy_violations(conn: &mut Conn) -> Result<Vec<Violation>, Problem> {
    let invariant = "clearing is what the dummy gateway holds";
    let violation = check(conn, invariant, DUMMY_TRUTH).await?;
    Ok(violation.into_iter().collect())
}

async fn check(
    conn: &mut Conn,
    invariant: &'static str,
    query: &str,
) -> Result<Option<Violation>, Problem> {
    let count = format!("SELECT count(*) AS n FROM ({query}) broken");
    let Count { n } = sql!(conn, |c| diesel::sql_query(count.clone())
        .get_result(c)
        .await)?;
    Ok((n > 0).then_some(Violation {
        invariant,
        count: n,
    }))
}
