//! The official Python library takes the sandbox for Stripe.

use std::process::{Command, Stdio};

use super::run;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stripe_sandbox.py");

/// A Python that has the official library: scripts/test makes one.
fn python() -> Option<String> {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
    let mut has_library = Command::new(&python);
    has_library
        .args(["-c", "import stripe"])
        .stderr(Stdio::null());
    let is_ready = has_library.status().is_ok_and(|status| status.success());
    if !is_ready {
        eprintln!("skipped: TEST_PYTHON names no Python with stripe");
    }
    is_ready.then_some(python)
}

#[test]
fn the_official_library_takes_it_for_stripe() {
    let Some(python) = python() else {
        return;
    };
    run(async |sandbox| {
        let base = sandbox.base.clone();
        let script = tokio::task::spawn_blocking(move || {
            Command::new(python)
                .arg(SCRIPT)
                .arg(base)
                .env("no_proxy", "*")
                .output()
                .unwrap()
        });
        let output = script.await.unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        assert!(told.contains("Ran 13 tests"), "{told}");
    });
}
