//! Load by `wrk`: what it sends is a Lua script, what it measured is read from its last line.

use std::io::Write;
use std::process::Command;

/// Connections at once.
pub const CONNECTIONS: u32 = 64;

/// What a load has shown.
pub struct Shown {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Answers of 400 and more, and connections that broke.
    pub failed: f64,
}

const DONE: &str = r#"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
local thread_count = 0
function setup(thread)
  thread:set("id", thread_count)
  thread_count = thread_count + 1
end
"#;

/// How long an answer takes that nobody has to wait for.
const ANSWER_MS: f64 = 5.0;

/// Has each connection rest between its requests, so that about so many come in a second; some
/// soon, some late, as people do.
pub fn paced(script: &str, per_second: f64) -> String {
    let rest_ms = (f64::from(CONNECTIONS) * 1e3 / per_second - ANSWER_MS).max(0.0);
    let most_ms = 2.0 * rest_ms;
    format!("{script}\nfunction delay() return math.random(0, {most_ms:.0}) end\n")
}

/// Runs a script, which defines `request`, for some seconds.
pub fn run(base: &str, seconds: u32, script: &str) -> Shown {
    let mut file = tempfile::Builder::new().suffix(".lua").tempfile().unwrap();
    write!(file, "{DONE}{script}").unwrap();
    let output = Command::new("wrk")
        .args(["--threads", "1", "--timeout", "30s"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(file.path())
        .arg(base)
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    let figures: Vec<f64> = line.split(' ').map(|it| it.parse().unwrap()).collect();
    let [requests, micros, p50, p99, failed] = figures[..] else {
        panic!("{line}")
    };
    Shown {
        per_second: requests / (micros / 1e6),
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
        failed,
    }
}
