//! Refunds: made once, found again, decided later, made there.

use futures_util::future::join_all;
use serde_json::json;

use super::{Call, Fault, Rig, ticket_statuses};
use crate::support::sale::{REGULAR, Shop, key, text};

/// Whatever is answered, the money goes back once, and the tickets are void.
pub async fn a_refund_is_made_once(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for fault in Fault::ALL {
        let sale = rig.buy(&shop, 2).await;
        rig.far.script(&rig.app, Call::Refund, fault).await;
        let refund = rig.refund(&sale, None).await;
        rig.app.drain().await;
        rig.far.take_messages(&rig.app).await;
        rig.look_twice().await;
        assert_eq!(rig.refund_status(&refund).await, "succeeded", "{fault:?}");
        assert_eq!(ticket_statuses(&sale).await, ["void", "void"], "{fault:?}");
        let order = sale.order().await;
        assert_eq!(order["refunded_minor"], 2 * REGULAR, "{fault:?}");
        rig.expect_truth().await;
    }
}

/// A refund of which we know nothing is found, though the look at it fails at first.
pub async fn a_look_at_a_refund_may_fail(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for fault in Fault::ALL {
        let sale = rig.buy(&shop, 1).await;
        rig.far
            .script(&rig.app, Call::Refund, Fault::TimeoutAfter)
            .await;
        let refund = rig.refund(&sale, None).await;
        rig.app.drain().await;
        rig.far.take_messages(&rig.app).await;
        assert_eq!(rig.refund_status(&refund).await, "unknown", "{fault:?}");
        rig.far.script(&rig.app, Call::RetrieveRefund, fault).await;
        rig.app.clock.advance(rig.later());
        rig.app.drain().await;
        rig.look_twice().await;
        assert_eq!(rig.refund_status(&refund).await, "succeeded", "{fault:?}");
        rig.expect_truth().await;
    }
}

/// Pending first; then the bank takes it or does not, by message or by look.
pub async fn a_refund_may_take_its_time(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for (succeed, is_told) in [(true, true), (true, false), (false, true), (false, false)] {
        let sale = rig.buy(&shop, 1).await;
        rig.far.slow_refunds(&rig.app, true).await;
        let refund = rig.refund(&sale, None).await;
        rig.settle().await;
        assert_eq!(rig.refund_status(&refund).await, "pending");
        assert_eq!(ticket_statuses(&sale).await, ["suspended"]);
        let reference = rig.reference(&sale.guest, &sale.payment).await;
        rig.far.decide_refunds(&rig.app, &reference, succeed).await;
        if !is_told {
            rig.far.take_messages(&rig.app).await;
            rig.look_twice().await;
        }
        rig.settle().await;
        let (status, ticket) = match succeed {
            true => ("succeeded", "void"),
            false => ("failed", "valid"),
        };
        assert_eq!(rig.refund_status(&refund).await, status, "told: {is_told}");
        assert_eq!(ticket_statuses(&sale).await, [ticket], "told: {is_told}");
        rig.far.slow_refunds(&rig.app, false).await;
        rig.expect_truth().await;
    }
}

/// Money that somebody gives back at the gateway is booked, by message or when we are asked to
/// look, though a look fails.
pub async fn what_goes_back_there_is_booked_here(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    let told = rig.buy(&shop, 2).await;
    let reference = rig.reference(&told.guest, &told.payment).await;
    assert!(rig.far.refund(&rig.app, &reference, REGULAR).await);
    rig.settle().await;
    assert_eq!(told.order().await["payment_status"], "partially_refunded");
    for fault in Fault::ALL {
        let sale = rig.buy(&shop, 1).await;
        let reference = rig.reference(&sale.guest, &sale.payment).await;
        assert!(rig.far.refund(&rig.app, &reference, REGULAR).await);
        rig.far.take_messages(&rig.app).await;
        let path = format!("/api/v1/payment-intents/{}/sync", sale.payment);
        let admin = rig.app.admin().await;
        rig.far.script(&rig.app, Call::ListRefunds, fault).await;
        admin.post(&path, json!({})).await.expect(200);
        rig.far.heal(&rig.app).await;
        admin.post(&path, json!({})).await.expect(200);
        rig.app.drain().await;
        assert_eq!(
            sale.order().await["payment_status"],
            "refunded",
            "{fault:?}"
        );
        assert_eq!(ticket_statuses(&sale).await, ["void"], "{fault:?}");
        rig.expect_truth().await;
    }
}

/// A refund that succeeded, and that the buyer's bank returns, can be given back once more; its
/// tickets stay void.
pub async fn money_that_is_returned_is_ours_again(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for is_told in [true, false] {
        let sale = rig.buy(&shop, 1).await;
        let refund = rig.refund(&sale, None).await;
        rig.settle().await;
        assert_eq!(rig.refund_status(&refund).await, "succeeded");
        let reference = rig.reference(&sale.guest, &sale.payment).await;
        rig.far.return_refunds(&rig.app, &reference).await;
        let admin = rig.app.admin().await;
        if !is_told {
            rig.far.take_messages(&rig.app).await;
            let path = format!("/api/v1/payment-intents/{}/sync", sale.payment);
            admin.post(&path, json!({})).await.expect(200);
        }
        rig.settle().await;
        assert_eq!(
            rig.refund_status(&refund).await,
            "failed",
            "told: {is_told}"
        );
        assert_eq!(sale.order().await["refunded_minor"], 0);
        assert_eq!(ticket_statuses(&sale).await, ["void"]);
        let path = format!("/api/v1/tasks?object={}", text(&refund["id"]));
        let tasks = admin.get(&path).await.expect(200).body["data"].clone();
        assert_eq!(tasks[0]["kind"], "manual_refund", "{tasks}");
        rig.expect_truth().await;
        let path = format!("/api/v1/refunds/{}/retry", text(&refund["id"]));
        admin
            .keyed(&key(), "POST", &path, json!({}))
            .await
            .expect(200);
        rig.settle().await;
        assert_eq!(rig.refund_status(&refund).await, "succeeded");
        assert_eq!(sale.order().await["payment_status"], "refunded");
        rig.expect_truth().await;
    }
}

/// Many ask at once for parts: no more goes back than came in.
pub async fn parts_never_exceed_the_whole(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    let sale = rig.buy(&shop, 1).await;
    let admin = rig.app.admin().await;
    let part = REGULAR / 3;
    let ask = async || {
        let body = json!({"order_id": sale.order, "reason": "other", "amount_minor": part});
        admin
            .keyed(&key(), "POST", "/api/v1/refunds", body)
            .await
            .status
    };
    let answers = join_all((0..10).map(|_| ask())).await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 3);
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 7);
    rig.settle().await;
    rig.look_twice().await;
    assert_eq!(sale.order().await["refunded_minor"], 3 * part);
}
