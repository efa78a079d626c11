//! The tables of orders and their lines.

pub mod bookings;
pub mod open;
pub mod sessions;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};

use super::{ItemKind, OrderScope, OrderStatus, PaymentStatus};
use crate::db::schema::{order_items, orders};
use crate::db::values::{Json, Timestamp};
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{
    BoothTypeId, EventId, EventSessionId, OrderId, OrderItemId, OrganizerId, TicketTypeId, UserId,
};
use crate::ledger::Balance;
use crate::money::Currency;

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Order in orders {
        pub id: OrderId,
        pub organizer_id: OrganizerId,
        pub event_id: EventId,
        pub session_id: Option<EventSessionId>,
        pub owner_id: Option<UserId>,
        pub token_version: i64,
        pub buyer_name: String,
        pub buyer_email: String,
        pub buyer_phone: Option<String>,
        pub origin: String,
        pub status: OrderStatus,
        pub payment_status: PaymentStatus,
        pub currency: Currency,
        pub total_minor: i64,
        pub paid_minor: i64,
        pub refunded_minor: i64,
        pub expires_at: Timestamp,
        pub confirmed_at: Option<Timestamp>,
        pub locale: Option<String>,
        pub description: Option<String>,
        pub metadata: Json<Map<String, Value>>,
        pub version: i64,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

bulk_row! {
    /// A line of an order, at the price of when it was made.
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Item in order_items {
        pub id: OrderItemId,
        pub order_id: OrderId,
        pub position: i64,
        pub kind: ItemKind,
        pub ticket_type_id: Option<TicketTypeId>,
        pub booth_type_id: Option<BoothTypeId>,
        pub name: String,
        pub quantity: i64,
        pub unit_price_minor: i64,
        pub total_minor: i64,
        pub created_at: Timestamp,
    }
}

pub(super) async fn insert(
    conn: &mut Conn,
    orders: Vec<Order>,
    items: Vec<Item>,
) -> QueryResult<()> {
    many::insert_all(conn, orders).await?;
    many::insert_all(conn, items).await?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, id: OrderId) -> QueryResult<Option<Order>> {
    sql!(conn, |c| orders::table
        .find(id)
        .select(Order::as_select())
        .first(c)
        .await)
    .optional()
}

/// SQLite has one writer, so its transaction is the lock.
pub(super) async fn lock(conn: &mut Conn, id: OrderId) -> QueryResult<Option<Order>> {
    sql!(conn,
        sqlite: |c| orders::table.find(id).select(Order::as_select()).first(c).await,
        postgres: |c| orders::table
            .find(id)
            .select(Order::as_select())
            .for_update()
            .first(c)
            .await
    )
    .optional()
}

pub(super) async fn items(conn: &mut Conn, order: OrderId) -> QueryResult<Vec<Item>> {
    sql!(conn, |c| order_items::table
        .filter(order_items::order_id.eq(order))
        .order(order_items::position)
        .select(Item::as_select())
        .load(c)
        .await)
}

/// Moves an order along one of its arrows; `None` when it is not in any of `from`.
pub(super) async fn set_status(
    conn: &mut Conn,
    id: OrderId,
    from: &[OrderStatus],
    to: OrderStatus,
    now: Timestamp,
) -> QueryResult<Option<Order>> {
    let confirmed_at = (to == OrderStatus::Confirmed).then_some(now);
    sql!(conn, |c| diesel::update(orders::table.find(id))
        .filter(orders::status.eq_any(from))
        .set((
            orders::status.eq(to),
            orders::confirmed_at.eq(confirmed_at),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(now),
        ))
        .returning(Order::as_returning())
        .get_result(c)
        .await)
    .optional()
}

/// Writes what the journals say.
pub(super) async fn set_money(
    conn: &mut Conn,
    id: OrderId,
    balance: Balance,
    payment_status: PaymentStatus,
    now: Timestamp,
) -> QueryResult<Order> {
    sql!(conn, |c| diesel::update(orders::table.find(id))
        .set((
            orders::paid_minor.eq(balance.captured_minor),
            orders::refunded_minor.eq(balance.refunded_minor),
            orders::payment_status.eq(payment_status),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(now),
        ))
        .returning(Order::as_returning())
        .cached()
        .get_result(c)
        .await)
}

pub(super) async fn set_expiry(
    conn: &mut Conn,
    id: OrderId,
    expires_at: Timestamp,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(orders::table.find(id))
        .set((
            orders::expires_at.eq(expires_at),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn set_buyer(
    conn: &mut Conn,
    order: &Order,
    now: Timestamp,
) -> QueryResult<Order> {
    sql!(conn, |c| diesel::update(orders::table.find(order.id))
        .set((
            orders::buyer_name.eq(&order.buyer_name),
            orders::buyer_email.eq(&order.buyer_email),
            orders::buyer_phone.eq(&order.buyer_phone),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(now),
        ))
        .returning(Order::as_returning())
        .cached()
        .get_result(c)
        .await)
}

/// The pending orders whose time is over.
pub(super) async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<OrderId>> {
    sql!(conn, |c| orders::table
        .filter(orders::status.eq(OrderStatus::Pending))
        .filter(orders::expires_at.le(now))
        .order(orders::expires_at)
        .limit(limit)
        .select(orders::id)
        .load(c)
        .await)
}

/// The newest orders of an e-mail, for the mail with their links.
pub(super) async fn of_email(conn: &mut Conn, email: &str, limit: i64) -> QueryResult<Vec<Order>> {
    sql!(conn, |c| orders::table
        .filter(orders::buyer_email.eq(email))
        .order(orders::id.desc())
        .limit(limit)
        .select(Order::as_select())
        .load(c)
        .await)
}

/// Which orders somebody asks for.
#[derive(Debug, Default)]
pub struct OrderFilter {
    pub statuses: Vec<OrderStatus>,
    pub payment_statuses: Vec<PaymentStatus>,
    pub event_id: Option<EventId>,
    pub email: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_until: Option<Timestamp>,
}

/// Whether an order is somebody's own: made with the account, or by a guest of the address that
/// the account has verified. No address, no order.
macro_rules! is_own {
    ($owner:expr, $verified_email:expr) => {{
        use diesel::prelude::*;
        use $crate::db::schema::orders;
        let email = $verified_email.clone().unwrap_or_default();
        let joined = orders::owner_id
            .is_null()
            .and(orders::buyer_email.eq(email));
        orders::owner_id.eq($owner).assume_not_null().or(joined)
    }};
}

/// Narrows a boxed query that has the orders' table to a scope.
macro_rules! narrow_to_scope {
    ($query:expr, $scope:expr) => {
        match $scope {
            $crate::orders::OrderScope::All => $query,
            $crate::orders::OrderScope::One(id) => {
                $query.filter($crate::db::schema::orders::id.eq(*id))
            }
            $crate::orders::OrderScope::Of {
                owner,
                verified_email,
                organizers,
            } => {
                use $crate::db::schema::orders;
                let managed = orders::organizer_id.eq_any(organizers.clone());
                $query.filter($crate::orders::is_own!(*owner, verified_email).or(managed))
            }
        }
    };
}
pub(crate) use {is_own, narrow_to_scope};

/// What the caller may see and asked for, newest first.
pub async fn list(
    conn: &mut Conn,
    scope: &OrderScope,
    filter: &OrderFilter,
    after: Option<OrderId>,
    limit: i64,
) -> QueryResult<Vec<Order>> {
    sql!(conn, |c| {
        let query = orders::table
            .order(orders::id.desc())
            .limit(limit)
            .select(Order::as_select())
            .into_boxed();
        let mut query = narrow_to_scope!(query, scope);
        if !filter.statuses.is_empty() {
            query = query.filter(orders::status.eq_any(filter.statuses.clone()));
        }
        if !filter.payment_statuses.is_empty() {
            query = query.filter(orders::payment_status.eq_any(filter.payment_statuses.clone()));
        }
        if let Some(event) = filter.event_id {
            query = query.filter(orders::event_id.eq(event));
        }
        if let Some(email) = &filter.email {
            query = query.filter(orders::buyer_email.eq(email.clone()));
        }
        if let Some(from) = filter.created_from {
            query = query.filter(orders::created_at.ge(from));
        }
        if let Some(until) = filter.created_until {
            query = query.filter(orders::created_at.le(until));
        }
        if let Some(after) = after {
            query = query.filter(orders::id.lt(after));
        }
        query.load(c).await
    })
}
