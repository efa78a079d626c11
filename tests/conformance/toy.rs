//! A toy gateway, written from the README's «Add a gateway» alone: it speaks HTTP to a server of
//! its own, and knows of Tollgate what any gateway knows.

mod gateway;
mod kiosk;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tollgate::clock::Clock;

use super::wire::Wire;
use super::{Call, Charge, Decision, FarSide, Fault, HOLD, Message, Rig, conformance};
use crate::support::{Database, Kind, TestApp};
use gateway::Toy;
use kiosk::Kiosk;

const SECRET: &str = "the toy's secret, which only the toy and Tollgate know";

/// Long enough on a slow machine; every fault that is a silence costs it.
const PATIENCE: Duration = Duration::from_millis(700);

conformance!(start);

async fn start(kind: Kind) -> Option<Rig> {
    let database = Database::make(kind).await?;
    let clock = Clock::default();
    let kiosk = Arc::new(Kiosk::new(clock.clone(), SECRET));
    let wire = Wire::open(kiosk.clone());
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let toy = Toy {
        base: wire.base(),
        secret: SECRET.to_owned(),
        http: http.build().unwrap(),
    };
    let app = TestApp::start_with(database, &[HOLD], clock, Some(Arc::new(toy))).await;
    let far = Box::new(FarToy { kiosk, wire });
    Some(Rig { app, far })
}

struct FarToy {
    kiosk: Arc<Kiosk>,
    wire: Wire,
}

#[async_trait(?Send)]
impl FarSide for FarToy {
    fn provider(&self) -> &'static str {
        "toy"
    }

    async fn script(&self, _: &TestApp, call: Call, fault: Fault) {
        self.wire.script(call, fault).await;
    }

    async fn heal(&self, _: &TestApp) {
        self.wire.heal();
    }

    async fn decide(&self, _: &TestApp, reference: &str, decision: Decision) -> bool {
        self.kiosk.decide(reference, decision)
    }

    async fn take_messages(&self, _: &TestApp) -> Vec<Message> {
        self.kiosk.take_messages()
    }

    async fn slow_refunds(&self, _: &TestApp, slow: bool) {
        self.kiosk.slow_refunds(slow);
    }

    async fn decide_refunds(&self, _: &TestApp, reference: &str, succeed: bool) {
        let word = if succeed { "done" } else { "refused" };
        self.kiosk.move_refunds(reference, "waiting", word);
    }

    async fn return_refunds(&self, _: &TestApp, reference: &str) {
        self.kiosk.move_refunds(reference, "done", "refused");
    }

    async fn refund(&self, _: &TestApp, reference: &str, amount_minor: i64) -> bool {
        self.kiosk.refund_there(reference, amount_minor)
    }

    async fn truth(&self, _: &TestApp) -> Vec<Charge> {
        self.kiosk.truth()
    }
}
