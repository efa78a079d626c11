//! Messages: repeated, shuffled, forged.

use super::{Decision, Message, Rig, ticket_statuses};
use crate::support::sale::{Shop, count_mails};

const SALES: usize = 6;

/// Three of each, the last first: as if each had come once, in order.
pub async fn messages_come_three_times_in_any_order(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    let mut sales = Vec::new();
    for round in 0..SALES {
        let sale = shop.purchase(&rig.app, shop.items(&[("regular", 1)])).await;
        if round % 2 == 0 {
            rig.decide(&sale, Decision::Process).await;
        }
        assert!(rig.decide(&sale, Decision::Pay).await);
        sales.push(sale);
    }
    let messages = rig.far.take_messages(&rig.app).await;
    assert!(messages.len() >= SALES, "the gateway says too little");
    for message in messages.iter().rev().chain(&messages).chain(&messages) {
        rig.post(message).await.expect(200);
    }
    rig.app.drain().await;
    for sale in &sales {
        assert_eq!(sale.order().await["payment_status"], "paid");
        assert_eq!(ticket_statuses(sale).await, ["valid"]);
    }
    let mails = count_mails(&rig.app, "order_confirmation").await;
    assert_eq!(usize::try_from(mails).unwrap(), SALES);
}

/// A message with one bit changed, without its signature, or posted much later, is refused, and
/// changes nothing. One that only makes us ask may be taken: then the truth is asked for.
pub async fn nobody_else_can_send_one(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    let sale = shop.purchase(&rig.app, shop.items(&[("regular", 1)])).await;
    assert!(rig.decide(&sale, Decision::Pay).await);
    let messages = rig.far.take_messages(&rig.app).await;
    let message = messages.last().unwrap();
    for index in (0..message.body.len()).step_by(message.body.len().div_ceil(24)) {
        let mut forged = message.clone();
        forged.body[index] ^= 1;
        refuse(rig, &forged).await;
    }
    let without = Message {
        headers: Vec::new(),
        ..message.clone()
    };
    refuse(rig, &without).await;
    assert_eq!(sale.order().await["status"], "pending");
    rig.post(message).await.expect(200);
    rig.app.drain().await;
    assert_eq!(sale.order().await["status"], "confirmed");
}

async fn refuse(rig: &Rig, message: &Message) {
    let answer = rig.post(message).await;
    answer.expect_problem(400, "webhook_signature_invalid");
}
