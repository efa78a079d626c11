//! The one place where an error becomes a status, a code and a message.

use std::error::Error;
use std::panic::Location;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::db::{DbError, Fault as DbFault, Transient};

/// Declares the catalogue: every code with its status, title, whether the same request may
/// succeed later, and what the caller can do.
macro_rules! codes {
    ($($name:ident = $code:literal, $status:literal, $retryable:literal, $title:literal, $advice:literal;)+) => {
        /// The stable name of what went wrong. The catalogue is `GET /api/v1/errors`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $(#[serde(rename = $code)] $name),+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            fn status_number(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// Whether the same request may succeed when it is sent again later.
            pub fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable),+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),+ }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", 400, false, "The body is not JSON", "Send one JSON object, UTF-8.";
    IdempotencyKeyRequired = "idempotency_key_required", 400, false, "An Idempotency-Key is required", "Send the header Idempotency-Key with a value made anew for each purchase, and the same one when you try again.";
    TokenInvalid = "token_invalid", 400, false, "The link is not valid any more", "Ask for a new mail.";
    WebhookSignatureInvalid = "webhook_signature_invalid", 400, false, "The signature is not valid", "Check the webhook secret and the sender's clock.";
    WebhookPayloadInvalid = "webhook_payload_invalid", 400, false, "The message cannot be read", "Send the message as the gateway defines it.";
    Unauthenticated = "unauthenticated", 401, false, "Sign in first", "Send Authorization: Bearer with a valid access token.";
    TokenExpired = "token_expired", 401, false, "The token has expired", "Use the refresh token, or sign in again.";
    InvalidCredentials = "invalid_credentials", 401, false, "E-mail or password is wrong", "Check both, or ask for a new password.";
    RefreshReused = "refresh_reused", 401, false, "This refresh token was used before", "Sign in again: for safety every token of that sign-in was revoked.";
    PaymentDeclined = "payment_declined", 402, true, "The payment was declined", "Try another card or another way to pay.";
    Forbidden = "forbidden", 403, false, "You may not do this", "Ask a manager of the organizer.";
    NotFound = "not_found", 404, false, "There is nothing here", "Check the path and the id.";
    RequestTimeout = "request_timeout", 408, true, "The body did not arrive in time", "Send it again.";
    PreconditionFailed = "precondition_failed", 412, false, "It has changed since you read it", "Read it again and repeat your change on the new version.";
    PayloadTooLarge = "payload_too_large", 413, false, "The body is too large", "Send at most 256 kB.";
    UnsupportedMediaType = "unsupported_media_type", 415, false, "The body must be JSON", "Send Content-Type: application/json.";
    EmailTaken = "email_taken", 409, false, "This e-mail is in use", "Sign in, or ask for a new password.";
    InvalidTransition = "invalid_transition", 409, false, "That is not possible in its present state", "Read it again: its state says what is possible.";
    IdempotencyInProgress = "idempotency_in_progress", 409, true, "The first request with this key still runs", "Wait as Retry-After says and send the same again.";
    EventHasOrders = "event_has_orders", 409, false, "The event has orders", "Unpublish it instead.";
    CapacityBelowSold = "capacity_below_sold", 409, false, "More are sold than that", "Choose a capacity of at least what is sold and held.";
    SoldOut = "sold_out", 409, false, "Not enough tickets available", "Take fewer, or another type; `available` says what is left.";
    BoothTaken = "booth_taken", 409, false, "The booth is taken", "Choose another booth.";
    PriceChanged = "price_changed", 409, false, "The price has changed", "Ask for a new quote and show it to the buyer.";
    EventNotOnSale = "event_not_on_sale", 409, false, "The event is not on sale", "Look at its sales window.";
    TooManyOpenOrders = "too_many_open_orders", 409, false, "Too many unpaid orders", "Pay or cancel one first.";
    OrderAlreadyPaid = "order_already_paid", 409, false, "The order is paid", "Ask for a refund instead.";
    OrderExpired = "order_expired", 409, false, "The order has expired", "Order again.";
    PaymentInProgress = "payment_in_progress", 409, false, "A payment is under way", "Wait for its outcome; `payment_id` names it.";
    AmountMismatch = "amount_mismatch", 409, false, "The amount is not the order's", "Read the order again.";
    NotCancelable = "not_cancelable", 409, false, "The payment cannot be canceled", "Wait for its outcome.";
    PaymentNotRefundable = "payment_not_refundable", 409, false, "The payment cannot be refunded", "Look at its status.";
    RefundExceedsPayment = "refund_exceeds_payment", 409, false, "More than was paid", "Ask for at most `refundable_minor`.";
    RefundWindowClosed = "refund_window_closed", 409, false, "It is too late for a refund", "Ask the organizer.";
    RefundInProgress = "refund_in_progress", 409, false, "A refund of this is under way", "Wait for its outcome.";
    TicketNotIssued = "ticket_not_issued", 409, false, "The ticket is not paid yet", "Pay the order first.";
    TicketVoid = "ticket_void", 409, false, "The ticket is void", "Buy another.";
    TicketUsed = "ticket_used", 409, false, "The ticket was used", "Ask the organizer.";
    TicketSuspended = "ticket_suspended", 409, false, "The ticket is suspended", "Ask the organizer.";
    NonceReused = "nonce_reused", 409, false, "This nonce belongs to another code", "Make a new nonce for each scan.";
    ValidationFailed = "validation_failed", 422, false, "Something in the request is wrong", "`errors` names every fault and where it is.";
    UnknownField = "unknown_field", 422, false, "There is no such member", "Leave it out; `errors` names it.";
    UnknownParameter = "unknown_parameter", 422, false, "There is no such parameter", "Leave it out; `errors` names it.";
    InvalidCursor = "invalid_cursor", 422, false, "The cursor is not valid here", "Use next_cursor as it was given, with the same filters and sort.";
    MoneyNotInteger = "money_not_integer", 422, false, "Money is a whole number of minor units", "Send cents, not fractions: 12.50 USD is 1250.";
    WeakPassword = "weak_password", 422, false, "The password is too easy to guess", "Use at least 10 characters that are no common word, name or pattern.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, false, "This key was used for another request", "Make a new key for each different request.";
    QuantityOutOfRange = "quantity_out_of_range", 422, false, "That quantity cannot be ordered", "Look at min_per_order and max_per_order.";
    TicketTypeNotFound = "ticket_type_not_found", 422, false, "There is no such ticket type", "Read the event's ticket types.";
    BoothTypeNotFound = "booth_type_not_found", 422, false, "There is no such booth type", "Read the event's booth types.";
    ReturnUrlNotAllowed = "return_url_not_allowed", 422, false, "That return URL is not allowed", "Its origin must be one of RETURN_ORIGINS.";
    CurrencyNotSupported = "currency_not_supported", 422, false, "That currency is not supported", "Use one that GET /config/public lists.";
    ProviderNotAvailable = "provider_not_available", 422, false, "That payment provider is not available", "Use one that GET /config/public lists.";
    AmountTooSmall = "amount_too_small", 422, false, "The amount is below the provider's least", "Choose another provider.";
    QrParametersInvalid = "qr_parameters_invalid", 422, false, "The picture cannot be drawn so", "Look at the limits of size, margin and colours.";
    RateLimited = "rate_limited", 429, true, "Too many requests", "Wait as Retry-After says.";
    Internal = "internal", 500, false, "Something went wrong on our side", "Tell us the request_id.";
    ProviderError = "provider_error", 502, true, "The payment provider failed", "Try again, or another way to pay.";
    ProviderMisconfigured = "provider_misconfigured", 502, false, "The payment provider is not set up", "Tell the organizer.";
    Overloaded = "overloaded", 503, true, "Too busy just now", "Wait as Retry-After says.";
}

