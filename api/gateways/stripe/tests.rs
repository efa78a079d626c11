//! Stripe's gateway over real connections, to a server that does what it is told.

mod closing;
mod faults;
mod objects;
mod refunding;
mod searching;
mod server;
mod starting;

use std::time::Duration;

use super::Stripe;
use super::transport::Transport;
use crate::clock::Clock;
use crate::config::StripeSettings;
use crate::db::values::Timestamp;
use crate::gateways::{Buyer, CreatePayment, PaymentRefs, Presentation};
use crate::id::{OrderId, PaymentId};
use crate::money::{Currency, Money};

const REFERENCE: &str = "5f2c9a1b7d3e4f608192";

fn settings(base: &str) -> StripeSettings {
    StripeSettings {
        secret_key: "sk_test_1".to_owned(),
        publishable_key: Some("pk_test_1".to_owned()),
        webhook_secrets: vec!["whsec_1".to_owned()],
        api_version: "2026-09-30.endive".to_owned(),
        api_base: base.to_owned(),
        patience: Duration::from_secs(20),
        calls_per_second: 25,
    }
}

fn stripe(base: &str) -> Stripe {
    Stripe::new(settings(base), Clock::default()).unwrap()
}

fn transport(base: &str) -> Transport {
    Transport::new(&settings(base)).unwrap()
}

fn refs(provider_payment_id: Option<&str>) -> PaymentRefs {
    PaymentRefs {
        payment: PaymentId::new(),
        reference: REFERENCE.to_owned(),
        provider_payment_id: provider_payment_id.map(str::to_owned),
        amount: Money::new(5_000, Currency::from_code("USD").unwrap()),
        created_at: now(),
    }
}

fn now() -> Timestamp {
    Clock::default().now()
}

fn payment(presentation: Presentation) -> CreatePayment {
    CreatePayment {
        refs: refs(None),
        order: OrderId::new(),
        buyer: Buyer {
            name: "Asha Mwinyi".to_owned(),
            email: "Asha+Fair@example.com".to_owned(),
        },
        presentation,
        idempotency_key: "pay_1-ref".to_owned(),
        description: "Order ord_1".to_owned(),
        return_url: "https://tickets.example.com/api/v1/returns/stripe?reference=r".to_owned(),
        expires_at: now().plus(std::time::Duration::from_secs(15 * 60)),
    }
}
