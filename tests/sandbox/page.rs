//! The hosted page: what it shows, where its buttons lead, and that nothing gets into it.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, SESSION, Sandbox, run, text};

async fn press(sandbox: &Sandbox, session: &Value, outcome: &str) -> Answer {
    let form = sandbox.http.request(Method::POST, text(&session["url"]));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    sandbox.send(form.body(format!("outcome={outcome}"))).await
}

async fn show(sandbox: &Sandbox, session: &Value) -> Answer {
    sandbox.send(sandbox.http.get(text(&session["url"]))).await
}

#[test]
fn paying_leads_back_to_the_shop() {
    run(async |sandbox| {
        for button in ["pay", "delayed"] {
            let session = sandbox.session().await;
            let page = show(sandbox, &session).await;
            assert!(page.expect(200).text.contains("30.00 USD") && page.text.contains("2 × VIP"));
            let gone = press(sandbox, &session, button).await;
            let expected = format!("http://shop.test/ok?s={}", text(&session["id"]));
            assert_eq!(gone.expect(303).header("location"), expected);
            // Pressed again, it only leads there again.
            assert_eq!(
                press(sandbox, &session, "pay").await.header("location"),
                expected
            );
            let page = show(sandbox, &session).await;
            assert!(page.text.contains("complete") && page.text.contains("Back to the shop"));
        }
        let charges = sandbox.truth().await["charges"].as_array().unwrap().len();
        assert_eq!(charges, 2);
    });
}

#[test]
fn canceling_leads_back_and_changes_nothing() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        let gone = press(sandbox, &session, "cancel").await;
        assert_eq!(gone.expect(303).header("location"), "http://shop.test/no");
        let same = sandbox
            .get(&format!("checkout/sessions/{}", text(&session["id"])))
            .await;
        assert_eq!(same.body, session);
    });
}

#[test]
fn a_declined_card_is_told_on_the_page() {
    run(async |sandbox| {
        let session = sandbox.session().await;
        let stays = press(sandbox, &session, "decline").await;
        assert_eq!(
            stays.expect(303).header("location"),
            format!("/stripe/pay/{}", text(&session["id"]))
        );
        assert!(
            show(sandbox, &session)
                .await
                .text
                .contains("Your card was declined.")
        );
        press(sandbox, &session, "three_d_secure").await.expect(303);
        assert!(
            show(sandbox, &session)
                .await
                .text
                .contains("Complete the authentication")
        );
        let gone = press(sandbox, &session, "pay").await;
        assert!(
            gone.expect(303)
                .header("location")
                .starts_with("http://shop.test/ok")
        );
    });
}

#[test]
fn nothing_foreign_runs_on_the_page() {
    run(async |sandbox| {
        let hostile = SESSION.replace("VIP", "<script>alert(1)</script>\"'");
        let session = sandbox
            .post("checkout/sessions", &hostile)
            .await
            .expect(200)
            .body
            .clone();
        let page = show(sandbox, &session).await;
        assert!(!page.expect(200).text.contains("<script"), "{}", page.text);
        assert!(page.text.contains("&lt;script&gt;"));
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'")
        );
        assert_eq!(page.header("cache-control"), "no-store");
        press(sandbox, &session, "steal").await.expect(400);
        let nowhere = format!("{}/stripe/pay/cs_test_nothing", sandbox.base);
        sandbox.send(sandbox.http.get(nowhere)).await.expect(404);
    });
}

#[test]
fn a_strange_secret_shows_nothing() {
    run(async |sandbox| {
        let form = format!(
            "{}&confirm=true&payment_method=pm_card_threeDSecure&return_url=http://shop.test/",
            super::INTENT
        );
        let intent = sandbox.post("payment_intents", &form).await;
        let path = format!(
            "{}/stripe/authenticate/{}?key=pi_wrong",
            sandbox.base,
            intent.id()
        );
        sandbox.send(sandbox.http.get(&path)).await.expect(404);
        let button = sandbox
            .http
            .post(&path)
            .header("content-type", "application/x-www-form-urlencoded");
        sandbox.send(button.body("outcome=pay")).await.expect(404);
    });
}
