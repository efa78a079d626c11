//! The mail that confirms an order brings each ticket's code as a picture inside it.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{payload, picture, step};
use crate::support::sale::{BUYER, Purchase, Shop, key, text};
use crate::support::{TestApp, on_both};

/// A part of a mail that holds no parts itself.
struct Part {
    head: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Part {
    fn header(&self, name: &str) -> &str {
        find(&self.head, name)
    }

    fn is(&self, kind: &str) -> bool {
        self.header("content-type").starts_with(kind)
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

fn find<'a>(head: &'a [(String, String)], name: &str) -> &'a str {
    let found = head.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// Takes a mail, or a part of one, apart.
fn parts(mail: &str) -> Vec<Part> {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let head: Vec<(String, String)> = lines
        .map(|(key, value)| (key.to_lowercase(), value.trim().to_owned()))
        .collect();
    if let Some((_, boundary)) = find(&head, "content-type").split_once("boundary=") {
        let boundary = boundary.split(';').next().unwrap().trim_matches('"');
        let delimiter = format!("--{boundary}");
        // What stands before the first is for nobody, as is what stands after the last.
        let inner = body.split(&delimiter).skip(1);
        let inner = inner.filter_map(|part| part.strip_prefix("\r\n"));
        return inner.flat_map(parts).collect();
    }
    let body = decode(
        body,
        &find(&head, "content-transfer-encoding").to_lowercase(),
    );
    vec![Part { head, body }]
}

fn decode(body: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
        "quoted-printable" => {
            let body = body.replace("=\r\n", "");
            let mut pieces = body.split('=');
            let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
            for piece in pieces {
                let (hex, rest) = piece.split_at(2);
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                bytes.extend(rest.as_bytes());
            }
            bytes
        }
        _ => body.as_bytes().to_vec(),
    }
}

/// All mails that bring pictures, oldest first, each with its recipient's line.
async fn mails(app: &TestApp) -> Vec<(String, Vec<Part>)> {
    app.drain().await;
    let files = std::fs::read_dir(app.mails.path()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mails = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap());
    let mails = mails.filter(|mail| mail.to_lowercase().contains("content-type: image/"));
    mails.map(|mail| (mail.clone(), parts(&mail))).collect()
}

fn pictures(parts: &[Part]) -> Vec<&Part> {
    parts.iter().filter(|part| part.is("image/png")).collect()
}

/// What the codes of a mail say.
fn codes(parts: &[Part]) -> HashSet<String> {
    let pictures = pictures(parts);
    let codes = pictures.iter().map(|part| picture::read(&part.body).text);
    codes.collect()
}

async fn payloads(purchase: &Purchase) -> HashSet<String> {
    let mut payloads = HashSet::new();
    for ticket in purchase.body["tickets"].as_array().unwrap() {
        payloads.insert(payload(&purchase.guest, &text(&ticket["id"])).await);
    }
    payloads
}

on_both! {
    async fn a_confirmation_brings_every_code(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 2), ("regular", 1)])).await;
        let mails = mails(app).await;
        assert_eq!(mails.len(), 1);
        let (mail, parts) = &mails[0];
        assert!(mail.contains(&format!("To: {BUYER}")), "{mail}");
        let expected = payloads(&purchase).await;
        assert_eq!((pictures(parts).len(), expected.len()), (3, 3));
        assert_eq!(codes(parts), expected);
        // Shown in the text, not by an address elsewhere nor by one that mail programs drop.
        let html = parts.iter().find(|part| part.is("text/html")).unwrap().text();
        let mut ids = HashSet::new();
        for picture in pictures(parts) {
            let id = picture.header("content-id").trim_matches(['<', '>']);
            assert!(!id.is_empty() && html.contains(&format!("cid:{id}")), "{id}: {html}");
            assert!(picture.header("content-disposition").starts_with("inline"));
            ids.insert(id);
        }
        assert_eq!((ids.len(), html.matches("cid:").count()), (3, 3));
        assert!(!html.contains("data:") && !html.contains("qr.png"), "{html}");
        assert!(parts.iter().any(|part| part.is("text/plain")));
    }

    async fn and_an_entry_for_the_calendar(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.buy(app, shop.items(&[("vip", 2)])).await;
        let mails = mails(app).await;
        let entries: Vec<&Part> = mails[0].1.iter().filter(|part| part.is("text/calendar")).collect();
        assert_eq!(entries.len(), 1);
        let disposition = entries[0].header("content-disposition");
        assert!(disposition.starts_with("attachment") && disposition.contains(".ics"), "{disposition}");
        let text = entries[0].text();
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n"), "{text}");
        assert!(text.contains("BEGIN:VEVENT") && text.contains("Sauti za Busara"), "{text}");
    }

    async fn nothing_is_sent_before_the_order_is_paid(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        assert!(mails(app).await.is_empty());
        purchase.simulate("fail").await;
        assert!(mails(app).await.is_empty());
        // What is free is confirmed at once.
        let (_, order) = shop.guest_order(app, shop.items(&[("free", 2)])).await;
        let mails = mails(app).await;
        assert_eq!(mails.len(), 1);
        assert_eq!((codes(&mails[0].1).len(), &order["status"]), (2, &json!("confirmed")));
    }

    async fn a_mail_that_is_sent_again_brings_the_code_that_is_good_now(app: &TestApp) {
        let shop = Shop::open(app).await;
        let purchase = shop.buy(app, shop.items(&[("vip", 2)])).await;
        let before = payloads(&purchase).await;
        assert_eq!(mails(app).await.len(), 1);
        let ticket = text(&purchase.body["tickets"][0]["id"]);
        step(&purchase.guest, &ticket, "reissue", json!({})).await.expect(200);
        let resend = format!("/api/v1/orders/{}/resend", purchase.order);
        let answer = purchase.guest.keyed(&key(), "POST", &resend, json!({})).await;
        assert!(answer.status < 300, "{}", answer.text);
        let mails = mails(app).await;
        let now = payloads(&purchase).await;
        assert_ne!(now, before);
        assert_eq!((mails.len(), codes(&mails[mails.len() - 1].1)), (2, now));
    }

    async fn a_code_stands_in_the_mail_only(app: &TestApp) {
        let shop = Shop::open(app).await;
        shop.buy(app, shop.items(&[("vip", 2)])).await;
        mails(app).await;
        for table in ["emails WHERE CAST(data AS text)", "jobs WHERE CAST(payload AS text)"] {
            let query = format!("SELECT count(*) FROM {table} LIKE '%TG1:%'");
            assert_eq!(app.database.count(&query).await, 0, "{table}");
        }
    }
}
