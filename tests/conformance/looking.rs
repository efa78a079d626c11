//! The gateway's list beside our books.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, Decision, Fault, Rig};
use crate::support::sale::{Shop, key};

const RUNS: &str = "/api/v1/reconciliation/runs";

async fn compare(rig: &Rig) -> Value {
    let now = rig.app.clock.now();
    let day = Duration::from_secs(24 * 60 * 60);
    let provider = rig.far.provider();
    let body = json!({"provider": provider, "from": now.minus(day), "until": now.plus(day)});
    let admin = rig.app.admin().await;
    let run = admin.keyed(&key(), "POST", RUNS, body).await;
    let path = format!("{RUNS}/{}", run.expect(202).id());
    rig.app.drain().await;
    admin.get(&path).await.expect(200).body.clone()
}

/// A list that fails is no list; the next one finds nothing amiss.
pub async fn a_list_may_fail(rig: &Rig) {
    let shop = Shop::open(&rig.app).await;
    rig.buy(&shop, 1).await;
    let sale = shop.purchase(&rig.app, shop.items(&[("regular", 1)])).await;
    assert!(rig.decide(&sale, Decision::Decline).await);
    rig.settle().await;
    for fault in Fault::ALL {
        rig.far.script(&rig.app, Call::List, fault).await;
        let failed = compare(rig).await;
        assert_ne!(failed["status"], "done", "{fault:?}: {failed}");
        rig.far.heal(&rig.app).await;
        rig.look_twice().await;
    }
    let run = compare(rig).await;
    assert_eq!(run["status"], "done", "{run}");
    let counts = &run["counts"];
    assert_eq!(counts["theirs"], 2, "{run}");
    for difference in [
        "missing_here",
        "missing_there",
        "amount_differs",
        "status_differs",
    ] {
        assert_eq!(counts[difference], 0, "{difference}: {run}");
    }
}
