//! Orders: quoted, placed, held, ended, changed, paid by hand, found again.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::sale::{
    BUYER, CORNER, Purchase, REGULAR, Shop, VIP, as_guest, buy, count_mails, count_postings,
    expect_stock, expect_true_books, key, simulate, text, tickets,
};
use crate::support::{Answer, Client, Kind, TestApp, event_body, on_both, run};

const ORDERS: &str = "/api/v1/orders";
const MINUTE: Duration = Duration::from_secs(60);

/// Longer than an unpaid order is kept.
const HOLD_IS_OVER: Duration = Duration::from_secs(15 * 60 + 1);

fn path(order: &Value) -> String {
    format!("{ORDERS}/{}", text(&order["id"]))
}

async fn read(client: &Client, order: &Value) -> Value {
    client.get(&path(order)).await.expect(200).body.clone()
}

async fn step(client: &Client, order: &Value, step: &str, body: Value) -> Answer {
    let path = format!("{}/{step}", path(order));
    client.keyed(&key(), "POST", &path, body).await
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = value[name].as_array();
    list.unwrap_or_else(|| panic!("no list {name}: {value}"))
}

fn ids(answer: &Answer) -> Vec<String> {
    let data = list(&answer.expect(200).body, "data");
    data.iter().map(|one| text(&one["id"])).collect()
}

fn allows(order: &Value, action: &str) -> bool {
    list(order, "allowed_actions").contains(&json!(action))
}

/// The statuses of an order's tickets, each once.
fn ticket_statuses(order: &Value) -> HashSet<String> {
    let tickets = list(order, "tickets").iter();
    tickets.map(|ticket| text(&ticket["status"])).collect()
}

fn only(status: &str) -> HashSet<String> {
    HashSet::from([status.to_owned()])
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    app.database.count(&query).await
}

fn quote_body(shop: &Shop, items: Vec<Value>) -> Value {
    json!({"event_id": shop.event, "items": items})
}

// Quotes --------------------------------------------------------------------

on_both! {
    async fn a_quote_tells_lines_total_and_what_is_left(app: &TestApp) {
        let shop = Shop::open(app).await;
        let items = shop.items(&[("vip", 2), ("regular", 1)]);
        let quote = app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await;
        quote.expect(200);
        assert_eq!(quote.body["total_minor"], 2 * VIP + REGULAR);
        assert_eq!(quote.body["currency"], "TZS");
        let lines = list(&quote.body, "lines");
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["ticket_type_id"], shop.type_id("vip"));
        assert_eq!(lines[0]["quantity"], 2);
        assert_eq!(lines[0]["unit_price_minor"], VIP);
        assert_eq!(lines[0]["total_minor"], 2 * VIP);
        assert_eq!((&lines[0]["available"], &lines[1]["available"]), (&json!(10), &json!(100)));
    }

    async fn a_quote_holds_nothing(app: &TestApp) {
        let shop = Shop::open(app).await;
        let items = shop.items(&[("vip", 10)]);
        app.nobody().post("/api/v1/quotes", quote_body(&shop, items.clone())).await.expect(200);
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!((count(app, "orders").await, count(app, "holds").await), (0, 0));
        // All of it can still be bought.
        shop.order(&app.nobody(), items).await.expect(201);
    }

    async fn a_quote_refuses_what_an_order_refuses(app: &TestApp) {
        let shop = Shop::open(app).await;
        let quote = async |items: Vec<Value>| {
            app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await
        };
        let unknown = vec![tickets("tty_01h455vb4pex5vsknk084sn02q", 1)];
        quote(unknown).await.expect_problem(422, "ticket_type_not_found");
        let too_many = shop.items(&[("regular", 21)]);
        quote(too_many).await.expect_problem(422, "quantity_out_of_range");
    }
}

// Placing -------------------------------------------------------------------

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

// Prices --------------------------------------------------------------------

