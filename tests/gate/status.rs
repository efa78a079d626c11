//! How many are expected, came, are inside, and have left.

use serde_json::json;

use super::{CHECKINS, add_list, at, code, default_list, expect_accepted, open, scan};
use crate::support::sale::Shop;
use crate::support::{Client, TestApp, on_both};
use crate::tickets::{Holder, give, give_free, go};

/// Expected, entered, inside, left.
async fn counts(client: &Client, shop: &Shop, list: &str) -> [i64; 4] {
    let path = format!("{}/checkin-lists/{list}/status", shop.path());
    let told = client.get(&path).await;
    let told = &told.expect(200).body;
    let number = |name: &str| {
        told[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name}: {told}"))
    };
    ["expected", "entered", "inside", "left"].map(number)
}

on_both! {
    async fn it_follows_who_comes_and_goes(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let list = add_list(&shop, json!({"name": "Festival", "multi_entry": true})).await;
        let mut holders: Vec<Holder> = Vec::new();
        for _ in 0..4 {
            holders.push(give_free(app, &shop).await);
        }
        assert_eq!(counts(&gate, &shop, &list).await, [4, 0, 0, 0]);
        for holder in &holders[..3] {
            expect_accepted(&scan(&gate, at(holder, &list, "entry")).await);
        }
        // Refused ones do not count.
        scan(&gate, at(&holders[0], &list, "entry")).await;
        assert_eq!(counts(&gate, &shop, &list).await, [4, 3, 3, 0]);
        expect_accepted(&scan(&gate, at(&holders[0], &list, "exit")).await);
        assert_eq!(counts(&gate, &shop, &list).await, [4, 3, 2, 1]);
        // Who comes back is inside again.
        expect_accepted(&scan(&gate, at(&holders[0], &list, "entry")).await);
        let [expected, _, inside, _] = counts(&gate, &shop, &list).await;
        assert_eq!((expected, inside), (4, 3));
        // The other list knows nothing of it.
        let default = default_list(&gate, &shop.event).await;
        assert_eq!(counts(&gate, &shop, &default).await, [4, 0, 0, 0]);
    }

    async fn only_good_tickets_of_the_list_are_expected(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let press = shop.add_type(json!({"name": "Press", "price_minor": 0, "capacity": 9})).await;
        let list = add_list(&shop, json!({"name": "Press", "ticket_type_ids": [press]})).await;
        let default = default_list(&gate, &shop.event).await;
        let voided = give(app, &shop, &press).await;
        give(app, &shop, &press).await;
        give_free(app, &shop).await;
        shop.purchase(app, shop.items(&[("vip", 2)])).await;
        go(&shop.admin, &voided.ticket, "void").await.expect(200);
        assert_eq!(counts(&gate, &shop, &list).await, [1, 0, 0, 0]);
        assert_eq!(counts(&gate, &shop, &default).await, [2, 0, 0, 0]);
    }

    async fn what_is_taken_back_did_not_happen(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let default = default_list(&gate, &shop.event).await;
        let entry = scan(&gate, code(&holder)).await;
        assert_eq!(counts(&shop.admin, &shop, &default).await, [1, 1, 1, 0]);
        let undo = format!("{}/{}/undo", CHECKINS, entry["scan_id"].as_str().unwrap());
        shop.admin.post(&undo, json!({"reason": "Wrong person"})).await.expect(200);
        assert_eq!(counts(&shop.admin, &shop, &default).await, [1, 0, 0, 0]);
    }
}
