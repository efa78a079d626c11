//! The dummy gateway, whose far side is a table.

use async_trait::async_trait;
use serde_json::Value;

use super::{Call, Charge, Decision, FarSide, Fault, HOLD, Message, Rig, conformance};
use crate::support::sale::sign;
use crate::support::{DUMMY_WEBHOOK_SECRET, Database, Kind, TestApp};

conformance!(start);

async fn start(kind: Kind) -> Option<Rig> {
    let database = Database::make(kind).await?;
    Some(Rig {
        app: TestApp::start(database, &[HOLD]).await,
        far: Box::new(Dummy),
    })
}

struct Dummy;

fn operation(call: Call) -> &'static str {
    match call {
        Call::Create => "create",
        Call::Retrieve => "retrieve",
        Call::Find => "find",
        Call::Cancel => "cancel",
        Call::Refund => "refund",
        Call::RetrieveRefund => "retrieve_refund",
        Call::ListRefunds => "list_refunds",
        Call::List => "list",
    }
}

#[async_trait(?Send)]
impl FarSide for Dummy {
    fn provider(&self) -> &'static str {
        "dummy"
    }

    async fn script(&self, app: &TestApp, call: Call, fault: Fault) {
        let fault = match fault {
            Fault::Refused => "refused",
            Fault::TimeoutBefore => "timeout_before",
            Fault::TimeoutAfter => "timeout_after",
            Fault::ServerError => "http_500",
            Fault::Garbage => "garbage",
            Fault::Reset => "reset",
            Fault::RateLimit => "rate_limit",
        };
        app.script_fault(operation(call), fault, 1);
    }

    async fn heal(&self, app: &TestApp) {
        app.heal_dummy();
    }

    async fn decide(&self, app: &TestApp, reference: &str, decision: Decision) -> bool {
        let outcome = match decision {
            Decision::Pay => "succeed",
            Decision::Decline => "fail",
            Decision::Cancel => "cancel",
            Decision::Process => "process",
        };
        app.app.decide_at_dummy(reference, outcome).await.unwrap()
    }

    async fn take_messages(&self, app: &TestApp) -> Vec<Message> {
        let waiting = "FROM jobs WHERE kind = 'deliver_dummy_webhook'";
        let query =
            format!("SELECT CAST(payload AS TEXT) AS text {waiting} ORDER BY created_at, id");
        let payloads = app.database.texts(&query).await;
        app.database.execute(&format!("DELETE {waiting}")).await;
        let at = app.clock.now().unix_seconds();
        let messages = payloads.iter().map(|payload| {
            let payload: Value = serde_json::from_str(payload).unwrap();
            let body = payload["body"].as_str().unwrap();
            let signature = sign(DUMMY_WEBHOOK_SECRET, at, body);
            Message {
                headers: vec![
                    ("content-type".to_owned(), "application/json".to_owned()),
                    ("x-dummy-signature".to_owned(), signature),
                ],
                body: body.as_bytes().to_vec(),
            }
        });
        messages.collect()
    }

    async fn slow_refunds(&self, app: &TestApp, slow: bool) {
        app.slow_refunds(slow);
    }

    async fn decide_refunds(&self, app: &TestApp, reference: &str, succeed: bool) {
        let decided = app.app.decide_dummy_refunds(reference, succeed).await;
        assert!(decided.unwrap() > 0, "no refund is pending");
    }

    async fn return_refunds(&self, app: &TestApp, reference: &str) {
        let returned = app.app.return_dummy_refunds(reference).await;
        assert!(returned.unwrap() > 0, "nothing went back");
    }

    async fn refund(&self, app: &TestApp, reference: &str, amount_minor: i64) -> bool {
        let refund = format!("{reference}-there");
        let made = app
            .app
            .refund_at_dummy(reference, &refund, amount_minor, "TZS");
        made.await.unwrap()
    }

    async fn truth(&self, app: &TestApp) -> Vec<Charge> {
        let query = "SELECT c.reference || ' ' || c.currency || ' ' || \
             CASE c.status WHEN 'succeeded' THEN c.amount_minor ELSE 0 END || ' ' || \
             (SELECT COALESCE(SUM(r.amount_minor), 0) FROM dummy_refund r \
              WHERE r.charge = c.reference AND r.status = 'succeeded') AS text FROM dummy_charge c";
        let rows = app.database.texts(query).await;
        let charges = rows.iter().map(|row| {
            let words: Vec<&str> = row.split(' ').collect();
            Charge {
                reference: words[0].to_owned(),
                currency: words[1].to_owned(),
                paid_minor: words[2].parse().unwrap(),
                refunded_minor: words[3].parse().unwrap(),
            }
        });
        charges.collect()
    }
}
