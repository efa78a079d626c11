//! The table of gateways' messages.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::EventStatus;
use crate::db::schema::webhook_events;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::id::{OrganizerId, PaymentId, WebhookEventId};

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = webhook_events)]
pub(super) struct EventRow {
    pub id: WebhookEventId,
    pub organizer_id: Option<OrganizerId>,
    pub payment_id: Option<PaymentId>,
    pub provider: String,
    pub account: String,
    pub dedupe_key: String,
    pub kind: String,
    pub authenticity: String,
    pub raw: String,
    pub status: EventStatus,
    pub received_at: Timestamp,
    pub applied_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
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

type Earlier = (WebhookEventId, EventStatus, Option<PaymentId>);

pub(super) async fn find(
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
        .filter(webhook_events::status.eq(EventStatus::Received))
        .set((
            webhook_events::status.eq(EventStatus::Applied),
            webhook_events::applied_at.eq(now),
            webhook_events::updated_at.eq(now),
        ))
        .returning(webhook_events::received_at)
        .cached()
        .get_result(c)
        .await)
    .optional()
}

/// When the message came that has waited longest to be applied.
pub async fn oldest_waiting(conn: &mut Conn) -> QueryResult<Option<Timestamp>> {
    sql!(conn, |c| webhook_events::table
        .filter(webhook_events::status.eq(EventStatus::Received))
        .order(webhook_events::received_at)
        .select(webhook_events::received_at)
        .first(c)
        .await)
    .optional()
}
