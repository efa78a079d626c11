//! Every scan is kept and shown to managers; the code itself stands nowhere.

use serde_json::{Value, json};

use super::{CHECKINS, add_list, at, code, expect_accepted, open, scan};
use crate::support::sale::{Shop, text};
use crate::support::{Answer, Kind, TestApp, on_both};
use crate::tickets::{give_free, go};

/// Reasons and tickets of a list of scans, as they are listed.
fn told(answer: &Answer) -> Vec<(String, String)> {
    let scans = answer.expect(200).body["data"].as_array().unwrap().iter();
    let one = |scan: &Value| {
        let ticket = scan["ticket_id"].as_str().unwrap_or_default();
        (text(&scan["reason"]), ticket.to_owned())
    };
    scans.map(one).collect()
}

on_both! {
    async fn managers_see_every_scan(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let list = add_list(&shop, json!({"name": "North", "multi_entry": true})).await;
        let (one, other) = (give_free(app, &shop).await, give_free(app, &shop).await);
        go(&shop.admin, &other.ticket, "void").await.expect(200);
        let entry = scan(&gate, at(&one, &list, "entry")).await;
        expect_accepted(&entry);
        scan(&gate, at(&one, &list, "entry")).await;
        scan(&shop.admin, code(&other)).await;
        scan(&gate, json!({"code": "nonsense", "list_id": list})).await;
        scan(&gate, at(&one, &list, "exit")).await;

        let all = manager.get(CHECKINS).await;
        let line = |reason: &str, ticket: &str| (reason.to_owned(), ticket.to_owned());
        let expected = [
            line("ok", &one.ticket), line("unknown_ticket", ""), line("void", &other.ticket),
            line("already_used", &one.ticket), line("ok", &one.ticket),
        ];
        assert_eq!(told(&all), expected);
        assert_eq!(all.header("cache-control"), Some("no-store"));
        let data = all.body["data"].as_array().unwrap();
        let (last, first) = (&data[0], &data[4]);
        for (member, expected) in [
            ("result", json!("accepted")), ("direction", json!("entry")), ("list_id", json!(list)),
            ("event_id", json!(shop.event)), ("scanner", json!(gate.user_id())),
        ] {
            assert_eq!(first[member], expected, "{member}: {first}");
        }
        assert!(first.to_string().contains(&text(&entry["scan_id"])), "{first}");
        assert!(first["at"].is_string(), "{first}");
        assert_eq!((&last["direction"], &data[1]["result"]), (&json!("exit"), &json!("rejected")));

        let find = async |query: &str| told(&manager.get(&format!("{CHECKINS}?{query}")).await).len();
        for (query, expected) in [
            (format!("event_id={}", shop.event), 5), (format!("list_id={list}"), 4),
            (format!("ticket_id={}", one.ticket), 3), ("result=accepted".to_owned(), 2),
            ("result=rejected".to_owned(), 3), (format!("scanner={}", gate.user_id()), 4),
            (format!("scanner={}&result=accepted&list_id={list}", shop.admin.user_id()), 0),
        ] {
            assert_eq!(find(&query).await, expected, "{query}");
        }
        let page = manager.get(&format!("{CHECKINS}?limit=2")).await;
        let after = text(&page.expect(200).body["next_cursor"]);
        let next = manager.get(&format!("{CHECKINS}?limit=3&after={after}")).await;
        assert_eq!([told(&page), told(&next)].concat(), expected);
        manager.get(&format!("{CHECKINS}?code=TG1")).await.expect_problem(422, "unknown_parameter");
        manager.get(&format!("{CHECKINS}?result=maybe")).await.expect_problem(422, "validation_failed");
        manager.get(&format!("{CHECKINS}?ticket_id=1")).await.expect_problem(422, "validation_failed");
    }

    async fn others_see_none_of_them(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let other = Shop::open(app).await;
        let elsewhere = app.member(&other.organizer, "manager", "other@example.com").await;
        let finance = app.member(&shop.organizer, "finance", "finance@example.com").await;
        let holder = give_free(app, &shop).await;
        expect_accepted(&scan(&gate, code(&holder)).await);
        let asha = app.user("asha@example.com").await;
        for client in [&gate, &finance, &asha] {
            client.get(CHECKINS).await.expect_problem(403, "forbidden");
        }
        app.nobody().get(CHECKINS).await.expect_problem(401, "unauthenticated");
        assert!(told(&elsewhere.get(CHECKINS).await).is_empty());
        let filtered = elsewhere.get(&format!("{CHECKINS}?ticket_id={}", holder.ticket)).await;
        assert!(told(&filtered).is_empty());
        assert_eq!(told(&shop.admin.get(CHECKINS).await).len(), 1);
    }

    async fn a_code_is_kept_nowhere(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let request = json!({"code": holder.code, "nonce": "n"});
        gate.keyed("gate-scan-1", "POST", CHECKINS, request.clone()).await.expect(200);
        scan(&gate, request).await;
        scan(&gate, code(&holder)).await;
        scan(&gate, json!({"code": format!("{}X", holder.code)})).await;
        app.drain().await;
        // Any part of it that is long enough to tell.
        let part: String = holder.code.chars().skip(100).take(40).collect();
        for path in [CHECKINS, "/api/v1/audit-log", "/api/v1/emails", "/api/v1/jobs"] {
            let answer = shop.admin.get(&format!("{path}?limit=200")).await;
            assert!(!answer.expect(200).text.contains(&part), "{path}");
        }
        match app.database.kind {
            Kind::Sqlite => {
                let file = app.database.file();
                for file in [file.clone(), file.with_extension("db-wal")] {
                    let bytes = std::fs::read(&file).unwrap();
                    let mut windows = bytes.windows(part.len());
                    assert!(!windows.any(|window| window == part.as_bytes()), "{}", file.display());
                }
            }
            Kind::Postgres => {
                for table in ["scans", "admissions", "tickets", "idempotency", "audit", "jobs", "emails"] {
                    let query = format!("SELECT count(*) FROM {table} t WHERE strpos(CAST(t AS text), '{part}') > 0");
                    assert_eq!(app.database.count(&query).await, 0, "{table}");
                }
            }
        }
    }
}
