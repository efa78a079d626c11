//! The whole table of late and double money: whatever has become of the order, whether there are
//! seats left, and whatever the gateway says then.

use serde_json::{Value, json};

use super::{Call, Decision, Fault, HOLD_IS_OVER, Rig};
use crate::support::sale::{Purchase, Shop, key, text};

/// What has become of the order when the gateway's word arrives.
#[derive(Debug, Clone, Copy)]
enum Before {
    Pending,
    Expired,
    Canceled,
    /// By another payment.
    Confirmed,
}

const TABLE: [Before; 4] = [
    Before::Pending,
    Before::Expired,
    Before::Canceled,
    Before::Confirmed,
];
const WORDS: [Decision; 4] = [
    Decision::Pay,
    Decision::Decline,
    Decision::Cancel,
    Decision::Process,
];
const SEATS: usize = 3;

/// No cell keeps money without a ticket, a refund or a task.
pub async fn no_money_is_kept_for_nothing(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    for before in TABLE {
        for is_sold_out in [false, true] {
            for word in WORDS {
                cell(rig, &shop, (before, is_sold_out, word)).await;
            }
        }
    }
}

async fn cell(rig: &Rig, shop: &Shop, cell: (Before, bool, Decision)) {
    let (before, is_sold_out, word) = cell;
    let seats = seats(rig, shop).await;
    let buy = async || {
        let body = shop.body(vec![crate::support::sale::tickets(&seats, 1)]);
        let path = "/api/v1/checkout-sessions";
        let started = rig.app.nobody().keyed(&key(), "POST", path, body).await;
        Purchase::of(&rig.app, started.expect(201))
    };
    let sale = buy().await;
    let reference = rig.reference(&sale.guest, &sale.payment).await;
    lead_to(rig, &sale, before).await;
    let others = if is_sold_out {
        left(rig, shop, &seats).await
    } else {
        0
    };
    for _ in 0..others {
        let other = buy().await;
        assert!(rig.decide(&other, Decision::Pay).await);
        rig.settle().await;
    }
    let is_taken = rig.far.decide(&rig.app, &reference, word).await;
    rig.settle().await;
    rig.look_twice().await;
    expect_cell(&sale, cell, is_taken && word == Decision::Pay).await;
    if word == Decision::Process && is_taken {
        rig.far.decide(&rig.app, &reference, Decision::Pay).await;
        rig.settle().await;
        rig.look_twice().await;
        expect_cell(&sale, cell, true).await;
    }
    expect_nothing_kept(rig, &sale, cell).await;
    rig.expect_truth().await;
}

/// A ticket type of its own.
async fn seats(rig: &Rig, shop: &Shop) -> String {
    let body =
        json!({"name": format!("Seat {}", key()), "price_minor": 5_000_000, "capacity": SEATS});
    let path = format!("{}/ticket-types", shop.path());
    rig.app
        .admin()
        .await
        .post(&path, body)
        .await
        .expect(201)
        .id()
}

async fn left(rig: &Rig, shop: &Shop, seats: &str) -> i64 {
    let path = format!("{}/availability", shop.path());
    let told = rig.app.nobody().get(&path).await;
    let told = told.expect(200).body["data"].as_array().unwrap().clone();
    let found = told.iter().find(|line| line["ticket_type_id"] == seats);
    found.unwrap()["available"].as_i64().unwrap()
}

/// The gateway does not hear, or does not heed, that the payment should be canceled.
async fn lead_to(rig: &Rig, sale: &Purchase, before: Before) {
    for _ in 0..9 {
        rig.far
            .script(&rig.app, Call::Cancel, Fault::ServerError)
            .await;
    }
    match before {
        Before::Pending => {}
        Before::Expired => {
            rig.app.clock.advance(HOLD_IS_OVER);
            rig.app.drain().await;
            assert_eq!(sale.order().await["status"], "expired");
        }
        Before::Canceled => {
            sale.cancel().await.expect(200);
            rig.app.drain().await;
            assert_eq!(sale.order().await["status"], "canceled");
        }
        Before::Confirmed => {
            let second = sale.pay_again(json!({})).await.expect(201).id();
            let second = rig.reference(&sale.guest, &second).await;
            assert!(rig.far.decide(&rig.app, &second, Decision::Pay).await);
            rig.settle().await;
            assert_eq!(sale.order().await["status"], "confirmed");
        }
    }
    rig.far.heal(&rig.app).await;
}

async fn expect_cell(sale: &Purchase, cell: (Before, bool, Decision), is_paid: bool) {
    let order = sale.order().await;
    let seen = (text(&order["status"]), text(&order["payment_status"]));
    let expected = match (cell.0, cell.1, is_paid) {
        (Before::Confirmed, _, _) | (Before::Pending, _, true) => ("confirmed", "paid"),
        (Before::Expired | Before::Canceled, false, true) => ("confirmed", "paid"),
        (Before::Expired, true, true) => ("expired", "refunded"),
        (Before::Canceled, true, true) => ("canceled", "refunded"),
        (Before::Pending, _, false) => return,
        (Before::Expired, _, false) => ("expired", "unpaid"),
        (Before::Canceled, _, false) => ("canceled", "unpaid"),
    };
    let seen = (seen.0.as_str(), seen.1.as_str());
    let is_processing = cell.2 == Decision::Process && seen.1 == "processing" && !is_paid;
    assert!(seen == expected || is_processing, "{cell:?}: {order}");
}

/// What is kept is for tickets, or somebody has it on their list.
async fn expect_nothing_kept(rig: &Rig, sale: &Purchase, cell: (Before, bool, Decision)) {
    let order = sale.order().await;
    let amount = |name: &str| order[name].as_i64().unwrap();
    let kept = amount("paid_minor") - amount("refunded_minor");
    let tickets: &Vec<Value> = order["tickets"].as_array().unwrap();
    let valid = tickets.iter().filter(|it| it["status"] == "valid").count();
    let due = i64::try_from(valid).unwrap() * 5_000_000;
    if kept == due {
        return;
    }
    let path = format!("/api/v1/tasks?object={}", sale.payment);
    let tasks = rig.app.admin().await.get(&path).await;
    assert_ne!(
        tasks.expect(200).body["data"],
        json!([]),
        "{cell:?}: {order}"
    );
}
