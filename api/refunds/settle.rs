//! Settling refunds: what a gateway's word about one changes, all in the caller's one commit.

use super::machine::step;
use super::store;
use super::{Refund, RefundReason, RefundStatus, Source, ask, units};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::emails::Template;
use crate::error::Problem;
use crate::gateways::{Failure, RefundSnapshot, RemoteRefundStatus};
use crate::id::{PaymentId, RefundId};
use crate::ledger::{self, Account, Cause, Journal, Standing, Transfer};
use crate::orders::{self, Order, PaymentStatus, Terms};
use crate::payments::{self, Payment};
use crate::tasks::{self, TaskKind};

/// The failure of a refund whose money came back.
const RETURNED: &str = "returned";

/// Applies a gateway's word about a refund of ours. Locks the order first.
pub async fn settle(
    conn: &mut Conn,
    terms: &Terms,
    id: RefundId,
    snapshot: &RefundSnapshot,
    now: Timestamp,
) -> Result<Refund, Problem> {
    let seen = super::find(conn, id).await?;
    orders::lock(conn, seen.order_id).await?;
    let mut refund = super::find(conn, id).await?;
    let actor = "gateway";
    let differs =
        (snapshot.amount_minor, snapshot.currency) != (refund.amount_minor, refund.currency);
    if differs {
        let note = "The gateway names another amount for it.";
        open_task(conn, &refund, note, now).await?;
        return Ok(refund);
    }
    let before = refund.status;
    let status = step(before, snapshot.status);
    let Some(status) = status.filter(|_| refund.is_meant_by(snapshot)) else {
        return Ok(refund);
    };
    if before == RefundStatus::Succeeded {
        return take_back(conn, refund, now).await;
    }
    refund.provider_refund_id = Some(snapshot.provider_refund_id.clone());
    match status {
        RefundStatus::Succeeded => {
            if !before.is_reserved()
                && !store::reserve(conn, refund.payment_id, refund.amount_minor).await?
            {
                let note = "It went through after all, and the money is promised elsewhere.";
                open_task(conn, &refund, note, now).await?;
                return Ok(refund);
            }
            complete(conn, terms, refund, actor, now).await
        }
        RefundStatus::Failed => fail(conn, refund, snapshot.failure.clone(), now).await,
        _ => {
            refund.move_to(status, now);
            store::save(conn, &refund).await?;
            Ok(refund)
        }
    }
}

/// The money is gone: books, tickets, stock, projections and a mail follow.
pub(super) async fn complete(
    conn: &mut Conn,
    terms: &Terms,
    mut refund: Refund,
    actor: &str,
    now: Timestamp,
) -> Result<Refund, Problem> {
    let order = orders::lock(conn, refund.order_id).await?;
    let payment = payments::find(conn, refund.payment_id).await?;
    refund.move_to(RefundStatus::Succeeded, now);
    store::save(conn, &refund).await?;
    store::note_gone(conn, payment.id, refund.amount_minor).await?;
    book(conn, (Cause::Refund, &refund), &payment, now).await?;
    ask::record(conn, &refund, actor, "refund.succeeded", now).await?;
    close_tasks(conn, &refund, &payment, now).await?;
    let (template, fact) = (Template::Refunded, refund.id.to_string());
    orders::queue_refund_mail(conn, &order, terms, template, &fact, refund.amount(), now).await?;
    let order = payments::project(conn, &order, now).await?;
    // Stock comes last.
    if refund.source == Source::External && order.payment_status == PaymentStatus::Refunded {
        units::end_all(conn, &order, &refund, now).await?;
    } else {
        units::end(conn, &order, &refund, now).await?;
    }
    Ok(refund)
}

/// Nobody need see to this refund any more; nor to its payment, once all of it went back.
async fn close_tasks(
    conn: &mut Conn,
    refund: &Refund,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let (of_refund, of_payment) = (refund.id.to_string(), payment.id.to_string());
    tasks::close(conn, TaskKind::ManualRefund, &of_refund, now).await?;
    let gone = payment.refunded_minor.saturating_add(refund.amount_minor);
    if gone >= payment.received().minor {
        tasks::close(conn, TaskKind::RefundDue, &of_payment, now).await?;
        tasks::close(conn, TaskKind::Review, &of_payment, now).await?;
    }
    Ok(())
}

/// Money that went back, or that came back again, each once for an attempt.
async fn book(
    conn: &mut Conn,
    (cause, refund): (Cause, &Refund),
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let standing = ledger::standing(conn, payment.id).await?;
    let from = standing.unwrap_or(Standing::Earned).account();
    let clearing = Account::Clearing(payment.provider.clone());
    let (debit, credit) = match cause {
        Cause::RefundReturned => (clearing, from),
        _ => (from, clearing),
    };
    let cause_id = match refund.attempt_no {
        1 => refund.id.to_string(),
        attempt_no => format!("{}:{attempt_no}", refund.id),
    };
    let journal = Journal {
        organizer: refund.organizer_id,
        cause,
        cause_id,
        order: refund.order_id,
        payment: Some(payment.id),
        transfers: vec![Transfer {
            debit,
            credit,
            amount: refund.amount(),
        }],
        occurred_at: now,
    };
    ledger::record(conn, journal).await
}

