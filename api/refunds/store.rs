//! The tables of refunds and of what they cover.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{RefundReason, RefundStatus, Source};
use crate::db::schema::{orders, payments, refund_tickets, refunds};
use crate::db::values::{Json, Timestamp};
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::gateways::Failure;
use crate::id::{OrderId, OrganizerId, PaymentId, RefundId, TicketId};
use crate::money::Currency;
use crate::orders::{OrderScope, narrow_to_scope};

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = refunds)]
#[diesel(treat_none_as_null = true)]
pub struct Refund {
    pub id: RefundId,
    pub organizer_id: OrganizerId,
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub status: RefundStatus,
    pub source: Source,
    pub reason: RefundReason,
    pub note: Option<String>,
    pub voids: bool,
    pub is_full: bool,
    pub reference: String,
    pub attempt_no: i64,
    pub provider_refund_id: Option<String>,
    pub failure: Option<Json<Failure>>,
    pub requested_by: String,
    pub approved_by: Option<String>,
    pub submitted_at: Option<Timestamp>,
    pub next_sync_at: Option<Timestamp>,
    pub syncs: i64,
    pub completed_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

bulk_row! {
    /// A ticket that a refund covers.
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub(super) struct Covered in refund_tickets {
        pub refund_id: RefundId,
        pub ticket_id: TicketId,
        pub active: bool,
        pub was_suspended: bool,
    }
}

pub(super) async fn insert(
    conn: &mut Conn,
    row: &Refund,
    covered: Vec<Covered>,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(refunds::table)
        .values(row)
        .cached()
        .execute(c)
        .await)?;
    many::insert_all(conn, covered).await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, id: RefundId) -> QueryResult<Option<Refund>> {
    sql!(conn, |c| refunds::table
        .find(id)
        .select(Refund::as_select())
        .first(c)
        .await)
    .optional()
}

/// The refund that a gateway calls by our reference, or by its own name for it.
pub(super) async fn find_remote(
    conn: &mut Conn,
    payment: PaymentId,
    reference: Option<&str>,
    provider_refund_id: &str,
) -> QueryResult<Option<Refund>> {
    let reference = reference.unwrap_or_default();
    sql!(conn, |c| refunds::table
        .filter(refunds::payment_id.eq(payment))
        .filter(
            refunds::reference
                .eq(reference)
                .or(refunds::provider_refund_id
                    .eq(provider_refund_id)
                    .assume_not_null())
        )
        .select(Refund::as_select())
        .first(c)
        .await)
    .optional()
}

/// Writes every column of a refund whose order the caller has locked.
pub(super) async fn save(conn: &mut Conn, refund: &Refund) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(refunds::table.find(refund.id))
        .set(refund)
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn covered(conn: &mut Conn, refund: RefundId) -> QueryResult<Vec<Covered>> {
    sql!(conn, |c| refund_tickets::table
        .filter(refund_tickets::refund_id.eq(refund))
        .order(refund_tickets::ticket_id)
        .select(Covered::as_select())
        .load(c)
        .await)
}

/// Those of some tickets that unfinished refunds cover.
pub(super) async fn covered_of(
    conn: &mut Conn,
    tickets: &[TicketId],
) -> QueryResult<Vec<TicketId>> {
    sql!(conn, |c| refund_tickets::table
        .filter(refund_tickets::ticket_id.eq_any(tickets))
        .filter(refund_tickets::active.eq(true))
        .select(refund_tickets::ticket_id)
        .load(c)
        .await)
}

