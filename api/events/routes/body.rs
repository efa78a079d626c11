//! Events in and out.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::values::Timestamp;
use crate::events::{Event, EventChange, EventStatus, NewEvent, Venue, check_times};
use crate::http::body::{Fields, FromBody, Patch};
use crate::http::parse;
use crate::id::{EventId, OrganizerId};
use crate::money::{Currency, parse_currency};

const MAX_PER_ORDER_DEFAULT: i64 = 20;
const MAX_PER_ORDER_MOST: i64 = 500;

/// An event.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Event, example = json!({
    "id": "evt_01h455vb4pex5vsknk084sn02q", "organizer_id": "org_01h455vb4pex5vsknk084sn02q",
    "slug": "sauti-za-busara-2027", "name": "Sauti za Busara 2027",
    "description": "Four days of African music in Stone Town.", "category": "festival",
    "venue": {"name": "Old Fort", "address": "Mizingani Road", "city": "Zanzibar", "country": "TZ"},
    "starts_at": "2027-02-11T13:00:00Z", "ends_at": "2027-02-14T22:00:00Z",
    "time_zone": "Africa/Dar_es_Salaam", "currency": "TZS", "status": "published",
    "max_per_order": 20, "metadata": {}, "created_at": "2027-01-05T08:00:00Z",
    "updated_at": "2027-01-05T08:00:00Z", "version": 2
}))]
pub struct EventView {
    pub id: EventId,
    pub organizer_id: OrganizerId,
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub venue: Option<VenueView>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub currency: Currency,
    pub status: EventStatus,
    pub max_per_order: i64,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub metadata: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

/// Where an event is.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Venue)]
pub struct VenueView {
    #[schema(max_length = 200)]
    pub name: String,
    #[schema(max_length = 500)]
    pub address: Option<String>,
    #[schema(max_length = 200)]
    pub city: Option<String>,
    #[schema(max_length = 200)]
    pub country: Option<String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let venue = event.venue().map(|venue| VenueView {
            name: venue.name,
            address: venue.address,
            city: venue.city,
            country: venue.country,
        });
        Self {
            id: event.id,
            organizer_id: event.organizer_id,
            slug: event.slug,
            name: event.name,
            description: event.description,
            category: event.category,
            venue,
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            time_zone: event.time_zone,
            currency: event.currency,
            status: event.status,
            max_per_order: event.max_per_order,
            metadata: event.metadata.0,
            created_at: event.created_at,
            updated_at: event.updated_at,
            version: event.version,
        }
    }
}

fn read_venue(fields: &mut Fields<'_>) -> Option<Venue> {
    let name = fields.required("name", parse::name);
    let address = fields.optional("address", parse::text(500));
    let city = fields.optional("city", parse::name);
    let country = fields.optional("country", parse::name);
    Some(Venue {
        name: name?,
        address: address?,
        city: city?,
        country: country?,
    })
}

/// A new event.
#[derive(utoipa::ToSchema)]
#[schema(as = NewEvent, example = json!({
    "name": "Sauti za Busara 2027", "starts_at": "2027-02-11T13:00:00Z",
    "ends_at": "2027-02-14T22:00:00Z", "time_zone": "Africa/Dar_es_Salaam", "currency": "TZS",
    "description": "Four days of African music in Stone Town.", "category": "festival",
    "venue": {"name": "Old Fort", "address": "Mizingani Road", "city": "Zanzibar", "country": "TZ"}
}))]
pub struct EventBody {
    /// The default organizer if left out.
    pub organizer_id: Option<OrganizerId>,
    #[schema(max_length = 200)]
    name: String,
    /// Made from the name if left out.
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    #[schema(max_length = 200)]
    category: Option<String>,
    #[schema(value_type = Option<VenueView>)]
    venue: Option<Venue>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    /// IANA.
    #[schema(example = "Africa/Dar_es_Salaam")]
    time_zone: String,
    currency: Currency,
    #[schema(minimum = 1, maximum = 500, default = 20)]
    max_per_order: Option<i64>,
    /// At most 50 texts of the caller's own.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    metadata: Option<Map<String, Value>>,
}

