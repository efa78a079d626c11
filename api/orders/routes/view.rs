//! Orders as they are shown.

use serde::Serialize;
use serde_json::{Map, Value};

use super::PLACER;
use crate::booths;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::http::idempotency::GUEST_TOKEN_PLACEHOLDER;
use crate::id::{
    BoothId, BoothTypeId, EventId, EventSessionId, OrderId, OrderItemId, TicketId, TicketTypeId,
    UserId,
};
use crate::money::Currency;
use crate::orders::{
    self, Item, ItemKind, Order, OrderRole, OrderStatus, PaymentStatus, PlacedOrder,
};
use crate::payments;
use crate::payments::routes::view::{PaymentView, Sight};
use crate::tickets::{self, Ticket, TicketStatus};

/// An order.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Order, example = json!({
    "id": "ord_01h455vb4pex5vsknk084sn02q", "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "session_id": null, "owner_id": null, "status": "pending", "payment_status": "unpaid",
    "total_minor": 30000000, "total_display": "300,000.00 TZS", "paid_minor": 0,
    "refunded_minor": 0, "currency": "TZS", "expires_at": "2027-01-05T08:15:00Z",
    "confirmed_at": null,
    "buyer": {"name": "Asha Mwinyi", "email": "asha@example.com", "phone": null},
    "items": [{
        "id": "itm_01h455vb4pex5vsknk084sn02q", "kind": "ticket",
        "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "booth_type_id": null,
        "name": "VIP", "quantity": 2, "unit_price_minor": 15000000, "total_minor": 30000000
    }],
    "tickets": [{
        "id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
        "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "ticket_type_name": "VIP",
        "price_minor": 15000000, "status": "reserved", "attendee": null
    }],
    "booths": [], "payments": [], "allowed_actions": ["pay", "cancel", "edit"],
    "locale": null, "description": null, "metadata": {},
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
pub struct OrderView {
    id: OrderId,
    event_id: EventId,
    session_id: Option<EventSessionId>,
    owner_id: Option<UserId>,
    /// Opens this order to a buyer without an account; told once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<&'static str>,
    status: OrderStatus,
    payment_status: PaymentStatus,
    total_minor: i64,
    total_display: String,
    paid_minor: i64,
    refunded_minor: i64,
    currency: Currency,
    /// Until when it is held while it is not paid.
    expires_at: Timestamp,
    confirmed_at: Option<Timestamp>,
    buyer: BuyerView,
    items: Vec<ItemView>,
    tickets: Vec<TicketView>,
    booths: Vec<BoothView>,
    /// Every attempt to pay it, first to last.
    payments: Vec<PaymentView>,
    /// What the caller may do with it now.
    allowed_actions: Vec<&'static str>,
    locale: Option<String>,
    description: Option<String>,
    metadata: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Buyer, example = json!({"name": "Asha Mwinyi", "email": "asha@example.com", "phone": null}))]
pub struct BuyerView {
    name: String,
    email: String,
    phone: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OrderItem, example = json!({
    "id": "itm_01h455vb4pex5vsknk084sn02q", "kind": "ticket",
    "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "booth_type_id": null,
    "name": "VIP", "quantity": 2, "unit_price_minor": 15000000, "total_minor": 30000000
}))]
pub struct ItemView {
    id: OrderItemId,
    kind: ItemKind,
    ticket_type_id: Option<TicketTypeId>,
    booth_type_id: Option<BoothTypeId>,
    name: String,
    quantity: i64,
    unit_price_minor: i64,
    total_minor: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OrderTicket, example = json!({
    "id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
    "ticket_type_id": "tty_01h455vb4pex5vsknk084sn02q", "ticket_type_name": "VIP",
    "price_minor": 15000000, "status": "reserved", "attendee": {"name": "Juma Said", "email": null}
}))]
pub struct TicketView {
    id: TicketId,
    serial: String,
    ticket_type_id: TicketTypeId,
    ticket_type_name: String,
    price_minor: i64,
    status: TicketStatus,
    attendee: Option<AttendeeView>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Attendee, example = json!({"name": "Juma Said", "email": null}))]
