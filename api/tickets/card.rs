//! A ticket with all that is shown and checked about it, in one read.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::calendar::Occasion;
use super::{Credential, Ticket, TicketStatus};
use crate::db::schema::{orders, tickets};
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::error::{Code, Problem};
use crate::id::{EventId, EventSessionId, OrderId, OrganizerId, TicketId, UserId};
use crate::keys::TicketKeys;
use crate::money::Currency;
use crate::orders::is_own;

/// A ticket, and what its type, event, session and order add to it.
#[derive(Debug, Clone, Queryable)]
pub struct Card {
    pub ticket: Ticket,
    pub type_name: String,
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub event: EventPart,
    pub order_status: String,
    pub currency: Currency,
    pub price_minor: i64,
    pub session: Option<SessionPart>,
}

/// What a ticket says of its event.
#[derive(Debug, Clone, Queryable)]
pub struct EventPart {
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub venue_name: Option<String>,
    pub venue_address: Option<String>,
    pub city: Option<String>,
}

/// What a ticket says of its session.
#[derive(Debug, Clone, Queryable)]
pub struct SessionPart {
    pub id: EventSessionId,
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
}

impl Card {
    /// What its code claims, as things are now. `None` when it was re-issued too often for
    /// its number to fit, which re-issuing rules out.
    pub fn credential(&self) -> Option<Credential> {
        let seconds = |at: Option<Timestamp>| match at {
            Some(at) => u32::try_from(at.unix_seconds().max(1)).ok(),
            None => Some(0),
        };
        Some(Credential {
            event: self.ticket.event_id,
            ticket: self.ticket.id,
            version: u16::try_from(self.ticket.credential_version).ok()?,
            not_before: seconds(self.valid_from)?,
            not_after: seconds(self.valid_until)?,
        })
    }
}

impl Card {
    /// The code of a ticket that has one: paid, and not stopped.
    pub fn code(&self, keys: &TicketKeys) -> Result<String, Problem> {
        match self.ticket.status {
            TicketStatus::Valid | TicketStatus::Used => {}
            TicketStatus::Reserved => return Err(Problem::new(Code::TicketNotIssued)),
            TicketStatus::Void if self.ticket.issued_at.is_none() => {
                return Err(Problem::new(Code::TicketNotIssued));
            }
            TicketStatus::Void => return Err(Problem::new(Code::TicketVoid)),
            TicketStatus::Suspended => return Err(Problem::new(Code::TicketSuspended)),
        }
        let code = self.credential().and_then(|it| it.sign(keys));
        code.ok_or_else(|| Problem::internal("a ticket that cannot be signed"))
    }

    /// When and where it is good, for a calendar.
    pub fn occasion(&self) -> Occasion {
        let session = self.session.as_ref();
        let event = &self.event;
        let place = [&event.venue_name, &event.venue_address, &event.city];
        let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
        Occasion {
            uid: self.ticket.id.to_string(),
            name: match session {
                Some(session) => format!("{}: {}", event.name, session.name),
                None => event.name.clone(),
            },
            starts_at: session.map_or(event.starts_at, |session| session.starts_at),
            ends_at: session.map_or(event.ends_at, |session| session.ends_at),
            time_zone: event.time_zone.clone(),
            place: (!place.is_empty()).then(|| place.join(", ")),
            description: Some(format!("{} {}", self.type_name, self.ticket.serial)),
            stamped_at: self.ticket.updated_at,
        }
    }
}

/// The tables that a card is read from.
macro_rules! card_tables {
    () => {
        $crate::db::schema::tickets::table
            .inner_join($crate::db::schema::ticket_types::table)
            .inner_join($crate::db::schema::events::table)
            .inner_join($crate::db::schema::orders::table)
            .inner_join($crate::db::schema::order_items::table)
            .left_join($crate::db::schema::event_sessions::table)
    };
}

/// The columns of a card, in its order.
macro_rules! card_columns {
    () => {{
        use $crate::db::schema::{event_sessions, events, order_items, orders, ticket_types};
        (
            $crate::db::schema::tickets::all_columns,
            ticket_types::name,
            ticket_types::valid_from,
            ticket_types::valid_until,
            (
                events::name,
                events::starts_at,
                events::ends_at,
                events::time_zone,
                events::venue_name,
                events::venue_address,
                events::city,
            ),
            orders::status,
            orders::currency,
            order_items::unit_price_minor,
            (
                event_sessions::id,
                event_sessions::name,
                event_sessions::starts_at,
                event_sessions::ends_at,
            )
                .nullable(),
        )
    }};
}

