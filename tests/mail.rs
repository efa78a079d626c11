//! Mails leave over real SMTP, once, whatever happens to the server.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{Database, Kind, PASSWORD, TestApp, block_on, on_both};

/// A real SMTP server (Python's aiosmtpd) that keeps its mails in a folder.
pub struct SmtpServer {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

/// Serves on the port it is given, and says so once it listens.
const SERVER: &str = "
import sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
controller = Controller(Mailbox(sys.argv[2]), hostname='127.0.0.1', port=int(sys.argv[1]))
controller.start()
print('ready', flush=True)
sys.stdin.read()
";

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl SmtpServer {
    pub fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = folder.path().join("mailbox");
        let mut child = Command::new("/usr/bin/python3")
            .args(["-c", SERVER, &port.to_string(), mailbox.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 with aiosmtpd: scripts/test installs it");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n", "the SMTP server did not start");
        Self {
            child,
            folder,
            port,
        }
    }

    pub fn mails(&self) -> Vec<String> {
        let new = self.folder.path().join("mailbox").join("new");
        let mut mails: Vec<String> = std::fs::read_dir(new)
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        mails.sort();
        mails
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Registers somebody with a mail server on `port`.
async fn with_mailer(kind: Kind, port: u16, test: impl AsyncFnOnce(&TestApp)) {
    let Some(database) = Database::make(kind).await else {
        return;
    };
    let url = format!("smtp://127.0.0.1:{port}");
    let settings = [
        ("MAILER", "smtp"),
        ("SMTP_URL", url.as_str()),
        ("MAIL_FROM", "Box Office <tickets@example.com>"),
    ];
    let app = TestApp::start(database, &settings).await;
    let body =
        json!({"email": "asha@example.com", "password": PASSWORD, "name": "Asha <b>Mwinyi</b>"});
    app.nobody()
        .post("/api/v1/auth/register", body)
        .await
        .expect(201);
    test(&app).await;
}

#[test]
fn a_mail_arrives_once() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        block_on(async {
            let server = SmtpServer::start(free_port());
            with_mailer(kind, server.port, async |app| {
                app.drain().await;
                app.drain().await;
                let mails = server.mails();
                assert_eq!(mails.len(), 1);
                let mail = &mails[0];
                assert!(
                    mail.contains("From: \"Box Office\" <tickets@example.com>"),
                    "{mail}"
                );
                assert!(mail.contains("To: asha@example.com"), "{mail}");
                assert!(
                    mail.contains("Subject: Please confirm your e-mail address"),
                    "{mail}"
                );
                assert!(
                    mail.contains("text/plain") && mail.contains("text/html"),
                    "{mail}"
                );
                assert!(
                    mail.contains("&lt;b&gt;Mwinyi"),
                    "a name is text in HTML: {mail}"
                );
                assert_eq!(app.app.count_unfinished_work().await.unwrap(), 0);
            })
            .await;
        });
    }
}

#[test]
fn a_mail_server_that_is_down_loses_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        block_on(async {
            let port = free_port();
            with_mailer(kind, port, async |app| {
                app.drain().await;
                assert_eq!(app.app.count_unfinished_work().await.unwrap(), 1);
                let server = SmtpServer::start(port);
                // Not yet: the pause after a failure has to pass.
                app.drain().await;
                assert!(server.mails().is_empty());
                app.clock.advance(Duration::from_secs(10));
                app.drain().await;
                assert_eq!(server.mails().len(), 1);
                assert_eq!(app.app.count_unfinished_work().await.unwrap(), 0);
            })
            .await;
        });
    }
}

on_both! {
    async fn a_dead_address_ends_visibly(app: &TestApp) {
        app.user("asha@example.com").await;
        app.database.execute("UPDATE emails SET recipient = 'no address'").await;
        app.drain().await;
        assert_eq!(app.app.count_unfinished_work().await.unwrap(), 1);
        app.database.execute("DELETE FROM emails WHERE status = 'dead'").await;
        assert_eq!(app.app.count_unfinished_work().await.unwrap(), 0);
    }

    async fn a_mail_whose_sender_died_is_sent_when_its_lease_is_over(app: &TestApp) {
        app.user("asha@example.com").await;
        app.database.execute("UPDATE emails SET status = 'sending', attempts = 1, lease_until = run_at").await;
        assert_eq!(app.mails().await.len(), 1);
    }

    async fn tokens_stand_in_no_table(app: &TestApp) {
        app.user("asha@example.com").await;
        let token = app.mailed_token("asha@example.com", "Please confirm").await;
        if app.database.kind == Kind::Sqlite {
            let file = std::fs::read(app.database.file()).unwrap();
            let wal = std::fs::read(app.database.file().with_extension("db-wal")).unwrap();
            for bytes in [file, wal] {
                assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
            }
        }
    }
}
