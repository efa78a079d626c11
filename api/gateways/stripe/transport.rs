//! How calls reach Stripe: pooled connections, limits of time and number, and one idempotency
//! key over all tries of a call.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::web::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeMethod, StripeRequest,
};
use tokio::time::Instant;

use super::error::{ApiError, CallError, Trouble};
use super::permits::Permits;
use super::retry::Outcome;
use crate::config::StripeSettings;
use crate::http::outbound;

/// Far more than a page of a hundred objects.
const BODY_MOST_BYTES: usize = 8 * 1024 * 1024;

macro_rules! operations {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// The endpoints that are called, each with a limit of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Operation { $($name),+ }

        impl Operation {
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

operations! {
    ListCustomers = "customers.list",
    MakeCustomer = "customers.create",
    MakeSession = "checkout.sessions.create",
    FindSession = "checkout.sessions.retrieve",
    ListSessions = "checkout.sessions.list",
    ExpireSession = "checkout.sessions.expire",
    MakeIntent = "payment_intents.create",
    FindIntent = "payment_intents.retrieve",
    ListIntents = "payment_intents.list",
    CancelIntent = "payment_intents.cancel",
    MakeRefund = "refunds.create",
    FindRefund = "refunds.retrieve",
    ListRefunds = "refunds.list",
}

/// The way to one Stripe account.
pub(super) struct Transport {
    http: reqwest::Client,
    base: String,
    secret_key: String,
    version: String,
    /// How long one call may take with all its tries.
    patience: Duration,
    permits: Permits,
}

/// How a call is made.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub operation: Operation,
    /// The same over all tries; for whatever changes something.
    pub key: Option<String>,
    /// Where it is not the transport's own.
    pub limit: Option<Duration>,
}

impl Sending {
    /// A question: asked as often as need be, it changes nothing.
    pub(super) fn asking(operation: Operation) -> Self {
        Self {
            operation,
            key: None,
            limit: None,
        }
    }

    /// Something that is to happen once for this key.
    pub(super) fn once(operation: Operation, key: String) -> Self {
        Self {
            key: Some(key),
            ..Self::asking(operation)
        }
    }

    pub(super) fn within(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }
}

/// What a call brought.
#[derive(Debug, Clone)]
pub(super) struct Answered<T> {
    pub object: T,
    pub request_id: Option<String>,
}

impl Transport {
    pub(super) fn new(settings: &StripeSettings) -> reqwest::Result<Self> {
        Ok(Self {
            http: outbound::gateway_client()?,
            base: format!("{}/v1", settings.api_base),
            secret_key: settings.secret_key.clone(),
            version: settings.api_version.clone(),
            patience: settings.patience,
            permits: Permits::new(settings.calls_per_second),
        })
    }

    /// Makes a typed call. What Stripe did is read as the typed object, and where that does not
    /// fit, as `V`, which asks for much less: money that moved must not look like an error.
    pub(super) async fn call<R, V>(
        &self,
        request: &R,
        sending: Sending,
    ) -> Result<Answered<V>, CallError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize + Into<V>,
        V: DeserializeOwned,
    {
        let operation = sending.operation.as_str();
        let call = Call {
            transport: self,
            sending,
            answer: OnceLock::new(),
        };
        let typed = request.customize().send(&call).await;
        let answer = call.answer.into_inner();
        let request_id = answer.as_ref().and_then(|answer| answer.request_id.clone());
        let object = match (typed, answer) {
            (Ok(typed), _) => typed.into(),
            (Err(error), Some(answer)) if error.trouble == Trouble::Unreadable => {
                let seen = serde_json::from_slice(&answer.body).map_err(|_| CallError {
                    request_id: request_id.clone(),
                    maybe_done: true,
                    ..error
                });
                tracing::warn!(operation, request_id, "an answer that is not as documented");
                seen?
            }
            (Err(error), _) => {
                tracing::warn!(operation, %error, "no result");
                return Err(error);
            }
        };
        Ok(Answered { object, request_id })
    }
}

/// An answer, whatever it says.
#[derive(Debug)]
struct Answer {
    outcome: Outcome,
    status: u16,
    request_id: Option<String>,
    body: Bytes,
}

/// One call: the client that typed requests are sent with.
struct Call<'a> {
    transport: &'a Transport,
    sending: Sending,
    /// The answer that was good, for whoever cannot use it as it is typed.
    answer: OnceLock<Answer>,
}

