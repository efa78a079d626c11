//! The contract's finish: what every operation has in common is said here, once.
//!
//! An operation lists its own error codes in `x-errors`; the common ones follow from what it
//! is (a body, a path id, a token). Status, title and example of each come from the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, ServerBuilder,
};

use crate::error::{Code, Fault};

const ERRORS: &str = "x-errors";

/// The groups of operations, in the order in which a newcomer needs them.
const TAGS: &[(&str, &str)] = &[
    ("Accounts", "Signing up, in and out; one's own account"),
    ("Events", "The programme"),
    (
        "Tickets on sale",
        "Ticket types, their stock, and what is left",
    ),
    ("Booths", "Booth types and numbered booths"),
    ("Checkout", "Buying, in one call"),
    ("Orders", "What somebody buys, held until it is paid"),
    ("Payments", "Attempts to pay, and all money in one list"),
    (
        "Gateways",
        "Where the money comes from: their messages, their buyers' returns, their books",
    ),
    ("Tasks", "What a person must decide"),
    (
        "Organizers",
        "Whose events they are, and who works for them",
    ),
    ("Users", "Everybody's accounts, for admins"),
    ("Mails", "What was sent, and sending it again"),
    ("Audit", "Who did what"),
    ("Jobs", "Background work, for admins"),
    ("Service", "What the service says of itself"),
];

fn tag(name: &str, about: &str) -> Tag {
    TagBuilder::new()
        .name(name)
        .description(Some(about))
        .build()
}

/// Completes the document that was collected from the routes.
pub fn finish(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Tollgate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Sells tickets and booths, takes the money, and opens the gate once per ticket.\n\n\
             Sign in with `POST /api/v1/auth/login` and give the `access_token` to **Authorize**. \
             Errors are `application/problem+json`; `GET /api/v1/errors` explains every code.",
        ))
        .build();
    document.tags = Some(TAGS.iter().map(|(name, about)| tag(name, about)).collect());
    document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "user",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("The `access_token` of a sign-in; 15 minutes."))
                .build(),
        ),
    );
    components.add_security_scheme(
        "guest",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("The `order_token` of a purchase without an account."))
                .build(),
        ),
    );
    let schemas = &mut components.schemas;
    schemas.insert("Fault".to_owned(), Fault::schema());
    schemas.insert("Problem".to_owned(), problem_schema());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if takes_idempotency_key(method, path) {
                let needs_key = own_errors(operation).any(|c| c == Code::IdempotencyKeyRequired);
                add_header(operation, IDEMPOTENCY_KEY, needs_key);
            }
            if own_errors(operation).any(|code| code == Code::PreconditionFailed) {
                add_header(operation, IF_MATCH, false);
            }
            add_errors(method, path, operation);
        }
    }
    document
}

/// Every operation of a path, with its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Answers of `/auth` hold tokens and are never stored, so a key would mean nothing there;
/// gateways and browsers send none; asking twice is asking twice.
fn takes_idempotency_key(method: &str, path: &str) -> bool {
    let takes_none = ["/api/v1/auth/", "/api/v1/webhooks/", "/api/v1/returns/"];
    method != "GET"
        && !takes_none.iter().any(|prefix| path.starts_with(prefix))
        && !matches!(path, "/api/v1/quotes" | "/api/v1/tickets/verify")
        && !path.ends_with("/sync")
}

/// An optional header: its name, what it is for, and how short and long it may be.
type HeaderParameter = (&'static str, &'static str, usize, usize);

const IDEMPOTENCY_KEY: HeaderParameter = (
    "Idempotency-Key",
    "The same key with the same request gives the same answer, for 72 hours.",
    8,
    255,
);

const IF_MATCH: HeaderParameter = (
    "If-Match",
    "The ETag that the change is made on; 412 if there is a newer version.",
    1,
    64,
);

fn add_header(
    operation: &mut Operation,
    (name, about, least, most): HeaderParameter,
    is_required: bool,
) {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(least))
        .max_length(Some(most));
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(if is_required {
            Required::True
        } else {
            Required::False
        })
        .description(Some(about))
        .schema(Some(schema))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(parameter));
}

