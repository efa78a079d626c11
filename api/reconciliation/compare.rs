//! Our books beside a gateway's: a pure function of both.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::db::values::{Timestamp, text_enum};
use crate::gateways::{RemoteStatus, Snapshot};
use crate::id::{OrganizerId, PaymentId};
use crate::money::{Currency, Money};
use crate::payments::{Payment, Status};

text_enum! {
    /// How the books differ; the worst first.
    pub enum FindingKind {
        /// The gateway has money that we do not know.
        MissingHere = "missing_here",
        /// We say that it was paid, and the gateway does not know it.
        MissingThere = "missing_there",
        /// Both say that it was paid, in another amount or currency.
        AmountDiffers = "amount_differs",
        /// One says that it was paid, the other does not.
        StatusDiffers = "status_differs",
    }
}

/// A difference between the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationFinding, example = json!({
    "kind": "amount_differs", "reference": "5f2c9a1b7d3e4f608192",
    "provider_payment_id": "dch_5f2c9a1b7d3e4f608192",
    "payment_id": "pay_01h455vb4pex5vsknk084sn02q",
    "ours": {"status": "succeeded", "amount_minor": 30000000, "currency": "TZS"},
    "theirs": {"status": "succeeded", "amount_minor": 3000000, "currency": "TZS"}
}))]
pub struct Finding {
    pub kind: FindingKind,
    /// What the gateway calls our payment by; null where it does not say.
    pub reference: Option<String>,
    pub provider_payment_id: Option<String>,
    /// Null for money that we do not know.
    pub payment_id: Option<PaymentId>,
    pub ours: Option<OurWord>,
    pub theirs: Option<TheirWord>,
    #[serde(skip)]
    pub organizer_id: Option<OrganizerId>,
}

/// What we say about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationOurs, example = json!({
    "status": "succeeded", "amount_minor": 30000000, "currency": "TZS"
}))]
pub struct OurWord {
    pub status: Status,
    pub amount_minor: i64,
    pub currency: Currency,
}

/// What the gateway says about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationTheirs, example = json!({
    "status": "succeeded", "amount_minor": 3000000, "currency": "TZS"
}))]
pub struct TheirWord {
    pub status: RemoteStatus,
    /// Null where the gateway does not say, like the currency.
    pub amount_minor: Option<i64>,
    pub currency: Option<Currency>,
}

impl Finding {
    /// Whether asking the gateway about the payment mends it: it has money that we wait for.
    pub fn is_mended_by_asking(&self) -> bool {
        let is_ours = |ours: &OurWord| ours.status == Status::Succeeded;
        self.kind == FindingKind::StatusDiffers && !self.ours.as_ref().is_some_and(is_ours)
    }
}

/// Every difference, the worst first.
///
/// `asked_at` is when the gateway was asked: what was paid after that, it could not know. Where
/// `ours` are not all of our payments, nothing is missing here.
pub fn compare(
    ours: &[Payment],
    theirs: &[Snapshot],
    asked_at: Timestamp,
    ours_is_all: bool,
) -> Vec<Finding> {
    let index = Index::of(ours);
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    for it in theirs {
        match index.find(it) {
            Some(own) => {
                seen.insert(own.id);
                findings.extend(difference(own, it, asked_at).map(|kind| {
                    let (ours, theirs) = (Some(own), Some(it));
                    Finding::new(kind, ours, theirs)
                }));
            }
            None if ours_is_all && it.status == RemoteStatus::Succeeded => {
                findings.push(Finding::new(FindingKind::MissingHere, None, Some(it)));
            }
            None => {}
        }
    }
    for own in ours {
        if was_paid(own, asked_at) && !seen.contains(&own.id) {
            findings.push(Finding::new(FindingKind::MissingThere, Some(own), None));
        }
    }
    findings.sort_by_key(|finding| rank(finding.kind));
    findings
}

/// How many of the gateway's payments are ours.
pub fn count_known(ours: &[Payment], theirs: &[Snapshot]) -> usize {
    let index = Index::of(ours);
    theirs.iter().filter(|it| index.find(it).is_some()).count()
}

fn rank(kind: FindingKind) -> usize {
    let position = FindingKind::NAMES
        .iter()
        .position(|name| *name == kind.as_str());
    position.unwrap_or_default()
}

impl Finding {
    fn new(kind: FindingKind, ours: Option<&Payment>, theirs: Option<&Snapshot>) -> Self {
        let reference = theirs.and_then(|it| it.reference.clone());
        let remote_id = theirs.and_then(|it| it.provider_payment_id.clone());
        Self {
            kind,
            reference: reference.or_else(|| Some(ours?.reference.clone())),
            provider_payment_id: remote_id.or_else(|| ours?.provider_payment_id.clone()),
            payment_id: ours.map(|own| own.id),
            organizer_id: ours.map(|own| own.organizer_id),
            ours: ours.map(|own| {
                let money = own.received();
                OurWord {
                    status: own.status,
                    amount_minor: money.minor,
                    currency: money.currency,
                }
            }),
            theirs: theirs.map(|it| TheirWord {
                status: it.status,
                amount_minor: it.amount_minor,
                currency: it.currency,
            }),
        }
    }
}

/// Our payments, by what a gateway calls them.
struct Index<'a> {
    by_reference: HashMap<&'a str, &'a Payment>,
    by_remote_id: HashMap<&'a str, &'a Payment>,
}

impl<'a> Index<'a> {
    fn of(ours: &'a [Payment]) -> Self {
        let remote_id = |own: &'a Payment| Some((own.provider_payment_id.as_deref()?, own));
        Self {
            by_reference: ours
                .iter()
                .map(|own| (own.reference.as_str(), own))
                .collect(),
            by_remote_id: ours.iter().filter_map(remote_id).collect(),
        }
    }

    /// The payment that the gateway means. A second one that it has under our reference is not
    /// the one that we know.
    fn find(&self, it: &Snapshot) -> Option<&'a Payment> {
        let remote_id = it.provider_payment_id.as_deref();
        let Some(reference) = it.reference.as_deref() else {
            return self.by_remote_id.get(remote_id?).copied();
        };
        let own = self.by_reference.get(reference).copied()?;
        let known = own.provider_payment_id.as_deref();
        let is_other = remote_id.is_some() && known.is_some() && remote_id != known;
        (!is_other).then_some(own)
    }
}

fn difference(own: &Payment, it: &Snapshot, asked_at: Timestamp) -> Option<FindingKind> {
    let is_paid_there = it.status == RemoteStatus::Succeeded;
    match own.status {
        Status::Succeeded if is_paid_there => {
            // What was accepted after a review, or what was asked for after all.
            let agrees = says(it, own.amount()) || says(it, own.received());
            (!agrees).then_some(FindingKind::AmountDiffers)
        }
        Status::Succeeded => was_paid(own, asked_at).then_some(FindingKind::StatusDiffers),
        Status::Review if is_paid_there && says(it, own.received()) => None,
        _ => is_paid_there.then_some(FindingKind::StatusDiffers),
    }
}

fn was_paid(own: &Payment, asked_at: Timestamp) -> bool {
    own.status == Status::Succeeded && own.completed_at.is_some_and(|at| at < asked_at)
}

/// Whether a gateway speaks of this money, as far as it says how much.
fn says(it: &Snapshot, money: Money) -> bool {
    it.amount_minor.is_none_or(|minor| minor == money.minor)
        && it
            .currency
            .is_none_or(|currency| currency == money.currency)
}
