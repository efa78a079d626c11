//! What an event lets its buyers ask back.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::audit;
use crate::db::schema::refund_policies;
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Cache, Conn, sql};
use crate::error::{Code, Problem};
use crate::events::Event;
use crate::id::{EventId, UserId};

const DAY_SECONDS: u64 = 24 * 60 * 60;

text_enum! {
    /// Whether a buyer may ask for a ticket's money that has been inside.
    pub enum UsedTickets {
        Refuse = "refuse",
        Allow = "allow",
    }
}

/// An event's policy; each has one, also while nobody has written it down.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = refund_policies)]
pub struct Policy {
    pub event_id: EventId,
    /// Counted from when the money came.
    pub window_days: i64,
    pub buyer_may_request: bool,
    pub auto_approve: bool,
    pub used_tickets: UsedTickets,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Policy {
    fn default_of(event: EventId, at: Timestamp) -> Self {
        Self {
            event_id: event,
            window_days: 90,
            buyer_may_request: true,
            auto_approve: false,
            used_tickets: UsedTickets::Refuse,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Refuses a buyer who comes too late, or may not ask at all.
    pub(super) fn check_buyer(&self, paid_at: Timestamp, now: Timestamp) -> Result<(), Problem> {
        if !self.buyer_may_request {
            let detail = "This event's organizer decides about refunds.";
            return Err(Problem::new(Code::Forbidden).detail(detail));
        }
        let days = u64::try_from(self.window_days).unwrap_or_default();
        let window = Duration::from_secs(days.saturating_mul(DAY_SECONDS));
        if now > paid_at.plus(window) {
            return Err(Problem::new(Code::RefundWindowClosed));
        }
        Ok(())
    }
}

pub async fn of_event(conn: &mut Conn, event: EventId, now: Timestamp) -> Result<Policy, Problem> {
    let found = sql!(conn, |c| refund_policies::table
        .find(event)
        .select(Policy::as_select())
        .first(c)
        .await)
    .optional()?;
    Ok(found.unwrap_or_else(|| Policy::default_of(event, now)))
}

/// Writes a policy down. The caller has locked the event.
pub async fn save(
    conn: &mut Conn,
    event: &Event,
    policy: &Policy,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    sql!(conn, |c| diesel::insert_into(refund_policies::table)
        .values(policy)
        .on_conflict(refund_policies::event_id)
        .do_update()
        .set(policy)
        .cached()
        .execute(c)
        .await)?;
    let entry = audit::Entry {
        organizer: Some(event.organizer_id),
        actor: actor.to_string(),
        action: "refund_policy.updated",
        object: event.id.to_string(),
        at: now,
    };
    let content = (policy.window_days, policy.auto_approve, policy.version);
    entry.write(conn, &content).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_ends_to_the_second() {
        let paid_at = Timestamp::parse("2027-01-05T08:00:00Z").unwrap();
        let policy = Policy::default_of(EventId::new(), paid_at);
        let end = Timestamp::parse("2027-04-05T08:00:00Z").unwrap();
        assert!(policy.check_buyer(paid_at, end).is_ok());
        let late = policy.check_buyer(paid_at, end.plus(Duration::from_secs(1)));
        assert_eq!(late.unwrap_err().code, Code::RefundWindowClosed);
    }
}
