//! Lists in pages: `limit`, `after`, and an opaque cursor that holds where the page ended.
//!
//! A cursor names the last row by what the list is sorted by, so pages neither skip nor
//! repeat a row while others are added. It belongs to one sort and one set of filters.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::body::Flaw;
use super::query::Query;
use crate::error::{Code, Problem};

const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MOST: i64 = 200;

/// Which page a client asks for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    limit: i64,
    after: Option<String>,
    /// Binds a cursor to the list, its sort and its filters.
    list: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor<K> {
    list: String,
    key: K,
}

impl PageRequest {
    /// Takes `limit` and `after` from the query.
    pub fn read(request: &HttpRequest, query: &mut Query) -> Self {
        let limit = query.optional("limit", |text| {
            let limit = text.parse().unwrap_or_default();
            if (1..=LIMIT_MOST).contains(&limit) {
                Ok(limit)
            } else {
                Err(Flaw::new(
                    "out_of_range",
                    format!("must be from 1 to {LIMIT_MOST}"),
                ))
            }
        });
        let after = query.optional("after", |text| Ok(text.to_owned()));
        Self {
            limit: limit.unwrap_or(LIMIT_DEFAULT),
            after,
            list: fingerprint(request),
        }
    }

    /// One row more than the page holds, so that it is known whether there are more.
    pub fn fetch_limit(&self) -> i64 {
        self.limit + 1
    }

    /// The sort key of the last row that the client has.
    pub fn after<K: for<'de> Deserialize<'de>>(&self) -> Result<Option<K>, Problem> {
        let Some(after) = &self.after else {
            return Ok(None);
        };
        URL_SAFE_NO_PAD
            .decode(after)
            .ok()
            .and_then(|json| serde_json::from_slice::<Cursor<K>>(&json).ok())
            .filter(|cursor| cursor.list == self.list)
            .map(|cursor| Some(cursor.key))
            .ok_or_else(|| {
                Problem::invalid_member(
                    "after",
                    Code::InvalidCursor.as_str(),
                    Code::InvalidCursor.title(),
                )
            })
    }

    /// Cuts `rows` to the page and says where it ends.
    pub fn page<R, T, K: Serialize>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> K,
        show: impl Fn(R) -> T,
    ) -> Result<Page<T>, Problem> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if has_more => {
                let list = self.list.clone();
                let cursor = Cursor {
                    list,
                    key: key(last),
                };
                let json = serde_json::to_vec(&cursor).map_err(Problem::internal)?;
                Some(URL_SAFE_NO_PAD.encode(json))
            }
            _ => None,
        };
        Ok(Page {
            data: rows.into_iter().map(show).collect(),
            has_more,
            next_cursor,
        })
    }
}

/// The path and every parameter but the page's own, so that a cursor cannot be used elsewhere.
fn fingerprint(request: &HttpRequest) -> String {
    let mut parameters: Vec<&str> = request
        .query_string()
        .split('&')
        .filter(|pair| {
            !pair.starts_with("after=") && !pair.starts_with("limit=") && !pair.is_empty()
        })
        .collect();
    parameters.sort_unstable();
    let digest = Sha256::digest(format!("{}?{}", request.path(), parameters.join("&")));
    let (short, _) = digest.split_at(9);
    URL_SAFE_NO_PAD.encode(short)
}

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    /// Give it as `after` to get the next page.
    pub next_cursor: Option<String>,
}

impl<T: Serialize> Page<T> {
    /// Answers a list that depends on who asks.
    pub fn respond(&self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(self)
    }
}
