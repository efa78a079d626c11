//! Reading a JSON body, member by member, so that every fault is told at once.
//!
//! serde stops at the first fault and cannot tell an absent member from a null one. Here a
//! body's type reads its members one by one from [`Fields`]; what nobody asked for is an
//! `unknown_field`.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use super::idempotency::BodyDigest;
use crate::error::{Code, Fault, Problem};

/// The largest body that is read.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// How long a body may take to arrive.
const BODY_TIME_LIMIT: Duration = Duration::from_secs(10);

/// A value's own fault; [`Fields`] adds where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub code: &'static str,
    pub detail: String,
}

impl Flaw {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail }
    }
}

/// What a PATCH says about a member that may be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    Absent,
    Null,
    Set(T),
}

impl<T> Patch<T> {
    /// The value after the change.
    pub fn over(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Absent => present,
            Self::Null => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// The members of one object that have not been read yet.
pub struct Fields<'a> {
    members: Map<String, Value>,
    pointer: String,
    faults: &'a mut Vec<Fault>,
}

impl Fields<'_> {
    /// A member that must be there. `None` when it is not, or is wrong: the fault is noted.
    pub fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, Flaw>,
    ) -> Option<T> {
        match self.members.remove(name) {
            None | Some(Value::Null) => {
                self.fault(name, Flaw::new("required", "must be given"));
                None
            }
            Some(value) => self.note(name, parse(&value)),
        }
    }

    /// A member that may be left out or null.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, Flaw>,
    ) -> Option<Option<T>> {
        match self.members.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.note(name, parse(&value)).map(Some),
        }
    }

    /// A member of a PATCH that may be left out, but not be null.
    pub fn change<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, Flaw>,
    ) -> Option<Option<T>> {
        match self.members.remove(name) {
            None => Some(None),
            Some(Value::Null) => {
                self.fault(name, Flaw::new("required", "cannot be null"));
                None
            }
            Some(value) => self.note(name, parse(&value)).map(Some),
        }
    }

    /// A member of a PATCH that may be left out, or be null to clear it.
    pub fn patch<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, Flaw>,
    ) -> Option<Patch<T>> {
        match self.members.remove(name) {
            None => Some(Patch::Absent),
            Some(Value::Null) => Some(Patch::Null),
            Some(value) => self.note(name, parse(&value)).map(Patch::Set),
        }
    }

    /// An object inside, read by `read`; left out or null reads as `None`.
    pub fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.members.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Object(members)) => {
                let pointer = self.pointer_to(name);
                read_object(members, pointer, self.faults, read).map(Some)
            }
            Some(_) => {
                self.fault(name, Flaw::new("wrong_type", "must be an object"));
                None
            }
        }
    }

    /// A list of objects inside, each read by `read`; left out or null reads as an empty one.
    pub fn list<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.members.remove(name) {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(name, Flaw::new("wrong_type", "must be a list"));
                return None;
            }
        };
        if items.len() > most {
            self.fault(name, Flaw::new("too_many", format!("at most {most}")));
            return None;
        }
        let mut values = Vec::new();
        let mut is_whole = true;
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("{}/{index}", self.pointer_to(name));
            let value = match item {
                Value::Object(members) => read_object(members, pointer, self.faults, &mut read),
                _ => {
                    self.faults.push(Fault {
                        pointer,
                        code: "wrong_type".to_owned(),
                        detail: "must be an object".to_owned(),
                    });
                    None
                }
            };
            is_whole &= value.is_some();
            values.extend(value);
        }
        is_whole.then_some(values)
    }

    /// Looks at none of the members that are left.
    pub fn skip(&mut self) {
        self.members.clear();
    }

    /// Whether a member is there and not null, without reading it.
    pub fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// An object inside a PATCH: left out, null, or read by `read` as a whole.
    pub fn patch_object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Patch<T>> {
        match self.members.get(name) {
            None => Some(Patch::Absent),
            Some(_) => self
                .object(name, read)
                .map(|value| value.map_or(Patch::Null, Patch::Set)),
        }
    }

    /// Notes a fault that only several members together show.
    pub fn fault(&mut self, name: &str, flaw: Flaw) {
        let pointer = self.pointer_to(name);
        self.faults.push(Fault {
            pointer,
            code: flaw.code.to_owned(),
            detail: flaw.detail,
        });
    }

    fn note<T>(&mut self, name: &str, outcome: Result<T, Flaw>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(flaw) => {
                self.fault(name, flaw);
                None
            }
        }
    }

    /// A JSON pointer (RFC 6901). A name that no member of ours has is cut: it is echoed.
    fn pointer_to(&self, name: &str) -> String {
        let name: String = name.chars().take(100).collect();
        let name = name.replace('~', "~0").replace('/', "~1");
        format!("{}/{name}", self.pointer)
    }
}

