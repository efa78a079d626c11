//! Every operation, tried by nobody, by a stranger, by another organizer's manager and by the
//! organizer's own gate staff. An operation that this table does not know fails the test.

use serde_json::{Value, json};

use crate::support::contract::{Operation, operations};
use crate::support::sale::{self, message, simulate, tell, text};
use crate::support::{Client, TestApp, event_body, on_both};

/// Who may use an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Open on purpose.
    Public,
    SignedIn,
    Admin,
    /// Whoever manages any organizer.
    AnyManager,
    /// The organizer's managers; it does not exist for strangers.
    Manager,
    /// Seen by the organizer's managers only, since the event is a draft.
    Draft,
    /// Changed by the organizer's managers only.
    ManagedDraft,
    /// Its buyer's and the organizer's managers'; it does not exist for strangers.
    Order,
    /// In the caller's own list, or not there.
    Listed,
    /// Gate staff's of any organizer, and managers'.
    AnyGate,
    /// Gate staff's and managers' of the ticket's organizer; it does not exist for strangers.
    TicketAtGate,
    /// Gate staff's and managers' of the draft's organizer.
    GateOfDraft,
    /// Whoever handles any organizer's money: finance staff and managers.
    AnyFinance,
}

fn access(operation: &str) -> Access {
    match operation {
        "healthz"
        | "readyz"
        | "jwks"
        | "index"
        | "version"
        | "contract"
        | "list_errors"
        | "read_error"
        | "register"
        | "login"
        | "refresh"
        | "forgot_password"
        | "reset_password"
        | "verify_email"
        | "list_events"
        | "quote"
        | "create_order"
        | "create_checkout_session"
        | "look_up_orders"
        | "receive_webhook"
        | "return_from_gateway"
        | "return_from_gateway_by_form"
        | "public_config" => Access::Public,
        // Any manager may make events, for an organizer of the body.
        "logout"
        | "logout_all"
        | "read_me"
        | "update_me"
        | "list_my_sessions"
        | "list_organizers"
        | "list_orders"
        | "list_payment_intents"
        | "list_transactions"
        | "list_refunds"
        | "create_refund" => Access::SignedIn,
        "list_users" | "create_user" | "read_user" | "update_user" | "create_organizer"
        | "list_jobs" | "read_job" | "retry_job" => Access::Admin,
        "list_audit_log"
        | "verify_audit_log"
        | "list_emails"
        | "list_providers"
        | "list_webhook_events" => Access::AnyManager,
        "list_tasks" | "start_reconciliation" => Access::AnyFinance,
        "read_order"
        | "update_order"
        | "cancel_order"
        | "mark_order_paid"
        | "resend_order"
        | "read_order_timeline"
        | "read_payment_intent"
        | "cancel_payment_intent"
        | "simulate_payment_intent"
        | "sync_payment_intent"
        | "review_payment_intent"
        | "read_refund"
        | "approve_refund"
        | "reject_refund"
        | "cancel_refund"
        | "retry_refund"
        | "sync_refund"
        | "mark_refund_done"
        | "list_payment_events"
        | "read_checkout_session"
        | "read_ticket"
        | "update_ticket"
        | "read_ticket_code"
        | "read_ticket_calendar"
        | "reissue_ticket"
        | "void_ticket"
        | "suspend_ticket"
        | "reinstate_ticket"
        | "draw_ticket_png"
        | "draw_ticket_svg"
        | "draw_ticket_image" => Access::Order,
        "list_tickets" | "list_checkins" => Access::AnyManager,
        "list_my_tickets" => Access::SignedIn,
        "ticket_keys" => Access::Public,
        "verify_ticket" | "check_in" => Access::AnyGate,
        "check_in_ticket" => Access::TicketAtGate,
        "search_attendees"
        | "list_checkin_lists"
        | "create_checkin_list"
        | "read_checkin_list"
        | "update_checkin_list"
        | "read_checkin_list_status" => Access::GateOfDraft,
        "read_transaction" => Access::Listed,
        "read_organizer" | "update_organizer" | "list_members" | "read_member" | "put_member"
        | "remove_member" | "undo_checkin" => Access::Manager,
        "read_event"
        | "list_event_sessions"
        | "read_event_session"
        | "list_ticket_types"
        | "read_ticket_type"
        | "read_availability"
        | "list_booth_types"
        | "read_booth_type"
        | "read_refund_policy"
        | "list_booths" => Access::Draft,
        "update_event"
        | "delete_event"
        | "publish_event"
        | "unpublish_event"
        | "set_refund_policy"
        | "create_event_session"
        | "update_event_session"
        | "delete_event_session"
        | "create_ticket_type"
        | "update_ticket_type"
        | "delete_ticket_type"
        | "create_booth_type"
        | "update_booth_type"
        | "delete_booth_type"
        | "create_booths"
        | "update_booth"
        | "delete_booth" => Access::ManagedDraft,
        // To anybody but its organizer's managers a mail does not exist, nor a gateway's message;
        // to anybody who does not handle its money, no task and no reconciliation.
        "read_email"
        | "resend_email"
        | "read_webhook_event"
        | "reprocess_webhook_event"
        | "finish_task"
        | "read_reconciliation" => Access::ManagedDraft,
        // Tried in tests of their own: the right depends on the body or on one's own rows.
        "create_event" | "end_my_session" | "create_payment_intent" => Access::SignedIn,
        other => panic!("{other} is not in the table: who may use it?"),
    }
}

