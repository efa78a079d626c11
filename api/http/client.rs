//! Who is at the other end of the connection.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::web;
use ipnet::IpNet;

use crate::app::App;

/// The client's address: the peer's, or what a trusted proxy says in `X-Forwarded-For`.
pub fn address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let app = request.app_data::<web::Data<App>>()?;
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok());
    Some(resolve(peer, forwarded, &app.config.trusted_proxies))
}

/// The last address that no trusted proxy has vouched for as its own.
///
/// Read from the right: what stands further left was written by the client and may be a lie.
fn resolve<'a>(
    peer: IpAddr,
    forwarded: impl Iterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).collect();
    let mut client = peer;
    for hop in hops.iter().rev() {
        if !is_trusted(&client) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address;
    }
    client.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        resolve(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_without_trusted_proxies() {
        assert_eq!(client("9.9.9.9", &["1.1.1.1"], &[]), "9.9.9.9");
    }

    #[test]
    fn a_forged_left_part_is_not_believed() {
        let trusted = ["10.0.0.0/8"];
        let forwarded = ["6.6.6.6, 1.2.3.4, 10.0.0.7"];
        assert_eq!(client("10.0.0.1", &forwarded, &trusted), "1.2.3.4");
    }

    #[test]
    fn several_headers_are_one_list() {
        let trusted = ["10.0.0.0/8"];
        let forwarded = ["6.6.6.6", "1.2.3.4", "10.0.0.7"];
        assert_eq!(client("10.0.0.1", &forwarded, &trusted), "1.2.3.4");
    }

    #[test]
    fn garbage_stops_the_search() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["1.1.1.1, x"], &trusted), "10.0.0.1");
    }
}
