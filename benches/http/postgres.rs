//! A PostgreSQL of the bench's own, as durable as one that takes money.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Begins a file of the write-ahead log so many times; `min_wal_size` has them kept.
const LOG_FILES: &str = "DO $$ BEGIN FOR file IN 1..128 LOOP \
     PERFORM pg_logical_emit_message(false, 'file', 'begun'); PERFORM pg_switch_wal(); \
     END LOOP; END $$";

pub struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

/// The newest that Debian has installed.
pub fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    versions.pop().unwrap().join("bin")
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
        .current_dir("/")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn succeed(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

impl Cluster {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        succeed(Command::new("chown").arg("postgres").arg(folder.path()));
        let (bin, port, data) = (bin(), free_port(), folder.path().join("data"));
        let mut initdb = as_postgres(&bin.join("initdb"));
        let options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"];
        succeed(initdb.arg("-D").arg(&data).args(options));
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB \
             -c min_wal_size=2GB -c max_wal_size=4GB -c unix_socket_directories={}",
            folder.path().display()
        );
        let mut start = as_postgres(&bin.join("pg_ctl"));
        succeed(
            start
                .arg("-D")
                .arg(&data)
                .args(["-w", "-o", &options, "start"]),
        );
        let cluster = Self { folder, bin, port };
        cluster.make_log_files();
        cluster
    }

    /// One that has run for a while has files of its write-ahead log ready: making one, which
    /// has all who commit wait, is not what is measured.
    fn make_log_files(&self) {
        let mut psql = self.client("psql");
        psql.args(["-d", "postgres", "-c", LOG_FILES, "-c", "CHECKPOINT"]);
        succeed(psql.stdout(Stdio::null()));
        succeed(&mut Command::new("sync"));
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        let port = self.port.to_string();
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &port]);
        command
    }

    /// The address of a new database.
    pub fn database(&self, name: &str) -> String {
        succeed(self.client("createdb").arg(name));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_postgres(&self.bin.join("pg_ctl"));
        let data = self.folder.path().join("data");
        let _ = stop
            .arg("-D")
            .arg(data)
            .args(["-m", "immediate", "stop"])
            .status();
    }
}
