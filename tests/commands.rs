//! The binary itself: its commands, its start on an empty folder, its stop.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::json;

use crate::support::{Client, Database, Kind, block_on};

pub fn tollgate(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(folder).env_clear();
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that runs as a process of its own.
pub struct Server {
    pub child: Child,
    out: BufReader<ChildStdout>,
    pub base: String,
    greeting: Vec<String>,
}

impl Server {
    pub fn start(command: &mut Command) -> Self {
        let command = command
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = Vec::new();
        let mut base = String::new();
        // Three lines always, and one about the admin where there is one to tell of.
        for _ in 0..3 {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let mut error = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut error)
                    .unwrap();
                panic!("it did not start: {error}");
            }
            if let Some((_, address)) = line.split_once("serves on ") {
                base = address.trim().to_owned();
            }
            greeting.push(line.trim().to_owned());
        }
        Self {
            child,
            out,
            base,
            greeting,
        }
    }

    pub fn stop(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert!(!log.contains("panicked"), "{log}");
        (status.code().unwrap_or(-1), rest)
    }
}

#[test]
fn with_nothing_configured_it_serves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut tollgate(folder.path()));
    let mode = |name: &str| {
        let file = folder.path().join(name);
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777
    };
    block_on(async {
        let nobody = Client::new(&server.base);
        nobody.get("/readyz").await.expect(200);
        let secret = std::fs::read_to_string(folder.path().join("tollgate.db.admin")).unwrap();
        let (email, password) = secret.trim().split_once('\n').unwrap();
        assert_eq!(email, "admin@localhost");
        let body = json!({"email": email, "password": password});
        let answer = nobody.post("/api/v1/auth/login", body).await;
        assert_eq!(answer.expect(200).body["user"]["role"], "admin");
    });
    assert_eq!(
        (mode("tollgate.db"), mode("tollgate.db.admin")),
        (0o600, 0o600)
    );
    assert!(
        server.greeting[1].contains("/api/v1"),
        "{:?}",
        server.greeting
    );
    assert!(
        server.greeting[2].contains("/api/docs/"),
        "{:?}",
        server.greeting
    );
    let (code, rest) = server.stop();
    assert_eq!(code, 0);
    assert!(
        rest.contains("Admin       admin@localhost, password in tollgate.db.admin"),
        "{rest}"
    );
    assert!(rest.contains("Stopping"), "{rest}");

    // A second start keeps keys and admin.
    let server = Server::start(&mut tollgate(folder.path()));
    let (code, rest) = server.stop();
    assert_eq!(code, 0);
    assert!(!rest.contains("Admin"), "{rest}");
}

#[test]
fn several_processes_may_start_on_one_empty_database() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(database) = block_on(Database::make_empty(kind)) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        let children: Vec<Child> = (0..4)
            .map(|_| {
                let mut command = tollgate(folder.path());
                command
                    .args(["admin", "create"])
                    .env("DATABASE_URL", &database.url);
                command
                    .env("ADMIN_EMAIL", "admin@example.com")
                    .env("ADMIN_PASSWORD", "blue kiosk 7 monsoon");
                command
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(
                output.status.success(),
                "{kind:?}: {}",
                text(&output.stderr)
            );
        }
        let mut command = tollgate(folder.path());
        let server = Server::start(command.env("DATABASE_URL", &database.url));
        block_on(async {
            let body = json!({"email": "admin@example.com", "password": "blue kiosk 7 monsoon"});
            let nobody = Client::new(&server.base);
            let answer = nobody.post("/api/v1/auth/login", body).await;
            let admin = nobody.clone().with_tokens(&answer.expect(200).body);
            let organizers = admin.get("/api/v1/organizers").await;
            assert_eq!(
                organizers.expect(200).body["data"]
                    .as_array()
                    .unwrap()
                    .len(),
                1
            );
            assert_eq!(
                nobody.get("/.well-known/jwks.json").await.body["keys"]
                    .as_array()
                    .unwrap()
                    .len(),
                1
            );
        });
        assert_eq!(server.stop().0, 0);
    }
}

