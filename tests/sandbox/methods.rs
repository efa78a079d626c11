//! The published payment methods do what Stripe documents of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{INTENT, run};

#[test]
fn cards_that_are_charged() {
    run(async |sandbox| {
        for (method, brand) in [
            ("pm_card_visa", "visa"),
            ("pm_card_mastercard", "mastercard"),
        ] {
            let paid = sandbox.pay(method).await;
            assert_eq!(paid.expect(200).body["status"], "succeeded");
            assert_eq!(paid.body["amount_received"], 2_000);
            let secret = paid.body["client_secret"].as_str().unwrap();
            assert!(secret.starts_with(&format!("{}_secret_", paid.id())));
            let charge = sandbox
                .get(&format!(
                    "charges/{}",
                    super::text(&paid.body["latest_charge"])
                ))
                .await;
            assert_eq!(
                charge.expect(200).body["payment_method_details"]["card"]["brand"],
                brand
            );
            assert_eq!(
                (&charge.body["paid"], &charge.body["captured"]),
                (&json!(true), &json!(true))
            );
            assert_eq!(charge.body["payment_intent"], paid.id());
        }
    });
}

#[test]
fn cards_that_are_declined() {
    run(async |sandbox| {
        for (method, code, decline_code) in [
            (
                "pm_card_chargeDeclined",
                "card_declined",
                json!("generic_decline"),
            ),
            (
                "pm_card_visa_chargeDeclined",
                "card_declined",
                json!("generic_decline"),
            ),
            (
                "pm_card_chargeCustomerFail",
                "card_declined",
                json!("generic_decline"),
            ),
            (
                "pm_card_visa_chargeDeclinedInsufficientFunds",
                "card_declined",
                json!("insufficient_funds"),
            ),
            (
                "pm_card_visa_chargeDeclinedLostCard",
                "card_declined",
                json!("lost_card"),
            ),
            (
                "pm_card_chargeDeclinedExpiredCard",
                "expired_card",
                Value::Null,
            ),
            (
                "pm_card_chargeDeclinedIncorrectCvc",
                "incorrect_cvc",
                Value::Null,
            ),
            (
                "pm_card_chargeDeclinedProcessingError",
                "processing_error",
                Value::Null,
            ),
        ] {
            let refused = sandbox.pay(method).await;
            let error = refused.expect_error(402, "card_error", code);
            assert_eq!(error["decline_code"], decline_code, "{method}");
            let intent = &error["payment_intent"];
            assert_eq!(intent["status"], "requires_payment_method", "{method}");
            assert_eq!(intent["last_payment_error"]["code"], code);
            assert_eq!(
                (&intent["payment_method"], &intent["amount_received"]),
                (&Value::Null, &json!(0))
            );
            let charge = sandbox
                .get(&format!("charges/{}", super::text(&error["charge"])))
                .await;
            assert_eq!(
                (&charge.body["status"], &charge.body["failure_code"]),
                (&json!("failed"), &json!(code))
            );
            // Another card may be tried.
            let path = format!("payment_intents/{}/confirm", super::text(&intent["id"]));
            let paid = sandbox.post(&path, "payment_method=pm_card_visa").await;
            assert_eq!(paid.expect(200).body["status"], "succeeded");
            assert_eq!(paid.body["last_payment_error"], Value::Null);
        }
    });
}

#[test]
fn cards_that_must_be_authenticated() {
    run(async |sandbox| {
        for method in [
            "pm_card_authenticationRequired",
            "pm_card_threeDSecure",
            "pm_card_threeDSecure2Required",
        ] {
            for (press, status, told) in [
                ("pay", "succeeded", "succeeded"),
                ("decline", "requires_payment_method", "failed"),
            ] {
                let form = format!(
                    "{INTENT}&confirm=true&payment_method={method}&return_url=http://shop.test/back?a=1"
                );
                let waiting = sandbox.post("payment_intents", &form).await;
                assert_eq!(waiting.expect(200).body["status"], "requires_action");
                let action = &waiting.body["next_action"];
                assert_eq!(action["type"], "redirect_to_url");
                let url = super::text(&action["redirect_to_url"]["url"]);
                let page = sandbox.send(sandbox.http.get(&url)).await;
                assert!(page.expect(200).text.contains("20.00 USD"));
                let button = sandbox
                    .http
                    .request(Method::POST, &url)
                    .body(format!("outcome={press}"));
                let gone = sandbox
                    .send(button.header("content-type", "application/x-www-form-urlencoded"))
                    .await;
                let id = waiting.id();
                assert!(
                    gone.expect(303)
                        .header("location")
                        .starts_with(&format!("http://shop.test/back?a=1&payment_intent={id}&"))
                );
                assert!(
                    gone.header("location")
                        .ends_with(&format!("&redirect_status={told}"))
                );
                let intent = sandbox.get(&format!("payment_intents/{id}")).await;
                assert_eq!(intent.body["status"], status);
            }
            let alone = sandbox
                .post(
                    "payment_intents",
                    &format!("{INTENT}&confirm=true&off_session=true&payment_method={method}"),
                )
                .await;
            alone.expect_error(402, "card_error", "authentication_required");
        }
        let optional = sandbox.pay("pm_card_threeDSecureOptional").await;
        assert_eq!(optional.expect(200).body["status"], "succeeded");
    });
}