on_both! {
    async fn an_expected_total_is_compared(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut body = shop.body(shop.items(&[("vip", 2)]));
        for wrong in [0, 1, 2 * VIP - 1, 2 * VIP + 1] {
            body["expected_total_minor"] = json!(wrong);
            shop.place(&app.nobody(), body.clone()).await.expect_problem(409, "price_changed");
        }
        expect_stock(app, "VIP", 0, 0).await;
        body["expected_total_minor"] = json!(2 * VIP);
        body["currency"] = json!("tzs");
        shop.place(&app.nobody(), body.clone()).await.expect(201);
        body["currency"] = json!("USD");
        shop.place(&app.nobody(), body).await.expect_problem(422, "currency_not_supported");
    }

    async fn nobody_names_their_own_price(app: &TestApp) {
        let shop = Shop::open(app).await;
        for member in ["price_minor", "unit_price_minor", "total_minor", "amount"] {
            let mut items = shop.items(&[("vip", 1)]);
            items[0][member] = json!(1);
            let refused = shop.order(&app.nobody(), items).await;
            refused.expect_problem(422, "unknown_field");
            assert_eq!(refused.faults(), [(format!("/items/0/{member}"), "unknown_field".to_owned())]);
        }
        for member in ["total_minor", "amount_minor", "status", "payment_status", "owner_id"] {
            let mut body = shop.body(shop.items(&[("vip", 1)]));
            body[member] = json!(1);
            shop.place(&app.nobody(), body).await.expect_problem(422, "unknown_field");
        }
        assert_eq!(count(app, "orders").await, 0);
    }

    async fn an_ordered_price_stays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let vip = format!("{}/ticket-types/{}", shop.path(), shop.type_id("vip"));
        shop.admin.patch(&vip, json!({"price_minor": 1})).await.expect(200);
        assert_eq!(read(&guest, &order).await["total_minor"], VIP);
        let body = json!({"order_id": order["id"]});
        let intent = guest.keyed(&key(), "POST", "/api/v1/payment-intents", body).await;
        assert_eq!(intent.expect(201).body["amount_minor"], VIP);
        // Whoever still believes in the old price is told.
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["expected_total_minor"] = json!(VIP);
        shop.place(&app.nobody(), body).await.expect_problem(409, "price_changed");
    }
}

// Quantities ----------------------------------------------------------------

/// A quantity that cannot be meant is refused, in the one way or the other.
fn expect_bad_quantity(answer: &Answer) {
    answer.expect(422);
    let code = text(&answer.body["code"]);
    let is_right = ["quantity_out_of_range", "validation_failed"].contains(&code.as_str());
    assert!(is_right, "{code}: {}", answer.text);
}