pub struct AttendeeView {
    name: String,
    email: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = OrderBooth, example = json!({
    "id": "bth_01h455vb4pex5vsknk084sn02q", "booth_number": "A-1", "hall": "North",
    "size": "Corner", "price_minor": 90000000, "status": "reserved",
    "company_name": "Karibu Coffee", "contact_person": "Juma Said",
    "contact_email": "juma@example.com", "contact_phone": "+255 754 123 456",
    "requirements": null
}))]
pub struct BoothView {
    id: BoothId,
    booth_number: String,
    hall: String,
    /// The booth type's name.
    size: String,
    price_minor: i64,
    #[schema(example = "reserved")]
    status: &'static str,
    company_name: String,
    contact_person: String,
    contact_email: String,
    contact_phone: String,
    requirements: Option<String>,
}

impl OrderView {
    /// The order with everything that belongs to it, as somebody in `role` sees it.
    pub async fn load(conn: &mut Conn, order: Order, role: OrderRole) -> Result<Self, Problem> {
        let payments = payments::of_order(conn, order.id).await?;
        let payments = PaymentView::load_all(conn, payments, |_| Sight::of_order(role)).await?;
        let items = orders::items_of(conn, order.id).await?;
        let (tickets, booths) = load_units(conn, &order, &items).await?;
        Ok(Self {
            items: items.into_iter().map(ItemView::from).collect(),
            tickets,
            booths,
            payments,
            allowed_actions: allowed_actions(&order, role),
            ..Self::bare(order)
        })
    }

    /// An order that has just been placed, as who placed it sees it.
    pub async fn of_placed(conn: &mut Conn, placed: PlacedOrder) -> Result<Self, Problem> {
        let PlacedOrder {
            order,
            items,
            tickets,
        } = placed;
        let is_plain = items.iter().all(|item| item.kind == ItemKind::Ticket);
        if !is_plain || order.status != OrderStatus::Pending {
            return Self::load(conn, order, PLACER).await;
        }
        Ok(Self {
            tickets: show_tickets(&order, &items, tickets),
            items: items.into_iter().map(ItemView::from).collect(),
            allowed_actions: allowed_actions(&order, PLACER),
            ..Self::bare(order)
        })
    }

    /// The same with a place for the guest token, for the answer that tells it.
    #[must_use]
    pub fn with_token(mut self) -> Self {
        self.order_token = Some(GUEST_TOKEN_PLACEHOLDER);
        self
    }

    fn bare(order: Order) -> Self {
        Self {
            total_display: order.total().to_string(),
            buyer: BuyerView {
                name: order.buyer_name,
                email: order.buyer_email,
                phone: order.buyer_phone,
            },
            id: order.id,
            event_id: order.event_id,
            session_id: order.session_id,
            owner_id: order.owner_id,
            order_token: None,
            status: order.status,
            payment_status: order.payment_status,
            total_minor: order.total_minor,
            paid_minor: order.paid_minor,
            refunded_minor: order.refunded_minor,
            currency: order.currency,
            expires_at: order.expires_at,
            confirmed_at: order.confirmed_at,
            items: Vec::new(),
            tickets: Vec::new(),
            booths: Vec::new(),
            payments: Vec::new(),
            allowed_actions: Vec::new(),
            locale: order.locale,
            description: order.description,
            metadata: order.metadata.0,
            created_at: order.created_at,
            updated_at: order.updated_at,
            version: order.version,
        }
    }
}

/// What an order's lines became: tickets and booths.
pub async fn load_units(
    conn: &mut Conn,
    order: &Order,
    items: &[Item],
) -> Result<(Vec<TicketView>, Vec<BoothView>), Problem> {
    let has = |kind| items.iter().any(|item| item.kind == kind);
    let tickets = if has(ItemKind::Ticket) {
        load_tickets(conn, order, items).await?
    } else {
        Vec::new()
    };
    let booths = if has(ItemKind::Booth) {
        load_booths(conn, order, items).await?
    } else {
        Vec::new()
    };
    Ok((tickets, booths))
}

