//! A signed address shows one ticket's code in an `<img>` for ten minutes, and opens nothing else.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

use super::{Holder, fetch, give_free, go, path, picture, qr, step};
use crate::support::sale::{Shop, text};
use crate::support::{Answer, TestApp, on_both};

/// A signed address without its host.
fn local(url: &Value) -> String {
    let url = text(url);
    url.strip_prefix("http://tollgate.test").unwrap().to_owned()
}

async fn links(holder: &Holder) -> [String; 2] {
    let told = qr(&holder.guest, &holder.ticket).await;
    [local(&told["qr_png_url"]), local(&told["qr_svg_url"])]
}

/// The address with one parameter changed, or without it.
fn change(link: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(&format!("http://tollgate.test{link}")).unwrap();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .filter(|(key, _)| key != name)
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn parameter(link: &str, name: &str) -> String {
    let url = Url::parse(&format!("http://tollgate.test{link}")).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    found.unwrap().1.into_owned()
}

#[track_caller]
fn expect_shut(answer: &Answer) {
    assert!(
        matches!(answer.status, 401 | 403 | 404 | 422),
        "{}: {}",
        answer.status,
        answer.text
    );
}

on_both! {
    async fn a_signed_address_needs_no_token(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let nobody = app.nobody();
        for (link, way) in links(&holder).await.iter().zip(["qr.png", "qr.svg"]) {
            assert!(link.starts_with(&format!("{}/{way}?", path(&holder.ticket))), "{link}");
            assert!(!link.contains("TG1") && !link.contains("ogt_"), "{link}");
            assert_eq!(picture::read(&fetch(&nobody, link).await).text, holder.code);
            let shown = nobody.get(link).await;
            assert_eq!(shown.expect(200).header("referrer-policy"), Some("no-referrer"));
            // How it looks is up to the page that shows it.
            let large = format!("{link}&size=400&ecc=H&dark=036");
            let seen = picture::read(&fetch(&nobody, &large).await);
            assert_eq!((seen.text, seen.ecc), (holder.code.clone(), 'H'));
            nobody.get(&format!("{link}&size=9999")).await.expect_problem(422, "qr_parameters_invalid");
        }
    }

    async fn it_lasts_ten_minutes(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let before = links(&holder).await;
        let expires: i64 = parameter(&before[0], "expires").parse().unwrap();
        let left = expires - app.clock.now().unix_seconds();
        assert!((590..=600).contains(&left), "{left}");
        app.clock.advance(Duration::from_secs(580));
        for link in &before {
            app.nobody().get(link).await.expect(200);
        }
        app.clock.advance(Duration::from_secs(21));
        for link in &before {
            expect_shut(&app.nobody().get(link).await);
        }
        for link in links(&holder).await {
            app.nobody().get(&link).await.expect(200);
        }
    }

    async fn a_changed_address_is_refused(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let other = give_free(app, &shop).await;
        let nobody = app.nobody();
        for link in links(&holder).await {
            let signature = parameter(&link, "signature");
            let first = if signature.starts_with('A') { "B" } else { "A" };
            let rest: String = signature.chars().skip(1).collect();
            let expires: i64 = parameter(&link, "expires").parse().unwrap();
            for changed in [
                link.replace(&holder.ticket, &other.ticket),
                change(&link, "signature", Some(&format!("{first}{rest}"))),
                change(&link, "signature", Some(&rest)),
                change(&link, "signature", Some("")),
                change(&link, "signature", None),
                change(&link, "expires", Some(&(expires + 1).to_string())),
                change(&link, "expires", Some("99999999999")),
                change(&link, "expires", None),
                link.split('?').next().unwrap().to_owned(),
            ] {
                expect_shut(&nobody.get(&changed).await);
            }
            // Another ticket's signature is no better.
            let theirs = parameter(&links(&other).await[0], "signature");
            expect_shut(&nobody.get(&change(&link, "signature", Some(&theirs))).await);
        }
    }

    async fn it_opens_nothing_but_the_picture(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let link = links(&holder).await[0].clone();
        let (_, query) = link.split_once('?').unwrap();
        for way in ["", "/qr", "/calendar.ics"] {
            let answer = app.nobody().get(&format!("{}{way}?{query}", path(&holder.ticket))).await;
            assert!(matches!(answer.status, 401 | 422), "{way}: {}", answer.text);
        }
        let answer = app.nobody().get(&format!("/api/v1/orders/{}?{query}", holder.order)).await;
        assert!(matches!(answer.status, 401 | 422), "{}", answer.text);
    }

    async fn it_shows_no_code_that_is_revoked_or_stopped(app: &TestApp) {
        let shop = Shop::open(app).await;
        let holder = give_free(app, &shop).await;
        let before = links(&holder).await;
        step(&holder.guest, &holder.ticket, "reissue", json!({})).await.expect(200);
        for link in &before {
            expect_shut(&app.nobody().get(link).await);
        }
        let new = links(&holder).await;
        go(&shop.admin, &holder.ticket, "void").await.expect(200);
        for link in &new {
            let answer = app.nobody().get(link).await;
            assert!(matches!(answer.status, 401 | 403 | 404 | 409), "{}", answer.text);
        }
    }
}