#[test]
fn cards_that_are_disputed() {
    run(async |sandbox| {
        for (method, reason, status) in [
            ("pm_card_createDispute", "fraudulent", "needs_response"),
            (
                "pm_card_createDisputeProductNotReceived",
                "product_not_received",
                "needs_response",
            ),
            (
                "pm_card_createDisputeInquiry",
                "fraudulent",
                "warning_needs_response",
            ),
        ] {
            let paid = sandbox.pay(method).await;
            assert_eq!(paid.expect(200).body["status"], "succeeded");
            let disputes = sandbox
                .get(&format!("disputes?payment_intent={}", paid.id()))
                .await;
            let dispute = &disputes.expect(200).body["data"][0];
            assert_eq!(
                (&dispute["reason"], &dispute["status"]),
                (&json!(reason), &json!(status))
            );
            assert_eq!(
                dispute["is_charge_refundable"],
                status.starts_with("warning")
            );
        }
    });
}

#[test]
fn money_is_available_at_once_or_later() {
    run(async |sandbox| {
        for (method, status) in [
            ("pm_card_bypassPending", "available"),
            ("pm_card_visa", "pending"),
        ] {
            let paid = sandbox.pay(method).await;
            let path = format!(
                "charges/{}?expand[]=balance_transaction",
                super::text(&paid.body["latest_charge"])
            );
            assert_eq!(
                sandbox.get(&path).await.body["balance_transaction"],
                Value::Null
            );
            sandbox.wait(10);
            let charge = sandbox.get(&path).await;
            let transaction = &charge.expect(200).body["balance_transaction"];
            assert_eq!(
                (&transaction["status"], &transaction["amount"]),
                (&json!(status), &json!(2_000))
            );
            assert_eq!(
                (&transaction["fee"], &transaction["net"]),
                (&json!(88), &json!(1_912))
            );
        }
        assert!(
            sandbox
                .events()
                .await
                .contains(&"charge.updated".to_owned())
        );
    });
}

#[test]
fn methods_whose_outcome_comes_later() {
    run(async |sandbox| {
        for (method, status, kind) in [
            (
                "pm_usBankAccount_success",
                "succeeded",
                "payment_intent.succeeded",
            ),
            (
                "pm_usBankAccount_insufficientFunds",
                "requires_payment_method",
                "payment_intent.payment_failed",
            ),
            (
                "pm_usBankAccount_processing",
                "processing",
                "payment_intent.processing",
            ),
        ] {
            let paid = sandbox.pay(method).await;
            assert_eq!(paid.expect(200).body["status"], "processing");
            sandbox.wait(60);
            let later = sandbox.get(&format!("payment_intents/{}", paid.id())).await;
            assert_eq!(later.body["status"], status);
            assert!(sandbox.events().await.contains(&kind.to_owned()));
        }
    });
}

#[test]
fn a_payment_intent_is_captured_later_or_let_go() {
    run(async |sandbox| {
        let form =
            format!("{INTENT}&capture_method=manual&confirm=true&payment_method=pm_card_visa");
        let held = sandbox.post("payment_intents", &form).await;
        assert_eq!(held.expect(200).body["status"], "requires_capture");
        assert_eq!(held.body["amount_capturable"], 2_000);
        let path = format!("payment_intents/{}", held.id());
        sandbox
            .post(&format!("{path}/capture"), "amount_to_capture=2001")
            .await
            .expect(400);
        let captured = sandbox
            .post(&format!("{path}/capture"), "amount_to_capture=1500")
            .await;
        assert_eq!(
            (&captured.body["status"], &captured.body["amount_received"]),
            (&json!("succeeded"), &json!(1_500))
        );
        let again = sandbox.post(&format!("{path}/capture"), "").await;
        again.expect_error(
            400,
            "invalid_request_error",
            "payment_intent_unexpected_state",
        );
        let held = sandbox.post("payment_intents", &form).await;
        let canceled = sandbox
            .post(&format!("payment_intents/{}/cancel", held.id()), "")
            .await;
        assert_eq!(canceled.expect(200).body["status"], "canceled");
    });
}

#[test]
fn only_the_arrows_of_the_machine_exist() {
    run(async |sandbox| {
        let made = sandbox.post("payment_intents", INTENT).await;
        assert_eq!(made.expect(200).body["status"], "requires_payment_method");
        let path = format!("payment_intents/{}", made.id());
        let unexpected = "payment_intent_unexpected_state";
        let bare = sandbox.post(&format!("{path}/confirm"), "").await;
        bare.expect_error(400, "invalid_request_error", unexpected);
        let changed = sandbox
            .post(&path, "payment_method=pm_card_visa&amount=3000")
            .await;
        assert_eq!(
            (&changed.body["status"], &changed.body["amount"]),
            (&json!("requires_confirmation"), &json!(3_000))
        );
        let paid = sandbox.post(&format!("{path}/confirm"), "").await;
        assert_eq!(paid.expect(200).body["amount_received"], 3_000);
        for (step, form) in [
            ("/confirm", ""),
            ("/cancel", ""),
            ("/capture", ""),
            ("", "amount=100"),
            ("", "payment_method=pm_card_visa"),
        ] {
            let refused = sandbox.post(&format!("{path}{step}"), form).await;
            let error = refused.expect_error(400, "invalid_request_error", unexpected);
            assert_eq!(error["payment_intent"]["status"], "succeeded");
        }
        let made = sandbox.post("payment_intents", INTENT).await;
        let path = format!("payment_intents/{}", made.id());
        let canceled = sandbox
            .post(&format!("{path}/cancel"), "cancellation_reason=abandoned")
            .await;
        assert_eq!(
            (
                &canceled.body["status"],
                &canceled.body["cancellation_reason"]
            ),
            (&json!("canceled"), &json!("abandoned"))
        );
        let late = sandbox
            .post(&format!("{path}/confirm"), "payment_method=pm_card_visa")
            .await;
        late.expect_error(400, "invalid_request_error", unexpected);
        let page = sandbox
            .post(
                "payment_intents",
                "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa",
            )
            .await;
        assert_eq!(page.expect(400).body["error"]["param"], "return_url");
    });
}
