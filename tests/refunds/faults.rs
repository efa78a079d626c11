//! Each call to a gateway with each fault: one charge, one refund, and the right end after at
//! most two looks.

use std::time::Duration;

use serde_json::json;

use super::{ask, bought, expect_sound, read, statuses};
use crate::support::sale::Shop;
use crate::support::{TestApp, on_both};

pub const FAULTS: [&str; 7] = [
    "refused",
    "timeout_before",
    "timeout_after",
    "http_500",
    "garbage",
    "reset",
    "rate_limit",
];

/// Longer than the dummy gateway's horizon, and than any pause before the next look.
const LATER: Duration = Duration::from_secs(130);

async fn look_twice(app: &TestApp) {
    for _ in 0..2 {
        app.drain().await;
        app.clock.advance(LATER);
        app.drain().await;
    }
}

on_both! {
    async fn a_refund_is_made_once_whatever_is_answered(app: &TestApp) {
        for (round, fault) in (1..).zip(FAULTS) {
            let (shop, sale) = bought(app).await;
            app.script_fault("refund", fault, 1);
            let refund = ask(&shop.admin, &sale.order, json!({})).await.expect(201).body.clone();
            look_twice(app).await;
            assert_eq!(read(&sale.guest, &refund).await["status"], "succeeded", "{fault}");
            assert_eq!(statuses(&sale).await, ["void", "void"], "{fault}");
            let made = app.database.count("SELECT count(*) FROM dummy_refund").await;
            assert_eq!(made, round, "{fault}");
            expect_sound(app).await;
        }
    }

    async fn a_look_at_a_refund_may_fail_too(app: &TestApp) {
        for fault in FAULTS {
            let (shop, sale) = bought(app).await;
            app.script_fault("refund", "timeout_after", 1);
            app.script_fault("retrieve_refund", fault, 1);
            let refund = ask(&shop.admin, &sale.order, json!({})).await.expect(201).body.clone();
            app.drain().await;
            assert_eq!(read(&sale.guest, &refund).await["status"], "unknown", "{fault}");
            look_twice(app).await;
            assert_eq!(read(&sale.guest, &refund).await["status"], "succeeded", "{fault}");
            expect_sound(app).await;
        }
    }

    async fn a_payment_is_made_once_whatever_is_answered(app: &TestApp) {
        let shop = Shop::open(app).await;
        for (round, fault) in (1..).zip(FAULTS) {
            app.script_fault("create", fault, 1);
            let key = crate::support::sale::key();
            let started = shop.checkout(&app.nobody(), &key, shop.items(&[("regular", 1)])).await;
            let is_unknown = !matches!(fault, "refused" | "rate_limit");
            if is_unknown {
                assert_eq!(started.expect(202).body["status"], "processing", "{fault}");
            } else {
                started.expect(502);
            }
            let order = "SELECT count(*) FROM orders";
            assert_eq!(app.database.count(order).await, round, "{fault}");
            // The same request again finds the same purchase, and charges once.
            app.clock.advance(Duration::from_secs(70));
            app.drain().await;
            let again = shop.checkout(&app.nobody(), &key, shop.items(&[("regular", 1)])).await;
            assert!(matches!(again.status, 201 | 202 | 502), "{fault}: {}", again.text);
            assert_eq!(app.database.count(order).await, round, "{fault}");
            let twice = "SELECT count(*) FROM (SELECT payment FROM dummy_charge GROUP BY payment HAVING count(*) > 1) t";
            assert_eq!(app.database.count(twice).await, 0, "{fault}");
            look_twice(app).await;
            expect_sound(app).await;
        }
    }
}
