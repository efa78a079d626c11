//! The demo: a festival on sale, to try things out with.

use std::time::Duration;

use serde_json::{Map, json};

use super::{App, StartError, first_start};
use crate::booths::{self, NewBoothType};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Environment};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::events::{self, Event, EventStatus, NewEvent, NewSession, Venue};
use crate::id::{EventId, EventSessionId, UserId};
use crate::inventory::{self, NewTicketType, Window};
use crate::money::Currency;
use crate::{accounts, organizers};

const NAME: &str = "Swahili Coast Festival";
const SLUG: &str = "swahili-coast-festival";
const HALL: &str = "Main Hall";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EVENING: Duration = Duration::from_secs(8 * 60 * 60);

/// The festival, as whoever asked for it is told.
pub struct Demo {
    pub event_id: String,
    pub name: &'static str,
    pub slug: &'static str,
    /// Whether it was made just now.
    pub is_new: bool,
    /// What buys two tickets in a shell.
    pub purchase: String,
}

impl App {
    /// Opens everything for the demo. Production refuses before its database is touched.
    pub async fn open_for_demo(config: Config, clock: Clock) -> Result<Self, StartError> {
        if config.environment == Environment::Production {
            let reason = "is production, where nothing is made up: there is no demo";
            return Err(ConfigError::new("APP_ENV", reason).into());
        }
        Self::open(config, clock).await
    }

    /// Makes the festival unless it is there; on behalf of the first admin.
    pub async fn make_demo(&self) -> Result<Demo, StartError> {
        let now = self.clock.now();
        let made = self
            .db
            .transaction(async |conn| find_or_make(conn, now).await)
            .await;
        let (event, is_new) = made.map_err(StartError::Demo)?;
        Ok(Demo {
            event_id: event.to_string(),
            name: NAME,
            slug: SLUG,
            is_new,
            purchase: purchase(&self.config.public_base_url, event),
        })
    }
}

/// The festival's event, and whether it is new.
async fn find_or_make(conn: &mut Conn, now: Timestamp) -> Result<(EventId, bool), Problem> {
    first_start::queue_up(conn).await?;
    if let Some(event) = events::find_by_slug(conn, SLUG).await? {
        return Ok((event.id, false));
    }
    let admin = accounts::first_admin(conn).await?;
    let admin = admin.ok_or_else(|| Problem::internal("there is no admin"))?;
    let organizer = organizers::find_default(conn).await?;
    let event = events::create(conn, new_event(now)?, organizer.id, admin, now).await?;
    let sunday = add_days(conn, &event, admin, now).await?;
    add_tickets(conn, &event, sunday, admin, now).await?;
    add_booths(conn, &event, admin, now).await?;
    let event = events::set_status(conn, event, EventStatus::Published, admin, now).await?;
    Ok((event.id, true))
}

fn new_event(now: Timestamp) -> Result<NewEvent, Problem> {
    let starts_at = opening(now).ok_or_else(|| Problem::internal("no such day"))?;
    let currency = Currency::from_code("TZS").ok_or_else(|| Problem::internal("no shillings"))?;
    Ok(NewEvent {
        name: NAME.to_owned(),
        slug: Some(SLUG.to_owned()),
        description: Some("Three evenings of music and food from the coast.".to_owned()),
        category: Some("festival".to_owned()),
        venue: Some(Venue {
            name: "Forodhani Gardens".to_owned(),
            address: Some("Mizingani Road".to_owned()),
            city: Some("Zanzibar".to_owned()),
            country: Some("TZ".to_owned()),
        }),
        starts_at,
        ends_at: Some(starts_at.plus(2 * DAY + EVENING)),
        time_zone: "Africa/Dar_es_Salaam".to_owned(),
        currency,
        max_per_order: 20,
        metadata: Map::new(),
    })
}

/// A Friday in about ninety days, at 16:00 in Zanzibar.
fn opening(now: Timestamp) -> Option<Timestamp> {
    let seconds_per_day = 24 * 60 * 60;
    let soonest = now.unix_seconds().div_euclid(seconds_per_day) + 87;
    // Day 0 of Unix time was a Thursday.
    let friday = soonest + (1 - soonest).rem_euclid(7);
    Timestamp::from_unix_seconds(friday * seconds_per_day + 13 * 60 * 60)
}

/// Adds the festival's days; answers the last.
async fn add_days(
    conn: &mut Conn,
    event: &Event,
    actor: UserId,
    now: Timestamp,
) -> Result<Option<EventSessionId>, Problem> {
    let mut starts_at = event.starts_at;
    let mut last = None;
    for name in ["Friday", "Saturday", "Sunday"] {
        let new = NewSession {
            name: name.to_owned(),
            starts_at,
            ends_at: Some(starts_at.plus(EVENING)),
        };
        let day = events::create_session(conn, event, new, actor, now).await?;
        last = Some(day.id);
        starts_at = starts_at.plus(DAY);
    }
    Ok(last)
}

/// Two types for all days, and one for Sunday alone.
async fn add_tickets(
    conn: &mut Conn,
    event: &Event,
    sunday: Option<EventSessionId>,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    for (name, description, session_id, price_minor, capacity, most) in [
        ("VIP", "All days, by the stage", None, 25_000_000, 200, 6),
        ("Regular", "All days", None, 9_000_000, 3_000, 10),
        ("Student", "Sunday, with a card", sunday, 2_000_000, 300, 2),
    ] {
        let new = NewTicketType {
            name: name.to_owned(),
            slug: None,
            description: Some(description.to_owned()),
            session_id,
            price_minor,
            capacity,
            min_per_order: 1,
            max_per_order: Some(most),
            sales: Window::default(),
            valid: Window::default(),
            hidden: false,
        };
        inventory::create(conn, event, new, actor, now).await?;
    }
    Ok(())
}

async fn add_booths(
    conn: &mut Conn,
    event: &Event,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    for (name, description, price_minor, letter, count) in [
        ("Standard", "3 x 3 m", 150_000_000, 'S', 12),
        ("Premium", "6 x 3 m, near the entrance", 300_000_000, 'P', 6),
        ("Corner", "6 x 6 m, open on two sides", 450_000_000, 'C', 4),
    ] {
        let new = NewBoothType {
            name: name.to_owned(),
            slug: None,
            description: Some(description.to_owned()),
            price_minor,
        };
        let kind = booths::create_type(conn, event, new, actor, now).await?;
        let numbers: Vec<String> = (1..=count).map(|n| format!("{letter}-{n}")).collect();
        booths::add(conn, event, kind.id, &numbers, HALL, actor, now).await?;
    }
    Ok(())
}

/// The one call that buys, as somebody without an account makes it.
fn purchase(base: &str, event: EventId) -> String {
    let body = json!({
        "event_id": event,
        "items": [{"ticket_type": "vip", "quantity": 2}],
        "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"},
    });
    format!(
        "curl -s {base}/api/v1/checkout-sessions -H 'content-type: application/json' \
         -H \"Idempotency-Key: $(openssl rand -hex 16)\" -d '{body}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_on_a_friday_afternoon_in_about_ninety_days() {
        for (now, opens) in [
            ("2026-11-21T08:00:00Z", "2027-02-19T13:00:00Z"),
            ("2026-11-24T00:00:00Z", "2027-02-19T13:00:00Z"),
            ("2026-11-24T23:59:59Z", "2027-02-19T13:00:00Z"),
            ("2026-11-25T00:00:00Z", "2027-02-26T13:00:00Z"),
        ] {
            let now = Timestamp::parse(now).unwrap();
            assert_eq!(opening(now), Timestamp::parse(opens), "{now}");
        }
    }
}
