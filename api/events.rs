//! Events on the programme, and their sessions.

mod permission;
pub mod routes;
mod sessions;
mod store;

use serde_json::{Map, Value};

use crate::audit;
use crate::db::Conn;
use crate::db::values::{Json, Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::http::body::{Flaw, Patch};
use crate::id::{EventId, EventSessionId, OrganizerId, UserId};
use crate::money::Currency;
use crate::slug;
pub use permission::{EventManager, VisibleEvent};
pub use sessions::{NewSession, create as create_session};
pub use store::Event;

text_enum! {
    /// Only published events are seen and sold. `canceled` is reached by a mass refund.
    pub enum EventStatus {
        Draft = "draft",
        Published = "published",
        Canceled = "canceled",
    }
}

impl EventStatus {
    /// Whether an event may go from `self` to `next`.
    fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Draft, Self::Published) | (Self::Published, Self::Draft)
        )
    }
}

/// How often a slug made from the name is varied when it is taken.
const SLUG_TRIES: u32 = 5;

/// Where an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venue {
    pub name: String,
    pub address: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
}

/// What is needed to make an event.
pub struct NewEvent {
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub venue: Option<Venue>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub currency: Currency,
    pub max_per_order: i64,
    pub metadata: Map<String, Value>,
}

/// A change of an event.
#[derive(Clone)]
pub struct EventChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Patch<String>,
    pub category: Patch<String>,
    pub venue: Patch<Venue>,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Patch<Timestamp>,
    pub time_zone: Option<String>,
    pub currency: Option<Currency>,
    pub max_per_order: Option<i64>,
    pub metadata: Option<Map<String, Value>>,
}

pub async fn create(
    conn: &mut Conn,
    new: NewEvent,
    organizer: OrganizerId,
    actor: UserId,
    now: Timestamp,
) -> Result<Event, Problem> {
    let chosen = new.slug.clone();
    let mut event = Event::new(new, organizer, now);
    let base = event.slug.clone();
    let mut tries = 1;
    while !store::insert(conn, &event).await? {
        if chosen.is_some() || tries == SLUG_TRIES {
            return Err(slug_taken());
        }
        event.slug = slug::distinct(&base);
        tries += 1;
    }
    record(conn, &event, actor, "event.created", now).await?;
    Ok(event)
}

