//! The one account of the simulated Stripe: all that it knows, as it is at one instant.

use std::collections::BTreeMap;

use super::charges::Charge;
use super::customers::Customer;
use super::delivery::Post;
use super::disputes::Dispute;
use super::endpoints::Endpoint;
use super::events::Event;
use super::faults::Faults;
use super::idempotency::Answers;
use super::methods::{Later, Method};
use super::payment_intents::Intent;
use super::refunds::Refund;
use super::sessions::Session;
use super::shelf::Shelf;
use super::transactions::Transaction;

/// The newest version, which the account is set to.
pub const VERSION: &str = "2026-10-28.endive";

/// For how long events can be read.
const EVENT_SECONDS: i64 = 30 * 24 * 60 * 60;

#[derive(Default)]
pub struct Account {
    /// How this server is reached, without a slash at the end.
    pub base: String,
    /// The present, in unix seconds.
    pub now: i64,
    /// Whose call is being answered.
    pub caller: Option<Caller>,
    pub customers: Shelf<Customer>,
    pub sessions: Shelf<Session>,
    pub intents: Shelf<Intent>,
    pub methods: Shelf<Method>,
    pub charges: Shelf<Charge>,
    pub refunds: Shelf<Refund>,
    pub disputes: Shelf<Dispute>,
    pub transactions: Shelf<Transaction>,
    pub events: Shelf<Event>,
    pub endpoints: Shelf<Endpoint>,
    pub answers: Answers,
    pub post: Post,
    pub faults: Faults,
    /// How often each operation was called.
    pub calls: BTreeMap<&'static str, u64>,
    /// New refunds are pending until they are decided.
    pub slow_refunds: bool,
    agenda: Vec<(i64, Due)>,
}

/// Who calls.
#[derive(Clone)]
pub struct Caller {
    pub request: String,
    pub key: Option<String>,
    pub version: String,
}

/// What happens by itself, later.
#[derive(Clone)]
pub enum Due {
    /// A charge gets its balance transaction.
    Settle(String),
    RefundSucceeds(String),
    RefundFails(String),
    /// A delayed method of a PaymentIntent comes to its end.
    Arrives(String, Later),
}

impl Account {
    /// Lets time pass until `now`: what was due by then has happened.
    pub fn arrive(&mut self, now: i64) {
        self.now = self.now.max(now);
        self.caller = None;
        while let Some(next) = self.next_due() {
            let (_, due) = self.agenda.remove(next);
            match due {
                Due::Settle(charge) => self.settle_charge(&charge),
                Due::RefundSucceeds(refund) => self.finish_refund(&refund, None),
                Due::RefundFails(refund) => {
                    self.finish_refund(&refund, Some("expired_or_canceled_card"));
                }
                Due::Arrives(intent, later) => self.arrive_payment(&intent, later),
            }
        }
        self.expire_sessions();
        let (now, oldest) = (self.now, self.now.saturating_sub(EVENT_SECONDS));
        self.events.retain(|event| event.created >= oldest);
        self.answers.prune(now);
    }

    /// What is due first, if anything is.
    fn next_due(&self) -> Option<usize> {
        let due = self.agenda.iter().enumerate();
        due.filter(|(_, (at, _))| *at <= self.now)
            .min_by_key(|(index, (at, _))| (*at, *index))
            .map(|(index, _)| index)
    }

    pub fn later(&mut self, seconds: i64, due: Due) {
        self.agenda.push((self.now.saturating_add(seconds), due));
    }

    /// Whether the call is made in the version that was named so, or a newer one.
    pub fn is_since(&self, date: &str) -> bool {
        let version = self
            .caller
            .as_ref()
            .map_or(VERSION, |caller| &caller.version);
        version >= date
    }
}
