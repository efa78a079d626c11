//! Versions of single objects: `ETag`, `If-None-Match`, `If-Match`.

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::error::{Code, Problem};

/// What a client says that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// No `If-Match`: whatever it is now.
    Any,
    Version(i64),
    /// An `If-Match` that no version of ours can meet.
    Never,
}

impl Expected {
    /// Reads `If-Match`.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(header::IF_MATCH) else {
            return Self::Any;
        };
        match value.to_str().map(str::trim) {
            Ok("*") => Self::Any,
            Ok(tag) => parse(tag).map_or(Self::Never, Self::Version),
            Err(_) => Self::Never,
        }
    }

    /// Refuses with 412 when `version` is not what the client expects.
    pub fn check(self, version: i64) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::Version(expected) if expected == version => Ok(()),
            _ => Err(Problem::new(Code::PreconditionFailed)),
        }
    }
}

pub fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The version of a tag; what follows a dot tells its contents apart, not its version.
fn parse(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    tag.split('.').next()?.parse().ok()
}

/// Who may keep a copy of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    Public,
    Personal,
}

/// Answers a single object: 304 when the client has this version already.
pub fn object(
    request: &HttpRequest,
    version: i64,
    privacy: Privacy,
    object: &impl Serialize,
) -> HttpResponse {
    tagged(request, &tag(version), privacy, object)
}

/// Answers an object that also shows what moves without making a new version, such as what
/// is left of it: `stamp`.
pub fn stamped_object(
    request: &HttpRequest,
    version: i64,
    stamp: i64,
    privacy: Privacy,
    object: &impl Serialize,
) -> HttpResponse {
    tagged(request, &format!("\"{version}.{stamp}\""), privacy, object)
}

fn tagged(
    request: &HttpRequest,
    tag: &str,
    privacy: Privacy,
    object: &impl Serialize,
) -> HttpResponse {
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((header::ETAG, tag));
    response.insert_header((
        header::CACHE_CONTROL,
        match privacy {
            Privacy::Public => "no-cache",
            Privacy::Personal => "no-store",
        },
    ));
    if known {
        response.finish()
    } else {
        response.json(object)
    }
}