macro_rules! cards {
    () => {
        card_tables!().select(card_columns!())
    };
}

pub(crate) use {card_columns, card_tables};

pub async fn find(conn: &mut Conn, id: TicketId) -> QueryResult<Option<Card>> {
    sql!(conn, |c| cards!().filter(tickets::id.eq(id)).first(c).await).optional()
}

pub async fn of_order(conn: &mut Conn, order: OrderId) -> QueryResult<Vec<Card>> {
    sql!(conn, |c| cards!()
        .filter(tickets::order_id.eq(order))
        .order(tickets::id)
        .load(c)
        .await)
}

/// Whose tickets somebody lists.
pub enum Holder {
    /// Those of one's own orders, guests' orders of the verified address included.
    Buyer {
        user: UserId,
        verified_email: Option<String>,
    },
    /// Those of organizers; all, if `None`.
    Organizers(Option<Vec<OrganizerId>>),
}

/// Which tickets somebody asks for.
#[derive(Debug, Default)]
pub struct TicketFilter {
    pub event_id: Option<EventId>,
    pub order_id: Option<OrderId>,
    pub session_id: Option<EventSessionId>,
    pub statuses: Vec<TicketStatus>,
    pub serial: Option<String>,
}

/// Narrows a query to a holder and a filter. Tickets that ended before they were paid are
/// nobody's any more.
macro_rules! narrow {
    ($query:expr, $holder:expr, $filter:expr) => {{
        let mut query = $query.filter(
            tickets::status
                .ne(TicketStatus::Void)
                .or(tickets::issued_at.is_not_null()),
        );
        match $holder {
            Holder::Buyer {
                user,
                verified_email,
            } => {
                query = query.filter(is_own!(*user, verified_email));
            }
            Holder::Organizers(Some(organizers)) => {
                query = query.filter(tickets::organizer_id.eq_any(organizers.clone()));
            }
            Holder::Organizers(None) => {}
        }
        if let Some(event) = $filter.event_id {
            query = query.filter(tickets::event_id.eq(event));
        }
        if let Some(order) = $filter.order_id {
            query = query.filter(tickets::order_id.eq(order));
        }
        if let Some(session) = $filter.session_id {
            query = query.filter(tickets::session_id.eq(session));
        }
        if !$filter.statuses.is_empty() {
            query = query.filter(tickets::status.eq_any($filter.statuses.clone()));
        }
        if let Some(serial) = &$filter.serial {
            query = query.filter(tickets::serial.eq(serial.clone()));
        }
        query
    }};
}

/// What the caller holds and asked for, newest first.
pub async fn list(
    conn: &mut Conn,
    holder: &Holder,
    filter: &TicketFilter,
    after: Option<TicketId>,
    limit: i64,
) -> QueryResult<Vec<Card>> {
    sql!(conn, |c| {
        let query = cards!().order(tickets::id.desc()).limit(limit).into_boxed();
        let mut query = narrow!(query, holder, filter);
        if let Some(after) = after {
            query = query.filter(tickets::id.lt(after));
        }
        query.load(c).await
    })
}

pub async fn count(conn: &mut Conn, holder: &Holder, filter: &TicketFilter) -> QueryResult<i64> {
    sql!(conn, |c| {
        let query = tickets::table
            .inner_join(orders::table)
            .select(diesel::dsl::count_star())
            .into_boxed();
        narrow!(query, holder, filter).first(c).await
    })
}

/// How somebody looks for a guest who has no code.
pub async fn search(
    conn: &mut Conn,
    event: EventId,
    words: &str,
    after: Option<TicketId>,
    limit: i64,
) -> QueryResult<Vec<Card>> {
    let escaped = words
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let pattern = format!("%{}%", escaped.to_lowercase());
    let serial = words.to_uppercase();
    sql!(conn, |c| {
        let mut query = cards!()
            .filter(tickets::event_id.eq(event))
            .filter(tickets::issued_at.is_not_null())
            .filter(
                lower(tickets::attendee_name)
                    .like(pattern.clone())
                    .escape('\\')
                    .or(lower(tickets::attendee_email)
                        .like(pattern.clone())
                        .escape('\\'))
                    .or(lower(orders::buyer_name)
                        .nullable()
                        .like(pattern.clone())
                        .escape('\\'))
                    .or(orders::buyer_email
                        .nullable()
                        .like(pattern.clone())
                        .escape('\\'))
                    .or(tickets::serial.nullable().eq(serial.clone())),
            )
            .order(tickets::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(tickets::id.lt(after));
        }
        query.load(c).await
    })
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn lower<T: diesel::sql_types::SingleValue>(text: T) -> T;
}
