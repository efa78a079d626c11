//! Every mail for a full sample, whatever its texts hold.

use serde_json::json;

use super::*;
use crate::config::Config;
use crate::db::{Db, PoolSettings};
use crate::emails::{LineSummary, RefundSummary};
use crate::id::OrderId;
use crate::keys::{Purpose, Token};

const HOSTILE: &str = "<script>alert(1)</script>\r\nBcc: thief@example.com";

const SEED: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn keys() -> Keys {
    let config = Config::from_lookup(|name| match name {
        "JWT_KEYS" => Some(SEED.to_owned()),
        "TICKET_KEYS" => Some(SEED.replace("k1", "1")),
        "TOKEN_PEPPER" => Some("a pepper of at least 32 characters!".to_owned()),
        _ => None,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // With both settings given nothing is read from it, so no file is made.
        let db = Db::open("sqlite:unused.db", PoolSettings::default()).unwrap();
        Keys::load(&config.unwrap(), &db, starts_at())
            .await
            .unwrap()
    })
}

fn starts_at() -> Timestamp {
    Timestamp::parse("2027-02-11T13:00:00Z").unwrap()
}

fn order(text: &str) -> OrderSummary {
    let line = |description: &str, quantity, total_minor| LineSummary {
        description: description.to_owned(),
        quantity,
        total_minor,
    };
    OrderSummary {
        order_id: OrderId::new(),
        token_version: 1,
        page_url: "https://shop.example.com/order".to_owned(),
        event_name: text.to_owned(),
        starts_at: starts_at(),
        time_zone: "Africa/Dar_es_Salaam".to_owned(),
        place: Some(text.to_owned()),
        lines: vec![line("VIP", 2, 5_000_000), line(text, 1, 0)],
        total_minor: 5_000_000,
        currency: Currency::from_code("TZS").unwrap(),
    }
}

fn sample(text: &str) -> EmailData {
    let token = Token {
        purpose: Purpose::VerifyEmail,
        subject: OrderId::new().uuid(),
        version: String::new(),
        expires_at_unix: 0,
    };
    let page_url = "https://shop.example.com/verify".to_owned();
    EmailData {
        name: text.to_owned(),
        link: Some(Link { page_url, token }),
        valid_hours: Some(48),
        order: Some(order(text)),
        orders: vec![order(text), order(text)],
        booth: Some(BoothSummary {
            number: text.to_owned(),
            hall: text.to_owned(),
            type_name: text.to_owned(),
            company_name: text.to_owned(),
        }),
        refund: Some(RefundSummary {
            amount_minor: 2_500_000,
            currency: Currency::from_code("TZS").unwrap(),
        }),
    }
}

fn templates() -> impl Iterator<Item = Template> {
    Template::NAMES
        .iter()
        .map(|name| Template::from_name(name).unwrap())
}

#[test]
fn no_text_becomes_markup_or_a_header() {
    let (keys, data) = (keys(), sample(HOSTILE));
    for template in templates() {
        let name = template.as_str();
        let mail = render(template, &data, &[], &keys).unwrap();
        assert!(!mail.subject.is_empty(), "{name}");
        assert!(!mail.subject.contains(char::is_control), "{name}");
        assert!(!mail.html.contains("<script"), "{name}: {}", mail.html);
        assert!(mail.html.contains("&lt;script&gt;"), "{name}");
        assert!(!mail.text.contains("\nBcc:"), "{name}: {}", mail.text);
        assert!(mail.text.starts_with("Hello "), "{name}: {}", mail.text);
    }
}

#[test]
fn an_order_mail_says_what_when_where_and_how_much() {
    let (keys, data) = (keys(), sample("Old Fort"));
    for template in [
        Template::OrderConfirmation,
        Template::PaymentFailed,
        Template::PaymentLate,
        Template::Refunded,
        Template::RefundRejected,
        Template::OrderExpired,
    ] {
        let mail = render(template, &data, &[], &keys).unwrap();
        let when = "Thursday, 11 February 2027, 16:00 (Africa/Dar_es_Salaam)";
        let place = format!("{when}\nOld Fort\n");
        let lines = "2 x VIP: 50,000.00 TZS\n1 x Old Fort: Free\n\nTotal: 50,000.00 TZS";
        for part in [place.as_str(), lines] {
            assert!(mail.text.contains(part), "{}", mail.text);
        }
        assert!(mail.subject.contains("Old Fort"), "{}", mail.subject);
        assert!(mail.html.contains("50,000.00 TZS"), "{}", mail.html);
        let has_link = mail.text.contains("https://shop.example.com/order#order=");
        assert_eq!(has_link, template != Template::OrderExpired);
    }
}

#[test]
fn a_link_brings_a_token_that_opens_its_order() {
    let (keys, data) = (keys(), sample("Old Fort"));
    let mail = render(Template::OrderLinks, &data, &[], &keys).unwrap();
    let mut tokens = mail.text.split("&token=").skip(1);
    for order in &data.orders {
        let token = tokens.next().unwrap().split_whitespace().next().unwrap();
        let token = GuestToken::read(token, &keys).unwrap();
        assert_eq!((token.order, token.version), (order.order_id, 1));
    }
    assert!(mail.html.contains("&amp;token=ogt_"), "{}", mail.html);
}

#[test]
fn a_booths_contact_gets_no_key_to_the_order() {
    let mail = render(Template::BoothConfirmation, &sample("A-12"), &[], &keys()).unwrap();
    assert_eq!(mail.subject, "Your booth A-12 at A-12");
    assert!(!mail.text.contains("token=") && !mail.html.contains("token="));
}

#[test]
fn without_a_page_there_is_no_link() {
    let (keys, mut data) = (keys(), sample("Old Fort"));
    for order in data.orders.iter_mut().chain(&mut data.order) {
        order.page_url = String::new();
        order.place = None;
    }
    for template in templates() {
        let mail = render(template, &data, &[], &keys).unwrap();
        assert!(!mail.text.contains("#order="), "{}", mail.text);
        assert!(!mail.html.contains("#order="), "{}", mail.html);
    }
}

#[test]
fn data_reads_back_also_what_was_written_before_orders_were_known() {
    let (keys, data) = (keys(), sample("Old Fort"));
    let again: EmailData = serde_json::from_value(json!(data)).unwrap();
    for template in templates() {
        let text = |data| render(template, data, &[], &keys).unwrap().text;
        assert_eq!(text(&data), text(&again));
    }
    let old = json!({"name": "Asha", "link": null, "valid_hours": null});
    let old: EmailData = serde_json::from_value(old).unwrap();
    assert!(old.order.is_none() && old.orders.is_empty());
}

#[test]
fn a_time_zone_that_is_none_reads_as_utc() {
    let shown = local_time(starts_at(), "Mars/Olympus");
    assert_eq!(shown, "Thursday, 11 February 2027, 13:00 (UTC)");
}
