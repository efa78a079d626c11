//! A client that checks every answer against the contract.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::contract::{self, Operation};

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    user: Value,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
    request: String,
}

impl Client {
    pub fn new(base: &str) -> Self {
        // Sooner than the server, which may otherwise close a connection just when it is used.
        let http = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(2));
        Self {
            http: http.no_proxy().build().unwrap(),
            base: base.to_owned(),
            access_token: None,
            refresh_token: None,
            user: Value::Null,
        }
    }

    #[must_use]
    pub fn with_tokens(mut self, answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        self.access_token = text("access_token");
        self.refresh_token = text("refresh_token");
        self.user = answer["user"].clone();
        self
    }

    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.access_token = Some(token.to_owned());
        self
    }

    /// Reads from a server that may be gone.
    pub async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.request("GET", path).send().await.ok()?;
        answer.json().await.ok()
    }

    pub fn user_id(&self) -> String {
        self.user["id"].as_str().unwrap().to_owned()
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.access_token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PUT", path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PATCH", path).json(&body)).await
    }

    /// Sends anything with an idempotency key.
    pub async fn keyed(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header("Idempotency-Key", key);
        self.send(request.json(&body)).await
    }

    /// Sends a request, and fails if the contract does not know its answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// Sends a request to a server that may be gone before it has answered.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let request = request.build().unwrap();
        let (method, path) = (
            request.method().to_string(),
            request.url().path().to_owned(),
        );
        let response = self.http.execute(request).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let answer = Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            request: format!("{method} {path}"),
        };
        if let Some(operation) = contract::find(&method, &path) {
            answer.check(operation);
        }
        Ok(answer)
    }
}

impl Answer {
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text);
        self
    }

    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.body["code"], code, "{}: {}", self.request, self.text);
        self
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Pointers and codes of all faults.
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let faults = self.body["errors"].as_array().cloned().unwrap_or_default();
        faults
            .iter()
            .map(|fault| (text(&fault["pointer"]), text(&fault["code"])))
            .collect()
    }

    /// The contract lists this status and code, and a refusal has all its members.
    #[track_caller]
    fn check(&self, operation: &Operation) {
        let request = &self.request;
        assert!(
            operation.documents(self.status),
            "{request} answers an undocumented {}: {}",
            self.status,
            self.text
        );
        assert!(
            self.header("x-request-id").is_some(),
            "{request}: no request id"
        );
        if self.status < 400 {
            return;
        }
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{request}"
        );
        let code = self.body["code"].as_str().unwrap_or_default();
        assert!(
            operation.documents_code(self.status, code),
            "{request} answers an undocumented {code}: {}",
            self.text
        );
        for member in [
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "error",
            "request_id",
        ] {
            assert!(
                !self.body[member].is_null(),
                "{request}: no {member}: {}",
                self.text
            );
        }
        assert_eq!(self.body["error"], self.body["title"]);
        assert_eq!(self.body["status"], self.status);
        assert_eq!(
            self.body["request_id"],
            self.header("x-request-id").unwrap()
        );
    }
}
