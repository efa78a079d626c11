//! A returning browser proves nothing, and is sent where the gateway's word leads.

use serde_json::json;

use super::{CART, MINUTE, THANKS, come_back, count, purchase_from_front_end, return_of};
use crate::support::sale::{Shop, browse, count_mails, expect_true_books, lose_messages, text};
use crate::support::{TestApp, on_both};

on_both! {
    async fn a_return_proves_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        let payment = purchase.payment().await;
        app.clock.advance(MINUTE);
        for claim in ["", "&status=success", "&result=000&paid=true&amount=15000000", "&outcome=cancel"] {
            let target = come_back(app, &format!("{}{claim}", return_of(&payment))).await;
            assert!(target.starts_with(CART), "{claim}: {target}");
            assert!(target.contains(&format!("session={}", purchase.id)), "{target}");
        }
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
        assert_eq!(purchase.payment().await["status"], "requires_action");
        assert_eq!(count(app, "journals").await, 0);
    }

    async fn a_return_does_not_undo_a_payment(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("succeed").await;
        app.drain().await;
        let url = format!("{}&status=canceled", return_of(&purchase.payment().await));
        for _ in 0..3 {
            assert!(come_back(app, &url).await.starts_with(THANKS));
        }
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        assert_eq!(count(app, "journals").await, 2);
    }

    async fn who_returns_before_the_message_is_not_sent_to_the_cart(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        let page = browse(app, &text(&purchase.body["payment_url"])).await;
        let paid = page.press(app, "pay").await;
        // The gateway is asked, and knows that it was paid.
        let target = come_back(app, &paid.way_back()).await;
        assert!(target.starts_with(THANKS), "{target}");
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        assert_eq!(count(app, "journals").await, 2);
    }

    async fn who_returns_after_a_lost_message_has_paid(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("succeed").await;
        lose_messages(app).await;
        app.clock.advance(MINUTE);
        let target = come_back(app, &return_of(&purchase.payment().await)).await;
        assert!(target.starts_with(THANKS), "{target}");
        app.drain().await;
        assert_eq!(purchase.order().await["status"], "confirmed");
        expect_true_books(app).await;
    }

    async fn a_payment_under_way_returns_to_the_good_page(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = purchase_from_front_end(app, &shop).await;
        purchase.simulate("process").await;
        app.drain().await;
        let target = come_back(app, &return_of(&purchase.payment().await)).await;
        assert!(target.starts_with(THANKS), "{target}");
        assert_eq!(purchase.session().await["status"], "processing");
    }
}
