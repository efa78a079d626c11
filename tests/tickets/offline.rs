//! Somebody else's program verifies codes offline, and so does this one: all read them alike.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::code::{Code, bytes_of, code_of, setting, signing_key};
use super::give_free;
use crate::support::sale::{Shop, text};
use crate::support::{Kind, run};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_ticket.py");
const VECTORS: &str = include_str!("../vectors/ticket_credentials.json");

/// A Python that has what the verifier needs: scripts/test makes one.
fn python() -> Option<String> {
    if let Ok(python) = std::env::var("TEST_PYTHON") {
        return Some(python);
    }
    let python = "/usr/bin/python3";
    let mut has_all = Command::new(python);
    has_all.args(["-c", "import base45, cryptography"]);
    let is_ready = has_all
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !is_ready {
        eprintln!("skipped: TEST_PYTHON names no Python with base45 and cryptography");
    }
    is_ready.then(|| python.to_owned())
}

/// What the verifier says of each code. They are given as its input, else as arguments.
fn judge(
    python: &str,
    keys: &str,
    at: Option<u32>,
    codes: &[String],
    as_input: bool,
) -> Vec<Value> {
    let mut verifier = Command::new(python);
    verifier.arg(VERIFIER).env("no_proxy", "*");
    if let Some(at) = at {
        verifier.args(["--at", &at.to_string()]);
    }
    verifier.arg(keys);
    if !as_input {
        verifier.args(codes);
    }
    let mut process = verifier
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    if as_input {
        let lines: String = codes.iter().map(|code| format!("{code}\n")).collect();
        input.write_all(lines.as_bytes()).unwrap();
    }
    drop(input);
    let output = process.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(verdicts.len(), codes.len(), "{lines}");
    let is_all_valid = verdicts.iter().all(|verdict| verdict["valid"] == true);
    assert_eq!(output.status.success(), is_all_valid);
    verdicts
}

fn refused(reason: &str) -> Value {
    json!({"valid": false, "reason": reason})
}

fn accepted(code: &Code) -> Value {
    json!({
        "valid": true, "kid": code.kid, "event": code.event, "ticket": code.ticket,
        "version": code.version, "not_before": code.not_before, "not_after": code.not_after,
    })
}

#[test]
fn a_verifier_needs_nothing_but_the_published_keys() {
    let Some(python) = python() else { return };
    let keys = setting(&[7]);
    run(
        Kind::Sqlite,
        &[("TICKET_KEYS", keys.as_str())],
        async |app| {
            let shop = Shop::open(app).await;
            let holder = give_free(app, &shop).await;
            let (good, key) = (Code::read(&holder.code), signing_key(7));
            let mut flipped = bytes_of(&holder.code);
            flipped[30] ^= 1;
            let soon = u32::try_from(app.clock.now().unix_seconds()).unwrap() + 3600;
            let early = Code {
                not_before: soon,
                ..good
            };
            let late = Code {
                not_after: soon - 7200,
                ..good
            };
            let foreign = Code { kid: 9, ..good };
            let cases = [
                (holder.code.clone(), accepted(&good)),
                (code_of(&flipped), refused("bad_signature")),
                (good.sign(&signing_key(9)), refused("bad_signature")),
                (foreign.sign(&signing_key(9)), refused("unknown_key")),
                (early.sign(&key), refused("not_yet_valid")),
                (late.sign(&key), refused("expired")),
                (holder.code.to_lowercase(), refused("malformed")),
            ];
            let (codes, expected): (Vec<String>, Vec<Value>) = cases.into_iter().unzip();
            let address = format!("{}/.well-known/ticket-keys.json", app.base);
            let published = app.nobody().get("/.well-known/ticket-keys.json").await;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("ticket-keys.json");
            std::fs::write(&file, &published.expect(200).text).unwrap();
            let file = file.to_str().unwrap().to_owned();
            let work = move || {
                let mut told = Vec::new();
                for (place, as_input) in [(&address, false), (&file, false), (&file, true)] {
                    told.push(judge(&python, place, None, &codes, as_input));
                }
                // With the one good code alone it ends well.
                judge(&python, &file, None, &codes[..1], false);
                told
            };
            for verdicts in tokio::task::spawn_blocking(work).await.unwrap() {
                assert_eq!(verdicts, expected);
            }
        },
    );
}

#[test]
fn the_vectors_are_read_alike_by_another_program() {
    let Some(python) = python() else { return };
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let list = |name: &str| vectors[name].as_array().unwrap().clone();
    let keys: Vec<Value> = list("valid")
        .iter()
        .map(|vector| json!({"kid": vector["kid"], "alg": "Ed25519", "public_key": vector["public_key"]}))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let file = file.to_str().unwrap();
    for vector in list("valid") {
        let code = text(&vector["code"]);
        let read = Code::read(&code);
        let told = judge(&python, file, Some(read.not_before), &[code], false);
        assert_eq!(told, [accepted(&read)], "{}", vector["name"]);
    }
    let codes: Vec<String> = list("invalid")
        .iter()
        .map(|vector| text(&vector["code"]))
        .collect();
    let told = judge(&python, file, Some(0), &codes, true);
    for (vector, told) in list("invalid").iter().zip(told) {
        assert_eq!(
            told,
            refused(&text(&vector["reason"])),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn the_vectors_are_signed_alike_by_hand() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let valid = vectors["valid"].as_array().unwrap();
    assert_eq!(valid.len(), 6);
    for vector in valid {
        let seed = STANDARD.decode(text(&vector["seed"])).unwrap();
        let key = SigningKey::from_bytes(&seed.try_into().unwrap());
        let code = Code::read(&text(&vector["code"]));
        let shown = accepted(&code);
        for member in [
            "kid",
            "event",
            "ticket",
            "version",
            "not_before",
            "not_after",
        ] {
            assert_eq!(shown[member], vector[member], "{}", vector["name"]);
        }
        assert_eq!(code.sign(&key), text(&vector["code"]), "{}", vector["name"]);
    }
}
