//! Tickets on sale: their types, and the stock they draw on.
//!
//! Stock is counted by the database: held and sold move by conditional updates under
//! `CHECK (held + sold <= capacity)`, never by looking first and writing then.

pub mod routes;
mod stock;
mod store;
#[cfg(test)]
mod tests;

use serde_json::json;

use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::events::{self, Event};
use crate::http::body::Patch;
use crate::id::{EventId, EventSessionId, InventoryId, TicketTypeId, UserId};
use crate::slug;
pub use stock::{Portion, Taken, portions, release, sell, sold_out, take, unsell};
pub use store::{Inventory, Sale, TicketType};

/// What is needed to make a ticket type.
pub struct NewTicketType {
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub session_id: Option<EventSessionId>,
    pub price_minor: i64,
    pub capacity: i64,
    pub min_per_order: i64,
    pub max_per_order: Option<i64>,
    pub sales: Window,
    pub valid: Window,
    pub hidden: bool,
}

/// From when until when; open where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// A change of a ticket type.
#[derive(Clone)]
pub struct TicketTypeChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Patch<String>,
    pub session_id: Patch<EventSessionId>,
    pub price_minor: Option<i64>,
    pub capacity: Option<i64>,
    pub min_per_order: Option<i64>,
    pub max_per_order: Patch<i64>,
    pub sales_start: Patch<Timestamp>,
    pub sales_end: Patch<Timestamp>,
    pub valid_from: Patch<Timestamp>,
    pub valid_until: Patch<Timestamp>,
    pub hidden: Option<bool>,
}

/// Whether a type can be bought now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaleStatus {
    Available,
    /// A tenth or less is left.
    Low,
    SoldOut,
    NotStarted,
    Ended,
}

impl SaleStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Low => "low",
            Self::SoldOut => "sold_out",
            Self::NotStarted => "not_started",
            Self::Ended => "ended",
        }
    }
}

impl Sale {
    pub fn available(&self) -> i64 {
        self.inventory.available()
    }

    pub fn status(&self, now: Timestamp) -> SaleStatus {
        let kind = &self.ticket_type;
        if kind.sales_start.is_some_and(|start| now < start) {
            SaleStatus::NotStarted
        } else if kind.sales_end.is_some_and(|end| now >= end) {
            SaleStatus::Ended
        } else if self.available() == 0 {
            SaleStatus::SoldOut
        } else if self.available() <= self.inventory.capacity / 10 {
            SaleStatus::Low
        } else {
            SaleStatus::Available
        }
    }
}

impl Inventory {
    pub fn available(&self) -> i64 {
        self.capacity - self.held - self.sold
    }
}

pub async fn create(
    conn: &mut Conn,
    event: &Event,
    new: NewTicketType,
    actor: UserId,
    now: Timestamp,
) -> Result<Sale, Problem> {
    // The event's lock keeps its currency as it is while the first price comes.
    let event = events::lock(conn, event.id).await?;
    check_session(conn, event.id, new.session_id).await?;
    let inventory = Inventory {
        id: InventoryId::new(),
        event_id: event.id,
        name: new.name.clone(),
        capacity: new.capacity,
        held: 0,
        sold: 0,
        created_at: now,
        updated_at: now,
    };
    let chosen = new.slug.is_some();
    let mut ticket_type = TicketType::new(new, &event, inventory.id, now);
    store::insert_inventory(conn, &inventory).await?;
    if !store::insert(conn, &ticket_type).await? {
        if chosen {
            return Err(slug_taken());
        }
        ticket_type.slug = slug::distinct(&ticket_type.slug);
        if !store::insert(conn, &ticket_type).await? {
            return Err(slug_taken());
        }
    }
    record(
        conn,
        &event,
        &ticket_type,
        actor,
        "ticket_type.created",
        now,
    )
    .await?;
    Ok(Sale {
        ticket_type,
        inventory,
    })
}

/// Changes a type. What was ordered before keeps its price: it is frozen in the order.
pub async fn update(
    conn: &mut Conn,
    event: &Event,
    sale: Sale,
    change: TicketTypeChange,
    actor: UserId,
    now: Timestamp,
) -> Result<Sale, Problem> {
    if let Patch::Set(session) = &change.session_id {
        check_session(conn, event.id, Some(*session)).await?;
    }
    if let Some(slug) = &change.slug
        && store::slug_is_taken(conn, event.id, slug, sale.ticket_type.id).await?
    {
        return Err(slug_taken());
    }
    let capacity = change.capacity;
    let ticket_type = sale.ticket_type.changed(change, now);
    ticket_type.check_windows()?;
    store::save(conn, &ticket_type).await?;
    record(conn, event, &ticket_type, actor, "ticket_type.updated", now).await?;
    // Stock is taken last, like everywhere.
    let inventory = match capacity {
        Some(capacity) => set_capacity(conn, ticket_type.inventory_id, capacity, now).await?,
        None => sale.inventory,
    };
    Ok(Sale {
        ticket_type,
        inventory,
    })
}

