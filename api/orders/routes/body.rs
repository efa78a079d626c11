//! Orders as they are asked for.

use serde_json::{Map, Value};

use crate::http::body::{Fields, Flaw, FromBody, Patch};
use crate::http::parse;
use crate::id::{BoothId, BoothTypeId, EventId, EventSessionId, TicketId, TicketTypeId};
use crate::money::{Currency, parse_amount_minor, parse_currency};
use crate::orders::{BoothContact, Buyer, Choice, ItemRequest, NewOrder, OrderChange};
use crate::tickets::Attendee;

const LINES_MOST: usize = 50;
const QUANTITY_MOST: i64 = 500;

/// Who comes with a ticket.
#[derive(utoipa::ToSchema)]
#[schema(as = AttendeeBody, example = json!({"name": "Asha Mwinyi", "email": "asha@example.com"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct AttendeeBody {
    #[schema(max_length = 200)]
    name: String,
    email: Option<String>,
    phone: Option<String>,
}

fn read_attendee(fields: &mut Fields<'_>) -> Option<Attendee> {
    let name = fields.required("name", parse::name);
    let email = fields.optional("email", parse::email);
    let phone = fields.optional("phone", parse::phone);
    Some(Attendee {
        name: name?,
        email: email?,
        phone: phone?,
    })
}

/// One line: tickets of a type, or one booth of a type.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({
    "ticket_type": "vip", "quantity": 2,
    "attendees": [{"name": "Asha Mwinyi"}, {"name": "Juma Said"}]
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct ItemBody {
    ticket_type_id: Option<TicketTypeId>,
    /// The type's slug, instead of its id.
    ticket_type: Option<String>,
    #[schema(minimum = 1, maximum = 500)]
    quantity: Option<i64>,
    attendees: Option<Vec<AttendeeBody>>,
    booth_type_id: Option<BoothTypeId>,
    /// The type's slug, instead of its id.
    booth_type: Option<String>,
    /// A booth of one's choice; any free one of the type if left out.
    booth_id: Option<BoothId>,
    company_name: Option<String>,
    contact_person: Option<String>,
    contact_email: Option<String>,
    contact_phone: Option<String>,
    requirements: Option<String>,
}

/// Whether booths must say for whom they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contacts {
    Needed,
    Optional,
}

pub fn read_items(fields: &mut Fields<'_>, contacts: Contacts) -> Option<Vec<ItemRequest>> {
    if !fields.has("items") {
        fields.fault("items", Flaw::new("required", "must be given"));
        return None;
    }
    let items = fields.list("items", LINES_MOST, |fields| read_item(fields, contacts));
    if items.as_ref().is_some_and(Vec::is_empty) {
        fields.fault(
            "items",
            Flaw::new("too_short", "must hold at least one line"),
        );
        return None;
    }
    items
}

fn read_item(fields: &mut Fields<'_>, contacts: Contacts) -> Option<ItemRequest> {
    let names = [
        "ticket_type_id",
        "ticket_type",
        "booth_type_id",
        "booth_type",
    ];
    let named: Vec<&str> = names.into_iter().filter(|name| fields.has(name)).collect();
    match named.as_slice() {
        ["ticket_type_id" | "ticket_type"] => read_tickets(fields),
        ["booth_type_id" | "booth_type"] => read_booth(fields, contacts),
        _ => {
            let detail = "give one of ticket_type_id, ticket_type, booth_type_id, booth_type";
            fields.fault("ticket_type_id", Flaw::new("required", detail));
            // The rest is not looked at: nobody knows what it would have to be.
            fields.skip();
            None
        }
    }
}

fn read_tickets(fields: &mut Fields<'_>) -> Option<ItemRequest> {
    let kind = read_choice(
        fields,
        "ticket_type_id",
        "ticket_type",
        "a ticket type's id",
    );
    let quantity = fields.required("quantity", |value| {
        let quantity = value
            .as_i64()
            .ok_or_else(|| Flaw::new("wrong_type", "must be a whole number"))?;
        if (1..=QUANTITY_MOST).contains(&quantity) {
            return Ok(quantity);
        }
        let detail = format!("must be from 1 to {QUANTITY_MOST}");
        Err(Flaw::new("quantity_out_of_range", detail))
    });
    let most = usize::try_from(QUANTITY_MOST).unwrap_or(usize::MAX);
    let attendees = fields.list("attendees", most, read_attendee);
    let (quantity, attendees) = (quantity?, attendees?);
    if i64::try_from(attendees.len()).is_ok_and(|count| count > quantity) {
        fields.fault("attendees", Flaw::new("too_many", "more than tickets"));
        return None;
    }
    Some(ItemRequest::Tickets {
        kind: kind?,
        quantity,
        attendees,
    })
}

fn read_booth(fields: &mut Fields<'_>, contacts: Contacts) -> Option<ItemRequest> {
    let kind = read_choice(fields, "booth_type_id", "booth_type", "a booth type's id");
    let booth_id = fields.optional("booth_id", parse::parsed("a booth's id"));
    let is_named = fields.has("company_name");
    let contact = if contacts == Contacts::Needed || is_named {
        read_contact(fields).map(Some)
    } else {
        Some(None)
    };
    Some(ItemRequest::Booth {
        kind: kind?,
        booth_id: booth_id?,
        contact: contact?,
    })
}

