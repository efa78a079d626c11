//! What a gateway's word proves about a payment.

use super::{Payment, Status};
use crate::gateways::{KeptAction, RemoteStatus, Snapshot};
use crate::keys::Keys;

/// An authentic word about a payment.
pub struct Evidence<'a> {
    pub snapshot: &'a Snapshot,
    /// What the buyer must do by it, as it is stored.
    pub next_action: Option<KeptAction>,
    /// The gateway was asked just now; else it told by itself, some time ago.
    pub is_asked_just_now: bool,
    /// Who brought it, for the audit log.
    pub actor: String,
}

impl<'a> Evidence<'a> {
    /// The answer to our own question.
    pub fn asked(snapshot: &'a Snapshot, provider: &str, keys: &Keys) -> Self {
        let next_action = snapshot.next_action.clone();
        Self {
            snapshot,
            next_action: next_action.and_then(|action| KeptAction::seal(action, keys)),
            is_asked_just_now: true,
            actor: format!("gateway:{provider}"),
        }
    }

    /// A signed message.
    pub fn told(snapshot: &'a Snapshot, provider: &str, keys: &Keys) -> Self {
        Self {
            is_asked_just_now: false,
            ..Self::asked(snapshot, provider, keys)
        }
    }

    /// The fact that it proves. A success that differs in anything from what was asked for is
    /// for a person to look at.
    pub(super) fn fact(&self, payment: &Payment) -> Status {
        match self.snapshot.status {
            RemoteStatus::RequiresAction => Status::RequiresAction,
            RemoteStatus::Processing => Status::Processing,
            RemoteStatus::Failed => Status::Failed,
            RemoteStatus::Canceled => Status::Canceled,
            RemoteStatus::Expired => Status::Expired,
            RemoteStatus::Succeeded if self.differs(payment) => Status::Review,
            RemoteStatus::Succeeded => Status::Succeeded,
        }
    }

    /// Compares as far as the gateway's word goes.
    fn differs(&self, payment: &Payment) -> bool {
        let it = self.snapshot;
        let other = |said: Option<&String>, ours: Option<&String>| {
            said.is_some() && ours.is_some() && said != ours
        };
        it.livemode != payment.livemode
            || it.amount_minor.is_some_and(|it| it != payment.amount_minor)
            || it.currency.is_some_and(|it| it != payment.currency)
            || other(it.reference.as_ref(), Some(&payment.reference))
            || other(
                it.provider_payment_id.as_ref(),
                payment.provider_payment_id.as_ref(),
            )
    }

    /// What came in, by the gateway's word.
    pub(super) fn received(&self, payment: &Payment) -> crate::money::Money {
        let it = self.snapshot;
        crate::money::Money::new(
            it.amount_minor.unwrap_or(payment.amount_minor),
            it.currency.unwrap_or(payment.currency),
        )
    }
}
