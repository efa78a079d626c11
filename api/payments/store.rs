//! The payments' table.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Details, Status};
use crate::db::schema::{orders, payment_details, payments};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::digest::hex;
use crate::error::Problem;
use crate::gateways::ACCOUNT;
use crate::id::{OrderId, OrganizerId, PaymentId};
use crate::money::Currency;
use crate::orders::{Order, OrderScope, narrow_to_scope};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payments)]
#[diesel(treat_none_as_null = true)]
pub struct Payment {
    pub id: PaymentId,
    pub organizer_id: OrganizerId,
    pub order_id: OrderId,
    pub attempt_no: i64,
    pub provider: String,
    pub account: String,
    pub livemode: bool,
    pub amount_minor: i64,
    pub currency: Currency,
    pub status: Status,
    pub reference: String,
    pub provider_payment_id: Option<String>,
    pub provider_status: Option<String>,
    pub received_minor: Option<i64>,
    pub received_currency: Option<Currency>,
    /// What is promised to or gone to refunds; moved by [`crate::refunds`] alone.
    #[diesel(skip_update)]
    pub refund_reserved_minor: i64,
    #[diesel(skip_update)]
    pub refunded_minor: i64,
    pub superseded_at: Option<Timestamp>,
    pub next_sync_at: Option<Timestamp>,
    pub syncs: i64,
    pub expires_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Payment {
    /// An order's next attempt, with a reference of its own, that nobody has told a gateway of.
    pub(super) fn new(
        order: &Order,
        earlier: &[Self],
        provider: &str,
        livemode: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            id: PaymentId::new(),
            organizer_id: order.organizer_id,
            order_id: order.id,
            attempt_no: i64::try_from(earlier.len()).unwrap_or(i64::MAX) + 1,
            provider: provider.to_owned(),
            account: ACCOUNT.to_owned(),
            livemode,
            amount_minor: order.total_minor,
            currency: order.currency,
            status: Status::Created,
            reference: hex(&crate::random::bytes::<10>()),
            provider_payment_id: None,
            provider_status: None,
            received_minor: None,
            received_currency: None,
            refund_reserved_minor: 0,
            refunded_minor: 0,
            superseded_at: None,
            next_sync_at: None,
            syncs: 0,
            expires_at: None,
            completed_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

pub(super) async fn insert(conn: &mut Conn, row: &Payment) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(payments::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, id: PaymentId) -> QueryResult<Option<Payment>> {
    sql!(conn, |c| payments::table
        .find(id)
        .select(Payment::as_select())
        .first(c)
        .await)
    .optional()
}

/// A payment with its order and all that is kept of it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = payments)]
pub struct BilledPayment {
    #[diesel(embed)]
    pub payment: Payment,
    #[diesel(embed)]
    pub order: Order,
    #[diesel(embed)]
    pub details: Details,
}

/// The payments that are looked at at the same moment.
pub async fn find_gathered(
    conn: &mut Conn,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, BilledPayment>, Problem> {
    let found: Vec<BilledPayment> = sql!(conn, |c| payments::table
        .inner_join(orders::table)
        .inner_join(payment_details::table)
        .filter(payments::id.eq_any(ids))
        .select(BilledPayment::as_select())
        .cached()
        .load(c)
        .await)?;
    Ok(found.into_iter().map(|it| (it.payment.id, it)).collect())
}

/// The payment that a gateway calls by this reference.
pub async fn find_by_reference(
    conn: &mut Conn,
    provider: &str,
    account: &str,
    reference: &str,
) -> QueryResult<Option<Payment>> {
    sql!(conn, |c| payments::table
        .filter(payments::provider.eq(provider))
        .filter(payments::account.eq(account))
        .filter(payments::reference.eq(reference))
        .select(Payment::as_select())
        .first(c)
        .await)
    .optional()
}

pub(super) async fn of_order(conn: &mut Conn, order: OrderId) -> QueryResult<Vec<Payment>> {
    sql!(conn, |c| payments::table
        .filter(payments::order_id.eq(order))
        .order(payments::attempt_no)
        .select(Payment::as_select())
        .load(c)
        .await)
}

/// Writes every column of a payment whose order the caller has locked.
pub(super) async fn save(conn: &mut Conn, payment: &Payment) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payments::table.find(payment.id))
        .set(payment)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Marks all earlier attempts: a later one takes their place.
pub(super) async fn supersede(conn: &mut Conn, order: OrderId, now: Timestamp) -> QueryResult<()> {
    let earlier = payments::table
        .filter(payments::order_id.eq(order))
        .filter(payments::superseded_at.is_null())
        .filter(payments::status.ne(Status::Succeeded));
    sql!(conn, |c| diesel::update(earlier)
        .set((
            payments::superseded_at.eq(now),
            payments::version.eq(payments::version + 1),
            payments::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes payments that should be asked for, and keeps other workers off them for the lease.
pub(super) async fn claim_due(
    conn: &mut Conn,
    limit: i64,
    now: Timestamp,
    lease: Duration,
) -> QueryResult<Vec<PaymentId>> {
    conn.transaction(async |conn| {
        let due = payments::table
            .select(payments::id)
            .filter(payments::next_sync_at.le(now))
            .order(payments::next_sync_at)
            .limit(limit);
        let due: Vec<PaymentId> = sql!(conn,
            sqlite: |c| due.load(c).await,
            postgres: |c| due.for_update().skip_locked().load(c).await
        )?;
        sql!(conn, |c| diesel::update(
            payments::table.filter(payments::id.eq_any(&due))
        )
        .set((
            payments::next_sync_at.eq(now.plus(lease)),
            payments::syncs.eq(payments::syncs + 1),
        ))
        .execute(c)
        .await)?;
        Ok(due)
    })
    .await
}

pub(super) async fn any_due(conn: &mut Conn, now: Timestamp) -> QueryResult<bool> {
    let due = payments::table.filter(payments::next_sync_at.le(now));
    sql!(conn, |c| diesel::select(diesel::dsl::exists(due))
        .get_result(c)
        .await)
}

/// Lets a payment be asked for at `at`; earlier than planned, never later. So is an attempt
/// that ended, which nobody asks for otherwise; but not a success.
pub(super) async fn sync_at(conn: &mut Conn, id: PaymentId, at: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payments::table.find(id))
        .filter(payments::status.ne(Status::Succeeded))
        .filter(
            payments::next_sync_at
                .gt(at)
                .or(payments::next_sync_at.is_null())
        )
        .set(payments::next_sync_at.eq(at))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Plans the next question.
pub(super) async fn plan_sync(
    conn: &mut Conn,
    id: PaymentId,
    at: Option<Timestamp>,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payments::table.find(id))
        .set(payments::next_sync_at.eq(at))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Which payments somebody asks for.
#[derive(Debug, Default)]
pub struct PaymentFilter {
    pub providers: Vec<String>,
    pub statuses: Vec<Status>,
    pub order_id: Option<OrderId>,
    pub reference: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_until: Option<Timestamp>,
}

/// A payment of the orders that the caller may list.
pub async fn find_scoped(
    conn: &mut Conn,
    scope: &OrderScope,
    id: PaymentId,
) -> QueryResult<Option<Payment>> {
    sql!(conn, |c| {
        let query = payments::table
            .inner_join(orders::table)
            .filter(payments::id.eq(id))
            .select(Payment::as_select())
            .into_boxed();
        narrow_to_scope!(query, scope).first(c).await
    })
    .optional()
}

/// What the caller may see and asked for, newest first.
pub async fn list(
    conn: &mut Conn,
    scope: &OrderScope,
    filter: &PaymentFilter,
    after: Option<PaymentId>,
    limit: i64,
) -> QueryResult<Vec<Payment>> {
    sql!(conn, |c| {
        let query = payments::table
            .inner_join(orders::table)
            .order(payments::id.desc())
            .limit(limit)
            .select(Payment::as_select())
            .into_boxed();
        let mut query = narrow_to_scope!(query, scope);
        if !filter.providers.is_empty() {
            query = query.filter(payments::provider.eq_any(filter.providers.clone()));
        }
        if !filter.statuses.is_empty() {
            query = query.filter(payments::status.eq_any(filter.statuses.clone()));
        }
        if let Some(order) = filter.order_id {
            query = query.filter(payments::order_id.eq(order));
        }
        if let Some(reference) = &filter.reference {
            query = query.filter(payments::reference.eq(reference.clone()));
        }
        if let Some(from) = filter.created_from {
            query = query.filter(payments::created_at.ge(from));
        }
        if let Some(until) = filter.created_until {
            query = query.filter(payments::created_at.le(until));
        }
        if let Some(after) = after {
            query = query.filter(payments::id.lt(after));
        }
        query.load(c).await
    })
}

/// How many payments of a gateway are not final, and how many of them nobody asks for.
pub async fn count_open(
    conn: &mut Conn,
    provider: &str,
    now: Timestamp,
) -> QueryResult<(i64, i64)> {
    let open = || {
        payments::table
            .filter(payments::provider.eq(provider))
            .filter(payments::next_sync_at.is_not_null())
    };
    let late = now.minus(Duration::from_secs(60));
    let overdue = open().filter(payments::next_sync_at.le(late)).count();
    let open = open().count();
    Ok((
        sql!(conn, |c| open.get_result(c).await)?,
        sql!(conn, |c| overdue.get_result(c).await)?,
    ))
}

/// How many payments are not final, by status, and since when the oldest has not changed.
pub async fn count_unfinished(
    conn: &mut Conn,
) -> QueryResult<Vec<(Status, i64, Option<Timestamp>)>> {
    sql!(conn, |c| payments::table
        .filter(payments::next_sync_at.is_not_null())
        .group_by(payments::status)
        .select((
            payments::status,
            diesel::dsl::count_star(),
            diesel::dsl::min(payments::updated_at)
        ))
        .load(c)
        .await)
}