fn read_contact(fields: &mut Fields<'_>) -> Option<BoothContact> {
    let company_name = fields.required("company_name", parse::name);
    let contact_person = fields.required("contact_person", parse::name);
    let contact_email = fields.required("contact_email", parse::email);
    let contact_phone = fields.required("contact_phone", parse::phone);
    let requirements = fields.optional("requirements", parse::text(parse::TEXT_CHARS));
    Some(BoothContact {
        company_name: company_name?,
        contact_person: contact_person?,
        contact_email: contact_email?,
        contact_phone: contact_phone?,
        requirements: requirements?,
    })
}

/// A type by its id or its slug, whichever is there.
fn read_choice<T: std::str::FromStr>(
    fields: &mut Fields<'_>,
    id: &str,
    slug: &str,
    expected: &'static str,
) -> Option<Choice<T>> {
    if fields.has(id) {
        fields.required(id, parse::parsed(expected)).map(Choice::Id)
    } else {
        fields.required(slug, parse::slug).map(Choice::Slug)
    }
}

/// Who buys.
#[derive(utoipa::ToSchema)]
#[schema(as = BuyerBody, example = json!({"name": "Asha Mwinyi", "email": "asha@example.com"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct BuyerBody {
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254)]
    email: String,
    phone: Option<String>,
}

fn read_buyer(fields: &mut Fields<'_>) -> Option<Buyer> {
    let name = fields.required("name", parse::name);
    let email = fields.required("email", parse::email);
    let phone = fields.optional("phone", parse::phone);
    Some(Buyer {
        name: name?,
        email: email?,
        phone: phone?,
    })
}

/// A new order.
#[derive(utoipa::ToSchema)]
#[schema(as = NewOrder, example = json!({
    "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "items": [{"ticket_type": "vip", "quantity": 2}],
    "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com"}
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct OrderBodyShape {
    event_id: EventId,
    session_id: Option<EventSessionId>,
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<ItemBody>,
    buyer: BuyerBody,
    /// What the buyer was shown; refused when it is not so.
    currency: Option<Currency>,
    expected_total_minor: Option<i64>,
    #[schema(max_length = 35)]
    locale: Option<String>,
    #[schema(max_length = 500)]
    description: Option<String>,
    metadata: Option<Map<String, Value>>,
}

/// A new order's body, parsed.
pub struct OrderBody(pub NewOrder);

pub fn read_order(fields: &mut Fields<'_>) -> Option<NewOrder> {
    let event_id = fields.required("event_id", parse::parsed("an event's id"));
    let session_id = fields.optional("session_id", parse::parsed("an event session's id"));
    let items = read_items(fields, Contacts::Needed);
    if !fields.has("buyer") {
        fields.fault("buyer", Flaw::new("required", "must be given"));
    }
    let buyer = fields.object("buyer", read_buyer);
    let currency = fields.optional("currency", parse_currency);
    let expected = fields.optional("expected_total_minor", parse_amount_minor);
    let locale = fields.optional("locale", parse::line(35));
    let description = fields.optional("description", parse::line(500));
    let metadata = fields.optional("metadata", parse::metadata);
    Some(NewOrder {
        event_id: event_id?,
        session_id: session_id?,
        items: items?,
        buyer: buyer??,
        currency: currency?,
        expected_total_minor: expected?,
        locale: locale?,
        description: description?,
        metadata: metadata?.unwrap_or_default(),
    })
}

impl FromBody for OrderBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        read_order(fields).map(Self)
    }
}

/// A change of an order that is not confirmed.
#[derive(utoipa::ToSchema)]
#[schema(as = OrderPatch, example = json!({
    "buyer": {"phone": "+255 754 123 456"},
    "attendees": [{"ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "name": "Juma Said"}]
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct OrderPatchShape {
    buyer: Option<BuyerPatchShape>,
    attendees: Option<Vec<TicketAttendeeShape>>,
}

#[derive(utoipa::ToSchema)]
#[schema(as = BuyerPatch, example = json!({"phone": "+255 754 123 456"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct BuyerPatchShape {
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

#[derive(utoipa::ToSchema)]
#[schema(as = TicketAttendee, example = json!({
    "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "name": "Juma Said"
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
struct TicketAttendeeShape {
    ticket_id: TicketId,
    name: String,
    email: Option<String>,
    phone: Option<String>,
}

/// A change's body, parsed.
pub struct OrderPatch(pub OrderChange);

impl FromBody for OrderPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let buyer = fields.object("buyer", |fields| {
            let name = fields.change("name", parse::name);
            let email = fields.change("email", parse::email);
            let phone = fields.patch("phone", parse::phone);
            Some((name?, email?, phone?))
        });
        let most = usize::try_from(QUANTITY_MOST).unwrap_or(usize::MAX);
        let attendees = fields.list("attendees", most, |fields| {
            let ticket = fields.required("ticket_id", parse::parsed("a ticket's id"));
            let attendee = read_attendee(fields);
            Some((ticket?, attendee?))
        });
        let (name, email, phone) = buyer?.unwrap_or((None, None, Patch::Absent));
        Some(Self(OrderChange {
            buyer_name: name,
            buyer_email: email,
            buyer_phone: phone,
            attendees: attendees?,
        }))
    }
}
