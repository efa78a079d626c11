//! `tollgate sandbox`: it says where it is, answers there, ends when told, and not in production.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::commands::tollgate;
use crate::support::block_on;

#[test]
fn it_serves_until_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = tollgate(folder.path())
        .arg("sandbox")
        .env("SANDBOX_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let (_, base) = line
        .trim()
        .split_once("serves on ")
        .unwrap_or_else(|| panic!("{line}"));
    block_on(async {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request
            .get(format!("{base}/stripe/v1/customers"))
            .bearer_auth("sk_test_anything");
        assert_eq!(request.send().await.unwrap().status(), 200);
    });
    let stop = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stop.success() && child.wait().unwrap().success());
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "it leaves nothing behind"
    );
}

#[test]
fn it_refuses_to_be_reached_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let output = tollgate(folder.path())
        .arg("sandbox")
        .env("SANDBOX_LISTEN", "0.0.0.0:0")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success()
            && told.contains("SANDBOX_LISTEN")
            && told.contains("SANDBOX_TOKEN"),
        "{told}"
    );
}
