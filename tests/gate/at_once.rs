//! Two gates at the same instant let one person in, on one server or on several.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{CHECKINS, add_list, at, code, count, expect_accepted, expect_rejected, open, scan};
use crate::support::{Client, TestApp, on_both};
use crate::tickets::{Holder, give_free, read};

/// Scans all at the same moment, by turns through the two.
async fn scan_at_once(one: &Client, other: &Client, bodies: Vec<Value>) -> Vec<Value> {
    let turns = [one, other].into_iter().cycle().zip(bodies);
    let scans = turns.map(|(client, body)| client.post(CHECKINS, body));
    let answers = join_all(scans).await;
    let answers = answers.iter().map(|answer| answer.expect(200).body.clone());
    answers.collect()
}

fn accepted(scans: &[Value]) -> Vec<&Value> {
    let scans = scans.iter();
    scans.filter(|scan| scan["result"] == "accepted").collect()
}

on_both! {
    async fn ten_scans_through_two_servers_let_in_once(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let second = app.beside().await;
        let base = format!("http://{}", second.address());
        let elsewhere = Client::new(&base).with_token(gate.access_token.as_ref().unwrap());
        let scans = scan_at_once(&gate, &elsewhere, vec![code(&holder); 10]).await;
        let entries = accepted(&scans);
        assert_eq!(entries.len(), 1, "{scans:#?}");
        expect_accepted(entries[0]);
        for refused in scans.iter().filter(|scan| scan["result"] != "accepted") {
            expect_rejected(refused, "already_used");
        }
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (10, 1));
        assert_eq!(count(app, "scans WHERE result = 'accepted'").await, 1);
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
        second.stop().await.unwrap();
    }

    async fn ten_people_through_two_servers_all_come_in(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let mut holders: Vec<Holder> = Vec::new();
        for _ in 0..10 {
            holders.push(give_free(app, &shop).await);
        }
        let second = app.beside().await;
        let base = format!("http://{}", second.address());
        let elsewhere = Client::new(&base).with_token(gate.access_token.as_ref().unwrap());
        // Each shows the code twice.
        let codes = holders.iter().chain(&holders).map(code).collect();
        let scans = scan_at_once(&gate, &elsewhere, codes).await;
        assert_eq!(accepted(&scans).len(), 10, "{scans:#?}");
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (20, 10));
        second.stop().await.unwrap();
    }

    async fn where_one_may_come_back_only_one_is_inside(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let list = add_list(&shop, json!({"name": "Festival", "multi_entry": true})).await;
        for direction in ["entry", "exit", "entry"] {
            let scans = vec![at(&holder, &list, direction); 6];
            let scans = scan_at_once(&gate, &shop.admin, scans).await;
            assert_eq!(accepted(&scans).len(), 1, "{scans:#?}");
        }
        assert_eq!(count(app, "admissions WHERE closed_at IS NULL").await, 1);
        assert_eq!(count(app, "scans").await, 18);
    }

    async fn one_scan_is_taken_back_once(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let entry = scan(&gate, code(&holder)).await;
        let path = format!("{CHECKINS}/{}/undo", entry["scan_id"].as_str().unwrap());
        let undo = || shop.admin.post(&path, json!({"reason": "Wrong person"}));
        let answers = join_all((0..4).map(|_| undo())).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
        let again = scan_at_once(&gate, &shop.admin, vec![code(&holder); 4]).await;
        assert_eq!(accepted(&again).len(), 1, "{again:#?}");
    }
}
