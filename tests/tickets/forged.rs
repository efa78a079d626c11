//! No other text passes for a code: not a changed one, not a mixed one, not one of another key.

use serde_json::{Value, json};

use super::code::{Code, KNOWN_KID, bytes_of, code_of, signing_key, uuid, with_known_key};
use super::{VERIFY, give_free, read, verify};
use crate::support::sale::Shop;
use crate::support::{Client, Kind, TestApp, on_both};

/// What a code is told to be, without a look at the contract: it is asked hundreds of times.
async fn reason(gate: &Client, code: &str) -> Value {
    let request = gate.request("POST", VERIFY).json(&json!({"code": code}));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["is_valid"], answer["reason"] == "ok", "{answer}");
    answer["reason"].clone()
}

async fn expect(gate: &Client, code: &str, expected: &str) {
    let told = verify(gate, code).await;
    assert_eq!(
        (&told["result"], &told["reason"]),
        (&json!("invalid"), &json!(expected)),
        "{code:?}"
    );
    for member in [
        "ticket_id",
        "serial",
        "status",
        "event_name",
        "ticket_type_name",
        "attendee_name",
    ] {
        assert!(told[member].is_null(), "{code:?}: {told}");
    }
}

on_both! {
    async fn every_flipped_bit_is_refused(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let holder = give_free(app, &shop).await;
        assert_eq!(reason(&gate, &holder.code).await, "ok");
        let bytes = bytes_of(&holder.code);
        // All of them on one database; on the other enough to meet each bit of a byte.
        let stride = match app.database.kind {
            Kind::Sqlite => 1,
            Kind::Postgres => 13,
        };
        for bit in (0..bytes.len() * 8).step_by(stride) {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let told = reason(&gate, &code_of(&forged)).await;
            let expected = if bit < 32 { "unknown_key" } else { "bad_signature" };
            assert_eq!(told, expected, "bit {bit}");
        }
        assert_eq!(reason(&gate, &holder.code).await, "ok");
    }

    async fn codes_cannot_be_mixed(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let (one, other) = (give_free(app, &shop).await, give_free(app, &shop).await);
        let (one, other) = (bytes_of(&one.code), bytes_of(&other.code));
        for at in [20, 36, 46, 78] {
            let mixed = [one.split_at(at).0, other.split_at(at).1].concat();
            if mixed != one && mixed != other {
                expect(&gate, &code_of(&mixed), "bad_signature").await;
            }
        }
    }

    async fn what_is_no_code_is_no_ticket(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let holder = give_free(app, &shop).await;
        let code = &holder.code;
        let rest = code.strip_prefix("TG1:").unwrap();
        let bytes = bytes_of(code);
        let serial = read(&holder.guest, &holder.ticket).await["serial"].clone();
        let (body, _) = bytes.split_at(46);
        for nonsense in [
            "x", "TG1:", "TG1:AAA", "TG1:🎫", "https://example.com/?code=1", "' OR 1=1 --",
            serial.as_str().unwrap(), &holder.ticket, rest, &format!("TG2:{rest}"),
            &format!("tg1:{rest}"), &format!("TG1:{}", rest.to_lowercase()),
            &format!("TG1:TG1:{rest}"), &format!("{code}0"), &format!("{code}00"),
            &format!("{code}000"), code.strip_suffix(rest.chars().last().unwrap()).unwrap(),
            &code_of(body), &code_of(&[bytes.as_slice(), b"x"].concat()), &rest.repeat(2),
        ] {
            expect(&gate, nonsense, "unknown_ticket").await;
        }
        for wrong in [json!({}), json!({"code": null}), json!({"code": 1}), json!({"code": ["TG1:"]})] {
            gate.post(VERIFY, wrong).await.expect_problem(422, "validation_failed");
        }
    }

    async fn another_key_does_not_sign_for_ours(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let holder = give_free(app, &shop).await;
        let own = Code::read(&holder.code);
        let forger = signing_key(200);
        expect(&gate, &own.sign(&forger), "bad_signature").await;
        // Nor does it publish itself.
        let foreign = Code { kid: own.kid.wrapping_add(1), ..own };
        expect(&gate, &foreign.sign(&forger), "unknown_key").await;
    }
}

#[test]
fn what_our_key_signs_is_no_ticket_by_that_alone() {
    with_known_key(async |app| {
        let shop = Shop::open(app).await;
        let gate = app
            .member(&shop.organizer, "gate", "gate@example.com")
            .await;
        let holder = give_free(app, &shop).await;
        let (own, key) = (Code::read(&holder.code), signing_key(7));
        assert_eq!(own.kid, KNOWN_KID);
        // The signature is the standard's: the same for everybody who knows the key.
        assert_eq!(own.sign(&key), holder.code);
        let nobodys = Code {
            ticket: uuid("tkt_01h455vb4pex5vsknk084sn02q"),
            ..own
        };
        expect(&gate, &nobodys.sign(&key), "unknown_ticket").await;
        let elsewhere = Code {
            event: uuid("evt_01h455vb4pex5vsknk084sn02q"),
            ..own
        };
        let told = verify(&gate, &elsewhere.sign(&key)).await;
        assert_eq!(told["is_valid"], false, "{told}");
        let ahead = Code { version: 2, ..own };
        let told = verify(&gate, &ahead.sign(&key)).await;
        assert_eq!(told["is_valid"], false, "{told}");
    });
}
