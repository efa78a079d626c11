//! The table of gateways' messages.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::WebhookEventStatus;
use crate::db::schema::webhook_events;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::id::{OrganizerId, PaymentId, WebhookEventId};
use crate::payments::Payment;

/// A message as it is shown: without its text, which may be personal.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_events)]
pub(super) struct Event {
    pub id: WebhookEventId,
    pub organizer_id: Option<OrganizerId>,
    pub payment_id: Option<PaymentId>,
    pub provider: String,
    pub account: String,
    pub dedupe_key: String,
    pub kind: String,
    pub authenticity: String,
    pub status: WebhookEventStatus,
    pub received_at: Timestamp,
    pub applied_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A message and its text.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_events)]
pub(super) struct EventRow {
    #[diesel(embed)]
    pub event: Event,
    pub raw: String,
}

/// Inserts an event unless it came before. On PostgreSQL that waits for whoever is just
/// inserting the same one.
pub(super) async fn insert(conn: &mut Conn, row: &EventRow) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(webhook_events::table)
        .values(row)
        .on_conflict((
            webhook_events::provider,
            webhook_events::account,
            webhook_events::dedupe_key
        ))
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

type Earlier = (WebhookEventId, WebhookEventStatus, Option<PaymentId>);

pub(super) async fn find_earlier(
    conn: &mut Conn,
    provider: &str,
    account: &str,
    dedupe_key: &str,
) -> QueryResult<Option<Earlier>> {
    sql!(conn, |c| webhook_events::table
        .filter(webhook_events::provider.eq(provider))
        .filter(webhook_events::account.eq(account))
        .filter(webhook_events::dedupe_key.eq(dedupe_key))
        .select((
            webhook_events::id,
            webhook_events::status,
            webhook_events::payment_id,
        ))
        .first(c)
        .await)
    .optional()
}

pub(super) async fn mark_applied(
    conn: &mut Conn,
    id: WebhookEventId,
    now: Timestamp,
) -> QueryResult<Option<Timestamp>> {
    sql!(conn, |c| diesel::update(webhook_events::table.find(id))
        .filter(webhook_events::status.eq(WebhookEventStatus::Received))
        .set((
            webhook_events::status.eq(WebhookEventStatus::Applied),
            webhook_events::applied_at.eq(now),
            webhook_events::updated_at.eq(now),
        ))
        .returning(webhook_events::received_at)
        .cached()
        .get_result(c)
        .await)
    .optional()
}

/// Which messages a reader asks for, and may see.
#[derive(Debug, Default)]
pub(super) struct EventFilter {
    /// `None` sees those of every organizer, and those that are nobody's yet.
    pub organizers: Option<Vec<OrganizerId>>,
    pub provider: Option<String>,
    pub statuses: Vec<WebhookEventStatus>,
    pub kind: Option<String>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &EventFilter,
    after: Option<WebhookEventId>,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| {
        let mut query = webhook_events::table
            .select(Event::as_select())
            .order(webhook_events::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(organizers) = &filter.organizers {
            query = query.filter(webhook_events::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        if let Some(provider) = &filter.provider {
            query = query.filter(webhook_events::provider.eq(provider));
        }
        if !filter.statuses.is_empty() {
            query = query.filter(webhook_events::status.eq_any(filter.statuses.clone()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(webhook_events::kind.eq(kind));
        }
        if let Some(after) = after {
            query = query.filter(webhook_events::id.lt(after));
        }
        query.load(c).await
    })
}

/// What was told about a payment, oldest first.
pub(super) async fn of_payment(
    conn: &mut Conn,
    payment: PaymentId,
    after: Option<WebhookEventId>,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| {
        let mut query = webhook_events::table
            .filter(webhook_events::payment_id.eq(payment))
            .select(Event::as_select())
            .order(webhook_events::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(webhook_events::id.gt(after));
        }
        query.load(c).await
    })
}

/// A message, if it is one of these organizers'; `None` finds everybody's.
pub(super) async fn find(
    conn: &mut Conn,
    id: WebhookEventId,
    organizers: Option<&[OrganizerId]>,
) -> QueryResult<Option<EventRow>> {
    sql!(conn, |c| {
        let mut query = webhook_events::table
            .filter(webhook_events::id.eq(id))
            .select(EventRow::as_select())
            .into_boxed();
        if let Some(organizers) = organizers {
            query = query.filter(webhook_events::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        query.first(c).await
    })
    .optional()
}

/// Gives a message that was not applied its new status, and its payment; `None` when it is not
/// such a one any more.
pub(super) async fn take_again(
    conn: &mut Conn,
    id: WebhookEventId,
    status: WebhookEventStatus,
    payment: Option<&Payment>,
    now: Timestamp,
) -> QueryResult<Option<Event>> {
    let waiting = webhook_events::table
        .find(id)
        .filter(webhook_events::status.eq_any(WebhookEventStatus::REPROCESSABLE));
    let applied_at = (status == WebhookEventStatus::Applied).then_some(now);
    sql!(conn, |c| diesel::update(waiting)
        .set((
            webhook_events::status.eq(status),
            webhook_events::organizer_id.eq(payment.map(|it| it.organizer_id)),
            webhook_events::payment_id.eq(payment.map(|it| it.id)),
            webhook_events::applied_at.eq(applied_at),
            webhook_events::updated_at.eq(now),
        ))
        .returning(Event::as_returning())
        .get_result(c)
        .await)
    .optional()
}

/// When the message came that has waited longest to be applied.
pub async fn oldest_waiting(conn: &mut Conn) -> QueryResult<Option<Timestamp>> {
    sql!(conn, |c| webhook_events::table
        .filter(webhook_events::status.eq(WebhookEventStatus::Received))
        .order(webhook_events::received_at)
        .select(webhook_events::received_at)
        .first(c)
        .await)
    .optional()
}
