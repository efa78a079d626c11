//! A place for a database that runs out of room, and gets it back.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::commands::Server;

/// What keeps files from growing.
pub(super) enum Room {
    /// A small disk of its own, and a file that fills it.
    Disk(tempfile::TempDir),
    /// Files of the process may not grow beyond a size.
    FileSize(tempfile::TempDir),
}

impl Room {
    pub fn file_size() -> Self {
        Self::FileSize(tempfile::tempdir().unwrap())
    }

    /// `None` where nobody may mount.
    pub fn disk() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder.path())
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self::Disk(folder))
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Disk(folder) | Self::FileSize(folder) => folder.path(),
        }
    }

    pub fn fill(&self, server: &Server) {
        match self {
            Self::Disk(folder) => {
                let mut ballast = std::fs::File::create(folder.path().join("ballast")).unwrap();
                while ballast.write_all(&[0; 4096]).is_ok() {}
            }
            Self::FileSize(_) => limit_files(server, "400000:"),
        }
    }

    pub fn free(&self, server: &Server) {
        match self {
            Self::Disk(folder) => std::fs::remove_file(folder.path().join("ballast")).unwrap(),
            Self::FileSize(_) => limit_files(server, "unlimited:"),
        }
    }
}

fn limit_files(server: &Server, size: &str) {
    let pid = server.child.id().to_string();
    let size = format!("--fsize={size}");
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, &size])
        .status();
    assert!(limited.unwrap().success());
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Self::Disk(folder) = self {
            let _ = Command::new("umount").arg("-l").arg(folder.path()).status();
        }
    }
}