on_both! {
    async fn quantities_that_nobody_can_mean(app: &TestApp) {
        let shop = Shop::open(app).await;
        for quantity in [
            json!(0), json!(-1), json!(1_000_000_000), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX),
            json!("2"), json!("two"), json!(1.5), json!(true), json!(null), json!([1]), json!({}),
        ] {
            let mut items = shop.items(&[("vip", 1)]);
            items[0]["quantity"] = quantity;
            expect_bad_quantity(&shop.order(&app.nobody(), items.clone()).await);
            let quote = app.nobody().post("/api/v1/quotes", quote_body(&shop, items)).await;
            expect_bad_quantity(&quote);
        }
        let mut items = shop.items(&[("vip", 1)]);
        items[0].as_object_mut().unwrap().remove("quantity");
        shop.order(&app.nobody(), items).await.expect_problem(422, "validation_failed");
        assert_eq!((count(app, "orders").await, count(app, "tickets").await), (0, 0));
        expect_stock(app, "VIP", 0, 0).await;
    }

    async fn a_type_has_a_least_and_a_most(app: &TestApp) {
        let shop = Shop::open(app).await;
        let body = json!({
            "name": "Family", "price_minor": 100, "capacity": 100, "min_per_order": 2, "max_per_order": 4,
        });
        let family = shop.add_type(body).await;
        for wrong in [vec![1], vec![5], vec![3, 3]] {
            let items = wrong.into_iter().map(|n| tickets(&family, n)).collect();
            let refused = shop.order(&app.nobody(), items).await;
            refused.expect_problem(422, "quantity_out_of_range");
        }
        for right in [vec![2], vec![4], vec![2, 2]] {
            let items = right.into_iter().map(|n| tickets(&family, n)).collect();
            shop.order(&app.nobody(), items).await.expect(201);
        }
    }

    async fn an_event_has_a_most_for_one_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        for too_many in [vec![("regular", 21)], vec![("regular", 15), ("student", 6)]] {
            let refused = shop.order(&app.nobody(), shop.items(&too_many)).await;
            refused.expect_problem(422, "quantity_out_of_range");
        }
        shop.order(&app.nobody(), shop.items(&[("regular", 15), ("student", 5)])).await.expect(201);
        shop.admin.patch(&shop.path(), json!({"max_per_order": 3})).await.expect(200);
        let refused = shop.order(&app.nobody(), shop.items(&[("regular", 4)])).await;
        refused.expect_problem(422, "quantity_out_of_range");
        shop.order(&app.nobody(), shop.items(&[("regular", 3)])).await.expect(201);
    }

    async fn an_order_has_one_to_fifty_lines(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.admin.patch(&shop.path(), json!({"max_per_order": 100})).await.expect(200);
        shop.order(&app.nobody(), Vec::new()).await.expect_problem(422, "validation_failed");
        let mut body = shop.body(Vec::new());
        body.as_object_mut().unwrap().remove("items");
        shop.place(&app.nobody(), body).await.expect_problem(422, "validation_failed");
        let lines = |count: usize| vec![tickets(shop.type_id("regular"), 1); count];
        shop.order(&app.nobody(), lines(51)).await.expect_problem(422, "validation_failed");
        shop.order(&app.nobody(), lines(50)).await.expect(201);
    }

    async fn a_body_with_several_faults_tells_all(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut booth = shop.booth(None);
        booth.as_object_mut().unwrap().remove("company_name");
        booth["contact_email"] = json!("nobody");
        let mut body = shop.body(vec![booth]);
        body["buyer"]["email"] = json!("no address");
        body["buyer"]["name"] = json!("Juma\r\nBcc: all@example.com");
        let refused = shop.place(&app.nobody(), body).await;
        refused.expect_problem(422, "validation_failed");
        let pointers: HashSet<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
        for pointer in ["/items/0/company_name", "/items/0/contact_email", "/buyer/email", "/buyer/name"] {
            assert!(pointers.contains(pointer), "{pointer}: {}", refused.text);
        }
    }
}

// What can be ordered -------------------------------------------------------

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

    async fn another_events_booth_is_not_for_sale_here(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let mut line = shop.booth(None);
        line["booth_id"] = json!(other.booths[0]);
        let refused = shop.order(&app.nobody(), vec![line]).await;
        assert!(matches!(refused.status, 409 | 422), "{}", refused.text);
        assert_eq!(other.available(app, "Corner").await, 3);
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
}

// Two at the same moment ----------------------------------------------------

