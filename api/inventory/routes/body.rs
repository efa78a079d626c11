//! Ticket types in and out.

use serde::Serialize;

use crate::db::values::Timestamp;
use crate::http::body::{Fields, Flaw, FromBody, Patch};
use crate::http::parse;
use crate::id::{EventId, EventSessionId, TicketTypeId};
use crate::inventory::{NewTicketType, Sale, TicketTypeChange, Window, is_empty};
use crate::money::{Currency, Money, parse_amount_minor};

const CAPACITY_MOST: i64 = 10_000_000;
const PER_ORDER_MOST: i64 = 500;

/// A ticket type.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TicketType, example = json!({
    "id": "tty_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "session_id": null, "name": "VIP", "slug": "vip", "description": "Front rows and a drink",
    "price_minor": 15000000, "price_display": "150,000.00 TZS", "currency": "TZS",
    "capacity": 200, "available": 57, "min_per_order": 1, "max_per_order": 6,
    "sales_start": null, "sales_end": "2027-02-10T21:00:00Z", "valid_from": null,
    "valid_until": null, "hidden": false, "created_at": "2027-01-05T08:00:00Z",
    "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
pub struct TicketTypeView {
    id: TicketTypeId,
    event_id: EventId,
    /// Left out, it is for the whole event.
    session_id: Option<EventSessionId>,
    name: String,
    slug: String,
    description: Option<String>,
    price_minor: i64,
    price_display: String,
    currency: Currency,
    capacity: i64,
    /// How many can still be bought.
    available: i64,
    min_per_order: i64,
    max_per_order: Option<i64>,
    sales_start: Option<Timestamp>,
    sales_end: Option<Timestamp>,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    hidden: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

impl From<Sale> for TicketTypeView {
    fn from(sale: Sale) -> Self {
        let available = sale.available();
        let kind = sale.ticket_type;
        Self {
            id: kind.id,
            event_id: kind.event_id,
            session_id: kind.session_id,
            name: kind.name,
            slug: kind.slug,
            description: kind.description,
            price_minor: kind.price_minor,
            price_display: Money::new(kind.price_minor, kind.currency).to_string(),
            currency: kind.currency,
            capacity: sale.inventory.capacity,
            available,
            min_per_order: kind.min_per_order,
            max_per_order: kind.max_per_order,
            sales_start: kind.sales_start,
            sales_end: kind.sales_end,
            valid_from: kind.valid_from,
            valid_until: kind.valid_until,
            hidden: kind.hidden,
            created_at: kind.created_at,
            updated_at: kind.updated_at,
            version: kind.version,
        }
    }
}

/// A new ticket type, priced in the event's currency.
#[derive(utoipa::ToSchema)]
#[schema(as = NewTicketType, example = json!({
    "name": "VIP", "price_minor": 15000000, "capacity": 200, "max_per_order": 6,
    "description": "Front rows and a drink", "sales_end": "2027-02-10T21:00:00Z"
}))]
pub struct TicketTypeBody {
    #[schema(max_length = 200)]
    name: String,
    /// Made from the name if left out.
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    session_id: Option<EventSessionId>,
    /// In minor units: 150,000.00 TZS is 15000000.
    #[schema(minimum = 0)]
    price_minor: i64,
    #[schema(minimum = 0, maximum = 10_000_000)]
    capacity: i64,
    #[schema(minimum = 1, default = 1)]
    min_per_order: Option<i64>,
    /// The event's, if left out.
    #[schema(minimum = 1, maximum = 500)]
    max_per_order: Option<i64>,
    sales_start: Option<Timestamp>,
    sales_end: Option<Timestamp>,
    /// When it opens the gate.
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    /// Hidden types are sold by id only.
    hidden: Option<bool>,
}

impl FromBody for TicketTypeBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let per_order = parse::integer(1, PER_ORDER_MOST);
        let name = fields.required("name", parse::name);
        let slug = fields.optional("slug", parse::slug);
        let description = fields.optional("description", parse::text(parse::TEXT_CHARS));
        let session_id = fields.optional("session_id", parse::parsed("a session's id"));
        let price_minor = fields.required("price_minor", parse_amount_minor);
        let capacity = fields.required("capacity", parse::integer(0, CAPACITY_MOST));
        let min_per_order = fields.optional("min_per_order", &per_order);
        let max_per_order = fields.optional("max_per_order", &per_order);
        let sales = read_window(fields, "sales_start", "sales_end");
        let valid = read_window(fields, "valid_from", "valid_until");
        let hidden = fields.optional("hidden", parse::boolean);
        if let (Some(least), Some(Some(most))) = (min_per_order, max_per_order)
            && most < least.unwrap_or(1)
        {
            let flaw = Flaw::new("out_of_range", "must not be below min_per_order");
            fields.fault("max_per_order", flaw);
        }
        let (sales, valid) = (sales?, valid?);
        Some(Self {
            name: name?,
            slug: slug?,
            description: description?,
            session_id: session_id?,
            price_minor: price_minor?,
            capacity: capacity?,
            min_per_order: min_per_order?,
            max_per_order: max_per_order?,
            sales_start: sales.from,
            sales_end: sales.until,
            valid_from: valid.from,
            valid_until: valid.until,
            hidden: hidden?,
        })
    }
}

