//! Settling: the only way in which a gateway's word changes money.
//!
//! The inquiry, the webhook, the sweeper and `…/sync` all end here. Everything that follows
//! from a fact (journal, order, tickets, holds, mails, audit) is in the caller's one commit.

use serde_json::json;

use super::evidence::Evidence;
use super::machine::step;
use super::{Payment, Status, details, of_order, store, sync};
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::emails::Template;
use crate::error::Problem;
use crate::id::PaymentId;
use crate::jobs::{self, Job};
use crate::ledger::{self, Account, Cause, Journal, Transfer};
use crate::money::Money;
use crate::orders::{self, Order, OrderStatus, Reallocation, Terms};
use crate::tasks::{self, TaskKind};

/// Whether anything changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Moved(Status),
    Unchanged,
}

/// Applies what a gateway's word proves about a payment.
///
/// Locks the order first, which puts everything about it in one line. A word that proves
/// nothing new changes nothing but what is known about the payment.
pub async fn settle(
    conn: &mut Conn,
    terms: &Terms,
    id: PaymentId,
    evidence: &Evidence<'_>,
    now: Timestamp,
) -> Result<Settled, Problem> {
    let seen = super::find(conn, id).await?;
    let order = orders::lock(conn, seen.order_id).await?;
    // Read again: it may have moved before the lock was had.
    let before = super::find(conn, id).await?;
    let fact = evidence.fact(&before);
    let mut payment = before.clone();
    payment.learn(evidence);
    let Some(status) = step(before.status, fact, evidence.is_asked_just_now) else {
        payment.next_sync_at = sync::next_at(&payment, now);
        if payment.status == Status::RequiresAction {
            note_failed_try(conn, &mut payment, evidence, now).await?;
        }
        store::save(conn, &payment).await?;
        return Ok(Settled::Unchanged);
    };
    payment.move_to(status, now);
    if status == Status::Review {
        let received = evidence.received(&payment);
        payment.received_minor = Some(received.minor);
        payment.received_currency = Some(received.currency);
    }
    if status == Status::Succeeded {
        // Exactly what was asked for, whatever was seen before.
        payment.received_minor = None;
        payment.received_currency = None;
    }
    if before.status.is_final() && !status.is_final() {
        // The customer tries again on its page, while a later attempt may be open.
        payment.superseded_at = payment
            .superseded_at
            .or(later_attempt(conn, &payment, now).await?);
    }
    payment.next_sync_at = sync::next_at(&payment, now);
    store::save(conn, &payment).await?;
    details::note(conn, id, evidence, now).await?;
    record(conn, &payment, &evidence.actor, now).await?;
    if before.status == Status::Unknown {
        tasks::close(conn, TaskKind::UnknownTooLong, &id.to_string(), now).await?;
    }
    match status {
        Status::Review => {
            note_review(conn, &order, &payment, now).await?;
            hold_on(conn, terms, &order, None, now).await?;
        }
        Status::Processing | Status::Unknown => {
            let until = evidence.snapshot.expires_at;
            hold_on(conn, terms, &order, until, now).await?;
        }
        Status::Failed | Status::Canceled | Status::Expired => {
            give_up(conn, terms, &order, &before, &payment, now).await?;
        }
        Status::Succeeded => {
            if before.status == Status::Review {
                resolve_review(conn, &order, &before, now).await?;
            }
            capture(conn, terms, order, &payment, now).await?;
            return Ok(Settled::Moved(status));
        }
        Status::Created | Status::RequiresAction if !before.status.is_in_progress() => {
            return Ok(Settled::Moved(status));
        }
        Status::Created | Status::RequiresAction => {
            let_go(conn, terms, &order, &before, now).await?;
        }
    }
    project(conn, &order, now).await?;
    Ok(Settled::Moved(status))
}

impl Payment {
    /// Takes over what the gateway calls it by.
    fn learn(&mut self, evidence: &Evidence<'_>) {
        let it = evidence.snapshot;
        if self.provider_payment_id.is_none() {
            self.provider_payment_id = it.provider_payment_id.clone();
        }
        self.provider_status = Some(it.provider_status.clone());
        self.expires_at = it.expires_at.or(self.expires_at);
    }

