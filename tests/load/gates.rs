//! One ticket at ten gates at the same moment, through two processes: it opens one.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::process::Process;
use super::{count, in_time, start};
use crate::support::sale::Shop;
use crate::support::{Client, TestApp, on_both};
use crate::tickets::{give_free, read};

const CHECKINS: &str = "/api/v1/checkins";

/// How often each kind of outcome was told.
fn outcomes(scans: &[Value], result: &str, reason: &str) -> usize {
    let scans = scans.iter();
    let such = scans.filter(|scan| scan["result"] == result && scan["reason"] == reason);
    such.count()
}

on_both! {
    async fn ten_scans_through_two_processes_let_in_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let token = gate.access_token.clone().unwrap();
        let processes = start(app, 2);
        let gates: Vec<Client> = processes.iter().map(|it| it.client().with_token(&token)).collect();
        for round in 1..=5 {
            let holder = give_free(app, &shop).await;
            let body = json!({"code": holder.code});
            let turns = gates.iter().cycle().take(10);
            let scans = in_time(join_all(turns.map(|gate| gate.post(CHECKINS, body.clone())))).await;
            let scans: Vec<Value> = scans.iter().map(|scan| scan.expect(200).body.clone()).collect();
            assert_eq!(outcomes(&scans, "accepted", "ok"), 1, "{scans:#?}");
            assert_eq!(outcomes(&scans, "rejected", "already_used"), 9, "{scans:#?}");
            assert_eq!((count(app, "scans").await, count(app, "admissions").await), (10 * round, round));
            assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
        }
        processes.into_iter().for_each(Process::stop);
    }
}