on_both! {
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

// The end of an unpaid order ------------------------------------------------

on_both! {
    async fn an_unpaid_order_expires(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 3)]);
        items.push(shop.booth(Some(2)));
        let (guest, order) = shop.guest_order(app, items).await;
        app.clock.advance(14 * MINUTE);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "pending");
        expect_stock(app, "VIP", 3, 0).await;

        app.clock.advance(2 * MINUTE);
        app.drain().await;
        let expired = read(&guest, &order).await;
        assert_eq!((&expired["status"], &expired["payment_status"]), (&json!("expired"), &json!("unpaid")));
        assert_eq!(ticket_statuses(&expired), only("void"));
        assert!(!allows(&expired, "pay") && !allows(&expired, "cancel") && !allows(&expired, "edit"));
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        assert_eq!(count(app, "holds WHERE status = 'active'").await, 0);
        assert_eq!(count_mails(app, "order_expired").await, 1);
        let mails = app.mails().await;
        assert!(mails.iter().any(|mail| mail.contains(&format!("To: {BUYER}"))), "{mails:#?}");
        // The next one gets it.
        shop.order(&app.nobody(), vec![shop.booth(Some(2))]).await.expect(201);
    }

    async fn an_order_expires_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.guest_order(app, shop.items(&[("vip", 3)])).await;
        app.clock.advance(HOLD_IS_OVER);
        let workers = (0..4).map(|_| app.app.drain_jobs());
        for outcome in futures_util::future::join_all(workers).await {
            outcome.unwrap();
        }
        app.clock.advance(MINUTE);
        app.drain().await;
        assert_eq!(count_mails(app, "order_expired").await, 1);
        expect_stock(app, "VIP", 0, 0).await;
    }

    async fn a_buyer_cancels_an_unpaid_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let mut items = shop.items(&[("vip", 3)]);
        items.push(shop.booth(Some(0)));
        let (guest, order) = shop.guest_order(app, items).await;
        let canceled = step(&guest, &order, "cancel", json!({})).await;
        assert_eq!(canceled.expect(200).body["status"], "canceled");
        assert_eq!(ticket_statuses(&read(&guest, &order).await), only("void"));
        expect_stock(app, "VIP", 0, 0).await;
        assert_eq!(shop.available(app, "Corner").await, 3);
        step(&guest, &order, "cancel", json!({})).await.expect_problem(409, "invalid_transition");
        // What is canceled does not expire as well.
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "canceled");
        assert_eq!(count_mails(app, "order_expired").await, 0);
    }

    async fn a_canceled_order_cannot_be_paid_any_more(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.cancel().await.expect(200);
        app.clock.advance(MINUTE);
        app.drain().await;
        let payment = purchase.payment().await;
        assert!(matches!(text(&payment["status"]).as_str(), "canceled" | "expired"), "{payment}");
        // Whatever the buyer presses now.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["paid_minor"]), (&json!("canceled"), &json!(0)));
        purchase.pay_again(json!({})).await.expect(409);
    }

    async fn a_paid_order_is_not_canceled_by_its_buyer(app: &TestApp) {
        let (guest, checkout) = buy(app).await;
        let order = json!({"id": checkout["order_id"]});
        step(&guest, &order, "cancel", json!({})).await.expect_problem(409, "order_already_paid");
        let order = read(&guest, &order).await;
        assert_eq!(order["status"], "confirmed");
        assert_eq!(ticket_statuses(&order), only("valid"));
        assert!(allows(&order, "resend") && !allows(&order, "pay") && !allows(&order, "cancel"));
    }

    async fn an_order_whose_payment_is_under_way_is_not_canceled(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        purchase.cancel().await.expect_problem(409, "payment_in_progress");
        assert_eq!(purchase.order().await["status"], "pending");
    }

    async fn a_free_order_is_confirmed_at_once(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("free", 2)])).await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!((&order["total_minor"], &order["paid_minor"]), (&json!(0), &json!(0)));
        let order = read(&guest, &order).await;
        assert_eq!(ticket_statuses(&order), only("valid"));
        assert_eq!(list(&order, "tickets").len(), 2);
        assert!(list(&order, "payments").is_empty());
        expect_stock(app, "Free", 0, 2).await;
        assert_eq!((count(app, "payments").await, count(app, "postings").await), (0, 0));
        app.drain().await;
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        // It stays when others' time is over.
        app.clock.advance(HOLD_IS_OVER);
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "confirmed");
    }
}

