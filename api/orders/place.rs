//! Placing an order: look up, insert, take the stock, all in the caller's transaction.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::cart::{BoothContact, Cart, ItemRequest, Line, LineItem};
use super::holds::{self, HoldStatus};
use super::store::bookings::{self, Booking, BookingStatus};
use super::{Buyer, Item, ItemKind, Order, OrderStatus, PaymentStatus, confirm, store};
use crate::audit;
use crate::booths;
use crate::config::{Config, LatePaymentPolicy};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::error::{Code, Problem};
use crate::events::{self, Event};
use crate::id::{BoothBookingId, BoothId, EventId, EventSessionId, OrderId, OrderItemId, UserId};
use crate::inventory::{self, Taken};
use crate::money::Currency;
use crate::tickets::{self, NewTickets};

/// How many unpaid orders one e-mail, account or address may have open.
const OPEN_MOST: i64 = 5;

/// What this installation has settled about orders.
#[derive(Debug, Clone)]
pub struct Terms {
    pub hold_ttl: Duration,
    pub hold_max: Duration,
    pub late_payment_policy: LatePaymentPolicy,
    pub limits_open_orders: bool,
    /// Where the front end shows an order.
    pub order_url: String,
}

impl Terms {
    pub fn of(config: &Config) -> Self {
        Self {
            hold_ttl: config.hold_ttl,
            hold_max: config.hold_max,
            late_payment_policy: config.late_payment_policy,
            limits_open_orders: config.rate_limits,
            order_url: config.order_url.clone(),
        }
    }
}

/// An order as it is asked for.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub event_id: EventId,
    pub session_id: Option<EventSessionId>,
    pub items: Vec<ItemRequest>,
    pub buyer: Buyer,
    /// What the client believes; only compared.
    pub currency: Option<Currency>,
    pub expected_total_minor: Option<i64>,
    pub locale: Option<String>,
    pub description: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Who places an order, and from where.
pub struct Placed {
    pub owner: Option<UserId>,
    /// A keyed digest of the client's address.
    pub origin: String,
    pub at: Timestamp,
}

/// Places an order; one that costs nothing is confirmed at once.
///
/// Refused with `sold_out` or `booth_taken` when the stock does not suffice: the caller's
/// transaction then rolls everything back.
pub async fn place(
    conn: &mut Conn,
    terms: &Terms,
    new: &NewOrder,
    by: &Placed,
) -> Result<Order, Problem> {
    let event = find_event(conn, new).await?;
    let cart = Cart::fill(conn, event, new.session_id, &new.items, by.at).await?;
    check_assertions(&cart, new)?;
    if terms.limits_open_orders {
        let open = store::count_open(conn, &new.buyer.email, by.owner, &by.origin).await?;
        if open >= OPEN_MOST {
            return Err(Problem::new(Code::TooManyOpenOrders));
        }
    }
    let order = order_of(&cart, terms, new, by);
    let items = items_of(&cart, order.id, by.at);
    store::insert(conn, &order, items.clone()).await?;
    reserve_tickets(conn, &order, &cart, &items, by.at).await?;
    let content = json!({"event": order.event_id, "total_minor": order.total_minor});
    record(conn, &order, by.owner, "order.placed", by.at, &content).await?;
    take_stock(conn, &order, &cart, &items, by.at).await?;
    if order.total_minor == 0 {
        return confirm(conn, order, terms, by.at).await;
    }
    Ok(order)
}

async fn find_event(conn: &mut Conn, new: &NewOrder) -> Result<Event, Problem> {
    let event = events::find(conn, new.event_id).await?;
    let event = event.ok_or_else(|| {
        Problem::invalid_member("/event_id", "not_found", "there is no such event")
    })?;
    if let Some(session) = new.session_id
        && !events::has_session(conn, event.id, session).await?
    {
        let detail = "the event has no such session";
        return Err(Problem::invalid_member("/session_id", "not_found", detail));
    }
    Ok(event)
}

/// What the client believes about the price must be so; it never makes it so.
fn check_assertions(cart: &Cart, new: &NewOrder) -> Result<(), Problem> {
    if new.currency.is_some_and(|it| it != cart.event.currency) {
        let detail = format!("The event sells in {}.", cart.event.currency.code());
        return Err(Problem::new(Code::CurrencyNotSupported).detail(detail));
    }
    match new.expected_total_minor {
        Some(expected) if expected != cart.total.minor => {
            let detail = format!("The total is {}.", cart.total);
            let mut problem = Problem::new(Code::PriceChanged).detail(detail);
            let total = json!(cart.total.minor);
            problem.members.insert("total_minor".to_owned(), total);
            Err(problem)
        }
        _ => Ok(()),
    }
}