/// The name and the price of one of a line.
fn line_of(items: &[Item], id: OrderItemId) -> (String, i64) {
    let item = items.iter().find(|item| item.id == id);
    item.map(|item| (item.name.clone(), item.unit_price_minor))
        .unwrap_or_default()
}

async fn load_tickets(
    conn: &mut Conn,
    order: &Order,
    items: &[Item],
) -> Result<Vec<TicketView>, Problem> {
    let tickets = tickets::of_order(conn, order.id).await?;
    Ok(show_tickets(order, items, tickets))
}

fn show_tickets(order: &Order, items: &[Item], tickets: Vec<Ticket>) -> Vec<TicketView> {
    let shown = tickets.into_iter().filter(|it| is_shown(order, it));
    let view = |ticket: Ticket| {
        let (ticket_type_name, price_minor) = line_of(items, ticket.order_item_id);
        TicketView::new(ticket, ticket_type_name, price_minor)
    };
    shown.map(view).collect()
}

async fn load_booths(
    conn: &mut Conn,
    order: &Order,
    items: &[Item],
) -> Result<Vec<BoothView>, Problem> {
    let bookings = orders::bookings_of(conn, order.id).await?;
    let units: Vec<BoothId> = bookings.iter().map(|(b, ..)| b.booth_id).collect();
    let units = booths::find_all(conn, &units).await?;
    let booths = bookings.into_iter().map(|(booking, number, hall)| {
        let kind = units.iter().find(|(booth, _)| booth.id == booking.booth_id);
        let (_, price_minor) = line_of(items, booking.order_item_id);
        BoothView {
            id: booking.booth_id,
            booth_number: number,
            hall,
            size: kind.map(|(_, kind)| kind.name.clone()).unwrap_or_default(),
            price_minor,
            status: booking.status.as_str(),
            company_name: booking.company_name,
            contact_person: booking.contact_person,
            contact_email: booking.contact_email,
            contact_phone: booking.contact_phone,
            requirements: booking.requirements,
        }
    });
    Ok(booths.collect())
}

/// An order that was taken up again has new tickets; those that ended unpaid are history.
fn is_shown(order: &Order, ticket: &Ticket) -> bool {
    let ended_unpaid = ticket.status == TicketStatus::Void && ticket.issued_at.is_none();
    order.status != OrderStatus::Confirmed || !ended_unpaid
}

impl From<Item> for ItemView {
    fn from(item: Item) -> Self {
        Self {
            id: item.id,
            kind: item.kind,
            ticket_type_id: item.ticket_type_id,
            booth_type_id: item.booth_type_id,
            name: item.name,
            quantity: item.quantity,
            unit_price_minor: item.unit_price_minor,
            total_minor: item.total_minor,
        }
    }
}

impl TicketView {
    fn new(ticket: Ticket, ticket_type_name: String, price_minor: i64) -> Self {
        let attendee = ticket.attendee().map(|attendee| AttendeeView {
            name: attendee.name,
            email: attendee.email,
        });
        Self {
            id: ticket.id,
            serial: ticket.serial,
            ticket_type_id: ticket.ticket_type_id,
            ticket_type_name,
            price_minor,
            status: ticket.status,
            attendee,
        }
    }
}

fn allowed_actions(order: &Order, role: OrderRole) -> Vec<&'static str> {
    let mut actions = Vec::new();
    let is_pending = order.status == OrderStatus::Pending;
    let is_quiet = order.payment_status != PaymentStatus::Processing;
    if is_pending && is_quiet && role.is_owner {
        actions.push("pay");
    }
    if is_pending && is_quiet {
        actions.push("cancel");
    }
    if is_pending {
        actions.push("edit");
    }
    if is_pending && is_quiet && role.is_finance() {
        actions.push("mark_paid");
    }
    if order.status == OrderStatus::Confirmed {
        actions.push("resend");
    }
    actions
}