/// The codes that an operation lists itself.
fn own_errors(operation: &Operation) -> impl Iterator<Item = Code> {
    operation
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get(ERRORS))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| Code::from_name(name.as_str()?))
}

/// The codes that an operation can answer with: its own and those that follow from what it is.
fn codes(method: &str, path: &str, operation: &Operation) -> BTreeSet<&'static str> {
    let mut codes = BTreeSet::from([Code::Internal, Code::Overloaded].map(Code::as_str));
    let mut add = |all: &[Code]| codes.extend(all.iter().map(|code| code.as_str()));
    add(&[Code::RateLimited]);
    for code in own_errors(operation) {
        add(&[code]);
    }
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    if operation.security.is_some() {
        add(&[Code::Unauthenticated, Code::TokenExpired]);
    }
    let has = |place: ParameterIn| {
        parameters
            .iter()
            .any(|parameter| matches!(parameter, RefOr::T(p) if p.parameter_in == place))
    };
    let by_id = has(ParameterIn::Path);
    if by_id {
        add(&[Code::NotFound]);
    }
    let is_restricted = path.contains("/users") || path.contains("/organizers");
    if is_restricted || (by_id && method != "GET" && path.contains("/events/")) {
        add(&[Code::Forbidden]);
    }
    if operation.request_body.is_some() {
        add(&[
            Code::MalformedJson,
            Code::RequestTimeout,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::ValidationFailed,
            Code::UnknownField,
        ]);
    }
    if has(ParameterIn::Query) {
        add(&[
            Code::ValidationFailed,
            Code::UnknownParameter,
            Code::InvalidCursor,
        ]);
    }
    if takes_idempotency_key(method, path) {
        add(&[
            Code::ValidationFailed,
            Code::IdempotencyKeyReused,
            Code::IdempotencyInProgress,
        ]);
    }
    codes
}

fn add_errors(method: &str, path: &str, operation: &mut Operation) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for name in codes(method, path, operation) {
        if let Some(code) = Code::from_name(name) {
            by_status
                .entry(code.status().as_u16())
                .or_default()
                .push(code);
        }
    }
    if let Some(extensions) = &mut operation.extensions {
        extensions.remove(ERRORS);
    }
    for (status, codes) in by_status {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(error_response(status, &codes)));
    }
}

/// One response for all codes of a status, with an example for each.
fn error_response(status: u16, codes: &[Code]) -> utoipa::openapi::Response {
    let description: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.title()))
        .collect();
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new()
            .summary(code.title())
            .value(Some(example(*code)))
            .build();
        (code.as_str(), RefOr::T(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(description.join(" · "))
        .content("application/problem+json", content);
    if matches!(status, 409 | 429 | 503) {
        let header = HeaderBuilder::new()
            .description(Some("Seconds to wait, where waiting helps"))
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
            .build();
        response = response.header("Retry-After", header);
    }
    response.build()
}

fn example(code: Code) -> Value {
    json!({
        "type": format!("https://tickets.example.com/api/v1/errors/{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": code.advice(),
        "instance": "/api/v1/…",
        "code": code.as_str(),
        "error": code.title(),
        "request_id": "req_01h455vb4pex5vsknk084sn02q",
        "retryable": code.retryable(),
    })
}

fn problem_schema() -> RefOr<utoipa::openapi::schema::Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let codes = Code::ALL.iter().map(|code| code.as_str());
    ObjectBuilder::new()
        .description(Some(
            "A refusal (RFC 9457). Some codes add members of their own.",
        ))
        .property("type", text())
        .property("title", text())
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("detail", text())
        .property("instance", text())
        .property("code", text().enum_values(Some(codes)))
        .property("error", text().description(Some("The title again")))
        .property("request_id", text())
        .property("retryable", ObjectBuilder::new().schema_type(Type::Boolean))
        .property(
            "errors",
            utoipa::openapi::schema::ArrayBuilder::new()
                .items(RefOr::Ref(Ref::from_schema_name("Fault"))),
        )
        .required("type")
        .required("title")
        .required("status")
        .required("detail")
        .required("instance")
        .required("code")
        .required("error")
        .required("request_id")
        .required("retryable")
        .examples([example(Code::NotFound)])
        .into()
}