/// Where the made-up password is kept, and everything beside it with a name like it.
fn password_files(database: &Database, folder: &Path) -> (PathBuf, Vec<PathBuf>) {
    let file = match database.kind {
        Kind::Sqlite => database.file().with_extension("db.admin"),
        Kind::Postgres => folder.join("tollgate.db.admin"),
    };
    let all = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let like_it = all.filter(|path| path.to_str().unwrap().contains(".db.admin"));
    (file, like_it.collect())
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn several_first_starts_leave_one_admin_and_the_right_password() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let Some(database) = block_on(Database::make_empty(kind)) else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        // What an earlier database left, readable by all.
        let (file, _) = password_files(&database, folder.path());
        std::fs::write(&file, "old@example.com\nnobody's\n").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let start = || Server::start(tollgate(folder.path()).env("DATABASE_URL", &database.url));
        let servers: Vec<Server> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        let (file, like_it) = password_files(&database, folder.path());
        assert_eq!(like_it, std::slice::from_ref(&file));
        assert_eq!(mode(&file), 0o600);
        let secret = std::fs::read_to_string(&file).unwrap();
        let (email, password) = secret.trim().split_once('\n').unwrap();
        let body = json!({"email": email, "password": password});
        block_on(async {
            let nobody = Client::new(&servers[0].base);
            let answer = nobody.post("/api/v1/auth/login", body).await;
            assert_eq!(answer.expect(200).body["user"]["role"], "admin");
        });
        let mut told = 0;
        for server in servers {
            let (code, rest) = server.stop();
            assert_eq!(code, 0);
            told += rest
                .matches("Admin       admin@localhost, password in")
                .count();
        }
        assert_eq!(told, 1);
    }
}

#[test]
fn a_password_that_cannot_be_put_in_its_place_is_where_it_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tollgate.db.admin")).unwrap();
    let (code, rest) = Server::start(&mut tollgate(folder.path())).stop();
    assert_eq!(code, 0);
    let (_, rest) = rest.split_once("password in ").unwrap();
    let file = folder.path().join(rest.lines().next().unwrap());
    assert_eq!(mode(&file), 0o600);
    let secret = std::fs::read_to_string(&file).unwrap();
    assert!(secret.starts_with("admin@localhost\n"), "{secret}");
}

#[test]
fn a_password_that_cannot_be_written_down_makes_no_admin() {
    let folder = tempfile::tempdir().unwrap();
    // The names of the database and its journal still fit, the password file's does not.
    let url = format!("sqlite:{}.db", "x".repeat(236));
    let refused = output(tollgate(folder.path()).env("DATABASE_URL", &url));
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("password file"), "{error}");
    let mut command = tollgate(folder.path());
    command.env("DATABASE_URL", &url);
    command.env("ADMIN_PASSWORD", "blue kiosk 7 monsoon");
    let (_, rest) = Server::start(&mut command).stop();
    assert!(rest.contains("Admin       admin@localhost, with"), "{rest}");
}