struct Scene {
    organizer: String,
    member: String,
    event: String,
    session: String,
    ticket_type: String,
    booth_type: String,
    booth: String,
    user: String,
    order: String,
    payment: String,
    checkout: String,
    refund: String,
    ticket: String,
    scan: String,
    list: String,
    message: String,
    run: String,
    task: String,
}

impl Scene {
    fn path(&self, operation: &Operation) -> String {
        let own = match operation.path.as_str() {
            path if path.contains("/organizers/") => &self.organizer,
            path if path.contains("/users/") => &self.user,
            path if path.contains("/orders/") => &self.order,
            path if path.contains("/tickets/{id}") => &self.ticket,
            path if path.contains("/checkout-sessions/") => &self.checkout,
            path if path.contains("/webhook-events/") => &self.message,
            path if path.contains("/reconciliation/") => &self.run,
            path if path.contains("/tasks/") => &self.task,
            path if path.contains("/payment-intents/") || path.contains("/transactions/") => {
                &self.payment
            }
            path if path.contains("/refunds/") => &self.refund,
            path if path.contains("/me/sessions/") => "sid_01h455vb4pex5vsknk084sn02q",
            _ => &self.event,
        };
        let kind = match operation.path.contains("/booth-types/") {
            true => &self.booth_type,
            false => &self.ticket_type,
        };
        operation
            .path
            .replace("{id}", own)
            .replace("{tid}", kind)
            .replace("{bid}", &self.booth)
            .replace("{user_id}", &self.member)
            .replace("{sid}", &self.session)
            .replace("{code}", "sold_out")
            .replace("{provider}", "dummy")
            .replace("{scan_id}", &self.scan)
            .replace("{lid}", &self.list)
    }
}

