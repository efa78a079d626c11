//! Booths: numbered units, each sold once.

pub mod routes;
mod store;

use std::collections::HashMap;

use serde_json::json;

use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::{Code, Problem};
use crate::events::{self, Event};
use crate::http::body::Patch;
use crate::id::{BoothId, BoothTypeId, EventId, UserId};
use crate::metrics;
use crate::slug;
pub use store::{Booth, BoothType, count_available};

text_enum! {
    /// `available → held → booked → available`, `available ↔ blocked`.
    pub enum BoothStatus {
        Available = "available",
        Held = "held",
        Booked = "booked",
        Blocked = "blocked",
    }
}

/// What is needed to make a booth type.
pub struct NewBoothType {
    pub name: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub price_minor: i64,
}

/// A change of a booth type.
#[derive(Clone)]
pub struct BoothTypeChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Patch<String>,
    pub price_minor: Option<i64>,
}

pub async fn create_type(
    conn: &mut Conn,
    event: &Event,
    new: NewBoothType,
    actor: UserId,
    now: Timestamp,
) -> Result<BoothType, Problem> {
    // The event's lock keeps its currency as it is while the first price comes.
    let event = events::lock(conn, event.id).await?;
    let chosen = new.slug.is_some();
    let mut booth_type = BoothType {
        id: BoothTypeId::new(),
        event_id: event.id,
        slug: new.slug.unwrap_or_else(|| slug::of_name(&new.name)),
        name: new.name,
        description: new.description,
        price_minor: new.price_minor,
        currency: event.currency,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if !store::insert_type(conn, &booth_type).await? {
        if chosen {
            return Err(slug_taken());
        }
        booth_type.slug = slug::distinct(&booth_type.slug);
        if !store::insert_type(conn, &booth_type).await? {
            return Err(slug_taken());
        }
    }
    record(
        conn,
        &event,
        booth_type.id,
        actor,
        "booth_type.created",
        now,
    )
    .await?;
    Ok(booth_type)
}

/// Changes a type. What was ordered before keeps its price: it is frozen in the order.
pub async fn update_type(
    conn: &mut Conn,
    event: &Event,
    booth_type: BoothType,
    change: BoothTypeChange,
    actor: UserId,
    now: Timestamp,
) -> Result<BoothType, Problem> {
    if let Some(slug) = &change.slug
        && store::slug_is_taken(conn, event.id, slug, booth_type.id).await?
    {
        return Err(slug_taken());
    }
    let booth_type = BoothType {
        name: change.name.unwrap_or(booth_type.name),
        slug: change.slug.unwrap_or(booth_type.slug),
        description: change.description.over(booth_type.description),
        price_minor: change.price_minor.unwrap_or(booth_type.price_minor),
        version: booth_type.version + 1,
        updated_at: now,
        ..booth_type
    };
    store::save_type(conn, &booth_type).await?;
    record(conn, event, booth_type.id, actor, "booth_type.updated", now).await?;
    Ok(booth_type)
}

/// Deletes a type without booths.
pub async fn delete_type(
    conn: &mut Conn,
    event: &Event,
    booth_type: &BoothType,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    if !store::delete_type(conn, booth_type.id).await? {
        let detail = "The type has booths; delete them first.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    record(conn, event, booth_type.id, actor, "booth_type.deleted", now).await
}

/// Adds numbered booths of one type, all or none.
pub async fn add(
    conn: &mut Conn,
    event: &Event,
    booth_type: BoothTypeId,
    numbers: &[String],
    hall: &str,
    actor: UserId,
    now: Timestamp,
) -> Result<Vec<Booth>, Problem> {
    if store::find_type(conn, event.id, booth_type)
        .await?
        .is_none()
    {
        let detail = "the event has no such booth type";
        return Err(Problem::invalid_member(
            "/booth_type_id",
            "not_found",
            detail,
        ));
    }
    let booths: Vec<Booth> = numbers
        .iter()
        .map(|number| Booth {
            id: BoothId::new(),
            event_id: event.id,
            booth_type_id: booth_type,
            number: number.clone(),
            hall: hall.to_owned(),
            status: BoothStatus::Available,
            version: 1,
            created_at: now,
            updated_at: now,
        })
        .collect();
    if !store::insert(conn, booths.clone()).await? {
        let detail = "the hall has a booth of that number";
        return Err(Problem::invalid_member("/numbers", "taken", detail));
    }
    record(conn, event, booth_type, actor, "booths.added", now).await?;
    Ok(booths)
}

/// Blocks a booth that is free, or frees one that is blocked.
pub async fn set_blocked(
    conn: &mut Conn,
    event: &Event,
    booth: &Booth,
    blocked: bool,
    actor: UserId,
    now: Timestamp,
) -> Result<Booth, Problem> {
    let (from, to) = if blocked {
        (BoothStatus::Available, BoothStatus::Blocked)
    } else {
        (BoothStatus::Blocked, BoothStatus::Available)
    };
    let moved = store::set_status(conn, booth.id, from, to, now).await?;
    let Some(moved) = moved else {
        let detail = format!("It is {}.", booth.status.as_str());
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    };
    record(conn, event, booth.id, actor, "booth.updated", now).await?;
    Ok(moved)
}

/// Deletes a booth that nobody holds or has booked.
pub async fn delete(
    conn: &mut Conn,
    event: &Event,
    booth: &Booth,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    if !store::delete(conn, booth.id).await? {
        let detail = "Somebody has ordered it; block it instead.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    record(conn, event, booth.id, actor, "booth.deleted", now).await
}

/// The booth types of an event that are named by id or slug.
pub async fn find_named(
    conn: &mut Conn,
    event: EventId,
    ids: &[BoothTypeId],
    slugs: &[String],
) -> Result<Vec<BoothType>, Problem> {
    Ok(store::find_named(conn, event, ids, slugs).await?)
}

/// How many booths of each of these types are free.
pub async fn count_free(
    conn: &mut Conn,
    types: &[BoothTypeId],
) -> Result<HashMap<BoothTypeId, i64>, Problem> {
    Ok(store::count_free(conn, types).await?)
}

/// Holds one booth that was chosen.
pub async fn hold_chosen(
    conn: &mut Conn,
    booth_type: BoothTypeId,
    id: BoothId,
    now: Timestamp,
) -> Result<Booth, Problem> {
    let held = store::hold(conn, booth_type, id, now).await?;
    held.ok_or_else(|| {
        metrics::stock_guard_hit("booths");
        Problem::new(Code::BoothTaken)
    })
}

/// Holds any free booth of a type; of those that nobody else is just taking, the first.
pub async fn hold_any(
    conn: &mut Conn,
    booth_type: BoothTypeId,
    now: Timestamp,
) -> Result<Booth, Problem> {
    while let Some(id) = store::find_free(conn, booth_type).await? {
        if let Some(booth) = store::hold(conn, booth_type, id, now).await? {
            return Ok(booth);
        }
    }
    metrics::stock_guard_hit("booths");
    let mut problem = Problem::new(Code::SoldOut).detail("No booth of this type is left.");
    problem.members.insert("available".to_owned(), json!(0));
    Err(problem)
}

/// Moves booths along an order's life; all of them must be where the order left them.
pub async fn move_all(
    conn: &mut Conn,
    mut ids: Vec<BoothId>,
    from: BoothStatus,
    to: BoothStatus,
    now: Timestamp,
) -> Result<(), Problem> {
    ids.sort_unstable();
    for id in ids {
        let moved = store::set_status(conn, id, from, to, now).await?;
        if moved.is_none() {
            return Err(Problem::new(Code::BoothTaken));
        }
    }
    Ok(())
}

/// Booths with their types.
pub async fn find_all(
    conn: &mut Conn,
    ids: &[BoothId],
) -> Result<Vec<(Booth, BoothType)>, Problem> {
    Ok(store::find_all(conn, ids).await?)
}

fn slug_taken() -> Problem {
    Problem::invalid_member("/slug", "taken", "another type of the event has it")
}

async fn record(
    conn: &mut Conn,
    event: &Event,
    object: impl std::fmt::Display,
    actor: UserId,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(event.organizer_id),
        actor: actor.to_string(),
        action,
        object: object.to_string(),
        at,
    };
    entry.write(conn, &json!({ "event": event.id })).await
}