/// The buyer's bank has returned the money: it is ours to give back again. The tickets stay
/// void: others may have them.
async fn take_back(conn: &mut Conn, mut refund: Refund, now: Timestamp) -> Result<Refund, Problem> {
    let order = orders::lock(conn, refund.order_id).await?;
    let payment = payments::find(conn, refund.payment_id).await?;
    refund.failure = Some(Json(Failure {
        code: RETURNED.to_owned(),
        message: "The buyer's bank has returned the money.".to_owned(),
        retryable: true,
    }));
    refund.move_to(RefundStatus::Failed, now);
    store::save(conn, &refund).await?;
    store::note_gone(conn, payment.id, -refund.amount_minor).await?;
    store::free(conn, payment.id, refund.amount_minor).await?;
    book(conn, (Cause::RefundReturned, &refund), &payment, now).await?;
    ask::record(conn, &refund, "gateway", "refund.returned", now).await?;
    let note = "The buyer's bank has returned the money.";
    open_task(conn, &refund, note, now).await?;
    payments::project(conn, &order, now).await?;
    Ok(refund)
}

impl Refund {
    /// Whether its money went back, and came back again.
    pub(super) fn is_returned(&self) -> bool {
        let failure = self.failure.as_ref();
        self.status == RefundStatus::Failed && failure.is_some_and(|it| it.0.code == RETURNED)
    }

    /// Whether a gateway's word is about how it stands now: not about an attempt that failed
    /// before somebody gave the money back by hand, nor from before it was returned.
    fn is_meant_by(&self, snapshot: &RefundSnapshot) -> bool {
        let is_same = self.provider_refund_id.as_ref() == Some(&snapshot.provider_refund_id);
        match self.status {
            RefundStatus::Succeeded => is_same,
            _ => !self.is_returned(),
        }
    }
}

/// Nothing came of it: its tickets are good again, and somebody must see to it.
pub(super) async fn fail(
    conn: &mut Conn,
    mut refund: Refund,
    failure: Option<Failure>,
    now: Timestamp,
) -> Result<Refund, Problem> {
    refund.failure = failure.map(Json);
    refund.move_to(RefundStatus::Failed, now);
    store::save(conn, &refund).await?;
    store::free(conn, refund.payment_id, refund.amount_minor).await?;
    units::let_go(conn, &refund, now).await?;
    ask::record(conn, &refund, "gateway", "refund.failed", now).await?;
    let why = refund
        .failure
        .as_ref()
        .map(|failure| failure.0.message.as_str());
    let note = format!(
        "The gateway did not give it back. {}",
        why.unwrap_or_default()
    );
    open_task(conn, &refund, note.trim_end(), now).await?;
    Ok(refund)
}

pub(super) async fn open_task(
    conn: &mut Conn,
    refund: &Refund,
    note: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let (organizer, object) = (Some(refund.organizer_id), refund.id.to_string());
    tasks::open(conn, organizer, TaskKind::ManualRefund, &object, note, now).await
}

/// Takes note of a refund that a gateway tells of: one of ours, or one that somebody made there.
pub async fn notice(
    conn: &mut Conn,
    terms: &Terms,
    payment: PaymentId,
    snapshot: &RefundSnapshot,
    now: Timestamp,
) -> Result<(), Problem> {
    let seen = payments::find(conn, payment).await?;
    orders::lock(conn, seen.order_id).await?;
    let reference = snapshot.reference.as_deref();
    let known = store::find_remote(conn, payment, reference, &snapshot.provider_refund_id).await?;
    if let Some(refund) = known {
        settle(conn, terms, refund.id, snapshot, now).await?;
        return Ok(());
    }
    if snapshot.status != RemoteRefundStatus::Succeeded {
        return Ok(());
    }
    let payment = payments::find(conn, payment).await?;
    let mut refund = Refund::new(&payment, snapshot.amount_minor, "gateway".to_owned(), now);
    refund.currency = snapshot.currency;
    refund.source = Source::External;
    refund.reason = RefundReason::Other;
    refund.status = RefundStatus::Approved;
    refund.provider_refund_id = Some(snapshot.provider_refund_id.clone());
    if !store::reserve(conn, payment.id, refund.amount_minor).await? {
        let note = "More was given back at the gateway than we have left of it.";
        let (kind, object) = (TaskKind::Unmatched, payment.id.to_string());
        return tasks::open(conn, Some(payment.organizer_id), kind, &object, note, now).await;
    }
    store::insert(conn, &refund, Vec::new()).await?;
    complete(conn, terms, refund, "gateway", now).await?;
    Ok(())
}

/// The buyer who asked is told that the answer is no.
pub(super) async fn tell_rejected(
    conn: &mut Conn,
    terms: &Terms,
    refund: &Refund,
    now: Timestamp,
) -> Result<(), Problem> {
    let order: Order = orders::lock(conn, refund.order_id).await?;
    let (template, fact) = (Template::RefundRejected, refund.id.to_string());
    orders::queue_refund_mail(conn, &order, terms, template, &fact, refund.amount(), now).await
}
