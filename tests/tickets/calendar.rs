//! A ticket goes into its holder's calendar.

use serde_json::json;

use super::{Holder, add_session, give_for, give_free, path};
use crate::support::sale::Shop;
use crate::support::{TestApp, on_both};

/// The lines of a ticket's calendar entry, put together again where they were folded.
async fn lines(holder: &Holder) -> Vec<String> {
    let answer = holder
        .guest
        .get(&format!("{}/calendar.ics", path(&holder.ticket)))
        .await;
    let kind = answer.expect(200).header("content-type").unwrap();
    assert!(kind.starts_with("text/calendar"), "{kind}");
    for line in answer.text.split_inclusive('\n') {
        assert!(line.ends_with("\r\n"), "{line:?}");
        assert!(line.len() <= 80, "{line:?}");
    }
    let text = answer.text.replace("\r\n ", "").replace("\r\n\t", "");
    text.lines().map(str::to_owned).collect()
}

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|one| one == line)
}

/// Whether it starts then: the same instant in UTC and in Dar es Salaam.
fn starts_at(lines: &[String], utc: &str, local: &str) -> bool {
    has(lines, &format!("DTSTART:{utc}"))
        || has(lines, &format!("DTSTART;TZID=Africa/Dar_es_Salaam:{local}"))
}

on_both! {
    async fn it_says_when_and_what(app: &TestApp) {
        let shop = Shop::open(app).await;
        let venue = json!({"venue": {"name": "Old Fort", "city": "Zanzibar", "country": "TZ"}});
        shop.admin.patch(&shop.path(), venue).await.expect(200);
        let holder = give_free(app, &shop).await;
        let lines = lines(&holder).await;
        assert_eq!((lines[0].as_str(), lines[lines.len() - 1].as_str()), ("BEGIN:VCALENDAR", "END:VCALENDAR"));
        for line in ["VERSION:2.0", "BEGIN:VEVENT", "END:VEVENT"] {
            assert_eq!(lines.iter().filter(|one| *one == line).count(), 1, "{lines:#?}");
        }
        for name in ["PRODID:", "UID:", "DTSTAMP:"] {
            assert!(lines.iter().any(|line| line.starts_with(name)), "{name}: {lines:#?}");
        }
        assert!(starts_at(&lines, "20270211T130000Z", "20270211T160000"), "{lines:#?}");
        let all = lines.join("\n");
        assert!(all.contains("SUMMARY:Sauti za Busara"), "{all}");
        assert!(all.contains("Old Fort") && all.contains("Zanzibar"), "{all}");
        // A calendar is shared with others.
        assert!(!all.contains("TG1:") && !all.contains("ogt_"), "{all}");
    }

    async fn a_name_breaks_out_of_no_line(app: &TestApp) {
        let shop = Shop::open(app).await;
        let name = "Sauti; za, Busara \\ 2027 «Ngoma» BEGIN:VALARM ".repeat(3);
        shop.admin.patch(&shop.path(), json!({"name": name.trim()})).await.expect(200);
        let holder = give_free(app, &shop).await;
        let lines = lines(&holder).await;
        let all = lines.join("\n");
        assert!(all.contains(r"Sauti\; za\, Busara \\ 2027 «Ngoma» BEGIN:VALARM Sauti\; za\,"), "{all}");
        assert!(!lines.iter().any(|line| line.starts_with("BEGIN:VALARM")), "{all}");
    }

    async fn a_ticket_of_a_session_starts_with_it(app: &TestApp) {
        let shop = Shop::open(app).await;
        let friday = add_session(&shop, "Friday", 12).await;
        let holder = give_for(app, &shop, shop.type_id("free"), Some(&friday)).await;
        let lines = lines(&holder).await;
        assert!(starts_at(&lines, "20270212T150000Z", "20270212T180000"), "{lines:#?}");
    }
}
