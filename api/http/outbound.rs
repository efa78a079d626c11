//! The one place that makes clients for calls to others.

use std::error::Error;
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const TOTAL_LIMIT: Duration = Duration::from_secs(20);

/// Gateways answer a new connection at once, or something is wrong on the way.
const GATEWAY_CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// A client that follows no redirect, uses no proxy of the environment, and gives up in time.
pub fn client() -> reqwest::Result<reqwest::Client> {
    builder().build()
}

/// The same for a gateway: it keeps its connections, since a handshake takes longer than most
/// answers.
pub fn gateway_client() -> reqwest::Result<reqwest::Client> {
    builder()
        .connect_timeout(GATEWAY_CONNECT_LIMIT)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_keepalive(Duration::from_secs(30))
        .build()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes HTTP clients"
)]
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(TOTAL_LIMIT)
        .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
}

/// Whether a call that had no answer may have arrived.
pub fn was_sent(error: &reqwest::Error) -> bool {
    !(error.is_connect() || error.is_builder())
}

/// Why a call had no answer, for a log: never its address, which may name a person.
pub fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".to_owned(),
        (true, false) => "no answer in time".to_owned(),
        (false, true) => format!("no connection: {innermost}"),
        (false, false) => format!("the connection was lost: {innermost}"),
    }
}
