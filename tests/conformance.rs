//! What every gateway must do, whatever goes wrong on the way to it.
//!
//! A gateway takes part by one line, `conformance!(start)`. `start` opens a Tollgate that sells
//! through the gateway, and answers it with the gateway's far side: what somebody does there,
//! what goes wrong with our calls, and what is true in the end. Every rule runs on both
//! databases, and ends by comparing our books with that truth.

mod books;
mod dummy;
mod far_side;
mod late;
mod looking;
mod messages;
mod paying;
mod refunding;
pub mod stripe;
mod toy;
mod wire;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{Purchase, Shop, key, payment, text};
use crate::support::{Answer, Client, TestApp};
pub use far_side::{Call, Charge, Decision, FarSide, Fault, Message};

/// How long an unpaid order is kept in every rig; longer than any gateway's silence is waited for.
const HOLD: (&str, &str) = ("HOLD_TTL", "3h");
const HOLD_IS_OVER: Duration = Duration::from_secs(3 * 60 * 60 + 60);

/// A Tollgate that sells through the gateway under test, and the far side of that gateway.
pub struct Rig {
    pub app: TestApp,
    pub far: Box<dyn FarSide>,
}

/// Declares all rules for one gateway. `$start` is an `async fn(Kind) -> Option<Rig>`.
macro_rules! conformance {
    ($start:ident) => {
        $crate::conformance::conformance! { @ $start;
            paying::a_payment_is_started_once,
            paying::a_search_may_fail_too,
            paying::a_look_at_a_payment_may_fail,
            paying::a_cancellation_may_fail,
            paying::without_any_message_everything_ends_right,
            messages::messages_come_three_times_in_any_order,
            messages::nobody_else_can_send_one,
            refunding::a_refund_is_made_once,
            refunding::a_look_at_a_refund_may_fail,
            refunding::a_refund_may_take_its_time,
            refunding::what_goes_back_there_is_booked_here,
            refunding::money_that_is_returned_is_ours_again,
            refunding::parts_never_exceed_the_whole,
            looking::a_list_may_fail,
            late::no_money_is_kept_for_nothing,
        }
    };
    (@ $start:ident; $($group:ident::$rule:ident,)+) => {$(
        mod $rule {
            use $crate::conformance::{$group, run};
            use $crate::support::Kind;

            #[test]
            fn sqlite() {
                run(Kind::Sqlite, super::$start, async |rig| $group::$rule(rig).await);
            }

            #[test]
            fn postgres() {
                run(Kind::Postgres, super::$start, async |rig| $group::$rule(rig).await);
            }
        }
    )+};
}
use conformance;

/// Runs one rule, and compares the books with the far side's truth.
fn run(
    kind: crate::support::Kind,
    start: impl AsyncFnOnce(crate::support::Kind) -> Option<Rig>,
    rule: impl AsyncFnOnce(&Rig),
) {
    crate::support::block_on(async {
        let Some(mut rig) = start(kind).await else {
            eprintln!("skipped: TEST_DATABASE_URL names no PostgreSQL");
            return;
        };
        rule(&rig).await;
        rig.expect_truth().await;
        rig.app.finish().await;
    });
}

impl Rig {
    /// Longer than after which the gateway's silence means that it knows nothing, and than any
    /// pause before the next look.
    fn later(&self) -> Duration {
        let gateway = self.app.app.gateways.find(self.far.provider()).unwrap();
        gateway.capabilities().horizon + Duration::from_secs(70)
    }

    /// The gateway's messages arrive, and our own work is done.
    pub async fn settle(&self) {
        for message in self.far.take_messages(&self.app).await {
            self.post(&message).await.expect(200);
        }
        self.app.drain().await;
    }

    /// Nothing arrives; two looks are taken.
    pub async fn look_twice(&self) {
        self.far.heal(&self.app).await;
        for _ in 0..2 {
            self.app.drain().await;
            self.app.clock.advance(self.later());
            self.app.drain().await;
        }
    }

    pub async fn post(&self, message: &Message) -> Answer {
        let path = format!("/api/v1/webhooks/{}", self.far.provider());
        let nobody = self.app.nobody();
        let mut request = nobody.request("POST", &path).body(message.body.clone());
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        nobody.send(request).await
    }

    /// Our reference of a payment: what the gateway knows it by.
    pub async fn reference(&self, client: &Client, id: &str) -> String {
        text(&payment(client, id).await["reference"])
    }

    pub async fn decide(&self, sale: &Purchase, decision: Decision) -> bool {
        let reference = self.reference(&sale.guest, &sale.payment).await;
        self.far.decide(&self.app, &reference, decision).await
    }

    /// A purchase that is paid, and of which we know.
    pub async fn buy(&self, shop: &Shop, quantity: i64) -> Purchase {
        let sale = shop
            .purchase(&self.app, shop.items(&[("regular", quantity)]))
            .await;
        assert!(self.decide(&sale, Decision::Pay).await, "it is not payable");
        self.settle().await;
        assert_eq!(sale.order().await["status"], "confirmed");
        sale
    }

    /// Gives an order's money back, or so much of it; as staff.
    async fn refund(&self, sale: &Purchase, amount_minor: Option<i64>) -> Value {
        let mut body = json!({"order_id": sale.order, "reason": "requested_by_customer"});
        if let Some(amount_minor) = amount_minor {
            body["amount_minor"] = json!(amount_minor);
        }
        let admin = self.app.admin().await;
        let asked = admin.keyed(&key(), "POST", "/api/v1/refunds", body).await;
        asked.expect(201).body.clone()
    }

    async fn refund_status(&self, refund: &Value) -> String {
        let path = format!("/api/v1/refunds/{}", text(&refund["id"]));
        let admin = self.app.admin().await;
        text(&admin.get(&path).await.expect(200).body["status"])
    }
}

/// The statuses of a purchase's tickets, in order.
async fn ticket_statuses(sale: &Purchase) -> Vec<String> {
    let order = sale.order().await;
    let tickets = order["tickets"].as_array().unwrap();
    let statuses = tickets.iter().map(|ticket| text(&ticket["status"]));
    statuses.collect()
}
