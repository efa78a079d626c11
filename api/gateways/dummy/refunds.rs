//! The dummy gateway's refunds: a table of its own, as far away from ours as a remote system.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::store::{self, Charge, DummyStatus};
use crate::db::schema::dummy_refund;
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Cache, Conn, sql};
use crate::error::Problem;
use crate::gateways::{Failure, RefundRefs, RefundSnapshot, RemoteRefundStatus};
use crate::money::Currency;

text_enum! {
    /// `pending → succeeded | failed`, `succeeded → failed` when the buyer's bank returns it.
    pub enum DummyRefundStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = dummy_refund)]
pub(super) struct Refund {
    reference: String,
    pub charge: String,
    amount_minor: i64,
    currency: Currency,
    status: DummyRefundStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&Refund> for RefundSnapshot {
    fn from(refund: &Refund) -> Self {
        Self {
            status: match refund.status {
                DummyRefundStatus::Pending => RemoteRefundStatus::Pending,
                DummyRefundStatus::Succeeded => RemoteRefundStatus::Succeeded,
                DummyRefundStatus::Failed => RemoteRefundStatus::Failed,
            },
            provider_refund_id: format!("drf_{}", refund.reference),
            reference: Some(refund.reference.clone()),
            amount_minor: refund.amount_minor,
            currency: refund.currency,
            failure: (refund.status == DummyRefundStatus::Failed).then(|| Failure {
                code: "bank_refused".to_owned(),
                message: "The buyer's bank did not take it.".to_owned(),
                retryable: true,
            }),
        }
    }
}

/// Makes a refund, or finds the one of the same reference. The charge's row is locked first,
/// so that no two give back more than came in; then it is a refusal.
pub(super) async fn create(
    conn: &mut Conn,
    refs: &RefundRefs,
    status: DummyRefundStatus,
    now: Timestamp,
) -> Result<Result<Refund, Failure>, Problem> {
    let charge = store::lock(conn, &refs.payment.reference).await?;
    if let Some(known) = find(conn, &refs.reference).await? {
        return Ok(Ok(known));
    }
    let paid = charge.filter(|charge| charge.status == DummyStatus::Succeeded);
    let Some(charge) = paid else {
        return Ok(Err(refusal("not_paid", "There is nothing to give back.")));
    };
    let given: i64 = of_charge(conn, &charge.reference)
        .await?
        .iter()
        .filter(|refund| refund.status != DummyRefundStatus::Failed)
        .fold(0, |sum, refund| sum.saturating_add(refund.amount_minor));
    let is_too_much = refs.amount.minor > charge.amount_minor.saturating_sub(given);
    if is_too_much || refs.amount.currency != charge.currency {
        return Ok(Err(refusal("too_much", "More than what is left.")));
    }
    let refund = Refund {
        reference: refs.reference.clone(),
        charge: charge.reference,
        amount_minor: refs.amount.minor,
        currency: refs.amount.currency,
        status,
        created_at: now,
        updated_at: now,
    };
    sql!(conn, |c| diesel::insert_into(dummy_refund::table)
        .values(&refund)
        .cached()
        .execute(c)
        .await)?;
    Ok(Ok(refund))
}

fn refusal(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        retryable: false,
    }
}

pub(super) async fn find(conn: &mut Conn, reference: &str) -> QueryResult<Option<Refund>> {
    sql!(conn, |c| dummy_refund::table
        .find(reference)
        .select(Refund::as_select())
        .first(c)
        .await)
    .optional()
}

pub(super) async fn of_charge(conn: &mut Conn, charge: &str) -> QueryResult<Vec<Refund>> {
    sql!(conn, |c| dummy_refund::table
        .filter(dummy_refund::charge.eq(charge))
        .order((dummy_refund::created_at, dummy_refund::reference))
        .select(Refund::as_select())
        .load(c)
        .await)
}

/// Moves the refunds of a charge that stand so; answers them.
pub(super) async fn decide(
    conn: &mut Conn,
    charge: &Charge,
    (from, to): (DummyRefundStatus, DummyRefundStatus),
    now: Timestamp,
) -> QueryResult<Vec<Refund>> {
    let standing = dummy_refund::table
        .filter(dummy_refund::charge.eq(&charge.reference))
        .filter(dummy_refund::status.eq(from));
    sql!(conn, |c| diesel::update(standing)
        .set((
            dummy_refund::status.eq(to),
            dummy_refund::updated_at.eq(now),
        ))
        .returning(Refund::as_returning())
        .cached()
        .get_results(c)
        .await)
}