impl FromBody for EventBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let organizer_id = fields.optional("organizer_id", parse::parsed("an organizer's id"));
        let name = fields.required("name", parse::name);
        let slug = fields.optional("slug", parse::slug);
        let description = fields.optional("description", parse::text(parse::TEXT_CHARS));
        let category = fields.optional("category", parse::name);
        let venue = fields.object("venue", read_venue);
        let starts_at = fields.required("starts_at", parse::instant);
        let ends_at = fields.optional("ends_at", parse::instant);
        let time_zone = fields.required("time_zone", parse::time_zone);
        let currency = fields.required("currency", parse_currency);
        let most = MAX_PER_ORDER_MOST;
        let max_per_order = fields.optional("max_per_order", parse::integer(1, most));
        let metadata = fields.optional("metadata", parse::metadata);
        if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
            && let Err(flaw) = check_times(starts_at, ends_at)
        {
            fields.fault("ends_at", flaw);
        }
        Some(Self {
            organizer_id: organizer_id?,
            name: name?,
            slug: slug?,
            description: description?,
            category: category?,
            venue: venue?,
            starts_at: starts_at?,
            ends_at: ends_at?,
            time_zone: time_zone?,
            currency: currency?,
            max_per_order: max_per_order?,
            metadata: metadata?,
        })
    }
}

impl EventBody {
    pub fn to_event(&self) -> NewEvent {
        NewEvent {
            name: self.name.clone(),
            slug: self.slug.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            venue: self.venue.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            time_zone: self.time_zone.clone(),
            currency: self.currency,
            max_per_order: self.max_per_order.unwrap_or(MAX_PER_ORDER_DEFAULT),
            metadata: self.metadata.clone().unwrap_or_default(),
        }
    }
}

/// A change of an event. A member that is left out stays; null clears it where that is possible.
#[derive(utoipa::ToSchema)]
#[schema(as = EventChange, example = json!({
    "name": "Sauti za Busara 2027 (24th edition)", "description": null
}))]
pub struct EventPatch {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    #[schema(value_type = Option<String>, max_length = 200)]
    category: Patch<String>,
    /// Replaces the whole venue.
    #[schema(value_type = Option<VenueView>)]
    venue: Patch<Venue>,
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<Timestamp>)]
    ends_at: Patch<Timestamp>,
    time_zone: Option<String>,
    currency: Option<Currency>,
    #[schema(minimum = 1, maximum = 500)]
    max_per_order: Option<i64>,
    /// Replaces all of it.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    metadata: Option<Map<String, Value>>,
}

impl FromBody for EventPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        let slug = fields.change("slug", parse::slug);
        let description = fields.patch("description", parse::text(parse::TEXT_CHARS));
        let category = fields.patch("category", parse::name);
        let venue = fields.patch_object("venue", read_venue);
        let starts_at = fields.change("starts_at", parse::instant);
        let ends_at = fields.patch("ends_at", parse::instant);
        let time_zone = fields.change("time_zone", parse::time_zone);
        let currency = fields.change("currency", parse_currency);
        let most = MAX_PER_ORDER_MOST;
        let max_per_order = fields.change("max_per_order", parse::integer(1, most));
        let metadata = fields.change("metadata", parse::metadata);
        Some(Self {
            name: name?,
            slug: slug?,
            description: description?,
            category: category?,
            venue: venue?,
            starts_at: starts_at?,
            ends_at: ends_at?,
            time_zone: time_zone?,
            currency: currency?,
            max_per_order: max_per_order?,
            metadata: metadata?,
        })
    }
}

impl EventPatch {
    pub fn to_change(&self) -> EventChange {
        EventChange {
            name: self.name.clone(),
            slug: self.slug.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            venue: self.venue.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at.clone(),
            time_zone: self.time_zone.clone(),
            currency: self.currency,
            max_per_order: self.max_per_order,
            metadata: self.metadata.clone(),
        }
    }
}
