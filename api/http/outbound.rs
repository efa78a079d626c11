//! The one place that makes clients for calls to others.

use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const TOTAL_LIMIT: Duration = Duration::from_secs(20);

/// A client that follows no redirect, uses no proxy of the environment, and gives up in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes HTTP clients"
)]
pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(TOTAL_LIMIT)
        .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
        .build()
}
