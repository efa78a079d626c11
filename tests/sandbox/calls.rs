//! Who may call, how calls are read, and what every answer carries.

use reqwest::Method;
use serde_json::json;

use super::{INTENT, KEY, SESSION, run};

#[test]
fn only_test_keys_are_let_in() {
    run(async |sandbox| {
        let path = "/stripe/v1/customers";
        let nobody = sandbox.send(sandbox.request(Method::GET, path)).await;
        nobody.expect_error(401, "invalid_request_error", "");
        assert!(nobody.header("request-id").starts_with("req_"));
        for key in ["sk_live_abcdefgh", "whatever", "sk_test_"] {
            let stranger = sandbox.request(Method::GET, path).bearer_auth(key);
            sandbox.send(stranger).await.expect(401);
        }
        let basic = sandbox.request(Method::GET, path).basic_auth(KEY, Some(""));
        sandbox.send(basic).await.expect(200);
    });
}

#[test]
fn every_answer_has_an_id_and_the_version_that_was_asked_for() {
    run(async |sandbox| {
        let first = sandbox.get("customers").await;
        let second = sandbox.get("customers").await;
        assert!(first.header("request-id").starts_with("req_"));
        assert_ne!(first.header("request-id"), second.header("request-id"));
        assert_eq!(first.header("stripe-version"), "2026-10-28.endive");
        let old = sandbox
            .form("customers", "name=A")
            .header("stripe-version", "2026-09-30.endive");
        let old = sandbox.send(old).await;
        assert_eq!(
            old.expect(200).header("stripe-version"),
            "2026-09-30.endive"
        );
        let odd = sandbox
            .form("customers", "name=A")
            .header("stripe-version", "newest");
        sandbox.send(odd).await.expect(400);
    });
}

#[test]
fn what_is_unknown_is_refused() {
    run(async |sandbox| {
        sandbox
            .get("subscriptions")
            .await
            .expect_error(404, "invalid_request_error", "");
        for path in [
            "payment_intents/pi_1",
            "charges/ch_1",
            "refunds/re_1",
            "checkout/sessions/cs_1",
            "disputes/du_1",
            "events/evt_1",
            "customers/cus_1",
            "balance_transactions/txn_1",
        ] {
            let missing = sandbox.get(path).await;
            missing.expect_error(404, "invalid_request_error", "resource_missing");
        }
        for (path, form, param) in [
            ("payment_intents", format!("{INTENT}&colour=red"), "colour"),
            (
                "payment_intents",
                format!("{INTENT}&automatic_payment_methods[colour]=red"),
                "automatic_payment_methods[colour]",
            ),
            (
                "checkout/sessions",
                format!("{SESSION}&line_items[0][colour]=red"),
                "line_items[0][colour]",
            ),
            ("customers", "colour[dark]=red".to_owned(), "colour[dark]"),
        ] {
            let refused = sandbox.post(path, &form).await;
            let error = refused.expect_error(400, "invalid_request_error", "parameter_unknown");
            assert_eq!(error["param"], param);
        }
    });
}

#[test]
fn parameters_are_read_as_what_they_are() {
    run(async |sandbox| {
        for (form, code) in [
            ("currency=usd", "parameter_missing"),
            ("amount=2000", "parameter_missing"),
            ("amount=20.00&currency=usd", "parameter_invalid_integer"),
            ("amount=%2B2000&currency=usd", "parameter_invalid_integer"),
            ("amount=0&currency=usd", "parameter_invalid_integer"),
            ("amount=2000&currency=xyz", ""),
            ("amount=2000&currency=usd&confirm=maybe", ""),
            ("amount=2000&currency=usd&capture_method=sometimes", ""),
            (
                "amount=2000&currency=usd&customer=cus_nobody",
                "resource_missing",
            ),
            (
                "amount=2000&currency=usd&payment_method=pm_none",
                "resource_missing",
            ),
            ("amount=2000&currency=usd&off_session=true", ""),
            ("amount=2000&currency=usd&amount[x]=1", ""),
            (
                "amount=2000&currency=usd&payment_method_types[]=card",
                "payment_method_types_no_longer_supported",
            ),
        ] {
            let refused = sandbox.post("payment_intents", form).await;
            refused.expect_error(400, "invalid_request_error", code);
        }
        let older = sandbox.form(
            "payment_intents",
            "amount=2000&currency=usd&payment_method_types[]=card",
        );
        sandbox
            .send(older.header("stripe-version", "2026-03-25.dahlia"))
            .await
            .expect(200);
    });
}

#[test]
fn amounts_obey_their_currency() {
    run(async |sandbox| {
        for (amount, currency, code) in [
            (49, "usd", "amount_too_small"),
            (29, "gbp", "amount_too_small"),
            (49, "jpy", "amount_too_small"),
            (100_000_000, "usd", "amount_too_large"),
            (100_000_000, "jpy", "amount_too_large"),
            (
                200_050,
                "ugx",
                "invalid_charge_amount_no_decimal_compatible",
            ),
            (10_001, "isk", "invalid_charge_amount_no_decimal_compatible"),
        ] {
            let form = format!("amount={amount}&currency={currency}");
            let refused = sandbox.post("payment_intents", &form).await;
            refused.expect_error(400, "invalid_request_error", code);
        }
        for (amount, currency) in [
            (50, "usd"),
            (30, "GBP"),
            (99_999_999, "usd"),
            (500, "jpy"),
            (200_000, "ugx"),
        ] {
            let form = format!("amount={amount}&currency={currency}");
            let made = sandbox.post("payment_intents", &form).await;
            assert_eq!(made.expect(200).body["currency"], currency.to_lowercase());
        }
    });
}

#[test]
fn metadata_is_added_to_and_taken_away_from() {
    run(async |sandbox| {
        let made = sandbox
            .post("customers", "email=a@b.c&metadata[a]=1&metadata[b]=2")
            .await;
        let path = format!("customers/{}", made.expect(200).id());
        let changed = sandbox
            .post(&path, "metadata[a]=&metadata[c]=3&name=Asha")
            .await;
        assert_eq!(
            changed.expect(200).body["metadata"],
            json!({"b": "2", "c": "3"})
        );
        assert_eq!(
            (&changed.body["email"], &changed.body["name"]),
            (&json!("a@b.c"), &json!("Asha"))
        );
        let emptied = sandbox.post(&path, "metadata=").await;
        assert_eq!(emptied.expect(200).body["metadata"], json!({}));
        sandbox
            .post(&path, &format!("metadata[{}]=1", "k".repeat(41)))
            .await
            .expect(400);
        sandbox
            .post(&path, &format!("metadata[k]={}", "v".repeat(501)))
            .await
            .expect(400);
        sandbox.post(&path, "email=nobody").await.expect_error(
            400,
            "invalid_request_error",
            "email_invalid",
        );
    });
}
