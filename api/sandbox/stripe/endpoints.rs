//! Webhook endpoints: where events are posted, and the secrets that sign them.

use serde_json::{Value, json};

use super::account::{Account, VERSION};
use super::error::{ApiError, Outcome};
use super::ids;
use super::params::{Metadata, Params};
use super::shelf::{Kept, Page};

/// A test account may have so many.
const ENDPOINTS_MOST: usize = 16;

#[derive(Clone)]
pub struct Endpoint {
    pub id: String,
    created: i64,
    pub url: String,
    enabled_events: Vec<String>,
    is_enabled: bool,
    description: Option<String>,
    metadata: Metadata,
    /// `None`: the account's.
    version: Option<String>,
    /// The newest first; an older one signs as well until it expires.
    secrets: Vec<Secret>,
}

#[derive(Clone)]
struct Secret {
    text: String,
    expires_at: Option<i64>,
}

impl Kept for Endpoint {
    const OBJECT: &'static str = "webhook endpoint";
    const PARAM: &'static str = "webhook_endpoint";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Endpoint {
    fn new(url: String, secret: String, now: i64) -> Self {
        Self {
            id: ids::new("we_1", 23),
            created: now,
            url,
            enabled_events: vec!["*".to_owned()],
            is_enabled: true,
            description: None,
            metadata: Metadata::new(),
            version: None,
            secrets: vec![Secret {
                text: secret,
                expires_at: None,
            }],
        }
    }

    pub fn version(&self) -> &str {
        self.version.as_deref().unwrap_or(VERSION)
    }

    pub fn wants(&self, kind: &str) -> bool {
        let is_wanted = |wanted: &String| wanted == "*" || wanted == kind;
        self.is_enabled && self.enabled_events.iter().any(is_wanted)
    }

    /// All that sign at this moment.
    pub fn secrets(&self, now: i64) -> Vec<String> {
        let lasts = |secret: &&Secret| secret.expires_at.is_none_or(|end| now < end);
        self.secrets
            .iter()
            .filter(lasts)
            .map(|secret| secret.text.clone())
            .collect()
    }

    /// The secret is told once, at the creation.
    fn show(&self, with_secret: bool) -> Value {
        let mut shown = json!({
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.version,
            "application": null,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": false,
            "metadata": self.metadata,
            "status": if self.is_enabled { "enabled" } else { "disabled" },
            "url": self.url,
        });
        if let (true, Value::Object(fields)) = (with_secret, &mut shown) {
            let secret = self.secrets.first().map(|secret| secret.text.clone());
            fields.insert("secret".to_owned(), json!(secret));
        }
        shown
    }

    fn read(&mut self, params: &mut Params) -> Outcome<()> {
        if let Some(url) = params.text("url")? {
            let is_url = url.parse::<actix_web::http::Uri>().is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
            });
            if !is_url {
                let error = ApiError::invalid(
                    "url",
                    "Invalid URL: An explicit scheme (such as https) must be provided.",
                );
                return Err(error.with("code", "url_invalid"));
            }
            self.url = url;
        }
        let events = params.texts("enabled_events")?;
        if !events.is_empty() {
            self.enabled_events = events;
        }
        if let Some(text) = params.raw("description")? {
            self.description = Some(text).filter(|text| !text.is_empty());
        }
        params.metadata(&mut self.metadata)
    }
}

pub fn create(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    if account.endpoints.iter().count() >= ENDPOINTS_MOST {
        let message = "You have reached the maximum of 16 test webhook endpoints.";
        return Err(ApiError::invalid("url", message));
    }
    let secret = ids::new("whsec_", 32);
    let mut endpoint = Endpoint::new(String::new(), secret, account.now);
    endpoint.enabled_events.clear();
    endpoint.version = params.text("api_version")?;
    params.ignore(&["connect"]);
    endpoint.read(&mut params)?;
    params.finish()?;
    if endpoint.url.is_empty() {
        return Err(ApiError::missing_param("url"));
    }
    if endpoint.enabled_events.is_empty() {
        return Err(ApiError::missing_param("enabled_events"));
    }
    account.endpoints.put(endpoint.clone());
    Ok(endpoint.show(true))
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.endpoints.get(id)?.show(false))
}

pub fn update(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut endpoint = account.endpoints.get(id)?;
    if let Some(is_disabled) = params.boolean("disabled")? {
        endpoint.is_enabled = !is_disabled;
    }
    endpoint.read(&mut params)?;
    params.finish()?;
    account.endpoints.put(endpoint.clone());
    Ok(endpoint.show(false))
}

pub fn delete(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    account.endpoints.get(id)?;
    account.endpoints.retain(|endpoint| endpoint.id != id);
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    params.finish()?;
    let show = |endpoint: &Endpoint| endpoint.show(false);
    account
        .endpoints
        .page(&page, "/v1/webhook_endpoints", |_| true, show)
}

impl Account {
    /// An endpoint for all events, with a secret that is known.
    pub fn register(&mut self, url: &str, secret: &str) -> String {
        let endpoint = Endpoint::new(url.to_owned(), secret.to_owned(), self.now);
        let id = endpoint.id.clone();
        self.endpoints.put(endpoint);
        id
    }

    /// Gives an endpoint a new secret; the old ones sign beside it for some time. Answers it.
    pub fn roll_secret(
        &mut self,
        id: &str,
        secret: Option<String>,
        keep_seconds: i64,
    ) -> Outcome<String> {
        let mut endpoint = self.endpoints.get(id)?;
        let end = self.now.saturating_add(keep_seconds);
        for old in &mut endpoint.secrets {
            old.expires_at = Some(old.expires_at.map_or(end, |earlier| earlier.min(end)));
        }
        let text = secret.unwrap_or_else(|| ids::new("whsec_", 32));
        let new = Secret {
            text: text.clone(),
            expires_at: None,
        };
        endpoint.secrets.insert(0, new);
        self.endpoints.put(endpoint);
        Ok(text)
    }
}
