//! To a stranger a ticket does not exist; its buyer and other staff may not do all.

use serde_json::{Value, json};

use super::{PICTURES, TICKETS, give_free, path, read};
use crate::support::sale::{Shop, as_guest, key};
use crate::support::{Answer, Client, TestApp, on_both};

/// Every route of a ticket for its owner, with a body that would do.
fn routes(ticket: &str) -> Vec<(&'static str, String, Value)> {
    let path = path(ticket);
    let mut routes = vec![
        ("GET", path.clone(), Value::Null),
        (
            "PATCH",
            path.clone(),
            json!({"attendee": {"name": "Mallory"}}),
        ),
        ("GET", format!("{path}/qr"), Value::Null),
        ("GET", format!("{path}/calendar.ics"), Value::Null),
        ("POST", format!("{path}/reissue"), json!({})),
    ];
    routes.extend(PICTURES.map(|way| ("GET", format!("{path}/{way}"), Value::Null)));
    routes
}

/// Every route of a ticket for managers only.
fn staff_routes(ticket: &str) -> Vec<(&'static str, String, Value)> {
    let steps = ["void", "suspend", "reinstate"];
    let body = json!({"reason": "Because"});
    let route = |step| ("POST", format!("{}/{step}", path(ticket)), body.clone());
    steps.map(route).into()
}

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    match method {
        "GET" => client.get(path).await,
        _ => client.keyed(&key(), method, path, body.clone()).await,
    }
}

async fn expect_all(client: &Client, routes: &[(&str, String, Value)], status: u16) {
    for (method, path, body) in routes {
        let answer = call(client, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
}

on_both! {
    async fn to_a_stranger_a_ticket_does_not_exist(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let before = read(&holder.guest, &holder.ticket).await;
        let other_guest = give_free(app, &shop).await.guest;
        let user = app.user("stranger@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let manager = app.member(&elsewhere, "manager", "manager@example.com").await;
        let gate = app.member(&elsewhere, "gate", "gate@example.com").await;
        for stranger in [&other_guest, &user, &manager, &gate] {
            expect_all(stranger, &routes(&holder.ticket), 404).await;
        }
        for stranger in [&user, &manager, &gate] {
            expect_all(stranger, &staff_routes(&holder.ticket), 404).await;
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await, before);
        // What does not exist looks the same.
        for nothing in ["tkt_01h455vb4pex5vsknk084sn02q", "ord_01h455vb4pex5vsknk084sn02q", "1", &holder.order] {
            for client in [&holder.guest, &shop.admin] {
                client.get(&format!("{}/qr", path(nothing))).await.expect_problem(404, "not_found");
            }
        }
    }

    async fn without_a_good_token_nothing_is_shown(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for client in [app.nobody(), as_guest(app, "ogt_nonsense"), as_guest(app, "a.b.c")] {
            expect_all(&client, &routes(&holder.ticket), 401).await;
            expect_all(&client, &staff_routes(&holder.ticket), 401).await;
            client.get(TICKETS).await.expect_problem(401, "unauthenticated");
        }
    }

    async fn other_staff_and_the_buyer_may_not_do_all(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        for (role, email) in [("gate", "gate@example.com"), ("finance", "finance@example.com")] {
            let member = app.member(&shop.organizer, role, email).await;
            expect_all(&member, &routes(&holder.ticket), 403).await;
            expect_all(&member, &staff_routes(&holder.ticket), 403).await;
        }
        // A buyer with an account, and a guest.
        let asha = app.user("asha@example.com").await;
        let order = shop.order(&asha, shop.items(&[("free", 1)])).await;
        let own = order.expect(201).body["tickets"][0]["id"].as_str().unwrap().to_owned();
        expect_all(&asha, &staff_routes(&own), 403).await;
        for (method, path, body) in staff_routes(&holder.ticket) {
            let answer = call(&holder.guest, method, &path, &body).await;
            assert!(matches!(answer.status, 401 | 403), "{path}: {}", answer.text);
        }
        assert_eq!(read(&holder.guest, &holder.ticket).await["status"], "valid");
        assert_eq!(read(&asha, &own).await["status"], "valid");
    }

    async fn a_revoked_guest_token_opens_no_ticket(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        app.database.execute("UPDATE orders SET token_version = token_version + 1").await;
        for (method, path, body) in routes(&holder.ticket) {
            let answer = call(&holder.guest, method, &path, &body).await;
            assert!(matches!(answer.status, 401 | 404), "{path}: {}", answer.text);
        }
    }
}
