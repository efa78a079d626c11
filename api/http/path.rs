//! Ids in the path: unknown and of the wrong kind are both 404.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::error::{Code, Problem};

/// The path's segment `name`, as an id or whatever else reads from text.
pub fn segment<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    request
        .match_info()
        .get(name)
        .and_then(|segment| segment.parse().ok())
        .ok_or_else(|| Problem::new(Code::NotFound))
}