fn read_window(fields: &mut Fields<'_>, from: &str, until: &str) -> Option<Window> {
    let start = fields.optional(from, parse::instant);
    let end = fields.optional(until, parse::instant);
    let window = Window {
        from: start?,
        until: end?,
    };
    if is_empty(window.from, window.until) {
        let flaw = Flaw::new("out_of_range", format!("must be after {from}"));
        fields.fault(until, flaw);
    }
    Some(window)
}

impl TicketTypeBody {
    pub fn to_ticket_type(&self) -> NewTicketType {
        NewTicketType {
            name: self.name.clone(),
            slug: self.slug.clone(),
            description: self.description.clone(),
            session_id: self.session_id,
            price_minor: self.price_minor,
            capacity: self.capacity,
            min_per_order: self.min_per_order.unwrap_or(1),
            max_per_order: self.max_per_order,
            sales: Window {
                from: self.sales_start,
                until: self.sales_end,
            },
            valid: Window {
                from: self.valid_from,
                until: self.valid_until,
            },
            hidden: self.hidden.unwrap_or(false),
        }
    }
}

/// A change of a ticket type.
#[derive(utoipa::ToSchema)]
#[schema(as = TicketTypeChange, example = json!({"capacity": 250, "sales_end": null}))]
pub struct TicketTypePatch {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 100)]
    slug: Option<String>,
    #[schema(value_type = Option<String>, max_length = 5000)]
    description: Patch<String>,
    #[schema(value_type = Option<EventSessionId>)]
    session_id: Patch<EventSessionId>,
    #[schema(minimum = 0)]
    price_minor: Option<i64>,
    #[schema(minimum = 0, maximum = 10_000_000)]
    capacity: Option<i64>,
    #[schema(minimum = 1)]
    min_per_order: Option<i64>,
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 500)]
    max_per_order: Patch<i64>,
    #[schema(value_type = Option<Timestamp>)]
    sales_start: Patch<Timestamp>,
    #[schema(value_type = Option<Timestamp>)]
    sales_end: Patch<Timestamp>,
    #[schema(value_type = Option<Timestamp>)]
    valid_from: Patch<Timestamp>,
    #[schema(value_type = Option<Timestamp>)]
    valid_until: Patch<Timestamp>,
    hidden: Option<bool>,
}

impl FromBody for TicketTypePatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let per_order = parse::integer(1, PER_ORDER_MOST);
        let name = fields.change("name", parse::name);
        let slug = fields.change("slug", parse::slug);
        let description = fields.patch("description", parse::text(parse::TEXT_CHARS));
        let session_id = fields.patch("session_id", parse::parsed("a session's id"));
        let price_minor = fields.change("price_minor", parse_amount_minor);
        let capacity = fields.change("capacity", parse::integer(0, CAPACITY_MOST));
        let min_per_order = fields.change("min_per_order", &per_order);
        let max_per_order = fields.patch("max_per_order", &per_order);
        let sales_start = fields.patch("sales_start", parse::instant);
        let sales_end = fields.patch("sales_end", parse::instant);
        let valid_from = fields.patch("valid_from", parse::instant);
        let valid_until = fields.patch("valid_until", parse::instant);
        let hidden = fields.change("hidden", parse::boolean);
        Some(Self {
            name: name?,
            slug: slug?,
            description: description?,
            session_id: session_id?,
            price_minor: price_minor?,
            capacity: capacity?,
            min_per_order: min_per_order?,
            max_per_order: max_per_order?,
            sales_start: sales_start?,
            sales_end: sales_end?,
            valid_from: valid_from?,
            valid_until: valid_until?,
            hidden: hidden?,
        })
    }
}

impl TicketTypePatch {
    pub fn to_change(&self) -> TicketTypeChange {
        TicketTypeChange {
            name: self.name.clone(),
            slug: self.slug.clone(),
            description: self.description.clone(),
            session_id: self.session_id.clone(),
            price_minor: self.price_minor,
            capacity: self.capacity,
            min_per_order: self.min_per_order,
            max_per_order: self.max_per_order.clone(),
            sales_start: self.sales_start.clone(),
            sales_end: self.sales_end.clone(),
            valid_from: self.valid_from.clone(),
            valid_until: self.valid_until.clone(),
            hidden: self.hidden,
        }
    }
}