impl StripeClient for Call<'_> {
    type Err = CallError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, CallError> {
        let (request, _) = request.into_pieces();
        let deadline = Instant::now() + self.sending.limit.unwrap_or(self.transport.patience);
        let (mut tries, mut maybe_done) = (0, false);
        loop {
            let permitted = self
                .transport
                .permits
                .wait(self.sending.operation, deadline);
            let tried = match permitted.await {
                Ok(()) => self.attempt(&request, deadline).await,
                Err(queued) => Err(queued),
            };
            tries += 1;
            let (outcome, error) = match tried {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    let body = answer.body.clone();
                    // The first answer is the only one: the call ends with it.
                    let _ = self.answer.set(answer);
                    return Ok(body);
                }
                Ok(answer) => (Some(answer.outcome), answer.into_error(maybe_done)),
                Err(trouble) => {
                    let outcome = (!matches!(trouble, Trouble::Queued(_))).then(Outcome::default);
                    let error = CallError {
                        maybe_done,
                        ..trouble.into()
                    };
                    (outcome, error)
                }
            };
            // Asking again what changes nothing leaves nothing in doubt.
            maybe_done |= self.sending.key.is_some() && may_have_been_done(&error.trouble);
            let jitter = crate::random::jitter_below(1_001);
            let pause = outcome.and_then(|outcome| outcome.pause(tries, jitter));
            match pause {
                Some(pause) if Instant::now() + pause < deadline => {
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }
}

fn may_have_been_done(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::NotSent(_) | Trouble::Queued(_) => false,
        Trouble::Unanswered(_) | Trouble::Unreadable => true,
        // Refused before anything began: Stripe keeps no answer for those.
        Trouble::Refused { status, .. } | Trouble::Opaque { status, .. } => {
            !matches!(status, 401 | 429)
        }
    }
}

impl Call<'_> {
    async fn attempt(
        &self,
        request: &RequestBuilder,
        deadline: Instant,
    ) -> Result<Answer, Trouble> {
        let sent = tokio::time::timeout_at(deadline, self.send(request));
        match sent.await {
            Ok(sent) => sent,
            Err(_) => Err(Trouble::Unanswered("no answer in time".to_owned())),
        }
    }

    async fn send(&self, request: &RequestBuilder) -> Result<Answer, Trouble> {
        let transport = self.transport;
        let mut url = format!("{}{}", transport.base, request.path);
        if let Some(query) = request.query.as_ref().filter(|query| !query.is_empty()) {
            url.push('?');
            url.push_str(query);
        }
        let method = match request.method {
            StripeMethod::Get => reqwest::Method::GET,
            StripeMethod::Post => reqwest::Method::POST,
            StripeMethod::Delete => reqwest::Method::DELETE,
        };
        let mut http = transport
            .http
            .request(method, url)
            .bearer_auth(&transport.secret_key)
            .header("stripe-version", &transport.version);
        if let Some(key) = &self.sending.key {
            http = http.header("idempotency-key", key);
        }
        if let Some(body) = &request.body {
            http = http
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone());
        }
        let response = http.send().await.map_err(|error| {
            let is_sent = outbound::was_sent(&error);
            let why = outbound::why(error);
            match is_sent {
                true => Trouble::Unanswered(why),
                false => Trouble::NotSent(why),
            }
        })?;
        read(response).await
    }
}

async fn read(mut response: reqwest::Response) -> Result<Answer, Trouble> {
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let retry_after = header("retry-after").and_then(|it| it.parse().ok());
    let should_retry = header("stripe-should-retry").and_then(|it| it.parse().ok());
    let request_id = header("request-id").filter(|id| is_harmless(id));
    let mut body = BytesMut::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| Trouble::Unanswered(outbound::why(error)))?;
        let Some(chunk) = chunk else { break };
        if body.len().saturating_add(chunk.len()) > BODY_MOST_BYTES {
            return Err(Trouble::Unanswered("an answer without end".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        outcome: Outcome {
            status: Some(status),
            should_retry,
            retry_after: retry_after.map(Duration::from_secs),
        },
        status,
        request_id,
        body: body.freeze(),
    })
}

/// Whether a request's id can stand in a log and in a table.
fn is_harmless(id: &str) -> bool {
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(is_sane)
}

impl Answer {
    fn into_error(self, maybe_done: bool) -> CallError {
        let (status, retry_after) = (self.status, self.outcome.retry_after);
        let trouble = match ApiError::read(&self.body) {
            Some(error) => Trouble::Refused {
                status,
                error,
                retry_after,
            },
            None => Trouble::Opaque {
                status,
                retry_after,
            },
        };
        CallError {
            trouble,
            maybe_done,
            request_id: self.request_id,
        }
    }
}
