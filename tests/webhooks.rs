//! What a gateway tells us: believed when it is signed, applied once, in any order, and
//! never lost.

mod again;
mod any_order;
mod late;
mod mismatches;
mod once;
mod overpaid;
mod unbelieved;

use std::time::Duration;

use serde_json::{Value, json};

pub use late::expired_purchase;

use crate::support::TestApp;
use crate::support::sale::{
    BUYER, Purchase, Shop, count_mails, count_postings, message, set_charge, tell,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

/// One VIP ticket that waits for its payment, and that payment.
async fn open_purchase(app: &TestApp, shop: &Shop) -> (Purchase, Value) {
    let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
    let payment = purchase.payment().await;
    (purchase, payment)
}

/// The gateway has the money, and says so.
pub async fn succeed(app: &TestApp, payment: &Value) {
    set_charge(app, payment, "status = 'succeeded'").await;
    tell(app, &message("payment.succeeded", payment)).await;
}

async fn expect_status(purchase: &Purchase, payment: &str, order: &str, money: &str) {
    let seen = purchase.order().await;
    assert_eq!(purchase.payment().await["status"], payment);
    assert_eq!(
        (&seen["status"], &seen["payment_status"]),
        (&json!(order), &json!(money)),
        "{seen}"
    );
}

/// The money stands apart, somebody must give it back, and the buyer was told.
async fn expect_refund_due(app: &TestApp, amount: i64) {
    assert_eq!(
        count_postings(app, "clearing:dummy", "suspense:late", amount).await,
        1
    );
    let due = "tasks WHERE kind = 'refund_due' AND done_at IS NULL";
    assert_eq!(count(app, due).await, 1);
    assert_eq!(count_mails(app, "payment_late").await, 1);
    let mails = app.mails().await;
    assert!(
        mails
            .iter()
            .any(|mail| mail.contains(&format!("To: {BUYER}")))
    );
}
