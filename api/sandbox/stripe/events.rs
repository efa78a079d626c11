//! Events: what happened, as the object was at that moment. They can be read for 30 days.

use serde_json::{Value, json};

use super::account::{Account, VERSION};
use super::error::{ApiError, Outcome};
use super::ids;
use super::params::Params;
use super::shelf::{Kept, Page};

/// How many kinds a list can be asked for.
const TYPES_MOST: usize = 20;

#[derive(Clone)]
pub struct Event {
    pub id: String,
    pub created: i64,
    pub kind: &'static str,
    data: Value,
    request: Value,
}

impl Kept for Event {
    const OBJECT: &'static str = "event";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Event {
    /// As it is rendered for an endpoint's version; the objects inside are all of the newest.
    pub fn show(&self, version: &str, pending_webhooks: usize) -> Value {
        json!({
            "id": self.id,
            "object": "event",
            "api_version": version,
            "created": self.created,
            "data": self.data,
            "livemode": false,
            "pending_webhooks": pending_webhooks,
            "request": self.request,
            "type": self.kind,
        })
    }
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    let event = account.events.get(id)?;
    Ok(event.show(VERSION, account.post.pending(id)))
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let kind = params.text("type")?;
    let kinds = params.texts("types")?;
    let delivered = params.boolean("delivery_success")?;
    params.finish()?;
    if kinds.len() > TYPES_MOST {
        return Err(ApiError::invalid(
            "types",
            "You can pass at most 20 event types.",
        ));
    }
    if kind.is_some() && !kinds.is_empty() {
        return Err(ApiError::invalid(
            "type",
            "You may pass either `type` or `types`, but not both.",
        ));
    }
    let post = &account.post;
    let is_of = |event: &Event, kind: &str| {
        let family = kind.strip_suffix(".*");
        event.kind == kind || family.is_some_and(|family| event.kind.starts_with(family))
    };
    let matches = |event: &Event| {
        kind.as_ref().is_none_or(|kind| is_of(event, kind))
            && (kinds.is_empty() || kinds.iter().any(|kind| is_of(event, kind)))
            && delivered.is_none_or(|delivered| post.is_delivered(&event.id) == delivered)
    };
    let show = |event: &Event| event.show(VERSION, post.pending(&event.id));
    account.events.page(&page, "/v1/events", matches, show)
}

impl Account {
    /// Something happened: it is kept, and every endpoint that wants to know will be told.
    pub fn emit(&mut self, kind: &'static str, object: Value) {
        self.tell(kind, json!({"object": object}));
    }

    /// The same, with what changed, as it was before.
    pub fn emit_change(&mut self, kind: &'static str, object: Value, before: Value) {
        self.tell(
            kind,
            json!({"object": object, "previous_attributes": before}),
        );
    }

    fn tell(&mut self, kind: &'static str, data: Value) {
        let caller = self.caller.as_ref();
        let event = Event {
            id: ids::new("evt_1", 23),
            created: self.now,
            kind,
            data,
            request: json!({
                "id": caller.map(|caller| &caller.request),
                "idempotency_key": caller.and_then(|caller| caller.key.as_ref()),
            }),
        };
        let wanting = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.wants(kind));
        let wanting: Vec<String> = wanting.map(|endpoint| endpoint.id.clone()).collect();
        for endpoint in wanting {
            self.post.send(&event.id, &endpoint, self.now);
        }
        self.events.put(event);
    }
}