async fn set_capacity(
    conn: &mut Conn,
    id: InventoryId,
    capacity: i64,
    now: Timestamp,
) -> Result<Inventory, Problem> {
    if let Some(inventory) = store::set_capacity(conn, id, capacity, now).await? {
        return Ok(inventory);
    }
    let mut problem = Problem::new(Code::CapacityBelowSold);
    if let Some(inventory) = store::find_inventory(conn, id).await? {
        let members = [("sold", inventory.sold), ("held", inventory.held)];
        for (name, value) in members {
            problem.members.insert(name.to_owned(), json!(value));
        }
    }
    Err(problem)
}

/// Deletes a type that nobody has ordered.
pub async fn delete(
    conn: &mut Conn,
    event: &Event,
    sale: &Sale,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    if !store::delete(conn, &sale.ticket_type).await? {
        return Err(Problem::new(Code::EventHasOrders).detail("The type has orders; hide it."));
    }
    record(
        conn,
        event,
        &sale.ticket_type,
        actor,
        "ticket_type.deleted",
        now,
    )
    .await
}

/// A type of this event and no other, with its stock.
pub async fn find(
    conn: &mut Conn,
    event: EventId,
    id: TicketTypeId,
) -> Result<Option<Sale>, Problem> {
    Ok(store::find(conn, event, id).await?)
}

/// The types of an event that are named by id or slug, with their stock.
pub async fn find_named(
    conn: &mut Conn,
    event: EventId,
    ids: &[TicketTypeId],
    slugs: &[String],
) -> Result<Vec<Sale>, Problem> {
    Ok(store::find_named(conn, event, ids, slugs).await?)
}

/// A type names a session of its own event, or none.
async fn check_session(
    conn: &mut Conn,
    event: EventId,
    session: Option<EventSessionId>,
) -> Result<(), Problem> {
    let Some(session) = session else {
        return Ok(());
    };
    if events::has_session(conn, event, session).await? {
        return Ok(());
    }
    let detail = "the event has no such session";
    Err(Problem::invalid_member("/session_id", "not_found", detail))
}

fn slug_taken() -> Problem {
    Problem::invalid_member("/slug", "taken", "another type of the event has it")
}

impl TicketType {
    fn new(new: NewTicketType, event: &Event, inventory: InventoryId, now: Timestamp) -> Self {
        Self {
            id: TicketTypeId::new(),
            event_id: event.id,
            session_id: new.session_id,
            inventory_id: inventory,
            slug: new.slug.unwrap_or_else(|| slug::of_name(&new.name)),
            name: new.name,
            description: new.description,
            price_minor: new.price_minor,
            currency: event.currency,
            min_per_order: new.min_per_order,
            max_per_order: new.max_per_order,
            sales_start: new.sales.from,
            sales_end: new.sales.until,
            valid_from: new.valid.from,
            valid_until: new.valid.until,
            hidden: new.hidden,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn changed(self, change: TicketTypeChange, now: Timestamp) -> Self {
        Self {
            name: change.name.unwrap_or(self.name),
            slug: change.slug.unwrap_or(self.slug),
            description: change.description.over(self.description),
            session_id: change.session_id.over(self.session_id),
            price_minor: change.price_minor.unwrap_or(self.price_minor),
            min_per_order: change.min_per_order.unwrap_or(self.min_per_order),
            max_per_order: change.max_per_order.over(self.max_per_order),
            sales_start: change.sales_start.over(self.sales_start),
            sales_end: change.sales_end.over(self.sales_end),
            valid_from: change.valid_from.over(self.valid_from),
            valid_until: change.valid_until.over(self.valid_until),
            hidden: change.hidden.unwrap_or(self.hidden),
            version: self.version + 1,
            updated_at: now,
            ..self
        }
    }

    /// What two members together can get wrong.
    fn check_windows(&self) -> Result<(), Problem> {
        let after = "must be after its beginning";
        if is_empty(self.sales_start, self.sales_end) {
            return Err(Problem::invalid_member("/sales_end", "out_of_range", after));
        }
        if is_empty(self.valid_from, self.valid_until) {
            return Err(Problem::invalid_member(
                "/valid_until",
                "out_of_range",
                after,
            ));
        }
        if self
            .max_per_order
            .is_some_and(|most| most < self.min_per_order)
        {
            let detail = "must not be below min_per_order";
            return Err(Problem::invalid_member(
                "/max_per_order",
                "out_of_range",
                detail,
            ));
        }
        Ok(())
    }
}

/// Whether a window ends before it begins.
fn is_empty(from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    matches!((from, until), (Some(from), Some(until)) if until <= from)
}

async fn record(
    conn: &mut Conn,
    event: &Event,
    ticket_type: &TicketType,
    actor: UserId,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(event.organizer_id),
        actor: actor.to_string(),
        action,
        object: ticket_type.id.to_string(),
        at,
    };
    let content = (
        &ticket_type.name,
        ticket_type.price_minor,
        ticket_type.version,
    );
    entry.write(conn, &content).await
}
