//! No more tickets are held than there are, however many buyers come at the same moment.

use serde_json::json;

use super::{ORDERS, count, step};
use crate::support::sale::{Shop, as_guest, expect_stock, key, text, tickets};
use crate::support::{Client, TestApp, on_both};

on_both! {
    async fn what_is_sold_out_tells_what_is_left(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.order(&app.nobody(), shop.items(&[("vip", 8)])).await.expect(201);
        let refused = shop.order(&app.nobody(), shop.items(&[("vip", 5)])).await;
        refused.expect_problem(409, "sold_out");
        assert_eq!(refused.body["available"], 2);
        shop.order(&app.nobody(), shop.items(&[("vip", 2)])).await.expect(201);
        let refused = shop.order(&app.nobody(), shop.items(&[("vip", 1)])).await;
        refused.expect_problem(409, "sold_out");
        assert_eq!(refused.body["available"], 0);
        expect_stock(app, "VIP", 10, 0).await;
    }

    async fn an_order_is_held_as_a_whole_or_not_at_all(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.order(&app.nobody(), shop.items(&[("vip", 10)])).await.expect(201);
        let mut items = shop.items(&[("regular", 3), ("vip", 1)]);
        items.push(shop.booth(Some(0)));
        shop.order(&app.nobody(), items).await.expect_problem(409, "sold_out");
        expect_stock(app, "Regular", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        assert_eq!((count(app, "orders").await, count(app, "tickets").await), (1, 10));
    }

    async fn the_last_ticket_is_sold_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        for round in 0..10 {
            let name = format!("Last {round}");
            let last = shop.add_type(json!({"name": name, "price_minor": 100, "capacity": 1})).await;
            let (juma, neema) = (app.nobody(), app.nobody());
            let order = async |who: &Client| shop.order(who, vec![tickets(&last, 1)]).await;
            let (first, second) = tokio::join!(order(&juma), order(&neema));
            let (won, lost) = if first.status == 201 { (first, second) } else { (second, first) };
            won.expect(201);
            lost.expect_problem(409, "sold_out");
            assert_eq!(lost.body["available"], 0);
            expect_stock(app, &name, 1, 0).await;
        }
    }

    async fn many_buyers_never_get_more_than_there_is(app: &TestApp) {
        let shop = Shop::open(app).await;
        let nobody = app.nobody();
        let all = (0..24).map(|_| shop.order(&nobody, shop.items(&[("vip", 1)])));
        let answers = futures_util::future::join_all(all).await;
        let sold = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(sold, 10);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "sold_out");
        }
        expect_stock(app, "VIP", 10, 0).await;
    }

    async fn orders_that_cross_do_not_hinder_each_other(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (juma, neema) = (app.nobody(), app.nobody());
        for _ in 0..8 {
            let there = vec![shop.booth(Some(0)), shop.booth(Some(1))];
            let back = vec![shop.booth(Some(1)), shop.booth(Some(0))];
            let (first, second) = tokio::join!(shop.order(&juma, there), shop.order(&neema, back));
            let (won, lost) = if first.status == 201 { (first, second) } else { (second, first) };
            won.expect(201);
            lost.expect_problem(409, "booth_taken");
            let winner = as_guest(app, &text(&won.body["order_token"]));
            step(&winner, &won.body, "cancel", json!({})).await.expect(200);
        }
        for _ in 0..8 {
            let there = shop.items(&[("regular", 1), ("student", 1)]);
            let back = shop.items(&[("student", 1), ("regular", 1)]);
            let (first, second) = tokio::join!(shop.order(&juma, there), shop.order(&neema, back));
            first.expect(201);
            second.expect(201);
        }
        expect_stock(app, "Regular", 16, 0).await;
        expect_stock(app, "Student", 16, 0).await;
    }

    async fn a_refusal_for_want_of_stock_is_repeated(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, first) = shop.guest_order(app, shop.items(&[("vip", 10)])).await;
        let (nobody, key) = (app.nobody(), key());
        let body = shop.body(shop.items(&[("vip", 1)]));
        nobody.keyed(&key, "POST", ORDERS, body.clone()).await.expect_problem(409, "sold_out");
        step(&guest, &first, "cancel", json!({})).await.expect(200);
        let again = nobody.keyed(&key, "POST", ORDERS, body).await;
        again.expect_problem(409, "sold_out");
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        expect_stock(app, "VIP", 0, 0).await;
    }
}
