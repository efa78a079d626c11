//! An order is placed once, with its lines, attendees and key, and is kept for a while.

use std::collections::HashSet;

use serde_json::json;

use super::{ORDERS, count, list, only, path, step, ticket_statuses};
use crate::support::sale::{BUYER, CORNER, REGULAR, Shop, VIP, expect_stock, key, text};
use crate::support::{Answer, TestApp, on_both};

on_both! {
    async fn tickets_and_booths_are_ordered_together(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 2), ("regular", 1)]);
        items.push(shop.booth(Some(1)));
        let placed = shop.order(&app.nobody(), items).await;
        let order = &placed.expect(201).body;
        let total = 2 * VIP + REGULAR + CORNER;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("pending"), &json!("unpaid")));
        assert_eq!(order["total_minor"], total);
        assert_eq!(order["total_display"], "1,250,000.00 TZS");
        assert_eq!((&order["paid_minor"], &order["refunded_minor"]), (&json!(0), &json!(0)));
        assert_eq!(order["currency"], "TZS");
        assert_eq!(order["event_id"], shop.event.as_str());
        assert_eq!(order["buyer"]["email"], BUYER);
        assert_eq!(list(order, "items").len(), 3);
        let sum: i64 = list(order, "items").iter().map(|i| i["total_minor"].as_i64().unwrap()).sum();
        assert_eq!(sum, total);
        assert_eq!(list(order, "items")[2]["kind"], "booth");
        assert_eq!(list(order, "tickets").len(), 3);
        assert_eq!(ticket_statuses(order), only("reserved"));
        let serials: HashSet<String> = list(order, "tickets").iter().map(|t| text(&t["serial"])).collect();
        assert_eq!(serials.len(), 3);
        let booths = list(order, "booths");
        assert_eq!(booths.len(), 1);
        assert_eq!(booths[0]["booth_number"], "A-2");
        assert_eq!(booths[0]["price_minor"], CORNER);
        assert_eq!(booths[0]["company_name"], "Kahawa Ltd");
        assert!(list(order, "payments").is_empty());
        expect_stock(app, "VIP", 2, 0).await;
        expect_stock(app, "Regular", 1, 0).await;
        assert_eq!(shop.available(app, "VIP").await, 8);
        assert_eq!(shop.available(app, "Corner").await, 2);
    }

    async fn an_order_is_kept_for_a_quarter_of_an_hour(app: &TestApp) {
        let shop = Shop::open(app).await;
        let placed = shop.order(&app.nobody(), shop.items(&[("vip", 1)])).await;
        let at = |name: &str| chrono::DateTime::parse_from_rfc3339(&text(&placed.body[name])).unwrap();
        placed.expect(201);
        assert_eq!((at("expires_at") - at("created_at")).num_seconds(), 15 * 60);
    }

    async fn every_ticket_has_its_attendee(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 2)]);
        items[0]["attendees"] = json!([
            {"name": "Asha Mwinyi", "email": "asha@example.com", "phone": "+255714000333"},
            {"name": "Bahati Omar"},
        ]);
        let placed = shop.order(&app.nobody(), items).await;
        let tickets = list(&placed.expect(201).body, "tickets");
        let names: HashSet<String> = tickets.iter().map(|t| text(&t["attendee"]["name"])).collect();
        assert_eq!(names, HashSet::from(["Asha Mwinyi".to_owned(), "Bahati Omar".to_owned()]));
        let asha = tickets.iter().find(|t| t["attendee"]["name"] == "Asha Mwinyi").unwrap();
        assert_eq!(asha["attendee"]["email"], "asha@example.com");
        assert_eq!(asha["ticket_type_name"], "VIP");
        assert_eq!(asha["price_minor"], VIP);
    }

    async fn more_attendees_than_tickets_are_refused(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 1)]);
        items[0]["attendees"] = json!([{"name": "Asha"}, {"name": "Bahati"}]);
        shop.order(&app.nobody(), items).await.expect_problem(422, "validation_failed");
    }

    async fn types_are_known_by_id_or_slug(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut booth = shop.booth(None);
        booth.as_object_mut().unwrap().remove("booth_type_id");
        booth["booth_type"] = json!("corner");
        let items = vec![json!({"ticket_type": "vip", "quantity": 1}), booth];
        let placed = shop.order(&app.nobody(), items).await;
        assert_eq!(placed.expect(201).body["total_minor"], VIP + CORNER);
    }

    async fn what_a_buyer_adds_is_kept(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["metadata"] = json!({"campaign": "radio"});
        body["locale"] = json!("sw");
        body["description"] = json!("A birthday");
        let order = shop.place(&app.nobody(), body).await.expect(201).body.clone();
        assert_eq!(order["metadata"], json!({"campaign": "radio"}));
        assert_eq!((&order["locale"], &order["description"]), (&json!("sw"), &json!("A birthday")));
    }

    async fn an_order_for_a_session_of_the_event(app: &TestApp) {
        let shop = Shop::open(app).await;
        let friday = json!({"name": "Friday", "starts_at": "2027-02-12T15:00:00Z"});
        let sessions = format!("{}/sessions", shop.path());
        let friday = shop.admin.post(&sessions, friday).await.expect(201).id();
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["session_id"] = json!(friday);
        let placed = shop.place(&app.nobody(), body.clone()).await;
        assert_eq!(placed.expect(201).body["session_id"], friday.as_str());
        body["session_id"] = json!("ses_01h455vb4pex5vsknk084sn02q");
        shop.place(&app.nobody(), body).await.expect_problem(422, "validation_failed");
    }

    async fn an_order_needs_a_key(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = shop.body(shop.items(&[("vip", 1)]));
        let nobody = app.nobody();
        nobody.post(ORDERS, body.clone()).await.expect_problem(400, "idempotency_key_required");
        // Keys of people whom nobody knows must be hard to guess.
        let short = nobody.keyed("only-15-letters", "POST", ORDERS, body.clone()).await;
        short.expect_problem(422, "validation_failed");
        app.user("asha@example.com").await.keyed("12345678", "POST", ORDERS, body).await.expect(201);
        assert_eq!(count(app, "orders").await, 1);
    }

    async fn twenty_equal_requests_make_one_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (nobody, key) = (app.nobody(), key());
        let body = shop.body(shop.items(&[("vip", 1)]));
        let all = (0..20).map(|_| nobody.keyed(&key, "POST", ORDERS, body.clone()));
        let answers = futures_util::future::join_all(all).await;
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "idempotency_in_progress");
            assert!(answer.header("retry-after").is_some());
        }
        let fresh = |answer: &&Answer| answer.status == 201 && answer.header("idempotency-replayed").is_none();
        assert_eq!(answers.iter().filter(fresh).count(), 1);
        let again = nobody.keyed(&key, "POST", ORDERS, body).await;
        assert_eq!(again.expect(201).header("idempotency-replayed"), Some("true"));
        for answer in answers.iter().filter(|answer| answer.status == 201) {
            // The token too: it is derived again, and stored nowhere.
            assert_eq!(answer.body, again.body);
        }
        assert_eq!((count(app, "orders").await, count(app, "tickets").await), (1, 1));
        let stored = "SELECT count(*) FROM idempotency WHERE CAST(answer AS text) LIKE '%ogt_%'";
        assert_eq!(app.database.count(stored).await, 0);
    }

    async fn an_order_has_a_version(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let seen = guest.get(&path(&order)).await;
        let tag = seen.expect(200).header("etag").unwrap().to_owned();
        assert_eq!(seen.header("cache-control"), Some("no-store"));
        let again = guest.request("GET", &path(&order)).header("If-None-Match", &tag);
        guest.send(again).await.expect(304);
        step(&guest, &order, "cancel", json!({})).await.expect(200);
        let again = guest.request("GET", &path(&order)).header("If-None-Match", &tag);
        guest.send(again).await.expect(200);
    }
}
