//! Why a ticket opens nothing: each reason by itself.

use serde_json::json;

use super::{
    add_list, at, code, count, expect_accepted, expect_refused, expect_rejected, open, scan,
};
use crate::support::{TestApp, on_both};
use crate::tickets::{give_free, go, read};

on_both! {
    async fn void(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        go(&shop.admin, &holder.ticket, "void").await.expect(200);
        expect_refused(&gate, code(&holder), "void").await;
        assert_eq!(count(app, "admissions").await, 0);
    }

    async fn suspended(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        expect_refused(&gate, code(&holder), "suspended").await;
        go(&shop.admin, &holder.ticket, "reinstate").await.expect(200);
        expect_accepted(&scan(&gate, code(&holder)).await);
    }

    async fn suspended_while_inside(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let list = add_list(&shop, json!({"name": "Festival", "multi_entry": true})).await;
        expect_accepted(&scan(&gate, at(&holder, &list, "entry")).await);
        go(&shop.admin, &holder.ticket, "suspend").await.expect(200);
        expect_rejected(&scan(&gate, at(&holder, &list, "entry")).await, "suspended");
        go(&shop.admin, &holder.ticket, "reinstate").await.expect(200);
        // Still inside.
        expect_rejected(&scan(&gate, at(&holder, &list, "entry")).await, "already_used");
        expect_accepted(&scan(&gate, at(&holder, &list, "exit")).await);
        expect_accepted(&scan(&gate, at(&holder, &list, "entry")).await);
    }

    async fn already_used(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        expect_accepted(&scan(&gate, code(&holder)).await);
        for _ in 0..2 {
            expect_refused(&gate, code(&holder), "already_used").await;
        }
        let last = scan(&gate, code(&holder)).await;
        assert!(last["previous_scan"].is_object(), "{last}");
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "used");
    }
}