/// Changes an event, whose row the caller has locked.
pub async fn update(
    conn: &mut Conn,
    event: Event,
    change: EventChange,
    actor: UserId,
    now: Timestamp,
) -> Result<Event, Problem> {
    if let Some(slug) = &change.slug
        && store::find_by_slug(conn, slug)
            .await?
            .is_some_and(|other| other.id != event.id)
    {
        return Err(slug_taken());
    }
    let moves_currency = change
        .currency
        .is_some_and(|currency| currency != event.currency);
    if moves_currency && store::has_prices(conn, event.id).await? {
        let detail = "Its currency is fixed: something of it has a price.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let event = event.changed(change, now);
    check_times(event.starts_at, event.ends_at)
        .map_err(|flaw| Problem::invalid_member("/ends_at", flaw.code, flaw.detail))?;
    store::save(conn, &event).await?;
    record(conn, &event, actor, "event.updated", now).await?;
    Ok(event)
}

/// Publishes an event or takes it back.
pub async fn set_status(
    conn: &mut Conn,
    event: Event,
    next: EventStatus,
    actor: UserId,
    now: Timestamp,
) -> Result<Event, Problem> {
    if !event.status.may_become(next) {
        let detail = format!("It is {}.", event.status.as_str());
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let action = match next {
        EventStatus::Published => "event.published",
        _ => "event.unpublished",
    };
    let event = Event {
        status: next,
        version: event.version + 1,
        updated_at: now,
        ..event
    };
    store::save(conn, &event).await?;
    record(conn, &event, actor, action, now).await?;
    Ok(event)
}

pub async fn delete(
    conn: &mut Conn,
    event: &Event,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    if !store::delete(conn, event.id).await? {
        return Err(Problem::new(Code::EventHasOrders));
    }
    record(conn, event, actor, "event.deleted", now).await
}

/// An event, locked until the transaction ends.
pub async fn lock(conn: &mut Conn, id: EventId) -> Result<Event, Problem> {
    let event = store::lock(conn, id).await?;
    event.ok_or_else(|| Problem::new(Code::NotFound))
}

/// An event, whatever its status.
pub async fn find(conn: &mut Conn, id: EventId) -> Result<Option<Event>, Problem> {
    Ok(store::find(conn, id).await?)
}

/// The event of this slug, whatever its status.
pub async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Event>, Problem> {
    Ok(store::find_by_slug(conn, slug).await?)
}

/// Whether `session` is one of the event's.
pub async fn has_session(
    conn: &mut Conn,
    event: EventId,
    session: EventSessionId,
) -> Result<bool, Problem> {
    Ok(sessions::find(conn, event, session).await?.is_some())
}

/// Something that ends must end after it starts.
fn check_times(starts_at: Timestamp, ends_at: Option<Timestamp>) -> Result<(), Flaw> {
    match ends_at {
        Some(ends_at) if ends_at <= starts_at => {
            Err(Flaw::new("out_of_range", "must be after starts_at"))
        }
        _ => Ok(()),
    }
}

fn slug_taken() -> Problem {
    Problem::invalid_member("/slug", "taken", "another event has it")
}

impl Event {
    fn new(new: NewEvent, organizer: OrganizerId, now: Timestamp) -> Self {
        let slug = new.slug.unwrap_or_else(|| slug::of_name(&new.name));
        let mut event = Self {
            id: EventId::new(),
            organizer_id: organizer,
            name: new.name,
            slug,
            description: new.description,
            category: new.category,
            venue_name: None,
            venue_address: None,
            city: None,
            country: None,
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            time_zone: new.time_zone,
            currency: new.currency,
            status: EventStatus::Draft,
            max_per_order: new.max_per_order,
            metadata: Json(new.metadata),
            search_text: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        event.set_venue(new.venue);
        event.search_text = event.to_search_text();
        event
    }

    fn changed(self, change: EventChange, now: Timestamp) -> Self {
        let venue = change.venue.over(self.venue());
        let mut event = Self {
            name: change.name.unwrap_or(self.name),
            slug: change.slug.unwrap_or(self.slug),
            description: change.description.over(self.description),
            category: change.category.over(self.category),
            starts_at: change.starts_at.unwrap_or(self.starts_at),
            ends_at: change.ends_at.over(self.ends_at),
            time_zone: change.time_zone.unwrap_or(self.time_zone),
            currency: change.currency.unwrap_or(self.currency),
            max_per_order: change.max_per_order.unwrap_or(self.max_per_order),
            metadata: change.metadata.map_or(self.metadata, Json),
            version: self.version + 1,
            updated_at: now,
            ..self
        };
        event.set_venue(venue);
        event.search_text = event.to_search_text();
        event
    }

    /// Where it is, if that is said.
    pub fn venue(&self) -> Option<Venue> {
        self.venue_name.as_ref().map(|name| Venue {
            name: name.clone(),
            address: self.venue_address.clone(),
            city: self.city.clone(),
            country: self.country.clone(),
        })
    }

    fn set_venue(&mut self, venue: Option<Venue>) {
        let venue = venue.map(|v| (v.name, v.address, v.city, v.country));
        let (name, rest) = match venue {
            Some((name, address, city, country)) => (Some(name), (address, city, country)),
            None => (None, (None, None, None)),
        };
        self.venue_name = name;
        (self.venue_address, self.city, self.country) = rest;
    }

    /// What a search looks in: in lower case, since databases differ in what they fold.
    fn to_search_text(&self) -> String {
        let parts = [
            Some(&self.name),
            self.description.as_ref(),
            self.category.as_ref(),
            self.venue_name.as_ref(),
            self.city.as_ref(),
            self.country.as_ref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join("\n").to_lowercase()
    }
}

async fn record(
    conn: &mut Conn,
    event: &Event,
    actor: UserId,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(event.organizer_id),
        actor: actor.to_string(),
        action,
        object: event.id.to_string(),
        at,
    };
    let content = (&event.name, event.starts_at, event.status, event.version);
    entry.write(conn, &content).await
}

#[cfg(test)]
mod tests {
    use super::EventStatus::{Canceled, Draft, Published};

    #[test]
    fn only_the_arrows_of_the_model_exist() {
        for from in [Draft, Published, Canceled] {
            for to in [Draft, Published, Canceled] {
                let exists = matches!((from, to), (Draft, Published) | (Published, Draft));
                assert_eq!(from.may_become(to), exists, "{from:?} → {to:?}");
            }
        }
    }
}
