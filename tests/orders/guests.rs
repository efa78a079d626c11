//! Who has no account opens the own order by its token, and finds it again by e-mail.

use std::collections::HashSet;

use serde_json::json;

use super::{ORDERS, ids, path, read, step};
use crate::support::sale::{BUYER, Shop, as_guest, count_mails, text};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_guests_token_opens_one_order_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        // The same person's second order has a token of its own.
        let (_, second) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        assert!(text(&order["order_token"]).starts_with("ogt_"));
        assert_ne!(order["order_token"], second["order_token"]);
        assert_eq!(ids(&guest.get(ORDERS).await), [text(&order["id"])]);
        guest.get(&path(&second)).await.expect_problem(404, "not_found");
        // It is no sign-in.
        for path in ["/api/v1/me", "/api/v1/organizers"] {
            guest.get(path).await.expect(401);
        }
    }

    async fn a_revoked_token_opens_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        read(&guest, &order).await;
        app.database.execute("UPDATE orders SET token_version = token_version + 1").await;
        let answer = guest.get(&path(&order)).await;
        assert!(matches!(answer.status, 401 | 404), "{}", answer.text);
        let cancel = step(&guest, &order, "cancel", json!({})).await;
        assert!(matches!(cancel.status, 401 | 404), "{}", cancel.text);
        let all = guest.get(ORDERS).await;
        assert!(all.status == 401 || ids(&all).is_empty(), "{}", all.text);
    }

    async fn a_guests_order_joins_a_verified_account(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        // Anybody can register an address: only who reads its mails has it.
        let juma = app.user(BUYER).await;
        assert!(ids(&juma.get(ORDERS).await).is_empty());
        juma.get(&path(&order)).await.expect_problem(404, "not_found");
        let token = app.mailed_token(BUYER, "Please confirm your e-mail address").await;
        app.nobody().post("/api/v1/auth/email/verify", json!({"token": token})).await.expect(204);
        assert_eq!(ids(&juma.get(ORDERS).await), [text(&order["id"])]);
        read(&juma, &order).await;
        step(&juma, &order, "cancel", json!({})).await.expect(200);
    }

    async fn a_buyer_finds_the_orders_of_an_address_again(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (_, first) = shop.guest_order(app, shop.items(&[("free", 1)])).await;
        let (_, second) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        app.drain().await;
        let before = app.mails().await.len();
        let lookup = format!("{ORDERS}/lookup");
        app.nobody().post(&lookup, json!({"email": "JUMA@Example.com"})).await.expect(202);
        let mails = app.mails().await;
        assert_eq!(mails.len(), before + 1);
        assert_eq!(count_mails(app, "order_links").await, 1);
        let (one, other) = (text(&first["id"]), text(&second["id"]));
        let mail = mails.iter().find(|mail| mail.contains(&one) && mail.contains(&other)).unwrap();
        assert!(mail.contains(&format!("To: {BUYER}")), "{mail}");
        let mut found = HashSet::new();
        for link in mail.split("#order=").skip(1) {
            let (order, rest) = link.split_once("token=").unwrap();
            let order: String = order.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let ends_token = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '&' | ')');
            let token = rest.split(ends_token).next().unwrap();
            assert!(token.starts_with("ogt_"), "{link}");
            let guest = as_guest(app, token);
            assert_eq!(read(&guest, &json!({"id": order})).await["id"], order.as_str());
            found.insert(order);
        }
        assert_eq!(found, HashSet::from([one, other]));
    }

    async fn a_look_up_does_not_tell_who_bought(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let lookup = format!("{ORDERS}/lookup");
        let known = app.nobody().post(&lookup, json!({"email": BUYER})).await;
        let unknown = app.nobody().post(&lookup, json!({"email": "nobody@example.com"})).await;
        assert_eq!((known.expect(202).text.as_str(), 202), (unknown.text.as_str(), unknown.status));
        let mails = app.mails().await;
        assert!(!mails.iter().any(|mail| mail.contains("nobody@example.com")));
        app.nobody().post(&lookup, json!({"email": "x"})).await.expect_problem(422, "validation_failed");
    }
}
