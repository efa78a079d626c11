//! A scanner that got no answer asks again with the same nonce, and is told the same.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{CHECKINS, count, expect_accepted, expect_rejected, open, scan};
use crate::support::{TestApp, on_both};
use crate::tickets::{Holder, give_free, go, payload, step};

fn with_nonce(holder: &Holder, nonce: &str) -> Value {
    json!({"code": holder.code, "nonce": nonce})
}

on_both! {
    async fn the_same_nonce_gets_the_same_answer(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let first = scan(&gate, with_nonce(&holder, "scanner-1/42")).await;
        expect_accepted(&first);
        for _ in 0..2 {
            assert_eq!(scan(&gate, with_nonce(&holder, "scanner-1/42")).await, first);
        }
        assert_eq!(count(app, "scans").await, 1);
        expect_rejected(&scan(&gate, with_nonce(&holder, "scanner-1/43")).await, "already_used");
        assert_eq!(scan(&gate, with_nonce(&holder, "scanner-1/42")).await, first);
    }

    async fn a_refusal_is_repeated_too(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        let refused = scan(&gate, with_nonce(&holder, "n")).await;
        expect_rejected(&refused, "suspended");
        go(&shop.admin, &holder.ticket, "reinstate").await.expect(200);
        assert_eq!(scan(&gate, with_nonce(&holder, "n")).await, refused);
        expect_accepted(&scan(&gate, with_nonce(&holder, &"n".repeat(100))).await);
        // So is that of something that is no code at all.
        let nonsense = json!({"code": "nonsense", "nonce": "odd"});
        let odd = scan(&gate, nonsense.clone()).await;
        expect_rejected(&odd, "unknown_ticket");
        assert_eq!(scan(&gate, nonsense).await, odd);
    }

    async fn a_nonce_serves_one_code(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let (one, other) = (give_free(app, &shop).await, give_free(app, &shop).await);
        expect_accepted(&scan(&gate, with_nonce(&one, "n")).await);
        let reused = gate.post(CHECKINS, with_nonce(&other, "n")).await;
        reused.expect_problem(409, "nonce_reused");
        let nonsense = json!({"code": "nonsense", "nonce": "n"});
        gate.post(CHECKINS, nonsense).await.expect_problem(409, "nonce_reused");
        // The new code of the same ticket is another code.
        step(&shop.admin, &one.ticket, "reissue", json!({})).await.expect(200);
        let renewed = json!({"code": payload(&one.guest, &one.ticket).await, "nonce": "n"});
        gate.post(CHECKINS, renewed).await.expect_problem(409, "nonce_reused");
        assert_eq!(count(app, "scans").await, 1);
        expect_accepted(&scan(&gate, with_nonce(&other, "m")).await);
    }

    async fn each_scanner_has_nonces_of_its_own(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let south = app.member(&shop.organizer, "gate", "south@example.com").await;
        let (one, other) = (give_free(app, &shop).await, give_free(app, &shop).await);
        expect_accepted(&scan(&gate, with_nonce(&one, "n")).await);
        expect_accepted(&scan(&south, with_nonce(&other, "n")).await);
        expect_rejected(&scan(&south, with_nonce(&one, "m")).await, "already_used");
    }

    async fn five_at_once_are_one_scan(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let all = (0..5).map(|_| gate.post(CHECKINS, with_nonce(&holder, "n")));
        let answers = join_all(all).await;
        for answer in &answers {
            expect_accepted(&answer.expect(200).body);
            assert_eq!(answer.body, answers[0].body);
        }
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (1, 1));
    }

    async fn five_codes_at_once_with_one_nonce_are_one_scan(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let mut bodies = Vec::new();
        for _ in 0..5 {
            bodies.push(with_nonce(&give_free(app, &shop).await, "n"));
        }
        let answers = join_all(bodies.into_iter().map(|body| gate.post(CHECKINS, body))).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 4, "{statuses:?}");
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (1, 1));
    }
}