// Who sees an order ---------------------------------------------------------

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

    async fn who_is_signed_in_owns_the_order(app: &TestApp) {
        let shop = Shop::open(app).await;
        let asha = app.user("asha@example.com").await;
        let bahati = app.user("bahati@example.com").await;
        let order = shop.order(&asha, shop.items(&[("vip", 1)])).await.expect(201).body.clone();
        assert!(order["order_token"].is_null(), "{order}");
        assert_eq!(ids(&asha.get(ORDERS).await), [text(&order["id"])]);
        read(&asha, &order).await;
        assert!(ids(&bahati.get(ORDERS).await).is_empty());
        bahati.get(&path(&order)).await.expect_problem(404, "not_found");
        step(&bahati, &order, "cancel", json!({})).await.expect_problem(404, "not_found");
        step(&asha, &order, "cancel", json!({})).await.expect(200);
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

    async fn a_manager_sees_the_orders_of_the_own_organizer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        assert_eq!(ids(&manager.get(ORDERS).await), [text(&order["id"])]);
        let seen = read(&manager, &order).await;
        assert!(allows(&seen, "mark_paid"), "{seen}");
        let own = read(&guest, &order).await;
        assert!(allows(&own, "pay") && allows(&own, "cancel") && allows(&own, "edit"), "{own}");
        assert!(!allows(&own, "mark_paid"), "{own}");
        step(&manager, &order, "cancel", json!({})).await.expect(200);
    }

    async fn the_list_is_filtered(app: &TestApp) {
        let shop = Shop::open(app).await;
        let other = Shop::open(app).await;
        let (guest, canceled) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        step(&guest, &canceled, "cancel", json!({})).await.expect(200);
        let (_, free) = shop.guest_order(app, shop.items(&[("free", 1)])).await;
        let (_, elsewhere) = other.guest_order(app, other.items(&[("vip", 1)])).await;
        app.clock.advance(MINUTE);
        let later = app.clock.now().to_string();
        let mut body = shop.body(shop.items(&[("vip", 1)]));
        body["buyer"]["email"] = json!("asha@example.com");
        let asha = shop.place(&app.nobody(), body).await.expect(201).body.clone();

        let find = async |query: &str| ids(&shop.admin.get(&format!("{ORDERS}?{query}")).await);
        let id = |order: &Value| text(&order["id"]);
        assert_eq!(find("").await, [id(&asha), id(&elsewhere), id(&free), id(&canceled)]);
        assert_eq!(find("status=canceled").await, [id(&canceled)]);
        assert_eq!(find("status=canceled,confirmed").await, [id(&free), id(&canceled)]);
        assert_eq!(find("payment_status=paid").await, [id(&free)]);
        assert_eq!(find(&format!("event_id={}", other.event)).await, [id(&elsewhere)]);
        assert_eq!(find("email=asha@example.com").await, [id(&asha)]);
        assert_eq!(find(&format!("created_at[gte]={later}")).await, [id(&asha)]);
        assert_eq!(find(&format!("created_at[lte]={later}&status=pending")).await, [id(&elsewhere)]);
        assert!(find("email=nobody@example.com").await.is_empty());
        let first = shop.admin.get(&format!("{ORDERS}?limit=3")).await;
        assert_eq!(ids(&first).len(), 3);
        let cursor = text(&first.body["next_cursor"]);
        assert_eq!(find(&format!("limit=3&after={cursor}")).await, [id(&canceled)]);
        shop.admin.get(&format!("{ORDERS}?state=paid")).await.expect_problem(422, "unknown_parameter");
        shop.admin.get(&format!("{ORDERS}?status=paid")).await.expect_problem(422, "validation_failed");
    }
}

// Changing, paying by hand, finding again -----------------------------------