/// What a guest has ordered at the organizer's other event, which is public.
async fn purchase(app: &TestApp, manager: &Client, organizer: &str) -> Value {
    let mut body = event_body("Public");
    body["organizer_id"] = json!(organizer);
    let event = manager.post("/api/v1/events", body).await.expect(201).id();
    let path = format!("/api/v1/events/{event}");
    let body = json!({"name": "VIP", "price_minor": 1, "capacity": 9});
    let made = manager.post(&format!("{path}/ticket-types"), body).await;
    let ticket_type = made.expect(201).id();
    manager
        .post(&format!("{path}/publish"), json!({}))
        .await
        .expect(200);
    let body = json!({
        "event_id": event, "items": [{"ticket_type_id": ticket_type, "quantity": 1}],
        "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    });
    let path = "/api/v1/checkout-sessions";
    let guest = app.nobody();
    let sale = guest
        .keyed(&format!("sale of {event}"), "POST", path, body)
        .await;
    sale.expect(201).body.clone()
}

/// A refund of something that a guest has bought there and paid.
async fn refund(app: &TestApp, manager: &Client, organizer: &str) -> String {
    let sale = purchase(app, manager, organizer).await;
    let guest = app.nobody().with_token(&text(&sale["order_token"]));
    let paid = simulate(&guest, &text(&sale["payment_id"]), "succeed").await;
    paid.expect(202);
    app.drain().await;
    let body = json!({"order_id": text(&sale["order_id"]), "reason": "other"});
    let made = manager
        .keyed(&sale::key(), "POST", "/api/v1/refunds", body)
        .await;
    made.expect(201).id()
}

/// A gateway's message about money that was not asked for, the task that it made, and a
/// reconciliation.
async fn back_office(app: &TestApp, manager: &Client, organizer: &str) -> (String, String, String) {
    let sale = purchase(app, manager, organizer).await;
    let path = format!("/api/v1/payment-intents/{}", text(&sale["payment_id"]));
    let payment = manager.get(&path).await.expect(200).body.clone();
    let mut message = message("payment.succeeded", &payment);
    message["data"]["amount_minor"] = json!(2);
    tell(app, &message).await;
    let first = async |path: &str| {
        let list = manager.get(path).await;
        text(&list.expect(200).body["data"][0]["id"])
    };
    let path = "/api/v1/reconciliation/runs";
    let body = json!({
        "provider": "dummy", "from": "2027-01-01T00:00:00Z", "until": "2027-01-02T00:00:00Z",
    });
    let run = manager.keyed("a comparison", "POST", path, body).await;
    let message = first("/api/v1/webhook-events").await;
    (message, first("/api/v1/tasks").await, run.expect(202).id())
}

async fn call(client: &Client, operation: &Operation, scene: &Scene) -> crate::support::Answer {
    let request = client.request(&operation.method, &scene.path(operation));
    let request = match operation.body_example() {
        Some(body) => request.json(&body),
        None => request,
    };
    client.send(request).await
}

on_both! {
    async fn everybody_meets_the_right_door(app: &TestApp) {
        let organizer = app.organizer("Own").await;
        let manager = app.member(&organizer, "manager", "manager@example.com").await;
        let gate = app.member(&organizer, "gate", "gate@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let other = app.member(&elsewhere, "manager", "other@example.com").await;
        let stranger = app.user("stranger@example.com").await;
        let mut body = event_body("Draft");
        body["organizer_id"] = json!(organizer);
        let event = manager.post("/api/v1/events", body).await.expect(201).id();
        let session = json!({"name": "Friday", "starts_at": "2027-02-12T15:00:00Z"});
        let path = format!("/api/v1/events/{event}/sessions");
        let session = manager.post(&path, session).await.expect(201).id();
        let path = format!("/api/v1/events/{event}");
        let body = json!({"name": "VIP", "price_minor": 1, "capacity": 1});
        let ticket_type = manager.post(&format!("{path}/ticket-types"), body).await.expect(201).id();
        let body = json!({"name": "Corner", "price_minor": 1});
        let booth_type = manager.post(&format!("{path}/booth-types"), body).await.expect(201).id();
        let body = json!({"booth_type_id": booth_type, "number": "1"});
        let booth = manager.post(&format!("{path}/booths"), body).await;
        let booth = booth.expect(201).body["data"][0]["id"].as_str().unwrap().to_owned();
        let sale = purchase(app, &manager, &organizer).await;
        let refund = refund(app, &manager, &organizer).await;
        let named = |name: &str| text(&sale[name]);
        let code = json!({"code": "no code"});
        let scan = manager.post("/api/v1/checkins", code).await;
        let scan = scan.expect(200).body["scan_id"].as_str().unwrap().to_owned();
        let (message, task, run) = back_office(app, &manager, &organizer).await;
        let scene = Scene {
            message, run, task, refund, order: named("order_id"), payment: named("payment_id"), checkout: named("id"),
            ticket: sale["tickets"][0]["id"].as_str().unwrap().to_owned(),
            scan, list: event.replace("evt_", "lst_"),
            organizer, member: gate.user_id(), event, session, ticket_type, booth_type, booth,
            user: gate.user_id(),
        };

        let other_token = purchase(app, &other, &elsewhere).await["order_token"].as_str().unwrap().to_owned();
        for operation in operations() {
            let access = access(operation.id());
            // Signing out would end the scene's own sign-ins.
            let mut other_guest = app.nobody();
            other_guest.access_token = Some(other_token.clone());
            let people: Vec<(&str, Client)> = vec![
                ("nobody", app.nobody()),
                ("other guest", other_guest),
                ("stranger", stranger.clone()),
                ("other manager", other.clone()),
                ("gate", gate.clone()),
            ];
            for (who, client) in people {
                if operation.id().starts_with("logout") && who != "nobody" {
                    continue;
                }
                let answer = call(&client, &operation, &scene).await;
                let status = answer.status;
                let name = format!("{} as {who}: {} {}", operation.id(), status, answer.text);
                // A guest is nobody but where there are orders.
                let takes_guests = operation.value["security"].to_string().contains("guest");
                let by_order = matches!(access, Access::Order | Access::Listed);
                let is_guest_nobody = who == "other guest" && !takes_guests && !by_order;
                let is_nobody = who == "nobody" || is_guest_nobody;
                let refused = |expected: u16| assert_eq!(status, expected, "{name}");
                match access {
                    Access::Public => assert!(!matches!(status, 403 | 404) && status < 500, "{name}"),
                    Access::Draft => refused(404),
                    _ if is_nobody => refused(401),
                    Access::Order if who == "gate" => refused(403),
                    Access::Order | Access::Listed => refused(404),
                    Access::AnyGate if who == "stranger" => refused(403),
                    Access::AnyGate => assert!(!matches!(status, 401 | 403) && status < 500, "{name}"),
                    Access::TicketAtGate if who == "gate" => assert_eq!(status, 200, "{name}"),
                    Access::TicketAtGate => refused(404),
                    // The draft's gate staff is no manager, and does not see it yet.
                    Access::GateOfDraft => refused(404),
                    Access::SignedIn => assert!(status != 401 && status < 500, "{name}"),
                    Access::Admin => refused(403),
                    Access::AnyFinance if who == "other manager" => {
                        assert!(!matches!(status, 401 | 403) && status < 500, "{name}");
                    }
                    Access::AnyFinance => refused(403),
                    Access::AnyManager if who == "other manager" => refused(200),
                    Access::AnyManager => refused(403),
                    Access::Manager if who == "gate" => refused(403),
                    Access::Manager | Access::ManagedDraft => refused(404),
                }
            }
        }
        // All that changed nothing, and the manager may do it all.
        let path = format!("/api/v1/events/{}", scene.event);
        let event = manager.get(&path).await;
        assert_eq!((&event.expect(200).body["version"], &event.body["name"]), (&json!(1), &json!("Draft")));
        manager.get(&format!("{path}/sessions/{}", scene.session)).await.expect(200);
        let member = format!("/api/v1/organizers/{}/members/{}", scene.organizer, scene.member);
        assert_eq!(manager.get(&member).await.expect(200).body["role"], "gate");
        // What is documented as open is open, and nothing else.
        for operation in operations() {
            let needs_token = operation.value.get("security").is_some_and(|security| {
                !security.as_array().unwrap().contains(&json!({}))
            });
            // A picture may also be seen by its signed address.
            let is_open = matches!(access(operation.id()), Access::Public | Access::Draft)
                || operation.id().starts_with("draw_");
            assert_ne!(needs_token, is_open, "{}", operation.id());
        }
    }

    async fn a_bad_token_is_refused_also_where_none_is_needed(app: &TestApp) {
        let forger = app.nobody().with_tokens(&json!({"access_token": "a.b.c"}));
        forger.get("/api/v1/events").await.expect_problem(401, "unauthenticated");
        let nobody = app.nobody();
        for header in ["Basic YTpi", "Bearer", "Bearer ", "x"] {
            let request = nobody.request("GET", "/api/v1/me").header("Authorization", header);
            nobody.send(request).await.expect_problem(401, "unauthenticated");
        }
    }
}
