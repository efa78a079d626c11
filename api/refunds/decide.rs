//! What people decide about a refund. The caller has locked its order.

use super::machine::may;
use super::store;
use super::{Refund, RefundStatus, ask, settle, units};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::UserId;
use crate::jobs::{self, Job};
use crate::orders::Terms;
use crate::tasks::{self, TaskKind};

/// Lets a refund be made: what it covers is stopped at once.
pub async fn approve(
    conn: &mut Conn,
    refund: Refund,
    by: UserId,
    now: Timestamp,
) -> Result<Refund, Problem> {
    if refund.status != RefundStatus::Requested {
        return Err(invalid(&refund));
    }
    approve_by(conn, refund, by.to_string(), now).await
}

pub(super) async fn approve_by(
    conn: &mut Conn,
    mut refund: Refund,
    by: String,
    now: Timestamp,
) -> Result<Refund, Problem> {
    check(&refund, RefundStatus::Approved)?;
    refund.move_to(RefundStatus::Approved, now);
    refund.next_sync_at = Some(now);
    refund.approved_by = Some(by.clone());
    store::save(conn, &refund).await?;
    units::stop(conn, &refund, now).await?;
    ask::record(conn, &refund, &by, "refund.approved", now).await?;
    let job = Job::AdvanceRefund { refund: refund.id };
    jobs::enqueue(conn, job, now).await?;
    Ok(refund)
}

/// Says no to a wish.
pub async fn reject(
    conn: &mut Conn,
    terms: &Terms,
    refund: Refund,
    by: UserId,
    now: Timestamp,
) -> Result<Refund, Problem> {
    let refund = end(
        conn,
        refund,
        RefundStatus::Rejected,
        by,
        "refund.rejected",
        now,
    )
    .await?;
    settle::tell_rejected(conn, terms, &refund, now).await?;
    Ok(refund)
}

/// Takes a wish back, before any gateway was told of it.
pub async fn cancel(
    conn: &mut Conn,
    refund: Refund,
    by: UserId,
    now: Timestamp,
) -> Result<Refund, Problem> {
    end(
        conn,
        refund,
        RefundStatus::Canceled,
        by,
        "refund.canceled",
        now,
    )
    .await
}

async fn end(
    conn: &mut Conn,
    mut refund: Refund,
    to: RefundStatus,
    by: UserId,
    action: &str,
    now: Timestamp,
) -> Result<Refund, Problem> {
    check(&refund, to)?;
    refund.move_to(to, now);
    store::save(conn, &refund).await?;
    store::free(conn, refund.payment_id, refund.amount_minor).await?;
    units::let_go(conn, &refund, now).await?;
    tasks::close(conn, TaskKind::ManualRefund, &refund.id.to_string(), now).await?;
    ask::record(conn, &refund, &by.to_string(), action, now).await?;
    Ok(refund)
}

/// Tries a refund that failed once more, as an attempt of its own.
pub async fn retry(
    conn: &mut Conn,
    mut refund: Refund,
    by: UserId,
    now: Timestamp,
) -> Result<Refund, Problem> {
    if refund.status != RefundStatus::Failed {
        return Err(invalid(&refund));
    }
    take_up_again(conn, &refund).await?;
    refund.next_attempt();
    approve_by(conn, refund, by.to_string(), now).await
}

/// Reserves what a refund that failed had let go of.
async fn take_up_again(conn: &mut Conn, refund: &Refund) -> Result<(), Problem> {
    if !store::reserve(conn, refund.payment_id, refund.amount_minor).await? {
        return Err(Problem::new(Code::RefundExceedsPayment));
    }
    let covered = store::covered(conn, refund.id).await?;
    let tickets: Vec<_> = covered.iter().map(|it| it.ticket_id).collect();
    if !store::covered_of(conn, &tickets).await?.is_empty() {
        return Err(Problem::new(Code::RefundInProgress));
    }
    Ok(store::set_active(conn, refund.id, true).await?)
}

/// Notes that the money was given back by hand, where no gateway can do it or would.
pub async fn mark_done(
    conn: &mut Conn,
    terms: &Terms,
    mut refund: Refund,
    reference: &str,
    by: UserId,
    now: Timestamp,
) -> Result<Refund, Problem> {
    check(&refund, RefundStatus::Succeeded)?;
    if refund.status == RefundStatus::Failed {
        take_up_again(conn, &refund).await?;
    }
    if refund.is_returned() {
        refund.next_attempt();
    }
    refund.provider_refund_id = Some(reference.to_owned());
    settle::complete(conn, terms, refund, &by.to_string(), now).await
}

fn check(refund: &Refund, to: RefundStatus) -> Result<(), Problem> {
    if may(refund.status, to) {
        Ok(())
    } else {
        Err(invalid(refund))
    }
}

fn invalid(refund: &Refund) -> Problem {
    let detail = format!("It is {}.", refund.status.as_str());
    Problem::new(Code::InvalidTransition).detail(detail)
}

impl Refund {
    pub(super) fn move_to(&mut self, status: RefundStatus, now: Timestamp) {
        self.status = status;
        self.completed_at = status.is_final().then_some(now);
        if status.is_final() {
            self.next_sync_at = None;
        }
        self.version += 1;
        self.updated_at = now;
    }

    /// A new attempt is a new refund to the gateway.
    pub(super) fn next_attempt(&mut self) {
        self.attempt_no += 1;
        self.reference = ask::new_reference();
        self.provider_refund_id = None;
        self.failure = None;
        self.submitted_at = None;
        self.syncs = 0;
    }
}
