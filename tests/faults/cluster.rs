//! A PostgreSQL server of a test's own, which it may treat badly.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::mail::free_port;

pub(super) struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

/// Where initdb and pg_ctl are: on the path, or where Debian puts them.
fn find_programs() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let on_path = path.split(':').map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let debian = debian
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"));
    let mut folders = on_path.chain(debian);
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

impl Cluster {
    /// `None` where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let programs = find_programs()?;
        let folder = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        if is_root() {
            let given = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status();
            assert!(given.unwrap().success());
        }
        let cluster = Self {
            programs,
            folder,
            port: free_port(),
        };
        let made = cluster.run(
            "initdb",
            &[
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
        );
        assert!(made, "initdb failed");
        assert!(cluster.control("start", "fast"), "it does not start");
        Some(cluster)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it, `fast` with good byes or `immediate` as a crash, and starts it again.
    pub fn restart(&self, mode: &str) {
        assert!(self.control("restart", mode), "it does not start again");
    }

    fn control(&self, what: &str, mode: &str) -> bool {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={}",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let log = log.to_str().unwrap();
        self.run(
            "pg_ctl",
            &["-w", "-m", mode, "-l", log, "-o", &options, what],
        )
    }

    /// PostgreSQL refuses to run as root.
    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.data()).args(arguments);
        // Its user may not enter the folder that the tests run in.
        command.current_dir(self.folder.path());
        command.stdout(Stdio::null()).status().unwrap().success()
    }

    fn data(&self) -> PathBuf {
        Path::new(self.folder.path()).join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control("stop", "immediate");
    }
}