    pub(super) fn move_to(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.completed_at = status.is_final().then_some(now);
        self.version += 1;
        self.updated_at = now;
    }
}

/// A buyer whose card was declined may try another: why is told meanwhile.
async fn note_failed_try(
    conn: &mut Conn,
    payment: &mut Payment,
    evidence: &Evidence<'_>,
    now: Timestamp,
) -> Result<(), Problem> {
    let known = super::details_of(conn, payment.id).await?.failure;
    let failure = evidence.snapshot.failure.as_ref();
    if known.as_ref().map(|it| &it.0) != failure {
        details::note_failure(conn, payment.id, failure, now).await?;
        payment.version += 1;
        payment.updated_at = now;
    }
    Ok(())
}

/// When a later attempt makes this one superseded.
async fn later_attempt(
    conn: &mut Conn,
    payment: &Payment,
    now: Timestamp,
) -> Result<Option<Timestamp>, Problem> {
    let attempts = of_order(conn, payment.order_id).await?;
    let is_last = attempts
        .iter()
        .all(|other| other.attempt_no <= payment.attempt_no);
    Ok((!is_last).then_some(now))
}

pub(super) async fn record(
    conn: &mut Conn,
    payment: &Payment,
    actor: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(payment.organizer_id),
        actor: actor.to_owned(),
        action: &format!("payment.{}", payment.status.as_str()),
        object: payment.id.to_string(),
        at: now,
    };
    let content = json!({"order": payment.order_id, "amount_minor": payment.amount_minor});
    entry.write(conn, &content).await
}

/// Nothing came of it: the buyer may try again, within the time that an order has.
async fn give_up(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    before: &Payment,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let_go(conn, terms, order, before, now).await?;
    let is_awaited = order.status == OrderStatus::Pending && payment.superseded_at.is_none();
    if is_awaited && payment.status == Status::Failed {
        let (template, fact) = (Template::PaymentFailed, payment.id.to_string());
        orders::queue_mail(conn, order, terms, template, &fact, now).await?;
    }
    Ok(())
}

/// Money that may be on its way keeps what the order holds: until the gateway gives up, or as
/// long as is allowed.
async fn hold_on(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Problem> {
    let until = until.unwrap_or_else(|| order.created_at.plus(terms.hold_max));
    orders::extend_hold(conn, order, until, terms, now).await
}

/// What was under way is not any more: the order has its usual time again, unless another
/// attempt is under way.
pub(super) async fn let_go(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    before: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    if !before.status.is_in_progress() {
        return Ok(());
    }
    let attempts = of_order(conn, order.id).await?;
    if attempts.iter().any(|p| p.status.is_in_progress()) {
        return Ok(());
    }
    orders::shorten_hold(conn, order, now.plus(terms.hold_ttl), now).await
}

/// Brings the order's projection up to date with its payments.
pub async fn project(conn: &mut Conn, order: &Order, now: Timestamp) -> Result<Order, Problem> {
    let attempts = of_order(conn, order.id).await?;
    let in_progress = attempts.iter().any(|p| p.status.is_in_progress());
    orders::project(conn, order, in_progress, now).await
}

/// Money is here: for an order that waits for it, for one that is over, or once too often.
pub(super) async fn capture(
    conn: &mut Conn,
    terms: &Terms,
    order: Order,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    use crate::config::LatePaymentPolicy::ReallocateElseRefund;
    match order.status {
        OrderStatus::Pending => {
            book_capture(conn, payment, Account::Receivable, now).await?;
            orders::confirm(conn, order, terms, now).await?;
            Ok(())
        }
        OrderStatus::Expired | OrderStatus::Canceled
            if terms.late_payment_policy == ReallocateElseRefund =>
        {
            match take_up_again(conn, terms, &order, payment, now).await? {
                Reallocation::Done => Ok(()),
                Reallocation::Gone => set_aside(conn, terms, &order, payment, now).await,
            }
        }
        OrderStatus::Expired | OrderStatus::Canceled | OrderStatus::Confirmed => {
            set_aside(conn, terms, &order, payment, now).await
        }
    }
}

async fn take_up_again(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    payment: &Payment,
    now: Timestamp,
) -> Result<Reallocation, Problem> {
    // The journal must stand before the order is confirmed, and go when it is not.
    let taken = conn
        .transaction(async |conn| {
            book_capture(conn, payment, Account::Receivable, now).await?;
            match orders::take_up_again(conn, order, terms, now).await? {
                Reallocation::Gone => Err(Undone::Gone),
                Reallocation::Done => Ok(Reallocation::Done),
            }
        })
        .await;
    match taken {
        Ok(done) => Ok(done),
        Err(Undone::Gone) => Ok(Reallocation::Gone),
        Err(Undone::Failed(problem)) => Err(*problem),
    }
}

/// Why a savepoint is rolled back.
enum Undone {
    Gone,
    Failed(Box<Problem>),
}

impl From<Problem> for Undone {
    fn from(problem: Problem) -> Self {
        Self::Failed(Box::new(problem))
    }
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Problem::from(error).into()
    }
}

