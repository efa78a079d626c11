//! Stripe's errors: `{"error": {type, code, message, param, …}}` under their true statuses.

use serde_json::{Map, Value, json};

/// An answer that is a refusal.
#[derive(Debug, Clone)]
pub struct ApiError {
    pub status: u16,
    /// Whether work had begun, so that the answer is kept for the same idempotency key.
    pub is_kept: bool,
    fields: Map<String, Value>,
}

pub type Outcome<T> = Result<T, ApiError>;

impl ApiError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), Value::String(message.into()));
        fields.insert("type".to_owned(), Value::from(kind));
        Self {
            status,
            is_kept: false,
            fields,
        }
    }

    /// What was asked makes no sense: nothing was begun.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message).with("param", param)
    }

    /// What was asked makes sense, and cannot be done as things stand.
    pub fn state(code: &str, message: impl Into<String>) -> Self {
        let error = Self::new(400, "invalid_request_error", message);
        error.with("code", code).kept()
    }

    pub fn missing_param(param: &str) -> Self {
        Self::invalid(param, format!("Missing required param: {param}."))
            .with("code", "parameter_missing")
    }

    /// The object that the path names does not exist.
    pub fn no_such(object: &str, id: &str, param: &str) -> Self {
        let mut error = Self::unknown_value(object, id, param);
        error.status = 404;
        error
    }

    /// The object that a parameter names does not exist.
    pub fn unknown_value(object: &str, id: &str, param: &str) -> Self {
        Self::invalid(param, format!("No such {object}: '{id}'")).with("code", "resource_missing")
    }

    pub fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). If you are trying to list objects, \
             remove the trailing slash. If you are trying to retrieve an object, make sure you \
             passed a valid (non-empty) identifier in your code."
        );
        Self::new(404, "invalid_request_error", message)
    }

    pub fn unauthorized() -> Self {
        let message = "You did not provide an API key. You need to provide your API key in the \
                       Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
                       YOUR_SECRET_KEY').";
        Self::new(401, "invalid_request_error", message)
    }

    pub fn invalid_key() -> Self {
        let message = "Invalid API Key provided: only test keys (sk_test_…) are known here.";
        Self::new(401, "invalid_request_error", message)
    }

    pub fn rate_limited() -> Self {
        let message = "Request rate limit exceeded. Learn more about rate limits here \
                       https://stripe.com/docs/rate-limits.";
        Self::new(429, "invalid_request_error", message).with("code", "rate_limit")
    }

    pub fn server() -> Self {
        let message = "An unknown error occurred";
        Self::new(500, "api_error", message).kept()
    }

    pub fn key_reused(message: impl Into<String>) -> Self {
        Self::new(400, "idempotency_error", message)
    }

    pub fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key: {key}. \
             Please try again later."
        );
        Self::new(409, "idempotency_error", message).with("code", "idempotency_key_in_use")
    }

    /// A card that is refused: 402.
    pub fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        let error = Self::new(402, "card_error", message).with("code", code);
        let error = match decline_code {
            Some(decline_code) => error.with("decline_code", decline_code),
            None => error,
        };
        error.kept()
    }

    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if let ("code", Some(code)) = (field, value.as_str()) {
            let url = format!(
                "https://stripe.com/docs/error-codes/{}",
                code.replace('_', "-")
            );
            self.fields.insert("doc_url".to_owned(), Value::from(url));
        }
        self.fields.insert(field.to_owned(), value);
        self
    }

    fn kept(mut self) -> Self {
        self.is_kept = true;
        self
    }

    /// What `last_payment_error` of a PaymentIntent shows.
    pub fn fields(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    pub fn text(&self, field: &str) -> Option<String> {
        let value = self.fields.get(field)?;
        value.as_str().map(str::to_owned)
    }

    pub fn body(&self, request_id: &str) -> Value {
        let mut fields = self.fields.clone();
        let url = format!("https://dashboard.stripe.com/test/logs/{request_id}");
        fields.insert("request_log_url".to_owned(), Value::from(url));
        json!({"error": fields})
    }
}
