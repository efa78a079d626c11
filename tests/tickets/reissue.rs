//! A lost or leaked code is replaced: the new one is good, the old one never again.

use std::time::Duration;

use serde_json::json;

use super::code::Code;
use super::{actions, give_free, go, path, payload, qr, read, step, verify};
use crate::support::sale::{Shop, key, text};
use crate::support::{Kind, TestApp, on_both, run};

on_both! {
    async fn the_old_code_is_revoked_and_the_new_one_is_good(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let holder = give_free(app, &shop).await;
        let other = give_free(app, &shop).await;
        let reissued = step(&holder.guest, &holder.ticket, "reissue", json!({})).await;
        assert_eq!(reissued.expect(200).body["credential_version"], 2);
        let told = qr(&holder.guest, &holder.ticket).await;
        let new = text(&told["qr_payload"]);
        assert_eq!(told["credential_version"], 2);
        assert_eq!(Code::read(&new), Code { version: 2, ..Code::read(&holder.code) });
        let old = verify(&gate, &holder.code).await;
        assert_eq!((&old["is_valid"], &old["reason"]), (&json!(false), &json!("revoked")));
        assert_eq!(verify(&gate, &new).await["reason"], "ok");
        assert_eq!(verify(&gate, &other.code).await["reason"], "ok");
        // And once more, by staff.
        step(&shop.admin, &holder.ticket, "reissue", json!({})).await.expect(200);
        assert_eq!(verify(&gate, &new).await["reason"], "revoked");
        assert_eq!(verify(&gate, &holder.code).await["reason"], "revoked");
        let newest = payload(&holder.guest, &holder.ticket).await;
        assert_eq!(verify(&gate, &newest).await["reason"], "ok");
        let done = actions(&shop.admin, &holder.ticket).await;
        assert_eq!(done.iter().filter(|action| *action == "ticket.reissued").count(), 2, "{done:?}");
    }

    async fn the_same_request_twice_replaces_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let (key, path) = (key(), format!("{}/reissue", path(&holder.ticket)));
        let twice = (0..2).map(|_| holder.guest.keyed(&key, "POST", &path, json!({})));
        for answer in futures_util::future::join_all(twice).await {
            assert_eq!(answer.expect(200).body["credential_version"], 2);
            assert!(!answer.text.contains("TG1:"), "{}", answer.text);
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["credential_version"], 2);
        holder.guest.post(&path, json!({})).await.expect_problem(400, "idempotency_key_required");
    }

    async fn what_is_not_good_gets_no_new_code(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let reserved = text(&purchase.body["tickets"][0]["id"]);
        step(&purchase.guest, &reserved, "reissue", json!({})).await.expect_problem(409, "ticket_not_issued");
        let holder = give_free(app, &shop).await;
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        for client in [&holder.guest, &shop.admin] {
            let refused = step(client, &holder.ticket, "reissue", json!({})).await;
            refused.expect_problem(409, "ticket_suspended");
        }
        go(&shop.admin, &holder.ticket, "void").await.expect(200);
        for client in [&holder.guest, &shop.admin] {
            step(client, &holder.ticket, "reissue", json!({})).await.expect_problem(409, "ticket_void");
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["credential_version"], 1);
    }
}

#[test]
fn an_owner_replaces_a_code_three_times_a_day() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, &[("RATE_LIMITS", "on")], async |app| {
            let shop = Shop::open(app).await;
            let holder = give_free(app, &shop).await;
            let other = give_free(app, &shop).await;
            let ask = async || step(&holder.guest, &holder.ticket, "reissue", json!({})).await;
            for version in 2..=4 {
                assert_eq!(ask().await.expect(200).body["credential_version"], version);
            }
            let refused = ask().await;
            refused.expect_problem(429, "rate_limited");
            assert!(refused.header("retry-after").is_some());
            // It is the buyer's limit, and for one ticket.
            for client in [&shop.admin, &shop.admin, &shop.admin, &other.guest] {
                let other = step(client, &other.ticket, "reissue", json!({})).await;
                other.expect(200);
            }
            let by_staff = step(&shop.admin, &holder.ticket, "reissue", json!({})).await;
            assert_eq!(by_staff.expect(200).body["credential_version"], 5);
            ask().await.expect_problem(429, "rate_limited");
            app.clock.advance(Duration::from_secs(24 * 3600 + 1));
            ask().await.expect(200);
        });
    }
}