/// Says whether a refund still covers its tickets.
pub(super) async fn set_active(conn: &mut Conn, refund: RefundId, active: bool) -> QueryResult<()> {
    let of_refund = refund_tickets::table.filter(refund_tickets::refund_id.eq(refund));
    sql!(conn, |c| diesel::update(of_refund)
        .set(refund_tickets::active.eq(active))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Keeps an amount of a payment for a refund, if that much is left: a hundred refunds at once
/// never give back more than came in.
pub(super) async fn reserve(
    conn: &mut Conn,
    payment: PaymentId,
    amount_minor: i64,
) -> QueryResult<bool> {
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;
    let captured = sql::<BigInt>("COALESCE(received_minor, amount_minor)");
    let enough = (payments::refund_reserved_minor + amount_minor).le(captured);
    let reserved = sql!(conn, |c| diesel::update(payments::table.find(payment))
        .filter(enough.clone())
        .set((
            payments::refund_reserved_minor.eq(payments::refund_reserved_minor + amount_minor),
            payments::version.eq(payments::version + 1),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(reserved == 1)
}

/// Lets go of what was kept for a refund.
pub(super) async fn free(
    conn: &mut Conn,
    payment: PaymentId,
    amount_minor: i64,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payments::table.find(payment))
        .set((
            payments::refund_reserved_minor.eq(payments::refund_reserved_minor - amount_minor),
            payments::version.eq(payments::version + 1),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Notes that what was kept is gone.
pub(super) async fn note_gone(
    conn: &mut Conn,
    payment: PaymentId,
    amount_minor: i64,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(payments::table.find(payment))
        .set((
            payments::refunded_minor.eq(payments::refunded_minor + amount_minor),
            payments::version.eq(payments::version + 1),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes refunds that have something to be done, and keeps other workers off them.
pub(super) async fn claim_due(
    conn: &mut Conn,
    only: Option<RefundId>,
    limit: i64,
    now: Timestamp,
    lease: Duration,
) -> QueryResult<Vec<RefundId>> {
    conn.transaction(async |conn| {
        let due: Vec<RefundId> = match only {
            Some(id) => {
                let due = refunds::table
                    .find(id)
                    .filter(refunds::next_sync_at.le(now))
                    .select(refunds::id);
                sql!(conn,
                    sqlite: |c| due.load(c).await,
                    postgres: |c| due.for_update().skip_locked().load(c).await
                )?
            }
            None => {
                let due = refunds::table
                    .filter(refunds::next_sync_at.le(now))
                    .order(refunds::next_sync_at)
                    .limit(limit)
                    .select(refunds::id);
                sql!(conn,
                    sqlite: |c| due.load(c).await,
                    postgres: |c| due.for_update().skip_locked().load(c).await
                )?
            }
        };
        if due.is_empty() {
            return Ok(due);
        }
        sql!(conn, |c| diesel::update(
            refunds::table.filter(refunds::id.eq_any(&due))
        )
        .set((
            refunds::next_sync_at.eq(now.plus(lease)),
            refunds::syncs.eq(refunds::syncs + 1),
        ))
        .execute(c)
        .await)?;
        Ok(due)
    })
    .await
}

pub(super) async fn any_due(conn: &mut Conn, now: Timestamp) -> QueryResult<bool> {
    let due = refunds::table.filter(refunds::next_sync_at.le(now));
    sql!(conn, |c| diesel::select(diesel::dsl::exists(due))
        .get_result(c)
        .await)
}

/// Lets what is planned for later be done now.
pub(super) async fn hurry(conn: &mut Conn, id: RefundId, now: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(refunds::table.find(id))
        .filter(refunds::next_sync_at.is_not_null())
        .set(refunds::next_sync_at.eq(now))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Plans when something is to be done next.
pub(super) async fn plan(conn: &mut Conn, id: RefundId, at: Option<Timestamp>) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(refunds::table.find(id))
        .set(refunds::next_sync_at.eq(at))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Which refunds somebody asks for.
#[derive(Debug, Default)]
pub struct RefundFilter {
    pub statuses: Vec<RefundStatus>,
    pub order_id: Option<OrderId>,
    pub payment_id: Option<PaymentId>,
    pub reference: Option<String>,
    pub providers: Vec<String>,
    pub created_from: Option<Timestamp>,
    pub created_until: Option<Timestamp>,
}

/// A refund of the orders that the caller may list, with its payment's gateway.
pub async fn find_scoped(
    conn: &mut Conn,
    scope: &OrderScope,
    id: RefundId,
) -> QueryResult<Option<(Refund, String)>> {
    sql!(conn, |c| {
        let query = refunds::table
            .inner_join(orders::table)
            .inner_join(payments::table)
            .filter(refunds::id.eq(id))
            .select((Refund::as_select(), payments::provider))
            .into_boxed();
        narrow_to_scope!(query, scope).first(c).await
    })
    .optional()
}

/// What the caller may see and asked for, newest first, each with its payment's gateway.
pub async fn list(
    conn: &mut Conn,
    scope: &OrderScope,
    filter: &RefundFilter,
    after: Option<RefundId>,
    limit: i64,
) -> QueryResult<Vec<(Refund, String)>> {
    sql!(conn, |c| {
        let query = refunds::table
            .inner_join(orders::table)
            .inner_join(payments::table)
            .order(refunds::id.desc())
            .limit(limit)
            .select((Refund::as_select(), payments::provider))
            .into_boxed();
        let mut query = narrow_to_scope!(query, scope);
        if !filter.statuses.is_empty() {
            query = query.filter(refunds::status.eq_any(filter.statuses.clone()));
        }
        if !filter.providers.is_empty() {
            query = query.filter(payments::provider.eq_any(filter.providers.clone()));
        }
        if let Some(order) = filter.order_id {
            query = query.filter(refunds::order_id.eq(order));
        }
        if let Some(payment) = filter.payment_id {
            query = query.filter(refunds::payment_id.eq(payment));
        }
        if let Some(reference) = &filter.reference {
            query = query.filter(refunds::reference.eq(reference.clone()));
        }
        if let Some(from) = filter.created_from {
            query = query.filter(refunds::created_at.ge(from));
        }
        if let Some(until) = filter.created_until {
            query = query.filter(refunds::created_at.le(until));
        }
        if let Some(after) = after {
            query = query.filter(refunds::id.lt(after));
        }
        query.load(c).await
    })
}
