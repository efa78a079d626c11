//! What goes wrong with a call to Stripe, and what that means for a payment.

use std::fmt::Display;
use std::time::Duration;

use serde::Deserialize;
use stripe_client_core::StripeClientErr;

use crate::gateways::{Failure, GatewayError};

/// Stripe's error object, as far as it is used: the tolerant view of `stripe_shared::ApiErrors`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ApiError {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
    pub param: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    error: ApiError,
}

impl ApiError {
    /// Reads an answer's body; `None` when it is not Stripe that speaks.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let envelope: Envelope = serde_json::from_slice(body).ok()?;
        Some(envelope.error)
    }

    /// Why a charge did not go through, in words that buyers may read: only those of card
    /// errors are written for them.
    pub(super) fn failure(&self) -> Failure {
        let is_card = self.kind == "card_error";
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        let code = code.unwrap_or(&self.kind).as_str();
        let message = self.message.clone().filter(|_| is_card);
        Failure {
            code: match code {
                // Nobody who found a card is told that its loss is known.
                "fraudulent" | "lost_card" | "merchant_blacklist" | "pickup_card"
                | "stolen_card" => "generic_decline",
                "" => "refused",
                code => code,
            }
            .to_owned(),
            message: message.unwrap_or_else(|| "The payment was refused.".to_owned()),
            retryable: is_card,
        }
    }
}

impl From<&stripe_shared::ApiErrors> for ApiError {
    fn from(it: &stripe_shared::ApiErrors) -> Self {
        Self {
            kind: it.type_.as_str().to_owned(),
            code: it.code.as_ref().map(|code| code.as_str().to_owned()),
            decline_code: it.decline_code.clone(),
            message: it.message.clone(),
            param: it.param.clone(),
        }
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It never reached Stripe.
    NotSent(String),
    /// Our own limit would keep it longer than it may take.
    Queued(Duration),
    /// It was sent, and no answer came.
    Unanswered(String),
    /// Stripe says no.
    Refused {
        status: u16,
        error: ApiError,
        retry_after: Option<Duration>,
    },
    /// Something answered that is not Stripe, or not in its words.
    Opaque {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// Stripe says that it is done, and what was done cannot be read.
    Unreadable,
}

/// A call without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallError {
    pub trouble: Trouble,
    /// Whether an earlier try of it may have been carried out.
    pub maybe_done: bool,
    /// What Stripe's people find it by.
    pub request_id: Option<String>,
}

impl From<Trouble> for CallError {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            maybe_done: false,
            request_id: None,
        }
    }
}

impl StripeClientErr for CallError {
    fn deserialize_err(_: impl Display) -> Self {
        Trouble::Unreadable.into()
    }
}

impl Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.trouble {
            Trouble::NotSent(why) | Trouble::Unanswered(why) => f.write_str(why)?,
            Trouble::Queued(_) => f.write_str("too many calls at a time")?,
            Trouble::Refused { status, error, .. } => {
                let (code, param) = (error.code.as_deref(), error.param.as_deref());
                write!(f, "{status} {}", error.kind)?;
                for word in [code, param].into_iter().flatten() {
                    write!(f, " {word}")?;
                }
            }
            Trouble::Opaque { status, .. } => write!(f, "{status} and no word of Stripe's")?,
            Trouble::Unreadable => f.write_str("an answer that cannot be read")?,
        }
        match &self.request_id {
            Some(id) => write!(f, " ({id})"),
            None => Ok(()),
        }
    }
}

impl CallError {
    /// Whether Stripe says that there is no such object.
    pub(super) fn is_missing(&self) -> bool {
        matches!(&self.trouble, Trouble::Refused { status: 404, .. })
    }

    /// Whether Stripe says that the object is not in a state for this.
    pub(super) fn is_wrong_state(&self) -> bool {
        matches!(&self.trouble, Trouble::Refused { status: 400, error, .. }
            if error.kind != "idempotency_error")
    }
}

