//! The outbox.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{EmailData, EmailStatus, NewEmail, Template};
use crate::db::schema::emails;
use crate::db::values::{Json, Timestamp};
use crate::db::{Cache, Conn, sql};
use crate::id::{EmailId, OrderId, OrganizerId};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = emails)]
pub struct EmailRow {
    pub id: EmailId,
    pub organizer_id: Option<OrganizerId>,
    /// The order that it tells of.
    pub order_id: Option<OrderId>,
    pub template: Template,
    pub recipient: String,
    pub data: Json<EmailData>,
    pub dedupe_key: String,
    pub status: EmailStatus,
    pub attempts: i64,
    pub run_at: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub last_error: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl EmailRow {
    /// A mail that is due now.
    pub(super) fn new(email: NewEmail, now: Timestamp) -> Self {
        Self {
            id: EmailId::new(),
            organizer_id: email.organizer,
            order_id: email.data.order.as_ref().map(|order| order.order_id),
            template: email.template,
            recipient: email.recipient,
            data: Json(email.data),
            dedupe_key: email.dedupe_key,
            status: EmailStatus::Queued,
            attempts: 0,
            run_at: now,
            lease_until: None,
            last_error: None,
            sent_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Which mails a reader asks for, and may see.
#[derive(Debug, Default)]
pub struct EmailFilter {
    /// `None` sees every organizer's mails and the platform's.
    pub organizers: Option<Vec<OrganizerId>>,
    pub status: Option<EmailStatus>,
    pub template: Option<Template>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &EmailFilter,
    after: Option<EmailId>,
    limit: i64,
) -> QueryResult<Vec<EmailRow>> {
    sql!(conn, |c| {
        let mut query = emails::table
            .select(EmailRow::as_select())
            .order(emails::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(organizers) = &filter.organizers {
            query = query.filter(emails::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        if let Some(status) = filter.status {
            query = query.filter(emails::status.eq(status));
        }
        if let Some(template) = filter.template {
            query = query.filter(emails::template.eq(template));
        }
        if let Some(after) = after {
            query = query.filter(emails::id.lt(after));
        }
        query.load(c).await
    })
}

/// A mail, if it is one of these organizers'; `None` finds everybody's.
pub(super) async fn find(
    conn: &mut Conn,
    id: EmailId,
    organizers: Option<&[OrganizerId]>,
) -> QueryResult<Option<EmailRow>> {
    sql!(conn, |c| {
        let mut query = emails::table
            .filter(emails::id.eq(id))
            .select(EmailRow::as_select())
            .into_boxed();
        if let Some(organizers) = organizers {
            query = query.filter(emails::organizer_id.eq_any(organizers.iter().map(Some)));
        }
        query.first(c).await
    })
    .optional()
}

/// Inserts a mail unless one with its key exists.
pub(super) async fn insert(conn: &mut Conn, row: &EmailRow) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(emails::table)
        .values(row)
        .on_conflict(emails::dedupe_key)
        .do_nothing()
        .cached()
        .execute(c)
        .await)?;
    conn.note_queued();
    Ok(())
}

/// The mails about an order that have left, and when.
pub async fn sent_about(conn: &mut Conn, order: OrderId) -> QueryResult<Vec<(EmailId, Timestamp)>> {
    let rows: Vec<(EmailId, Option<Timestamp>)> = sql!(conn, |c| emails::table
        .filter(emails::order_id.eq(order))
        .filter(emails::sent_at.is_not_null())
        .order(emails::id)
        .select((emails::id, emails::sent_at))
        .load(c)
        .await)?;
    let sent = rows.into_iter().filter_map(|(id, at)| Some((id, at?)));
    Ok(sent.collect())
}

/// When the mail that has waited longest was due. Not those that wait for another try.
pub async fn oldest_due(conn: &mut Conn, now: Timestamp) -> QueryResult<Option<Timestamp>> {
    sql!(conn, |c| emails::table
        .filter(emails::status.eq_any([EmailStatus::Queued, EmailStatus::Sending]))
        .filter(emails::run_at.le(now))
        .order(emails::run_at)
        .select(emails::run_at)
        .first(c)
        .await)
    .optional()
}

/// How many mails are tried no more.
pub async fn count_dead(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| emails::table
        .filter(emails::status.eq(EmailStatus::Dead))
        .count()
        .get_result(c)
        .await)
}

/// How many mails were neither sent nor given up.
pub async fn count_unfinished(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| emails::table
        .filter(emails::status.ne(EmailStatus::Sent))
        .count()
        .get_result(c)
        .await)
}

/// Takes up to `limit` due mails for the time of the lease.
///
/// PostgreSQL workers step over each other's rows. SQLite has one writer at a time, so
/// there is nothing to step over.
pub(super) async fn claim(
    conn: &mut Conn,
    limit: i64,
    now: Timestamp,
    lease: Duration,
) -> QueryResult<Vec<EmailRow>> {
    conn.transaction(async |conn| {
        let due = emails::table
            .select(emails::id)
            .filter(emails::status.eq_any([EmailStatus::Queued, EmailStatus::Sending]))
            .filter(emails::run_at.le(now))
            .filter(
                emails::lease_until
                    .is_null()
                    .or(emails::lease_until.le(now)),
            )
            .order(emails::run_at)
            .limit(limit);
        let due: Vec<EmailId> = sql!(conn,
            sqlite: |c| due.load(c).await,
            postgres: |c| due.for_update().skip_locked().load(c).await
        )?;
        sql!(conn, |c| diesel::update(
            emails::table.filter(emails::id.eq_any(due))
        )
        .set((
            emails::status.eq(EmailStatus::Sending),
            emails::lease_until.eq(now.plus(lease)),
            emails::attempts.eq(emails::attempts + 1),
            emails::updated_at.eq(now),
        ))
        .returning(EmailRow::as_returning())
        .get_results(c)
        .await)
    })
    .await
}

pub(super) async fn mark_sent(conn: &mut Conn, id: EmailId, now: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(emails::table.find(id))
        .set((
            emails::status.eq(EmailStatus::Sent),
            emails::lease_until.eq(None::<Timestamp>),
            emails::last_error.eq(None::<String>),
            emails::sent_at.eq(now),
            emails::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Puts a mail back until `run_at`, or gives it up.
pub(super) async fn mark_failed(
    conn: &mut Conn,
    id: EmailId,
    error: &str,
    run_at: Option<Timestamp>,
    now: Timestamp,
) -> QueryResult<()> {
    let status = match run_at {
        Some(_) => EmailStatus::Queued,
        None => EmailStatus::Dead,
    };
    sql!(conn, |c| diesel::update(emails::table.find(id))
        .set((
            emails::status.eq(status),
            emails::run_at.eq(run_at.unwrap_or(now)),
            emails::lease_until.eq(None::<Timestamp>),
            emails::last_error.eq(error),
            emails::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}
