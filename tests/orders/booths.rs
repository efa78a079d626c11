//! A booth is sold once, a blocked one never, and any booth means one that is left.

use std::collections::HashSet;

use serde_json::json;

use super::list;
use crate::support::sale::{Shop, text};
use crate::support::{Answer, Client, TestApp, on_both};

on_both! {
    async fn another_events_booth_is_not_for_sale_here(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let mut line = shop.booth(None);
        line["booth_id"] = json!(other.booths[0]);
        let refused = shop.order(&app.nobody(), vec![line]).await;
        assert!(matches!(refused.status, 409 | 422), "{}", refused.text);
        assert_eq!(other.available(app, "Corner").await, 3);
    }

    async fn a_booth_is_sold_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.order(&app.nobody(), vec![shop.booth(Some(0))]).await.expect(201);
        let again = shop.order(&app.nobody(), vec![shop.booth(Some(0))]).await;
        again.expect_problem(409, "booth_taken");
        let twice = shop.order(&app.nobody(), vec![shop.booth(Some(1)), shop.booth(Some(1))]).await;
        assert!(matches!(twice.status, 409 | 422), "{}", twice.text);
        assert_eq!(shop.available(app, "Corner").await, 2);
    }

    async fn a_booth_that_two_want_at_once_is_sold_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        for booth in 0..3 {
            let (juma, neema) = (app.nobody(), app.nobody());
            let order = async |who: &Client| shop.order(who, vec![shop.booth(Some(booth))]).await;
            let (first, second) = tokio::join!(order(&juma), order(&neema));
            let (won, lost) = if first.status == 201 { (first, second) } else { (second, first) };
            won.expect(201);
            lost.expect_problem(409, "booth_taken");
        }
    }

    async fn a_blocked_booth_is_not_sold(app: &TestApp) {
        let shop = Shop::open(app).await;
        let booth = format!("{}/booths/{}", shop.path(), shop.booths[0]);
        shop.admin.patch(&booth, json!({"blocked": true})).await.expect(200);
        let refused = shop.order(&app.nobody(), vec![shop.booth(Some(0))]).await;
        refused.expect_problem(409, "booth_taken");
        let any = shop.order(&app.nobody(), vec![shop.booth(None), shop.booth(None)]).await;
        let numbers: HashSet<String> =
            list(&any.expect(201).body, "booths").iter().map(|b| text(&b["booth_number"])).collect();
        assert_eq!(numbers, HashSet::from(["A-2".to_owned(), "A-3".to_owned()]));
    }

    async fn any_booth_of_a_type_until_there_is_none(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut numbers = HashSet::new();
        for _ in 0..3 {
            let placed = shop.order(&app.nobody(), vec![shop.booth(None)]).await;
            numbers.insert(text(&list(&placed.expect(201).body, "booths")[0]["booth_number"]));
        }
        assert_eq!(numbers.len(), 3, "{numbers:?}");
        let refused = shop.order(&app.nobody(), vec![shop.booth(None)]).await;
        refused.expect_problem(409, "sold_out");
        assert_eq!(refused.body["available"], 0);
    }

    async fn any_booth_for_three_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let nobody = app.nobody();
        let all = (0..5).map(|_| shop.order(&nobody, vec![shop.booth(None)]));
        let answers = futures_util::future::join_all(all).await;
        let sold: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        let numbers: HashSet<String> =
            sold.iter().map(|answer| text(&answer.body["booths"][0]["booth_number"])).collect();
        assert_eq!((sold.len(), numbers.len()), (3, 3));
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "sold_out");
        }
    }
}
