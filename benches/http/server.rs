//! The release server as a process, on either database.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const STRIPE_SECRET: &str = "whsec_of_the_bench";
pub const WEBHOOK_SECRET: &str = "the secret of the dummy gateway, of a bench";
pub const TICKET_SEED: [u8; 32] = [7; 32];
const EMAIL: &str = "admin@example.com";
const PASSWORD: &str = "a long password of a bench";

/// Where the server keeps its rows.
pub struct Store {
    pub name: &'static str,
    pub url: String,
}

impl Store {
    pub fn sqlite(folder: &Path) -> Self {
        let url = format!("sqlite:{}", folder.join("bench.db").display());
        Self {
            name: "SQLite",
            url,
        }
    }

    pub fn postgres(url: &str) -> Self {
        let url = url.to_owned();
        Self {
            name: "PostgreSQL",
            url,
        }
    }
}

pub struct Server {
    child: Child,
    /// Where Stripe is, for this server.
    _sandbox: Process,
    pub base: String,
    /// From the start of the process until it answers.
    pub ready_after: Duration,
    folder: tempfile::TempDir,
}

impl Server {
    pub fn start(store: &Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, stripe) = start_sandbox(store, folder.path());
        let begin = Instant::now();
        // Mails with their pictures would be drawn meanwhile.
        let mut child = command(store, folder.path())
            .args(["serve", "--no-worker"])
            .env("STRIPE_SECRET_KEY", "sk_test_of_the_bench")
            .env("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)
            .env("STRIPE_API_BASE", stripe)
            .env("STRIPE_RATE_LIMIT", "100000")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().expect("it starts").unwrap();
        let (_, base) = line.split_once("serves on ").expect("it says where");
        let base = base.trim().to_owned();
        // Whoever reads its greeting must not stop early.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            _sandbox: sandbox,
            base,
            ready_after: begin.elapsed(),
            folder,
        }
    }

    /// A process that does the background work.
    pub fn start_worker(&self, store: &Store) -> Process {
        let mut command = command(store, self.folder.path());
        let worker = command.arg("worker").stdout(Stdio::null()).spawn();
        Process(worker.unwrap())
    }

    /// Resident memory in megabytes.
    pub fn memory_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024
    }

    pub fn credentials() -> (&'static str, &'static str) {
        (EMAIL, PASSWORD)
    }
}

/// A command of Tollgate's, set up for the measurement.
fn command(store: &Store, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command
        .current_dir(folder)
        .env_clear()
        .env("APP_ENV", "test")
        .env("DATABASE_URL", &store.url)
        .env("LISTEN", "127.0.0.1:0")
        .env("RATE_LIMITS", "off")
        .env("RUST_LOG", "error")
        .env("MAILER", "file")
        .env("HOLD_TTL", "12h")
        .env("ADMIN_EMAIL", EMAIL)
        .env("ADMIN_PASSWORD", PASSWORD)
        .env("DUMMY_WEBHOOK_SECRET", WEBHOOK_SECRET)
        .env("TOKEN_PEPPER", "a pepper of at least 32 characters!")
        .env(
            "JWT_KEYS",
            "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )
        .env(
            "TICKET_KEYS",
            "7:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        );
    command
}

/// A simulator of Stripe, and its address.
fn start_sandbox(store: &Store, folder: &Path) -> (Process, String) {
    let mut command = command(store, folder);
    let command = command.arg("sandbox").env("SANDBOX_LISTEN", "127.0.0.1:0");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let stripe = lines.find_map(|line| {
        let line = line.unwrap();
        let (_, stripe) = line.split_once("Stripe")?;
        Some(stripe.trim().trim_end_matches('/').to_owned())
    });
    (Process(child), stripe.expect("it says where"))
}

/// A process, until this is dropped.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}
