//! What must be true when everything has come to its end, and what people were told.

use super::count;
use super::crowd::Memory;
use super::post::literal;
use crate::support::TestApp;
use crate::support::sale::expect_true_books;

/// Rows that must not be there.
const NEVER: [&str; 11] = [
    // A ticket without its payment.
    "tickets t WHERE t.status IN ('valid', 'used') AND NOT EXISTS (SELECT 1 FROM payments p \
     WHERE p.order_id = t.order_id AND p.status = 'succeeded')",
    // A payment without its tickets, and nobody who is to give it back.
    "payments p WHERE p.status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM tickets t \
     WHERE t.order_id = p.order_id AND t.status IN ('valid', 'used')) \
     AND p.refunded_minor < p.amount_minor AND NOT EXISTS (\
     SELECT 1 FROM journals j JOIN postings s ON s.journal_id = j.id \
     WHERE j.payment_id = p.id AND s.credit_account LIKE 'suspense:%')",
    // What never ends.
    "refunds WHERE status <> 'succeeded'",
    "holds WHERE status = 'active'",
    "orders WHERE status = 'pending'",
    "payments WHERE status IN ('created', 'requires_action', 'unknown', 'processing', 'review')",
    // Counters that are not their rows.
    "inventory i WHERE i.held <> 0 OR i.sold <> (SELECT count(*) FROM tickets t \
     JOIN ticket_types y ON y.id = t.ticket_type_id \
     WHERE y.inventory_id = i.id AND t.status IN ('valid', 'used'))",
    // What the gateway took and we have not booked, to the amount, or the other way round.
    "dummy_charge d WHERE d.status = 'succeeded' AND 1 <> (SELECT count(*) FROM payments p \
     JOIN journals j ON j.payment_id = p.id AND j.cause_type = 'capture' \
     JOIN postings s ON s.journal_id = j.id AND s.amount_minor = d.amount_minor \
     WHERE p.reference = d.reference AND s.debit_account = 'clearing:dummy')",
    "payments p WHERE p.status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM dummy_charge d \
     WHERE d.reference = p.reference AND d.status = 'succeeded')",
    // Entries that the tickets do not know of, or the other way round.
    "tickets t WHERE (t.status = 'used') <> EXISTS (SELECT 1 FROM admissions a \
     WHERE a.ticket_id = t.id)",
    "admissions a WHERE NOT EXISTS (SELECT 1 FROM scans s \
     WHERE s.ticket_id = a.ticket_id AND s.result = 'accepted')",
];

pub async fn expect_truth(app: &TestApp, memory: &Memory) {
    for rows in NEVER {
        assert_eq!(count(app, rows).await, 0, "{rows}");
    }
    expect_true_books(app).await;
    expect_mails(app).await;
    expect_kept(app, memory).await;
}

/// Who paid has a confirmation, and nobody has two.
async fn expect_mails(app: &TestApp) {
    let confirmations = "SELECT count(*) FROM emails e WHERE e.order_id = o.id \
                         AND e.template = 'order_confirmation'";
    let wrong = format!(
        "orders o WHERE CASE o.status WHEN 'confirmed' THEN 1 ELSE 0 END <> ({confirmations})"
    );
    assert_eq!(count(app, &wrong).await, 0);
}

/// What was answered has happened, once.
async fn expect_kept(app: &TestApp, memory: &Memory) {
    assert_eq!(count(app, "orders").await, memory.orders);
    let known = async |rows: &str, ids: Vec<&String>| {
        let kind = app.database.kind;
        let ids: Vec<String> = ids.into_iter().map(|id| literal(kind, id)).collect();
        assert!(!ids.is_empty(), "nothing has happened: {rows}");
        let rows = format!("{rows} AND id IN ({})", ids.join(", "));
        assert_eq!(
            count(app, &rows).await,
            i64::try_from(ids.len()).unwrap(),
            "{rows}"
        );
    };
    known(
        "payments WHERE status = 'succeeded'",
        memory.paid.iter().collect(),
    )
    .await;
    if !memory.refunded.is_empty() {
        let back = "payments WHERE refunded_minor = amount_minor";
        known(back, memory.refunded.iter().collect()).await;
    }
    let inside = memory.inside.iter().map(|ticket| &ticket.id);
    known("tickets WHERE status = 'used'", inside.collect()).await;
}