impl From<CallError> for GatewayError {
    fn from(it: CallError) -> Self {
        const MOMENT: Duration = Duration::from_secs(1);
        let text = it.to_string();
        match it.trouble {
            Trouble::NotSent(_) if !it.maybe_done => Self::NotSent(text),
            Trouble::Queued(after) if !it.maybe_done => Self::RateLimited { after },
            Trouble::Refused {
                status,
                retry_after,
                ..
            }
            | Trouble::Opaque {
                status,
                retry_after,
            } if matches!(status, 401 | 403 | 407 | 429) && !it.maybe_done => match status {
                429 => Self::RateLimited {
                    after: retry_after.unwrap_or(MOMENT),
                },
                _ => Self::Config(text),
            },
            // The first answer to a key is given again: it is what really happened. An
            // idempotency error says that there was another first answer.
            Trouble::Refused {
                status: 400 | 402 | 404,
                error,
                ..
            } if error.kind != "idempotency_error" => Self::Rejected(error.failure()),
            _ => Self::Unknown(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> CallError {
        let error = ApiError::read(body.as_bytes()).unwrap();
        let retry_after = (status == 429).then_some(Duration::from_secs(4));
        Trouble::Refused {
            status,
            error,
            retry_after,
        }
        .into()
    }

    const DECLINED: &str = r#"{"error":{"type":"card_error","code":"card_declined",
        "decline_code":"insufficient_funds","message":"Your card has insufficient funds."}}"#;

    fn failure(error: CallError) -> Failure {
        match GatewayError::from(error) {
            GatewayError::Rejected(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// One letter for each kind.
    fn kind(error: CallError) -> char {
        match GatewayError::from(error) {
            GatewayError::NotSent(_) => 'n',
            GatewayError::Rejected(_) => 'r',
            GatewayError::Unknown(_) => 'u',
            GatewayError::RateLimited { .. } => 'l',
            GatewayError::Config(_) => 'c',
        }
    }

    #[test]
    fn a_card_error_is_told_in_stripes_words() {
        let told = failure(refused(402, DECLINED));
        assert_eq!(told.code, "insufficient_funds");
        assert_eq!(told.message, "Your card has insufficient funds.");
        assert!(told.retryable);
    }

    #[test]
    fn a_fault_of_ours_is_not_told_in_stripes_words() {
        let told = failure(refused(
            400,
            r#"{"error":{"type":"invalid_request_error","code":"amount_too_small",
                "message":"Amount must be at least $0.50 for acct_123","param":"amount"}}"#,
        ));
        assert_eq!(told.code, "amount_too_small");
        assert_eq!(told.message, "The payment was refused.");
        assert!(!told.retryable);
    }

    #[test]
    fn a_thief_learns_nothing() {
        for code in ["stolen_card", "lost_card", "fraudulent", "pickup_card"] {
            let body = DECLINED.replace("insufficient_funds", code);
            assert_eq!(failure(refused(402, &body)).code, "generic_decline");
        }
    }

    #[test]
    fn answers_mean_what_they_mean() {
        let of = |kind: &str| format!(r#"{{"error":{{"type":"{kind}"}}}}"#);
        let invalid = of("invalid_request_error");
        for (status, body, expected) in [
            (400, invalid.as_str(), 'r'),
            (402, DECLINED, 'r'),
            (404, &invalid, 'r'),
            (401, &invalid, 'c'),
            (403, &invalid, 'c'),
            (409, &invalid, 'u'),
            (424, &invalid, 'u'),
            (429, &invalid, 'l'),
            (400, &of("idempotency_error"), 'u'),
            (500, &of("api_error"), 'u'),
        ] {
            assert_eq!(kind(refused(status, body)), expected, "{status} {body}");
        }
        for (status, expected) in [(502, 'u'), (404, 'u'), (403, 'c'), (429, 'l'), (302, 'u')] {
            let retry_after = None;
            let opaque = Trouble::Opaque {
                status,
                retry_after,
            };
            assert_eq!(kind(opaque.into()), expected, "{status}");
        }
        assert_eq!(kind(Trouble::NotSent(String::new()).into()), 'n');
        assert_eq!(kind(Trouble::Unanswered(String::new()).into()), 'u');
        assert_eq!(kind(Trouble::Unreadable.into()), 'u');
        assert_eq!(kind(Trouble::Queued(Duration::ZERO).into()), 'l');
    }

    #[test]
    fn after_a_try_that_may_be_done_only_its_own_answer_counts() {
        let after = |error: CallError| CallError {
            maybe_done: true,
            ..error
        };
        let invalid = r#"{"error":{"type":"invalid_request_error"}}"#;
        assert_eq!(kind(after(Trouble::NotSent(String::new()).into())), 'u');
        assert_eq!(kind(after(Trouble::Queued(Duration::ZERO).into())), 'u');
        assert_eq!(kind(after(refused(401, invalid))), 'u');
        assert_eq!(kind(after(refused(429, invalid))), 'u');
        // Stripe keeps its first answer for the key and gives it again.
        assert_eq!(kind(after(refused(402, DECLINED))), 'r');
    }

    #[test]
    fn how_long_to_wait_is_stripes_word() {
        let limited = GatewayError::from(refused(429, r#"{"error":{"type":"api_error"}}"#));
        let GatewayError::RateLimited { after } = limited else {
            panic!("{limited:?}");
        };
        assert_eq!(after, Duration::from_secs(4));
    }

    #[test]
    fn a_log_reads_codes_and_never_messages() {
        let error = CallError {
            request_id: Some("req_1".to_owned()),
            ..refused(402, DECLINED)
        };
        assert_eq!(error.to_string(), "402 card_error card_declined (req_1)");
    }
}
