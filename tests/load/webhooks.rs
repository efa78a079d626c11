//! Hundreds of payments whose messages come three times and in any order, or never.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use super::{count, in_time, is_long};
use crate::support::sale::{
    Purchase, Shop, count_mails, expect_stock, expect_true_books, key, lose_messages, message,
    tell, tickets,
};
use crate::support::{TestApp, on_both};

const MINUTE: Duration = Duration::from_secs(60);

/// How many clients there are, and how many messages come at once.
const CROWD: usize = 16;

/// What buyers do, and how it must end: the payment, the order while it is kept, its money.
const ENDS: [(&[&str], [&str; 3]); 4] = [
    (&["succeed"], ["succeeded", "confirmed", "paid"]),
    (&["fail"], ["failed", "pending", "unpaid"]),
    (&["cancel"], ["canceled", "pending", "unpaid"]),
    (&["process", "succeed"], ["succeeded", "confirmed", "paid"]),
];

/// A purchase, and what becomes of it.
struct Sale {
    purchase: Purchase,
    steps: &'static [&'static str],
    end: [&'static str; 3],
}

fn how_many() -> usize {
    if is_long() { 400 } else { 60 }
}

/// Checkouts of many buyers, each decided at the gateway, which tells nobody.
async fn sell(app: &TestApp) -> (Shop, Vec<Sale>) {
    let shop = Shop::open(app).await;
    let body = json!({"name": "Lawn", "price_minor": 1_000, "capacity": how_many()});
    let lawn = shop.add_type(body).await;
    let nobody = app.nobody();
    let sell = async |number: usize| {
        let (steps, end) = ENDS[number % ENDS.len()];
        let mut body = shop.body(vec![tickets(&lawn, 1)]);
        body["buyer"]["email"] = json!(format!("buyer{number}@example.com"));
        let path = "/api/v1/checkout-sessions";
        let started = nobody.keyed(&key(), "POST", path, body).await;
        let purchase = Purchase::of(app, started.expect(201));
        for step in steps {
            purchase.simulate(step).await;
        }
        Sale {
            purchase,
            steps,
            end,
        }
    };
    let sales = stream::iter((0..how_many()).map(sell)).buffered(CROWD);
    let sales = in_time(sales.collect()).await;
    lose_messages(app).await;
    (shop, sales)
}

/// Every message of every payment three times, shuffled.
async fn messages(sales: &[Sale]) -> Vec<Value> {
    let mut all = Vec::new();
    for sale in sales {
        let payment = sale.purchase.payment().await;
        for step in sale.steps {
            let kind = match *step {
                "succeed" => "payment.succeeded",
                "fail" => "payment.failed",
                "cancel" => "payment.canceled",
                _ => "payment.processing",
            };
            let message = message(kind, &payment);
            all.extend([message.clone(), message.clone(), message]);
        }
    }
    all.shuffle(&mut StdRng::seed_from_u64(7));
    all
}

/// Every order stands as its gateway says, and its buyer has one mail about it.
async fn expect_ends(app: &TestApp, sales: &[Sale]) {
    let mut paid = 0;
    for Sale { purchase, end, .. } in sales {
        let order = purchase.order().await;
        let payment = purchase.payment().await;
        let seen = [
            &payment["status"],
            &order["status"],
            &order["payment_status"],
        ];
        assert_eq!(seen, *end, "{order}");
        paid += i64::from(end[1] == "confirmed");
    }
    let all = i64::try_from(sales.len()).unwrap();
    expect_stock(app, "Lawn", all - paid, paid).await;
    assert_eq!(count(app, "tickets WHERE status = 'valid'").await, paid);
    assert_eq!(count_mails(app, "order_confirmation").await, paid);
    let failed = sales.iter().filter(|sale| sale.end[0] == "failed").count();
    assert_eq!(
        count_mails(app, "payment_failed").await,
        i64::try_from(failed).unwrap()
    );
    expect_one_mail_each(app).await;
    expect_true_books(app).await;
}

async fn expect_one_mail_each(app: &TestApp) {
    let twice = "(SELECT order_id FROM emails WHERE order_id IS NOT NULL \
                 GROUP BY order_id, template HAVING count(*) > 1) twice";
    assert_eq!(count(app, twice).await, 0);
    let mails = app.mails().await.len();
    assert_eq!(i64::try_from(mails).unwrap(), count(app, "emails").await);
    assert_eq!(count(app, "emails WHERE attempts <> 1").await, 0);
}

/// Those who did not pay in time lose what they held; the others keep it.
async fn expire(app: &TestApp, sales: &[Sale]) {
    app.clock.advance(16 * MINUTE);
    app.drain().await;
    for Sale { purchase, end, .. } in sales {
        let status = if end[1] == "confirmed" {
            "confirmed"
        } else {
            "expired"
        };
        assert_eq!(purchase.order().await["status"], status);
    }
    let paid = count(app, "orders WHERE status = 'confirmed'").await;
    expect_stock(app, "Lawn", 0, paid).await;
    assert_eq!(count(app, "holds WHERE status = 'active'").await, 0);
    expect_true_books(app).await;
}

on_both! {
    async fn messages_that_come_three_times_in_any_order(app: &TestApp) {
        let (_, sales) = sell(app).await;
        let messages = messages(&sales).await;
        let told = stream::iter(&messages).map(|message| tell(app, message));
        in_time(told.buffer_unordered(CROWD).collect::<Vec<()>>()).await;
        let known = i64::try_from(messages.len() / 3).unwrap();
        assert_eq!(count(app, "webhook_events").await, known);
        expect_ends(app, &sales).await;
        expire(app, &sales).await;
    }

    async fn messages_that_never_come(app: &TestApp) {
        let (_, sales) = sell(app).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        assert_eq!(count(app, "webhook_events").await, 0);
        expect_ends(app, &sales).await;
        expire(app, &sales).await;
    }
}
