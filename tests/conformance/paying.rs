//! Payments: started once, found again, ended once.

use serde_json::json;

use super::{Call, Decision, Fault, Rig, ticket_statuses};
use crate::support::Answer;
use crate::support::sale::{Purchase, Shop, key};

/// A checkout whose call goes wrong.
async fn start(rig: &Rig, shop: &Shop, key: &str) -> Answer {
    let items = shop.items(&[("regular", 1)]);
    shop.checkout(&rig.app.nobody(), key, items).await
}

/// Whatever is answered, there is one purchase and at most one charge. What surely was not done
/// can be tried again at once; else a charge that is there can be paid, and where there is none
/// a new attempt can.
pub async fn a_payment_is_started_once(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for (round, fault) in (1..).zip(Fault::ALL) {
        let before = rig.count_charges().await;
        rig.far.script(&rig.app, Call::Create, fault).await;
        let key = key();
        let mut started = start(rig, &shop, &key).await;
        rig.far.heal(&rig.app).await;
        if fault.is_surely_undone() {
            started.expect_problem(502, "provider_error");
            assert_eq!(rig.count_charges().await, before, "{fault:?}");
            started = start(rig, &shop, &key).await;
            started.expect(201);
        } else {
            let status = &started.expect(202).body["status"];
            assert_eq!(status, "processing", "{fault:?}");
            rig.look_twice().await;
            start(rig, &shop, &key).await.expect(202);
        }
        let orders = rig.app.database.count("SELECT count(*) FROM orders").await;
        assert_eq!(orders, round, "{fault:?}");
        let is_there = rig.count_charges().await == before + 1;
        let is_expected = !matches!(fault, Fault::TimeoutBefore | Fault::ServerError);
        assert_eq!(is_there, is_expected, "{fault:?}");
        end_paid(rig, Purchase::of(&rig.app, &started), is_there, fault).await;
    }
}

/// The one charge is paid, or a new one.
async fn end_paid(rig: &Rig, mut sale: Purchase, is_there: bool, fault: Fault) {
    let status = sale.payment().await["status"].clone();
    if is_there {
        assert_eq!(status, "requires_action", "{fault:?}");
    } else {
        assert_eq!(status, "failed", "{fault:?}");
        sale.payment = sale.pay_again(json!({})).await.expect(201).id();
    }
    assert!(rig.decide(&sale, Decision::Pay).await, "{fault:?}");
    rig.settle().await;
    assert_eq!(sale.order().await["payment_status"], "paid", "{fault:?}");
    assert_eq!(ticket_statuses(&sale).await, ["valid"], "{fault:?}");
    rig.expect_truth().await;
}

/// A charge of which we know nothing is found, though the search fails at first.
pub async fn a_search_may_fail_too(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for fault in Fault::ALL {
        rig.far
            .script(&rig.app, Call::Create, Fault::TimeoutAfter)
            .await;
        let started = start(rig, &shop, &key()).await;
        let sale = Purchase::of(&rig.app, started.expect(202));
        rig.far.script(&rig.app, Call::Find, fault).await;
        rig.app.clock.advance(rig.later());
        rig.app.drain().await;
        rig.look_twice().await;
        end_paid(rig, sale, true, fault).await;
    }
}

/// What was paid is known after two looks, though the first one fails and no message came.
pub async fn a_look_at_a_payment_may_fail(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for fault in Fault::ALL {
        let items = shop.items(&[("regular", 1)]);
        let sale = shop.purchase(&rig.app, items).await;
        assert!(rig.decide(&sale, Decision::Pay).await, "{fault:?}");
        rig.far.take_messages(&rig.app).await;
        rig.far.script(&rig.app, Call::Retrieve, fault).await;
        rig.app.clock.advance(rig.later());
        rig.app.drain().await;
        rig.look_twice().await;
        assert_eq!(sale.order().await["status"], "confirmed", "{fault:?}");
        assert_eq!(ticket_statuses(&sale).await, ["valid"], "{fault:?}");
        rig.expect_truth().await;
    }
}

/// An order that was given up ends, and keeps no money, though its payment could not be canceled.
pub async fn a_cancellation_may_fail(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for fault in Fault::ALL {
        let items = shop.items(&[("regular", 1)]);
        let sale = shop.purchase(&rig.app, items).await;
        rig.far.script(&rig.app, Call::Cancel, fault).await;
        let path = format!("/api/v1/payment-intents/{}/cancel", sale.payment);
        let asked = sale.guest.keyed(&key(), "POST", &path, json!({})).await;
        assert!(
            matches!(asked.status, 200 | 409 | 502),
            "{fault:?}: {}",
            asked.text
        );
        rig.far.heal(&rig.app).await;
        sale.cancel().await.expect(200);
        rig.look_twice().await;
        let payment = sale.payment().await["status"].clone();
        assert!(
            payment == "canceled" || payment == "expired",
            "{fault:?}: {payment}"
        );
        rig.decide(&sale, Decision::Pay).await;
        rig.settle().await;
        rig.look_twice().await;
        let order = sale.order().await;
        assert_eq!(
            order["paid_minor"], order["refunded_minor"],
            "{fault:?}: {order}"
        );
        rig.expect_truth().await;
    }
}

/// Many buyers, no message at all: the looks alone end every order right.
pub async fn without_any_message_everything_ends_right(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    let buyers = if crate::load::is_long() { 200 } else { 24 };
    let decisions = [
        Some(Decision::Pay),
        Some(Decision::Decline),
        Some(Decision::Cancel),
        None,
    ];
    let kind = shop.add_type(json!({"name": "Lawn", "price_minor": 5_000_000, "capacity": buyers}));
    let kind = kind.await;
    let mut sales = Vec::new();
    for decision in decisions.iter().cycle().take(buyers) {
        let items = vec![crate::support::sale::tickets(&kind, 1)];
        let sale = shop.purchase(&rig.app, items).await;
        if let Some(decision) = decision {
            rig.decide(&sale, *decision).await;
        }
        sales.push((decision, sale));
    }
    rig.far.take_messages(&rig.app).await;
    rig.look_twice().await;
    rig.app
        .clock
        .advance(std::time::Duration::from_secs(25 * 60 * 60));
    rig.look_twice().await;
    for (decision, sale) in &sales {
        let expected = match decision {
            Some(Decision::Pay) => "confirmed",
            _ => "expired",
        };
        assert_eq!(sale.order().await["status"], expected, "{decision:?}");
    }
}