impl Code {
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// One thing that is wrong with one member of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fault {
    /// Where, as a JSON pointer into the body, or the name of a query parameter.
    #[schema(example = "/starts_at")]
    pub pointer: String,
    #[schema(example = "required")]
    pub code: String,
    pub detail: String,
}

/// A refusal as the client will read it, with the cause that only the log will.
#[derive(Debug, Serialize, Deserialize)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub faults: Vec<Fault>,
    /// Further members of the answer, such as `available`.
    pub members: Map<String, Value>,
    pub retry_after_seconds: Option<u64>,
    /// Whether this is the answer that an earlier request with the same key was given.
    #[serde(skip)]
    pub replayed: bool,
    #[serde(skip)]
    pub cause: Option<Cause>,
}

/// What really happened, and where it was noticed.
#[derive(Debug)]
pub struct Cause {
    pub error: Box<dyn Error + Send + Sync>,
    pub location: &'static Location<'static>,
    transient: bool,
}

impl Problem {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: code.advice().to_owned(),
            faults: Vec::new(),
            members: Map::new(),
            retry_after_seconds: None,
            replayed: false,
            cause: None,
        }
    }

    /// The same refusal for whoever asks again; its cause was logged the first time.
    pub fn repeated(&self) -> Self {
        Self {
            faults: self.faults.clone(),
            members: self.members.clone(),
            retry_after_seconds: self.retry_after_seconds,
            ..Self::new(self.code).detail(self.detail.clone())
        }
    }

    /// Adds a member of its own to the answer.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A request whose members are wrong. All alike give their own code, else `validation_failed`.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let first = faults
            .first()
            .and_then(|fault| Code::from_name(&fault.code));
        let code = first
            .filter(|code| code.status() == StatusCode::UNPROCESSABLE_ENTITY)
            .filter(|code| faults.iter().all(|fault| fault.code == code.as_str()))
            .unwrap_or(Code::ValidationFailed);
        let detail = match faults.as_slice() {
            [only] => format!("{}: {}", only.pointer, only.detail),
            _ => format!("{} things are wrong", faults.len()),
        };
        Self {
            faults,
            ..Self::new(code).detail(detail)
        }
    }

    /// One member of the body is wrong.
    pub fn invalid_member(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
        }])
    }

    /// Our mistake: the client learns nothing but the request id, the log everything.
    #[track_caller]
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::caused(Code::Internal, error.into(), false)
    }

    #[track_caller]
    fn caused(code: Code, error: Box<dyn Error + Send + Sync>, transient: bool) -> Self {
        let cause = Cause {
            error,
            location: Location::caller(),
            transient,
        };
        Self {
            cause: Some(cause),
            ..Self::new(code)
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl Transient for Problem {
    fn is_transient(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.transient)
    }
}

impl From<DbError> for Problem {
    #[track_caller]
    fn from(error: DbError) -> Self {
        match error.fault() {
            DbFault::Broken => Self::caused(Code::Internal, error.into(), false),
            fault => Self::caused(Code::Overloaded, error.into(), fault == DbFault::Transient)
                .retry_after(1),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    #[track_caller]
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}