on_both! {
    async fn buyer_and_attendees_change_until_the_order_is_confirmed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 2)])).await;
        let order = json!({"id": purchase.order});
        let ticket = purchase.body["tickets"][0]["id"].clone();
        let change = json!({
            "buyer": {"name": "Juma A. Ali", "phone": "+255719000999"},
            "attendees": [{"ticket_id": ticket, "name": "Asha Mwinyi", "email": "asha@example.com"}],
        });
        let changed = purchase.guest.patch(&path(&order), change.clone()).await;
        assert_eq!(changed.expect(200).body["buyer"]["name"], "Juma A. Ali");
        assert_eq!(changed.body["buyer"]["email"], BUYER);
        let tickets = list(&changed.body, "tickets");
        let changed = tickets.iter().find(|one| one["id"] == ticket).unwrap();
        assert_eq!(changed["attendee"]["name"], "Asha Mwinyi");

        purchase.simulate("succeed").await;
        app.drain().await;
        let late = purchase.guest.patch(&path(&order), change).await;
        late.expect_problem(409, "invalid_transition");
    }

    async fn only_contacts_and_attendees_are_changed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        for member in ["total_minor", "status", "items", "expires_at", "payment_status"] {
            let mut change = json!({});
            change[member] = json!(1);
            guest.patch(&path(&order), change).await.expect_problem(422, "unknown_field");
        }
        let bad = json!({"buyer": {"email": "no address"}});
        guest.patch(&path(&order), bad).await.expect_problem(422, "validation_failed");
        // Another order's ticket.
        let (_, other) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let ticket = &other["tickets"][0]["id"];
        let change = json!({"attendees": [{"ticket_id": ticket, "name": "Mallory"}]});
        guest.patch(&path(&order), change).await.expect_problem(422, "validation_failed");
        let written = "SELECT count(*) FROM tickets WHERE attendee_name = 'Mallory'";
        assert_eq!(app.database.count(written).await, 0);
    }

    async fn the_organizers_finance_notes_money_that_came_by_hand(app: &TestApp) {
        let shop = Shop::open(app).await;
        for role in ["finance", "manager"] {
            let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 2)])).await;
            let member = app.member(&shop.organizer, role, &format!("{role}@example.com")).await;
            let body = json!({"method": "bank_transfer", "reference": format!("NMB-{role}"), "note": "Slip seen"});
            let paid = step(&member, &order, "mark-paid", body.clone()).await;
            assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
            let order = read(&guest, &order).await;
            assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
            assert_eq!(order["paid_minor"], 2 * VIP);
            assert_eq!(ticket_statuses(&order), only("valid"));
            let payments = list(&order, "payments");
            assert_eq!(payments.len(), 1);
            assert_eq!(payments[0]["provider"], "manual");
            assert_eq!(payments[0]["status"], "succeeded");
            assert_eq!(payments[0]["amount_minor"], 2 * VIP);
            step(&member, &order, "mark-paid", body).await.expect_problem(409, "order_already_paid");
        }
        expect_stock(app, "VIP", 0, 4).await;
        assert_eq!(count_postings(app, "clearing:manual", "receivable", 2 * VIP).await, 2);
        assert_eq!(count_postings(app, "receivable", "revenue:tickets", 2 * VIP).await, 2);
        assert_eq!(count_mails(app, "order_confirmation").await, 2);
    }

    async fn what_was_paid_by_hand_is_not_paid_again_online(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        let order = json!({"id": purchase.order});
        let body = json!({"method": "cash", "reference": "R-1"});
        step(&shop.admin, &order, "mark-paid", body).await;
        app.clock.advance(5 * MINUTE);
        app.drain().await;
        // The gateway's page, still open in a window.
        simulate(&purchase.guest, &purchase.payment, "succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(order["paid_minor"], VIP);
        expect_true_books(app).await;
    }

    async fn money_by_hand_waits_for_a_payment_under_way(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("process").await;
        app.drain().await;
        let order = json!({"id": purchase.order});
        let body = json!({"method": "cash", "reference": "R-1"});
        step(&shop.admin, &order, "mark-paid", body).await.expect_problem(409, "payment_in_progress");
    }

    async fn nobody_else_notes_money(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let body = json!({"method": "cash", "reference": "R-1"});
        for client in [&guest, &gate] {
            step(client, &order, "mark-paid", body.clone()).await.expect_problem(403, "forbidden");
        }
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        for faulty in [json!({}), json!({"method": "cash"}), json!({"method": "cash", "reference": ""})] {
            step(&finance, &order, "mark-paid", faulty).await.expect_problem(422, "validation_failed");
        }
        let unkeyed = finance.post(&format!("{}/mark-paid", path(&order)), body).await;
        unkeyed.expect_problem(400, "idempotency_key_required");
        assert_eq!(read(&guest, &order).await["status"], "pending");
        assert_eq!(count(app, "journals").await, 0);
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

    async fn the_timeline_tells_what_happened(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 1)])).await;
        let path = format!("{ORDERS}/{}/timeline", purchase.order);
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        for client in [&purchase.guest, &manager] {
            let told = client.get(&path).await;
            let entries = list(&told.expect(200).body, "data");
            assert!(entries.len() >= 3, "placed, paid, confirmed: {}", told.text);
            let times: Vec<String> = entries.iter().map(|entry| text(&entry["at"])).collect();
            let mut sorted = times.clone();
            sorted.sort();
            assert_eq!(times, sorted);
            assert!(told.text.contains("order.confirmed"), "{}", told.text);
            assert!(told.text.contains("payment.succeeded"), "{}", told.text);
        }
    }

    async fn who_of_the_staff_it_was_is_not_the_buyers_business(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        step(&manager, &order, "cancel", json!({})).await.expect(200);
        let told = guest.get(&format!("{}/timeline", path(&order))).await;
        assert!(told.expect(200).text.contains("order.canceled"), "{}", told.text);
        let (id, email) = (manager.user_id(), "manager@example.com");
        assert!(!told.text.contains(&id) && !told.text.contains(email), "{}", told.text);
    }

    async fn a_confirmed_orders_mails_are_sent_again(app: &TestApp) {
        let (guest, checkout) = buy(app).await;
        let order = json!({"id": checkout["order_id"]});
        let before = app.mails().await.len();
        assert_eq!(count_mails(app, "order_confirmation").await, 1);
        let answer = step(&guest, &order, "resend", json!({})).await;
        assert!(matches!(answer.status, 200 | 202 | 204), "{}", answer.text);
        assert_eq!(app.mails().await.len(), before + 1);
        assert_eq!(count_mails(app, "order_confirmation").await, 2);
    }

    async fn an_event_with_orders_stays(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        shop.admin.delete(&shop.path()).await.expect_problem(409, "event_has_orders");
        step(&guest, &order, "cancel", json!({})).await.expect(200);
        // Also when they are over: they are somebody's history.
        shop.admin.delete(&shop.path()).await.expect_problem(409, "event_has_orders");
        read(&guest, &order).await;
    }
}