fn order_of(cart: &Cart, terms: &Terms, new: &NewOrder, by: &Placed) -> Order {
    Order {
        id: OrderId::new(),
        organizer_id: cart.event.organizer_id,
        event_id: cart.event.id,
        session_id: cart.session,
        owner_id: by.owner,
        token_version: 1,
        buyer_name: new.buyer.name.clone(),
        buyer_email: new.buyer.email.clone(),
        buyer_phone: new.buyer.phone.clone(),
        origin: by.origin.clone(),
        status: OrderStatus::Pending,
        payment_status: PaymentStatus::Unpaid,
        currency: cart.total.currency,
        total_minor: cart.total.minor,
        paid_minor: 0,
        refunded_minor: 0,
        expires_at: by.at.plus(terms.hold_ttl),
        confirmed_at: None,
        locale: new.locale.clone(),
        description: new.description.clone(),
        metadata: Json(new.metadata.clone()),
        version: 1,
        created_at: by.at,
        updated_at: by.at,
    }
}

fn items_of(cart: &Cart, order: OrderId, now: Timestamp) -> Vec<Item> {
    let item = |(position, line): (i64, &Line)| {
        let (kind, ticket_type_id, booth_type_id) = match &line.item {
            LineItem::Tickets { sale, .. } => (ItemKind::Ticket, Some(sale.ticket_type.id), None),
            LineItem::Booth { kind, .. } => (ItemKind::Booth, None, Some(kind.id)),
        };
        Item {
            id: OrderItemId::new(),
            order_id: order,
            position,
            kind,
            ticket_type_id,
            booth_type_id,
            name: line.name.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price.minor,
            total_minor: line.total.minor,
            created_at: now,
        }
    };
    (1..).zip(&cart.lines).map(item).collect()
}

async fn reserve_tickets(
    conn: &mut Conn,
    order: &Order,
    cart: &Cart,
    items: &[Item],
    now: Timestamp,
) -> Result<(), Problem> {
    let lines: Vec<NewTickets<'_>> = cart
        .lines
        .iter()
        .zip(items)
        .filter_map(|(line, item)| match &line.item {
            LineItem::Tickets { sale, attendees } => Some(NewTickets {
                organizer: order.organizer_id,
                event: order.event_id,
                session: sale.ticket_type.session_id.or(order.session_id),
                order: order.id,
                item: item.id,
                ticket_type: sale.ticket_type.id,
                quantity: line.quantity,
                first_position: 1,
                attendees,
            }),
            LineItem::Booth { .. } => None,
        })
        .collect();
    tickets::reserve(conn, &lines, now).await?;
    Ok(())
}

/// Stock first, then chosen booths, both in ascending order, then any that are free.
async fn take_stock(
    conn: &mut Conn,
    order: &Order,
    cart: &Cart,
    items: &[Item],
    now: Timestamp,
) -> Result<(), Problem> {
    let stock = holds::portions(cart.lines.iter().filter_map(|line| match &line.item {
        LineItem::Tickets { sale, .. } => Some((sale.inventory.id, line.quantity)),
        LineItem::Booth { .. } => None,
    }));
    inventory::take(conn, stock.clone(), Taken::Held, now).await?;
    let mut wanted: Vec<_> = cart
        .lines
        .iter()
        .zip(items)
        .filter_map(|(line, item)| match &line.item {
            LineItem::Booth {
                kind,
                booth_id,
                contact: Some(contact),
            } => Some((*booth_id, kind.id, item.id, contact)),
            _ => None,
        })
        .collect();
    // `None` sorts first, and must come last.
    wanted.sort_by_key(|(booth, ..)| (booth.is_none(), *booth));
    let mut booked: Vec<Booking> = Vec::new();
    for (chosen, kind, item, contact) in wanted {
        let booth = match chosen {
            Some(id) => booths::hold_chosen(conn, kind, id, now).await?,
            None => booths::hold_any(conn, kind, now).await?,
        };
        booked.push(booking(order.id, item, booth.id, contact, now));
    }
    let units: Vec<BoothId> = booked.iter().map(|booking| booking.booth_id).collect();
    bookings::insert(conn, booked).await?;
    let (status, until) = (HoldStatus::Active, order.expires_at);
    holds::note(conn, order.id, &stock, &units, status, until, now).await
}

fn booking(
    order: OrderId,
    item: OrderItemId,
    booth: BoothId,
    contact: &BoothContact,
    now: Timestamp,
) -> Booking {
    Booking {
        id: BoothBookingId::new(),
        order_id: order,
        order_item_id: item,
        booth_id: booth,
        company_name: contact.company_name.clone(),
        contact_person: contact.contact_person.clone(),
        contact_email: contact.contact_email.clone(),
        contact_phone: contact.contact_phone.clone(),
        requirements: contact.requirements.clone(),
        status: BookingStatus::Reserved,
        created_at: now,
        updated_at: now,
    }
}

/// Writes what happened to an order into the audit log; by nobody means by its guest.
pub(super) async fn record(
    conn: &mut Conn,
    order: &Order,
    actor: Option<UserId>,
    action: &str,
    at: Timestamp,
    content: &Value,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(order.organizer_id),
        actor: actor.map_or_else(|| "guest".to_owned(), |user| user.to_string()),
        action,
        object: order.id.to_string(),
        at,
    };
    entry.write(conn, content).await
}