fn read_object<T>(
    members: Map<String, Value>,
    pointer: String,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let mut fields = Fields {
        members,
        pointer,
        faults,
    };
    let value = read(&mut fields);
    let unknown: Vec<String> = fields.members.keys().take(50).cloned().collect();
    for name in unknown {
        let code = Code::UnknownField.as_str();
        fields.fault(&name, Flaw::new(code, "there is no such member"));
    }
    value
}

/// A body that knows how to read itself.
pub trait FromBody: Sized {
    /// Reads every member, noting all faults; `None` if any was wrong.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Reads `value` as `T`, or says everything that is wrong with it.
pub fn read<T: FromBody>(value: Value) -> Result<T, Problem> {
    let Value::Object(members) = value else {
        let detail = "the body must be a JSON object";
        return Err(Problem::invalid_member("", "wrong_type", detail));
    };
    let mut faults = Vec::new();
    let body = read_object(members, String::new(), &mut faults, T::read);
    match body {
        Some(body) if faults.is_empty() => Ok(body),
        _ => Err(Problem::invalid(faults)),
    }
}

/// The request's JSON body, parsed.
pub struct Body<T>(pub T);

impl<T: FromBody + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(|_| unreadable())?;
            let bytes = tokio::time::timeout(BODY_TIME_LIMIT, collect(&request, payload))
                .await
                .map_err(|_| Problem::new(Code::RequestTimeout))??;
            let value = parse_json(&request, &bytes)?;
            request.extensions_mut().insert(BodyDigest::of(&value));
            Ok(Self(read(value)?))
        })
    }
}

/// The body as it was sent, for whom a signature stands over it.
pub struct RawBody(pub Vec<u8>);

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = web::Payload::from_request(&request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(|_| unreadable())?;
            let bytes = tokio::time::timeout(BODY_TIME_LIMIT, collect(&request, payload)).await;
            Ok(Self(
                bytes.map_err(|_| Problem::new(Code::RequestTimeout))??,
            ))
        })
    }
}

async fn collect(request: &HttpRequest, mut payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT_BYTES) {
        return Err(Problem::new(Code::PayloadTooLarge));
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| unreadable())?;
        if bytes.len() + chunk.len() > BODY_LIMIT_BYTES {
            return Err(Problem::new(Code::PayloadTooLarge));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// No body at all reads as an empty object: its missing members are the faults then.
fn parse_json(request: &HttpRequest, bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let essence = request.content_type();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"));
    if !is_json {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::new(Code::MalformedJson).detail(format!("Not JSON at {place}."))
    })
}

fn unreadable() -> Problem {
    Problem::new(Code::MalformedJson).detail("The body did not arrive whole.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parse;
    use serde_json::json;

    #[derive(Debug)]
    struct Sample {
        name: String,
        note: Patch<String>,
        inner: Option<i64>,
    }

    impl FromBody for Sample {
        fn read(fields: &mut Fields<'_>) -> Option<Self> {
            let name = fields.required("name", parse::text(5));
            let note = fields.patch("note", parse::text(5));
            let inner = fields.object("inner", |fields| fields.required("n", parse::integer(1, 9)));
            Some(Self {
                name: name?,
                note: note?,
                inner: inner?,
            })
        }
    }

    #[test]
    fn absent_and_null_are_told_apart() {
        let read = |value| super::read::<Sample>(value).unwrap();
        assert_eq!(read(json!({"name": "a"})).note, Patch::Absent);
        assert_eq!(read(json!({"name": "a", "note": null})).note, Patch::Null);
        let sample = read(json!({"name": "a", "note": "b", "inner": {"n": 2}}));
        assert_eq!(sample.note, Patch::Set("b".into()));
        assert_eq!((sample.name.as_str(), sample.inner), ("a", Some(2)));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let body = json!({"name": 7, "note": "too long", "inner": {"n": 10, "x": 1}, "a/b": 1});
        let problem = super::read::<Sample>(body).unwrap_err();
        let faults: Vec<_> = problem
            .faults
            .iter()
            .map(|fault| (fault.pointer.as_str(), fault.code.as_str()))
            .collect();
        assert_eq!(
            faults,
            [
                ("/name", "wrong_type"),
                ("/note", "too_long"),
                ("/inner/n", "out_of_range"),
                ("/inner/x", "unknown_field"),
                ("/a~1b", "unknown_field"),
            ]
        );
        assert_eq!(problem.code, Code::ValidationFailed);
    }

    #[test]
    fn only_unknown_members_have_their_own_code() {
        let problem = super::read::<Sample>(json!({"name": "a", "x": 1})).unwrap_err();
        assert_eq!(problem.code, Code::UnknownField);
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in [json!(1), json!([]), json!("x"), json!(null), json!(true)] {
            assert_eq!(
                super::read::<Sample>(body).unwrap_err().code,
                Code::ValidationFailed
            );
        }
    }
}
