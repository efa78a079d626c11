//! The far side of a gateway, as the rules see it.

use async_trait::async_trait;

use crate::support::TestApp;

/// A call that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Create,
    Retrieve,
    Find,
    Cancel,
    Refund,
    RetrieveRefund,
    ListRefunds,
    List,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens there.
    Refused,
    /// It is lost on its way, and nothing is answered.
    TimeoutBefore,
    /// It is done, and nothing is answered.
    TimeoutAfter,
    /// The gateway fails before it does anything.
    ServerError,
    /// It is done, and answered with something that nobody can read.
    Garbage,
    /// It is done, and the connection breaks before an answer.
    Reset,
    /// The gateway wants fewer calls.
    RateLimit,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::ServerError,
        Self::Garbage,
        Self::Reset,
        Self::RateLimit,
    ];

    /// Whether the caller knows that nothing was done.
    pub fn is_surely_undone(self) -> bool {
        matches!(self, Self::Refused | Self::RateLimit)
    }
}

/// What a buyer, or the bank, does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Pay,
    Decline,
    Cancel,
    /// It is being worked on, as with a slow bank.
    Process,
}

/// A message as the gateway posts it.
#[derive(Debug, Clone)]
pub struct Message {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is true of a payment there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Ours.
    pub reference: String,
    pub currency: String,
    /// What came in: nothing unless it was paid.
    pub paid_minor: i64,
    /// What went back for good.
    pub refunded_minor: i64,
}

/// What happens at the gateway, where we have no part in it.
#[async_trait(?Send)]
pub trait FarSide {
    /// The gateway's name in paths and settings.
    fn provider(&self) -> &'static str;

    /// The next call of this kind goes wrong. Where nobody listens, nobody does for any call
    /// until [`FarSide::heal`].
    async fn script(&self, app: &TestApp, call: Call, fault: Fault);

    /// Nothing goes wrong any more.
    async fn heal(&self, app: &TestApp);

    /// Somebody decides about a payment; `false` when the gateway does not let them.
    async fn decide(&self, app: &TestApp, reference: &str, decision: Decision) -> bool;

    /// What the gateway would post now, each message once, oldest first.
    async fn take_messages(&self, app: &TestApp) -> Vec<Message>;

    /// From now on refunds are pending until they are decided, or are not.
    async fn slow_refunds(&self, app: &TestApp, slow: bool);

    /// The bank takes the pending refunds of a payment, or does not.
    async fn decide_refunds(&self, app: &TestApp, reference: &str, succeed: bool);

    /// The buyer's bank returns what had gone back for good.
    async fn return_refunds(&self, app: &TestApp, reference: &str);

    /// Somebody gives money back there; `false` when the gateway refuses.
    async fn refund(&self, app: &TestApp, reference: &str, amount_minor: i64) -> bool;

    /// The buyer's bank disputes a payment; `false` where that cannot be simulated.
    async fn dispute(&self, _: &TestApp, _: &str) -> bool {
        false
    }

    /// Every payment that was ever started.
    async fn truth(&self, app: &TestApp) -> Vec<Charge>;
}
