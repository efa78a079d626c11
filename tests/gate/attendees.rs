//! The guest who lost the phone is found by name, serial or e-mail.

use std::slice::from_ref;

use serde_json::json;

use super::open;
use crate::support::sale::{BUYER, Shop, text};
use crate::support::{Answer, Client, TestApp, on_both};
use crate::tickets::{Holder, give_free, path, read};

async fn search(client: &Client, shop: &Shop, words: &str) -> Answer {
    let request = client.request("GET", &format!("{}/attendees", shop.path()));
    client.send(request.query(&[("q", words)])).await
}

fn serials(answer: &Answer) -> Vec<String> {
    let data = answer.expect(200).body["data"].as_array().unwrap().iter();
    let mut serials: Vec<String> = data.map(|one| text(&one["serial"])).collect();
    serials.sort();
    serials
}

/// Names who comes, and answers the ticket's serial.
async fn name(holder: &Holder, name: &str, email: &str) -> String {
    let attendee = json!({"attendee": {"name": name, "email": email}});
    let named = holder.guest.patch(&path(&holder.ticket), attendee).await;
    text(&named.expect(200).body["serial"])
}

on_both! {
    async fn staff_finds_a_guest(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        let asha = name(&give_free(app, &shop).await, "Asha Mwinyi", "asha@example.com").await;
        let bahati = name(&give_free(app, &shop).await, "Bahati Otieno", "bahati@example.org").await;
        for client in [&gate, &manager, &shop.admin] {
            for (words, found) in [
                ("asha", vec![&asha]), ("MWINYI", vec![&asha]), ("Asha Mwinyi", vec![&asha]),
                ("asha@example.com", vec![&asha]), ("Bahati@Example.org", vec![&bahati]),
                (asha.as_str(), vec![&asha]), (asha.to_lowercase().as_str(), vec![&asha]),
                ("neema", vec![]), ("TKT-0000-0000-000", vec![]),
                // No pattern of the database's.
                ("%", vec![]), ("_sha", vec![]), ("a%i", vec![]), ("\\", vec![]), ("' OR 1=1 --", vec![]),
            ] {
                let answer = search(client, &shop, words).await;
                assert_eq!(serials(&answer).iter().collect::<Vec<_>>(), found, "{words}");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                assert!(!answer.text.contains("TG1:"), "{}", answer.text);
            }
        }
    }

    async fn who_bought_is_found_too(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let holder = give_free(app, &shop).await;
        let serial = text(&read(&holder.guest, &holder.ticket).await["serial"]);
        for words in [BUYER, "Juma"] {
            assert_eq!(serials(&search(&gate, &shop, words).await), from_ref(&serial), "{words}");
        }
    }

    async fn the_gate_sees_no_whole_address(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let manager = app.member(&shop.organizer, "manager", "manager@example.com").await;
        name(&give_free(app, &shop).await, "Asha Mwinyi", "asha@example.com").await;
        for words in ["Asha", "asha@example.com"] {
            let masked = search(&gate, &shop, words).await;
            assert_eq!(serials(&masked).len(), 1);
            for secret in ["asha@example.com", BUYER, "+255713000222"] {
                assert!(!masked.text.contains(secret), "{secret}: {}", masked.text);
            }
            assert!(masked.text.contains("Asha Mwinyi"), "{}", masked.text);
            for client in [&manager, &shop.admin] {
                let whole = search(client, &shop, words).await;
                assert!(whole.expect(200).text.contains("asha@example.com"), "{}", whole.text);
            }
        }
    }

    async fn only_in_the_own_event_and_only_by_staff(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let other = Shop::open(app).await;
        name(&give_free(app, &other).await, "Asha Mwinyi", "asha@example.com").await;
        assert!(serials(&search(&gate, &shop, "asha").await).is_empty());
        let finance = app.member(&other.organizer, "finance", "finance@example.com").await;
        let asha = app.user("asha@example.com").await;
        for client in [&gate, &finance, &asha] {
            let refused = search(client, &other, "asha").await;
            assert!(matches!(refused.status, 403 | 404), "{}", refused.text);
        }
        search(&app.nobody(), &other, "asha").await.expect_problem(401, "unauthenticated");
    }

    async fn there_may_be_many(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let mut all = Vec::new();
        for number in 0..5 {
            let email = format!("guest{number}@example.com");
            all.push(name(&give_free(app, &shop).await, &format!("Asha {number}"), &email).await);
        }
        all.sort();
        let path = format!("{}/attendees?q=asha&limit=3", shop.path());
        let first = gate.get(&path).await;
        let after = text(&first.expect(200).body["next_cursor"]);
        let second = gate.get(&format!("{path}&after={after}")).await;
        let mut found = [serials(&first), serials(&second)].concat();
        found.sort();
        assert_eq!(found, all);
    }
}