/// The money cannot be used: it is kept apart until it is given back, and the buyer is told.
async fn set_aside(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    book_capture(conn, payment, Account::SuspenseLate, now).await?;
    let note = match order.status {
        OrderStatus::Confirmed => "The order was paid already.",
        _ => "The order was over, and its stock is gone.",
    };
    let (organizer, object) = (Some(order.organizer_id), payment.id.to_string());
    tasks::open(conn, organizer, TaskKind::RefundDue, &object, note, now).await?;
    let template = Template::PaymentLate;
    orders::queue_mail(conn, order, terms, template, &object, now).await?;
    let payment = payment.id;
    jobs::enqueue(conn, Job::GiveBack { payment }, now).await?;
    project(conn, order, now).await?;
    Ok(())
}

async fn book_capture(
    conn: &mut Conn,
    payment: &Payment,
    credit: Account,
    now: Timestamp,
) -> Result<(), Problem> {
    let (debit, amount) = (
        Account::Clearing(payment.provider.clone()),
        payment.received(),
    );
    book(conn, payment, Cause::Capture, (debit, credit, amount), now).await
}

async fn book(
    conn: &mut Conn,
    payment: &Payment,
    cause: Cause,
    (debit, credit, amount): (Account, Account, Money),
    now: Timestamp,
) -> Result<(), Problem> {
    let journal = Journal {
        organizer: payment.organizer_id,
        cause,
        cause_id: payment.id.to_string(),
        order: payment.order_id,
        payment: Some(payment.id),
        transfers: vec![Transfer {
            debit,
            credit,
            amount,
        }],
        occurred_at: now,
    };
    ledger::record(conn, journal).await
}

/// Money that is not what was asked for is noted, and somebody must decide.
async fn note_review(
    conn: &mut Conn,
    order: &Order,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let debit = Account::Clearing(payment.provider.clone());
    let transfer = (debit, Account::SuspenseUnmatched, payment.received());
    book(conn, payment, Cause::Review, transfer, now).await?;
    let note = format!(
        "{} came where {} was asked for.",
        payment.received(),
        payment.amount()
    );
    let (organizer, object) = (Some(order.organizer_id), payment.id.to_string());
    tasks::open(conn, organizer, TaskKind::Review, &object, &note, now).await
}

/// What was noted turned out to be the right money after all.
pub(super) async fn resolve_review(
    conn: &mut Conn,
    order: &Order,
    before: &Payment,
    now: Timestamp,
) -> Result<(), Problem> {
    let credit = Account::Clearing(before.provider.clone());
    let transfer = (Account::SuspenseUnmatched, credit, before.received());
    book(conn, before, Cause::ReviewResolved, transfer, now).await?;
    let object = before.id.to_string();
    tasks::close(conn, TaskKind::Review, &object, now).await?;
    tracing::info!(order = %order.id, payment = %before.id, "a review resolved itself");
    Ok(())
}
