//! Which front ends a browser lets call us.

use actix_cors::Cors;
use actix_web::http::{Method, header};

use crate::config::{Config, Environment};

/// The origins of `RETURN_ORIGINS`; in development those on this machine too.
pub fn cors(config: &Config) -> Cors {
    let origins = config.return_origins.clone();
    let loopback = config.environment != Environment::Production;
    Cors::default()
        .allowed_origin_fn(move |origin, _| {
            origin.to_str().is_ok_and(|origin| {
                origins.iter().any(|o| o == origin) || (loopback && is_loopback(origin))
            })
        })
        .allowed_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::HeaderName::from_static("idempotency-key"),
            header::HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            "etag",
            "idempotency-replayed",
            "location",
            "retry-after",
            "x-request-id",
        ])
        .max_age(600)
}

/// Whether an origin is a page on this machine, on any port.
pub fn is_loopback(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(scheme, "http" | "https") && matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for origin in [
            "http://localhost:5173",
            "http://127.0.0.1",
            "http://[::1]:3000",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "http://localhost.evil.com",
            "http://evil.com:80",
            "null",
            "file://localhost",
            "http://localhost:80@evil.com",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
