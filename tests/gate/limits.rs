//! A queue is let in faster than one clicks: gates have a limit of their own.

use futures_util::stream::{self, StreamExt};
use serde_json::json;

use super::open;
use crate::support::{Kind, run};
use crate::tickets::VERIFY;

#[test]
fn one_member_may_scan_1200_times_a_minute() {
    run(Kind::Sqlite, &[("RATE_LIMITS", "on")], async |app| {
        let (_, gate) = open(app).await;
        // It fills up by 20 a second while they are sent.
        let scans = stream::iter(0..5_000).map(|_| gate.post(VERIFY, json!({"code": "x"})));
        let let_through: Vec<u16> = scans
            .buffered(8)
            .map(|answer| answer.status)
            .take_while(|status| std::future::ready(*status != 429))
            .collect()
            .await;
        assert!(let_through.iter().all(|status| *status == 200));
        assert!((1_200..5_000).contains(&let_through.len()));
        // The rest of the API counts apart.
        gate.get("/api/v1/me").await.expect(200);
    });
}
