//! A server process, to be stopped or killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::NamedTempFile;

use crate::support::{Client, Database, TestApp};

/// A Tollgate of its own process; gone with the test, however that ends.
pub struct Process {
    child: Child,
    base: String,
    /// What it complains of; a pipe that nobody reads would stop it.
    log: NamedTempFile,
    /// Kept open: it still has something to say.
    _output: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(database: &Database, mails: &Path) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .env_clear()
            .envs(TestApp::settings(database, mails))
            .env("RUST_LOG", "warn")
            .current_dir(mails)
            .stdout(Stdio::piped())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let base = line.trim().rsplit(' ').next().unwrap().to_owned();
        let said = std::fs::read_to_string(log.path()).unwrap();
        assert!(base.starts_with("http://"), "it did not start: {said}");
        Self {
            child,
            base,
            log,
            _output: output,
        }
    }

    /// Somebody who is not signed in.
    pub fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// Asks it to stop; it has to end well.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.complaints());
        self.expect_no_panic();
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "it died alone: {}", self.complaints());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.expect_no_panic();
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    fn expect_no_panic(&self) {
        let said = self.complaints();
        assert!(!said.contains("panicked"), "{said}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