#[test]
fn a_request_that_runs_is_finished_before_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&mut tollgate(folder.path()));
    let base = server.base.clone();
    block_on(async {
        let nobody = Client::new(&base);
        let mut running = Vec::new();
        for number in 0..6 {
            let nobody = nobody.clone();
            running.push(tokio::spawn(async move {
                let email = format!("asha{number}@example.com");
                let body =
                    json!({"email": email, "password": "blue kiosk 7 monsoon", "name": "Asha"});
                let request = nobody.request("POST", "/api/v1/auth/register").json(&body);
                request.send().await.map(|answer| answer.status().as_u16())
            }));
        }
        // The first answer says that the others have arrived: they wait for their turn to hash.
        let (first, _, rest) = futures_util::future::select_all(running).await;
        assert_eq!(first.unwrap().unwrap(), 201);
        let pid = server.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        for outcome in futures_util::future::join_all(rest).await {
            assert_eq!(outcome.unwrap().unwrap(), 201);
        }
    });
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_unsafe_or_unreadable_setting_stops_the_start_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (setting, value) in [
        ("LISTEN", "0.0.0.0:8080"),
        ("PUBLIC_BASE_URL", "https://tickets.example.com"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgres://x/y?sslmode=maybe"),
        ("APP_ENV", "staging"),
        ("JWT_KEYS", "nonsense"),
        ("MAILER", "pigeon"),
    ] {
        let output = output(tollgate(folder.path()).env(setting, value));
        assert_eq!(output.status.code(), Some(1), "{setting}");
        let error = text(&output.stderr);
        assert!(error.contains(setting), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
    std::fs::write(folder.path().join(".env"), "LISTEN=nowhere\n").unwrap();
    let refused = output(&mut tollgate(folder.path()));
    assert!(
        text(&refused.stderr).contains("LISTEN"),
        "{}",
        text(&refused.stderr)
    );
    // Production reads no `.env`, however its name is spelt.
    let refused = output(tollgate(folder.path()).env("APP_ENV", "production "));
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(!error.contains("LISTEN"), "{error}");
}

#[test]
fn the_commands_explain_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let help = text(&output(tollgate(folder.path()).arg("--help")).stdout);
    for command in ["serve", "worker", "migrate", "openapi", "demo", "admin"] {
        assert!(help.contains(command), "{help}");
        let help = output(tollgate(folder.path()).args([command, "--help"]));
        assert!(help.status.success());
    }
    let contract = output(tollgate(folder.path()).arg("openapi"));
    assert_eq!(
        text(&contract.stdout).trim(),
        tollgate::app::contract_text().trim()
    );
    assert!(
        output(tollgate(folder.path()).arg("migrate"))
            .status
            .success()
    );
    assert!(folder.path().join("tollgate.db").exists());
}

#[test]
fn the_demo_is_made_once_and_can_be_bought() {
    let folder = tempfile::tempdir().unwrap();
    let demo = || {
        let output = output(tollgate(folder.path()).arg("demo"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (first, second) = (demo(), demo());
    assert!(first.contains("was made"), "{first}");
    assert!(
        first.contains("Admin       admin@localhost, password in tollgate.db.admin"),
        "{first}"
    );
    assert!(second.contains("is there already"), "{second}");
    assert!(!second.contains("Admin"), "{second}");
    let id = |told: &str| {
        let line = told.lines().find(|line| line.contains("evt_")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(id(&first), id(&second));
    // The line for a shell ends with its body in quotes.
    let (_, body) = second.split_once("-d '").unwrap();
    let body = body.trim().strip_suffix('\'').unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();

    let server = Server::start(&mut tollgate(folder.path()));
    block_on(async {
        let nobody = Client::new(&server.base);
        let path = "/api/v1/events/swahili-coast-festival";
        let found = nobody.get(path).await;
        assert_eq!(found.expect(200).id(), id(&first));
        assert_eq!(found.body["status"], "published");
        assert_eq!(found.body["currency"], "TZS");
        let list = async |what: &str| {
            let listed = nobody.get(&format!("{path}/{what}")).await;
            listed.expect(200).body["data"].as_array().unwrap().clone()
        };
        assert_eq!(list("sessions").await.len(), 3);
        assert_eq!(list("booths").await.len(), 22);
        let types = list("ticket-types").await;
        let one_day: Vec<_> = types
            .iter()
            .filter(|kind| !kind["session_id"].is_null())
            .map(|kind| &kind["slug"])
            .collect();
        assert_eq!((types.len(), one_day), (3, vec![&json!("student")]));
        let left: Vec<_> = list("availability").await;
        let mut left: Vec<_> = left
            .iter()
            .map(|line| (line["name"].as_str(), line["available"].as_i64()))
            .collect();
        left.sort_unstable();
        let expected = [
            ("Corner", 4_i64),
            ("Premium", 6),
            ("Regular", 3_000),
            ("Standard", 12),
            ("Student", 300),
            ("VIP", 200),
        ];
        let expected = expected.map(|(name, count)| (Some(name), Some(count)));
        assert_eq!(left, expected);
        let key = "a-key-of-the-demo";
        let bought = nobody
            .keyed(key, "POST", "/api/v1/checkout-sessions", body)
            .await;
        assert_eq!(bought.expect(201).body["total_minor"], 50_000_000);
    });
    assert_eq!(server.stop().0, 0);
}

#[test]
fn there_is_no_demo_and_no_sandbox_in_production() {
    for arguments in [["demo"].as_slice(), &["sandbox"], &["serve", "--sandbox"]] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tollgate(folder.path());
        command.args(arguments).env("APP_ENV", "production");
        command
            .env("PUBLIC_BASE_URL", "https://tickets.example.com")
            .env(
                "JWT_KEYS",
                "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            )
            .env("TOKEN_PEPPER", "a pepper of at least 32 characters!")
            .env(
                "TICKET_KEYS",
                "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            )
            .env("MAILER", "file");
        let refused = output(&mut command);
        let error = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{error}");
        assert!(error.contains("APP_ENV"), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
        assert!(!folder.path().join("tollgate.db").exists());
    }
}

#[test]
fn a_reader_may_stop_reading_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tollgate(folder.path());
    let command = command.arg("openapi").stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "{\n");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_worker_does_what_a_server_left() {
    let folder = tempfile::tempdir().unwrap();
    let mails = folder.path().join("mails");
    let server = Server::start(
        tollgate(folder.path())
            .args(["serve", "--no-worker"])
            .env("MAILER", "file"),
    );
    block_on(async {
        let body = json!({"email": "asha@example.com", "password": "blue kiosk 7 monsoon", "name": "Asha"});
        Client::new(&server.base)
            .post("/api/v1/auth/register", body)
            .await
            .expect(201);
    });
    assert_eq!(server.stop().0, 0);
    assert_eq!(std::fs::read_dir(&mails).unwrap().count(), 0);

    let mut worker = tollgate(folder.path());
    let mut worker = worker
        .arg("worker")
        .env("MAILER", "file")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(worker.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    // Its first round ends before it stops, so no waiting is needed.
    let pid = worker.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(&mails).unwrap().count(), 1);
}

#[test]
fn the_log_holds_nothing_personal_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tollgate(folder.path());
    command
        .env("APP_ENV", "test")
        .env("MAILER", "file")
        .env("RUST_LOG", "debug");
    command.env("PUBLIC_BASE_URL", "http://127.0.0.1:1");
    let mut server = Server::start(&mut command);
    let tokens = block_on(async {
        let nobody = Client::new(&server.base);
        let body = json!({
            "email": "asha.secret@example.com", "password": "blue kiosk 7 monsoon",
            "name": "Asha Secretname", "phone": "+255 712 345 678",
        });
        let answer = nobody.post("/api/v1/auth/register", body.clone()).await;
        let asha = nobody.clone().with_tokens(&answer.expect(201).body);
        nobody.post("/api/v1/auth/register", body).await.expect(409);
        nobody
            .post(
                "/api/v1/auth/login",
                json!({"email": "asha.secret@example.com", "password": "wrong secret 1"}),
            )
            .await
            .expect(401);
        nobody
            .post(
                "/api/v1/auth/password/forgot",
                json!({"email": "asha.secret@example.com"}),
            )
            .await
            .expect(202);
        let access = asha.access_token.clone().unwrap();
        nobody
            .get(&format!(
                "/api/v1/events?q=asha.secret@example.com&token={access}"
            ))
            .await
            .expect(422);
        nobody
            .get(&format!("/reset-password/{access}"))
            .await
            .expect(404);
        asha.patch("/api/v1/me", json!({"phone": "+255 799 999 999"}))
            .await
            .expect(200);
        [access, asha.refresh_token.clone().unwrap()]
    });
    let pid = server.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let mut log = String::new();
    server
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));

    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    assert!(lines.len() >= 7, "{log}");
    let line: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(line["fields"]["route"], "/api/v1/auth/register");
    assert!(
        line["span"]["request_id"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    let secrets = [
        "secret",
        "Secret",
        "monsoon",
        "712 345",
        "799 999",
        "127.0.0.1",
    ];
    for secret in secrets.into_iter().chain(tokens.iter().map(String::as_str)) {
        // The address that it listens on is no client's.
        let mut lines = log
            .lines()
            .filter(|line| !line.contains("\"target\":\"actix_server"));
        let found = lines.find(|line| line.contains(secret));
        assert!(found.is_none(), "the log says {secret}: {found:?}");
    }
}