// Limits --------------------------------------------------------------------

/// Orders from an address of the client's own, for somebody of this e-mail.
async fn order_from(shop: &Shop, client: &Client, ip: &str, email: &str) -> Answer {
    let mut body = shop.body(shop.items(&[("regular", 1)]));
    body["buyer"]["email"] = json!(email);
    let request = client
        .request("POST", ORDERS)
        .header("Idempotency-Key", key())
        .header("X-Forwarded-For", ip);
    client.send(request.json(&body)).await
}

const LIMITED: &[(&str, &str)] = &[("RATE_LIMITS", "on"), ("TRUSTED_PROXIES", "127.0.0.0/8")];

async fn five_open_orders_of_one_email(app: &TestApp) {
    let shop = Shop::open(app).await;
    let nobody = app.nobody();
    let mut placed = Vec::new();
    for n in 1..=5 {
        let answer = order_from(&shop, &nobody, &format!("203.0.113.{n}"), BUYER).await;
        placed.push(answer.expect(201).body.clone());
    }
    let sixth = order_from(&shop, &nobody, "203.0.113.6", BUYER).await;
    sixth.expect_problem(409, "too_many_open_orders");
    let upper = order_from(&shop, &nobody, "203.0.113.7", "JUMA@EXAMPLE.COM").await;
    upper.expect_problem(409, "too_many_open_orders");
    order_from(&shop, &nobody, "203.0.113.8", "asha@example.com")
        .await
        .expect(201);
    // One that is over makes room.
    let guest = as_guest(app, &text(&placed[0]["order_token"]));
    step(&guest, &placed[0], "cancel", json!({}))
        .await
        .expect(200);
    order_from(&shop, &nobody, "203.0.113.9", BUYER)
        .await
        .expect(201);
}

async fn five_open_orders_of_one_address(app: &TestApp) {
    let shop = Shop::open(app).await;
    let nobody = app.nobody();
    for n in 1..=5 {
        let email = format!("buyer{n}@example.com");
        order_from(&shop, &nobody, "203.0.113.1", &email)
            .await
            .expect(201);
    }
    let sixth = order_from(&shop, &nobody, "203.0.113.1", "buyer6@example.com").await;
    sixth.expect_problem(409, "too_many_open_orders");
    order_from(&shop, &nobody, "203.0.113.2", "buyer6@example.com")
        .await
        .expect(201);
}

async fn five_open_orders_of_one_account(app: &TestApp) {
    let shop = Shop::open(app).await;
    let asha = app.user("asha@example.com").await;
    for n in 1..=5 {
        let (ip, email) = (format!("203.0.113.{n}"), format!("friend{n}@example.com"));
        order_from(&shop, &asha, &ip, &email).await.expect(201);
    }
    let sixth = order_from(&shop, &asha, "203.0.113.6", "friend6@example.com").await;
    sixth.expect_problem(409, "too_many_open_orders");
}

#[test]
fn one_email_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_email(app).await;
        });
    }
}

#[test]
fn one_address_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_address(app).await;
        });
    }
}

#[test]
fn one_account_has_five_open_orders() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, LIMITED, async |app| {
            five_open_orders_of_one_account(app).await;
        });
    }
}

#[test]
fn the_time_to_pay_is_a_setting() {
    run(Kind::Sqlite, &[("HOLD_TTL", "2m")], async |app| {
        let shop = Shop::open(app).await;
        let (guest, order) = shop.guest_order(app, shop.items(&[("vip", 1)])).await;
        app.clock.advance(Duration::from_secs(121));
        app.drain().await;
        assert_eq!(read(&guest, &order).await["status"], "expired");
    });
}
