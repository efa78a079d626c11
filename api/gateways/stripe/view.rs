//! Stripe's objects, narrowed to what is used. They are made of the typed objects, and of any
//! answer that names at least its id.

use std::collections::HashMap;

use serde::Deserialize;
use stripe_types::{Expandable, List};

use super::error::ApiError;
use crate::gateways::ClientSecret;

pub(super) type Metadata = HashMap<String, String>;

/// Another object, or only its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Linked<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Linked<T> {
    pub(super) fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }

    fn of<O>(it: Expandable<O>) -> Self
    where
        O: stripe_types::Object + Into<T>,
        O::Id: Into<String>,
    {
        match it {
            Expandable::Id(id) => Self::Id(id.into()),
            Expandable::Object(object) => Self::Object(Box::new((*object).into())),
        }
    }
}

/// A PaymentIntent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct IntentView {
    pub id: String,
    pub status: Option<String>,
    pub amount: Option<i64>,
    pub amount_received: Option<i64>,
    pub currency: Option<String>,
    pub livemode: Option<bool>,
    pub client_secret: Option<ClientSecret>,
    pub metadata: Option<Metadata>,
    pub latest_charge: Option<Linked<ChargeView>>,
    pub last_payment_error: Option<ApiError>,
}

impl From<stripe_shared::PaymentIntent> for IntentView {
    fn from(it: stripe_shared::PaymentIntent) -> Self {
        Self {
            id: it.id.into(),
            status: Some(it.status.as_str().to_owned()),
            amount: Some(it.amount),
            amount_received: Some(it.amount_received),
            currency: Some(it.currency.to_string()),
            livemode: Some(it.livemode),
            client_secret: it.client_secret.map(ClientSecret),
            metadata: Some(it.metadata),
            latest_charge: it.latest_charge.map(Linked::of),
            last_payment_error: it.last_payment_error.map(|it| ApiError::from(&*it)),
        }
    }
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ChargeView {
    pub id: String,
    pub payment_method_details: Option<MethodView>,
}

/// What a charge was paid with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct MethodView {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub card: Option<CardView>,
}

/// What everybody may know of a card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct CardView {
    pub brand: Option<String>,
    pub last4: Option<String>,
}

impl From<stripe_shared::Charge> for ChargeView {
    fn from(it: stripe_shared::Charge) -> Self {
        Self {
            id: it.id.into(),
            payment_method_details: it.payment_method_details.map(|it| MethodView {
                kind: Some(it.type_),
                card: it.card.map(|it| CardView {
                    brand: it.brand,
                    last4: it.last4,
                }),
            }),
        }
    }
}

/// A Checkout session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct SessionView {
    pub id: String,
    pub status: Option<String>,
    pub payment_status: Option<String>,
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    pub livemode: Option<bool>,
    pub url: Option<String>,
    pub client_reference_id: Option<String>,
    pub metadata: Option<Metadata>,
    pub payment_intent: Option<Linked<IntentView>>,
}

impl From<stripe_shared::CheckoutSession> for SessionView {
    fn from(it: stripe_shared::CheckoutSession) -> Self {
        Self {
            id: it.id.into(),
            status: it.status.map(|status| status.as_str().to_owned()),
            payment_status: Some(it.payment_status.as_str().to_owned()),
            amount_total: it.amount_total,
            currency: it.currency.map(|currency| currency.to_string()),
            livemode: Some(it.livemode),
            url: it.url,
            client_reference_id: it.client_reference_id,
            metadata: it.metadata,
            payment_intent: it.payment_intent.map(Linked::of),
        }
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct RefundView {
    pub id: String,
    pub status: Option<String>,
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub failure_reason: Option<String>,
    pub metadata: Option<Metadata>,
}

impl From<stripe_shared::Refund> for RefundView {
    fn from(it: stripe_shared::Refund) -> Self {
        Self {
            id: it.id.into(),
            status: it.status,
            amount: Some(it.amount),
            currency: Some(it.currency.to_string()),
            failure_reason: it.failure_reason,
            metadata: it.metadata,
        }
    }
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct CustomerView {
    pub id: String,
    pub metadata: Option<Metadata>,
}

impl From<stripe_shared::Customer> for CustomerView {
    fn from(it: stripe_shared::Customer) -> Self {
        Self {
            id: it.id.into(),
            metadata: it.metadata,
        }
    }
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Page<T> {
    pub data: Vec<T>,
    pub has_more: bool,
}

impl<O, T: From<O>> From<List<O>> for Page<T> {
    fn from(it: List<O>) -> Self {
        Self {
            data: it.data.into_iter().map(T::from).collect(),
            has_more: it.has_more,
        }
    }
}

/// What has an id.
pub(super) trait Named {
    fn id(&self) -> &str;
}

macro_rules! named {
    ($($view:ident),+) => {
        $(impl Named for $view {
            fn id(&self) -> &str {
                &self.id
            }
        })+
    };
}

named!(IntentView, SessionView, RefundView);

impl<T: Named> Linked<T> {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }
}
