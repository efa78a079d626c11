//! Whatever is sent, it never gives a 500.

use serde_json::{Value, json};

use crate::support::contract::{Operation, operations};
use crate::support::sale::{message, simulate, tell};
use crate::support::{Client, TestApp, event_body, on_both};

/// Texts that somebody has sent to some system one day.
const ODD_TEXTS: &[&str] = &[
    "\u{0}",
    "a\u{0}b",
    "\u{7f}",
    "\r\nBcc: x@y.z",
    "\u{202e}evil",
    "\u{feff}",
    "\u{fffd}",
    "𝕋𝕠𝕝𝕝",
    "👩‍👩‍👧‍👦",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍",
    "' OR 1=1 --",
    "%",
    "_",
    "\\",
    "{{ 7*7 }}",
    "<script>",
    "",
    " ",
];

async fn scene(app: &TestApp, admin: &Client) -> Vec<(&'static str, String)> {
    let organizer = app.organizer("Own").await;
    let user = app.user("juma@example.com").await.user_id();
    let event = admin
        .post("/api/v1/events", event_body("Jazz"))
        .await
        .expect(201)
        .id();
    let session = json!({"name": "Friday", "starts_at": "2027-02-12T15:00:00Z"});
    let path = format!("/api/v1/events/{event}/sessions");
    let session = admin.post(&path, session).await.expect(201).id();
    let path = format!("/api/v1/events/{event}");
    let body = json!({"name": "VIP", "price_minor": 1, "capacity": 1});
    let made = admin.post(&format!("{path}/ticket-types"), body).await;
    let ticket_type = made.expect(201).id();
    let body = json!({"name": "Corner", "price_minor": 1});
    let made = admin.post(&format!("{path}/booth-types"), body).await;
    let booth_type = made.expect(201).id();
    let body = json!({"booth_type_id": booth_type, "number": "1"});
    let made = admin.post(&format!("{path}/booths"), body).await;
    let booth = made.expect(201).body["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = json!({"code": "no code"});
    admin.post("/api/v1/checkins", code).await.expect(200);
    let first = async |path: &str| {
        let list = admin.get(path).await;
        let first = &list.expect(200).body["data"][0];
        let id = first["id"].as_str().or(first["scan_id"].as_str());
        id.unwrap().to_owned()
    };
    admin
        .post(&format!("{path}/publish"), json!({}))
        .await
        .expect(200);
    let body = json!({
        "event_id": event, "items": [{"ticket_type_id": ticket_type, "quantity": 1}],
        "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    });
    let checkout = "/api/v1/checkout-sessions";
    let sale = admin
        .keyed("bad-input-checkout", "POST", checkout, body)
        .await;
    let text = |name: &str| sale.expect(201).body[name].as_str().unwrap().to_owned();
    // A free ticket is good at once.
    let body = json!({"name": "Free", "price_minor": 0, "capacity": 1});
    let made = admin.post(&format!("{path}/ticket-types"), body).await;
    let body = json!({
        "event_id": event, "items": [{"ticket_type_id": made.expect(201).id(), "quantity": 1}],
        "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    });
    let given = admin
        .keyed("bad-input-ticket", "POST", checkout, body)
        .await;
    let ticket = &given.expect(201).body["tickets"][0]["id"];
    let refund = refund(app, admin, &path, &event).await;
    // News of a payment that nobody knows is a task too.
    let unknown = json!({
        "id": "pay_01h455vb4pex5vsknk084sn02q", "reference": "00000000000000000000",
        "amount_minor": 1, "currency": "TZS",
    });
    tell(app, &message("payment.succeeded", &unknown)).await;
    let runs = "/api/v1/reconciliation/runs";
    let body = json!({
        "provider": "dummy", "from": "2027-01-01T00:00:00Z", "until": "2027-01-02T00:00:00Z",
    });
    let run = admin.keyed("bad-input-run", "POST", runs, body).await;
    vec![
        ("webhook-events", first("/api/v1/webhook-events").await),
        ("tasks", first("/api/v1/tasks").await),
        ("runs", run.expect(202).id()),
        ("orders", text("order_id")),
        ("tickets", ticket.as_str().unwrap().to_owned()),
        ("scan_id", first("/api/v1/checkins").await),
        ("lid", event.replace("evt_", "lst_")),
        ("payment-intents", text("payment_id")),
        ("transactions", text("payment_id")),
        ("checkout-sessions", text("id")),
        ("refunds", refund),
        ("emails", first("/api/v1/emails").await),
        ("jobs", first("/api/v1/jobs").await),
        ("ticket-types", ticket_type),
        ("booth-types", booth_type),
        ("bid", booth),
        ("organizers", organizer),
        ("users", user),
        ("events", event),
        ("sid", session),
    ]
}

/// A refund of something that was bought and paid.
async fn refund(app: &TestApp, admin: &Client, path: &str, event: &str) -> String {
    let body = json!({"name": "Paid", "price_minor": 9, "capacity": 1});
    let made = admin.post(&format!("{path}/ticket-types"), body).await;
    let body = json!({
        "event_id": event, "items": [{"ticket_type_id": made.expect(201).id(), "quantity": 1}],
        "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    });
    let checkout = "/api/v1/checkout-sessions";
    let sale = admin.keyed("bad-input-paid", "POST", checkout, body).await;
    let sale = sale.expect(201).body.clone();
    let text = |name: &str| sale[name].as_str().unwrap().to_owned();
    let paid = simulate(admin, &text("payment_id"), "succeed").await;
    paid.expect(202);
    app.drain().await;
    let body = json!({"order_id": text("order_id"), "reason": "other"});
    let made = admin
        .keyed("bad-input-refund", "POST", "/api/v1/refunds", body)
        .await;
    made.expect(201).id()
}

fn path(operation: &Operation, scene: &[(&str, String)]) -> String {
    let find = |kind: &str| scene.iter().find(|(k, _)| *k == kind).unwrap().1.clone();
    let kinds = [
        "organizers",
        "users",
        "events",
        "orders",
        "payment-intents",
        "transactions",
        "checkout-sessions",
        "refunds",
        "tickets",
        "emails",
        "jobs",
        "webhook-events",
        "tasks",
        "runs",
    ];
    let id = kinds
        .into_iter()
        .find(|kind| operation.path.contains(&format!("/{kind}/{{id}}")))
        .map_or_else(|| "sid_01h455vb4pex5vsknk084sn02q".to_owned(), find);
    let kind = match operation.path.contains("/booth-types/") {
        true => "booth-types",
        false => "ticket-types",
    };
    operation
        .path
        .replace("{id}", &id)
        .replace("{tid}", &find(kind))
        .replace("{bid}", &find("bid"))
        .replace("{user_id}", &find("users"))
        .replace("{sid}", &find("sid"))
        .replace("{code}", "sold_out")
        .replace("{provider}", "dummy")
        .replace("{scan_id}", &find("scan_id"))
        .replace("{lid}", &find("lid"))
}

/// Operations that would end the sign-in which the test needs, or cost a password hash each.
fn is_tried(operation: &Operation) -> bool {
    !operation.id().starts_with("logout")
}

on_both! {
    async fn bodies_that_are_no_json(app: &TestApp) {
        let admin = app.admin().await;
        let scene = scene(app, &admin).await;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep_object = format!("{}1{}", r#"{"a":"#.repeat(30_000), "}".repeat(30_000));
        for operation in operations() {
            if operation.body_example().is_none() || !is_tried(&operation) {
                continue;
            }
            let path = path(&operation, &scene);
            let send = async |body: Vec<u8>, media: &str| {
                let request = admin.request(&operation.method, &path).header("content-type", media);
                admin.send(request.body(body)).await
            };
            let json = "application/json";
            for text in ["{", "nonsense", "{\"a\":}", "\"\\ud800\"", deep.as_str(), deep_object.as_str()] {
                send(text.into(), json).await.expect_problem(400, "malformed_json");
            }
            send(b"\xff\xfe{}".to_vec(), json).await.expect_problem(400, "malformed_json");
            for text in ["[]", "1", "null", "\"text\"", "true"] {
                send(text.into(), json).await.expect_problem(422, "validation_failed");
            }
            send(b"{}".to_vec(), "text/plain").await.expect_problem(415, "unsupported_media_type");
            send(vec![b' '; 256 * 1024 + 1], json).await.expect_problem(413, "payload_too_large");
        }
    }

    async fn members_of_every_wrong_kind(app: &TestApp) {
        let admin = app.admin().await;
        let scene = scene(app, &admin).await;
        let mut values: Vec<Value> = ODD_TEXTS.iter().map(|text| json!(text)).collect();
        values.extend([
            json!(null), json!(true), json!(0), json!(-1), json!(1.5), json!(i64::MAX), json!(u64::MAX),
            json!(1e308), json!([]), json!({}), json!([[]]), json!({"a": {"b": null}}),
            json!("x".repeat(10_000)), json!("🎪".repeat(6_000)),
        ]);
        for operation in operations() {
            let Some(example) = operation.body_example().filter(|_| is_tried(&operation)) else {
                continue;
            };
            let path = path(&operation, &scene);
            for name in example.as_object().unwrap().keys() {
                for value in &values {
                    let mut body = example.clone();
                    body[name] = value.clone();
                    let answer = admin.send(admin.request(&operation.method, &path).json(&body)).await;
                    assert!(answer.status < 500, "{} {name}={value}: {}", operation.id(), answer.text);
                }
            }
            let mut body = example;
            body["nonsense\u{0}/~"] = json!(1);
            let answer = admin.send(admin.request(&operation.method, &path).json(&body)).await;
            answer.expect_problem(422, "unknown_field");
        }
    }

    async fn ids_of_every_wrong_kind(app: &TestApp) {
        let admin = app.admin().await;
        let scene = scene(app, &admin).await;
        let long = "x".repeat(5_000);
        let ids = [
            "1", "-1", "%00", "a%00b", "%F0%9F%8E%AA", "%FF%FE", "..%2f..%2fetc", "null", "'", "%27%20OR%201=1",
            "usr_01h455vb4pex5vsknk084sn02q", "evt_01h455vb4pex5vsknk084sn02q", "evt_81h455vb4pex5vsknk084sn02q",
            "EVT_01H455VB4PEX5VSKNK084SN02Q", "01890a5d-ac96-774b-bcce-b302099a8057", "%0d%0aSet-Cookie:a=b", long.as_str(),
        ];
        for operation in operations() {
            if !operation.path.contains('{') || !is_tried(&operation) {
                continue;
            }
            for id in ids {
                // The last of the path's ids is wrong, those before it are good.
                let (before, after) = operation.path.rsplit_once('{').unwrap();
                let (_, rest) = after.split_once('}').unwrap();
                let wrong = Operation { path: format!("{before}{id}{rest}"), ..operation.clone() };
                let mut request = admin.request(&operation.method, &path(&wrong, &scene));
                if let Some(body) = operation.body_example() {
                    request = request.json(&body);
                }
                let answer = admin.send(request).await;
                assert_eq!(answer.status, 404, "{} {id}: {}", operation.id(), answer.text);
            }
        }
    }

    async fn parameters_of_every_wrong_kind(app: &TestApp) {
        let admin = app.admin().await;
        let scene = scene(app, &admin).await;
        for operation in operations() {
            let path = path(&operation, &scene);
            for name in operation.parameters("query") {
                for text in ODD_TEXTS.iter().chain(&["-1", "99999999999999999999", "a,b,,", "[]"]) {
                    let request = admin.request(&operation.method, &path).query(&[(&name, text)]);
                    let answer = admin.send(request).await;
                    // Nothing is there for who brings a wrong signature.
                    let is_fine = matches!(answer.status, 200 | 422) || (name == "signature" && answer.status == 404);
                    assert!(is_fine, "{} {name}={text:?}: {}", operation.id(), answer.text);
                }
                for raw in ["%00", "%ff", "%", "&&&", "=="] {
                    let answer = admin.get(&format!("{path}?{name}={raw}")).await;
                    assert!(answer.status < 500, "{} {name}={raw}: {}", operation.id(), answer.text);
                }
            }
        }
    }
}
