//! What is ordered exists, belongs to the event, and is on sale at this moment.

use serde_json::json;

use super::MINUTE;
use crate::support::sale::{Shop, expect_stock, tickets};
use crate::support::{TestApp, event_body, on_both};

on_both! {
    async fn unknown_and_foreign_types_do_not_exist(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        for line in [
            tickets("tty_01h455vb4pex5vsknk084sn02q", 1),
            tickets(other.type_id("vip"), 1),
            json!({"ticket_type": "backstage", "quantity": 1}),
        ] {
            let refused = shop.order(&app.nobody(), vec![line]).await;
            refused.expect_problem(422, "ticket_type_not_found");
            assert!(refused.faults()[0].0.starts_with("/items/0/ticket_type"), "{}", refused.text);
        }
        for (member, value) in [
            ("booth_type_id", "btp_01h455vb4pex5vsknk084sn02q"),
            ("booth_type_id", other.corner.as_str()),
            ("booth_type", "tent"),
        ] {
            let mut line = shop.booth(None);
            line.as_object_mut().unwrap().remove("booth_type_id");
            line[member] = json!(value);
            let refused = shop.order(&app.nobody(), vec![line]).await;
            refused.expect_problem(422, "booth_type_not_found");
        }
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["event_id"] = json!("evt_01h455vb4pex5vsknk084sn02q");
        shop.place(&app.nobody(), body).await.expect_problem(422, "validation_failed");
    }

    async fn all_unknown_types_are_told_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let unknown = || tickets("tty_01h455vb4pex5vsknk084sn02q", 1);
        let items = vec![unknown(), tickets(shop.type_id("vip"), 1), unknown()];
        let refused = shop.order(&app.nobody(), items).await;
        refused.expect_problem(422, "ticket_type_not_found");
        let pointers: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/items/0/ticket_type_id", "/items/2/ticket_type_id"]);
        expect_stock(app, "VIP", 0, 0).await;
    }

    async fn a_hidden_type_is_not_found_by_its_name(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = json!({"name": "Crew", "price_minor": 0, "capacity": 5, "hidden": true});
        shop.add_type(body).await;
        let items = vec![json!({"ticket_type": "crew", "quantity": 1})];
        shop.order(&app.nobody(), items).await.expect_problem(422, "ticket_type_not_found");
    }

    async fn a_type_is_sold_within_its_window(app: &TestApp) {
        let shop = Shop::open(app).await;
        let soon = app.clock.now().plus(60 * MINUTE).to_string();
        let early = shop.add_type(json!({"name": "Early", "price_minor": 1, "capacity": 9, "sales_end": soon})).await;
        let late = shop.add_type(json!({"name": "Late", "price_minor": 1, "capacity": 9, "sales_start": soon})).await;
        let order = async |id: &str| shop.order(&app.nobody(), vec![tickets(id, 1)]).await;
        order(&early).await.expect(201);
        order(&late).await.expect_problem(409, "event_not_on_sale");
        app.clock.advance(61 * MINUTE);
        order(&early).await.expect_problem(409, "event_not_on_sale");
        order(&late).await.expect(201);
    }

    async fn an_event_sells_while_it_is_published(app: &TestApp) {
        let shop = Shop::open(app).await;
        let order = async || shop.order(&app.nobody(), shop.items(&[("vip", 1)])).await;
        order().await.expect(201);
        shop.admin.post(&format!("{}/unpublish", shop.path()), json!({})).await.expect(200);
        order().await.expect_problem(409, "event_not_on_sale");
        shop.admin.post(&format!("{}/publish", shop.path()), json!({})).await.expect(200);
        order().await.expect(201);
        // One that was never published.
        let mut body = event_body("Draft");
        body["organizer_id"] = json!(shop.organizer);
        let draft = shop.admin.post("/api/v1/events", body).await.expect(201).id();
        let types = format!("/api/v1/events/{draft}/ticket-types");
        let body = json!({"name": "VIP", "price_minor": 1, "capacity": 1});
        let ticket_type = shop.admin.post(&types, body).await.expect(201).id();
        let mut body = shop.body(vec![tickets(&ticket_type, 1)]);
        body["event_id"] = json!(draft);
        shop.place(&app.nobody(), body).await.expect_problem(409, "event_not_on_sale");
    }
}
