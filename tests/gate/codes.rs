//! Why a code opens nothing: each reason by itself.

use serde_json::json;

use super::{CHECKINS, add_list, code, count, expect_accepted, expect_refused, open, scan};
use crate::support::sale::{Shop, text};
use crate::support::{TestApp, on_both};
use crate::tickets::code::{Code, bytes_of, code_of, signing_key, uuid, with_known_key};
use crate::tickets::{give_free, payload, step};

on_both! {
    async fn unknown_ticket(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let list = add_list(&shop, json!({"name": "North"})).await;
        for nonsense in ["nonsense", "TG1:NONSENSE", "TKT-0000-0000-000"] {
            expect_refused(&gate, json!({"code": nonsense}), "unknown_ticket").await;
            expect_refused(&gate, json!({"code": nonsense, "list_id": list}), "unknown_ticket").await;
        }
    }

    async fn unknown_ticket_of_another_organizer(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let other = Shop::open(app).await;
        let holder = give_free(app, &other).await;
        let list = add_list(&shop, json!({"name": "North"})).await;
        expect_refused(&gate, code(&holder), "unknown_ticket").await;
        let here = json!({"code": holder.code, "list_id": list});
        expect_refused(&gate, here, "unknown_ticket").await;
        // Theirs is not a list that one could name.
        let theirs = add_list(&other, json!({"name": "South"})).await;
        for body in [json!({"code": holder.code, "list_id": theirs}), json!({"code": "x", "list_id": theirs})] {
            gate.post(CHECKINS, body).await.expect_problem(422, "validation_failed");
        }
        assert_eq!(count(app, "admissions").await, 0);
        expect_accepted(&scan(&other.admin, code(&holder)).await);
    }

    async fn bad_signature(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let own = Code::read(&holder.code);
        let mut flipped = bytes_of(&holder.code);
        flipped[109] ^= 0x01;
        for code in [code_of(&flipped), own.sign(&signing_key(200))] {
            expect_refused(&gate, json!({"code": code}), "bad_signature").await;
        }
        expect_accepted(&scan(&gate, code(&holder)).await);
    }

    async fn unknown_key(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let own = Code::read(&holder.code);
        let foreign = Code { kid: own.kid ^ 1, ..own };
        let code = json!({"code": foreign.sign(&signing_key(200))});
        expect_refused(&gate, code, "unknown_key").await;
    }

    async fn revoked(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        step(&holder.guest, &holder.ticket, "reissue", json!({})).await.expect(200);
        expect_refused(&gate, code(&holder), "revoked").await;
        let new = payload(&holder.guest, &holder.ticket).await;
        expect_accepted(&scan(&gate, json!({"code": new})).await);
        // Who came in with the new one does not make the old one better.
        expect_refused(&gate, code(&holder), "revoked").await;
    }
}

#[test]
fn not_paid() {
    with_known_key(async |app| {
        let (shop, gate) = open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let ticket = text(&purchase.body["tickets"][0]["id"]);
        // Nobody is given such a code before it is paid for.
        let ahead = Code {
            kid: 7,
            event: uuid(&shop.event),
            ticket: uuid(&ticket),
            version: 1,
            not_before: 0,
            not_after: 0,
        };
        let code = json!({"code": ahead.sign(&signing_key(7))});
        expect_refused(&gate, code.clone(), "not_paid").await;
        purchase.simulate("succeed").await;
        app.drain().await;
        expect_accepted(&scan(&gate, code).await);
    });
}
