//! To a stranger, and without a good token, no route of an order tells anything.

use serde_json::{Value, json};

use super::{ORDERS, ids};
use crate::support::sale::{Purchase, Shop, as_guest, key, text};
use crate::support::{Answer, Client, TestApp, on_both};

/// Every route of an order and its payment, with a body that would do.
fn routes(purchase: &Purchase) -> Vec<(&'static str, String, Value)> {
    let (order, payment) = (
        format!("{ORDERS}/{}", purchase.order),
        format!("/api/v1/payment-intents/{}", purchase.payment),
    );
    let by_hand = json!({"method": "cash", "reference": "R-1"});
    vec![
        ("GET", order.clone(), Value::Null),
        (
            "PATCH",
            order.clone(),
            json!({"buyer": {"name": "Mallory"}}),
        ),
        ("POST", format!("{order}/cancel"), json!({})),
        ("POST", format!("{order}/mark-paid"), by_hand),
        ("POST", format!("{order}/resend"), json!({})),
        ("GET", format!("{order}/timeline"), Value::Null),
        (
            "GET",
            format!("/api/v1/checkout-sessions/{}", purchase.id),
            Value::Null,
        ),
        ("GET", payment.clone(), Value::Null),
        ("POST", format!("{payment}/cancel"), json!({})),
        (
            "POST",
            format!("{payment}/simulate"),
            json!({"outcome": "succeed"}),
        ),
        ("POST", format!("{payment}/sync"), json!({})),
        (
            "GET",
            format!("/api/v1/transactions/{}", purchase.payment),
            Value::Null,
        ),
    ]
}

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    match method {
        "GET" => client.get(path).await,
        _ => client.keyed(&key(), method, path, body.clone()).await,
    }
}

on_both! {
    async fn to_a_stranger_an_order_does_not_exist(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let (other_guest, _) = shop.guest_order(app, shop.items(&[("regular", 1)])).await;
        let user = app.user("stranger@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let manager = app.member(&elsewhere, "manager", "manager@example.com").await;
        for stranger in [&other_guest, &user, &manager] {
            for (method, path, body) in routes(&purchase) {
                let answer = call(stranger, method, &path, &body).await;
                assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
            }
            let body = json!({"order_id": purchase.order});
            let answer = call(stranger, "POST", "/api/v1/payment-intents", &body).await;
            assert_eq!(answer.status, 422, "{}", answer.text);
        }
        for list in [ORDERS, "/api/v1/payment-intents", "/api/v1/transactions"] {
            let seen = ids(&other_guest.get(list).await);
            assert!(!seen.contains(&purchase.order) && !seen.contains(&purchase.payment), "{list}");
            assert!(ids(&user.get(list).await).is_empty(), "{list}");
            assert!(ids(&manager.get(list).await).is_empty(), "{list}");
        }
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["buyer"]["name"]), (&json!("pending"), &json!("Juma Ali")));
        assert_eq!(purchase.payment().await["status"], "requires_action");
    }

    async fn without_a_good_token_nothing_is_told(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let token = text(&purchase.body["order_token"]);
        let mut letters: Vec<char> = token.chars().collect();
        let one = letters.len() - 10;
        letters[one] = if letters[one].eq_ignore_ascii_case(&'a') { 'b' } else { 'a' };
        let forged = String::from_iter(letters);
        for client in [app.nobody(), as_guest(app, "ogt_nonsense"), as_guest(app, &forged)] {
            for (method, path, body) in routes(&purchase) {
                let answer = call(&client, method, &path, &body).await;
                answer.expect_problem(401, "unauthenticated");
                assert!(answer.header("www-authenticate").is_some(), "{method} {path}");
            }
            for list in [ORDERS, "/api/v1/payment-intents", "/api/v1/transactions"] {
                client.get(list).await.expect_problem(401, "unauthenticated");
            }
        }
    }
}
