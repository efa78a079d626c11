//! The rows that a placed order is made of.

use super::super::cart::{BoothContact, Cart, Line, LineItem};
use super::super::store::bookings::{Booking, BookingStatus};
use super::super::{Item, ItemKind, Order, OrderStatus, PaymentStatus};
use super::{Terms, Wish};
use crate::db::values::{Json, Timestamp};
use crate::id::{BoothBookingId, BoothId, BoothTypeId, OrderId, OrderItemId};
use crate::tickets::NewTickets;

pub(super) fn order(cart: &Cart, terms: &Terms, wish: Wish<'_>) -> Order {
    let Wish { new, by } = wish;
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

pub(super) fn items(cart: &Cart, order: OrderId, now: Timestamp) -> Vec<Item> {
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

/// The tickets of an order's lines.
pub(super) fn tickets<'a>(
    order: &'a Order,
    cart: &'a Cart,
    items: &'a [Item],
) -> impl Iterator<Item = NewTickets<'a>> {
    let lines = cart.lines.iter().zip(items);
    lines.filter_map(|(line, item)| match &line.item {
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
}

/// A booth that is wanted: which one if that was chosen, of which type, for which line and whom.
pub(super) type WantedBooth<'a> = (Option<BoothId>, BoothTypeId, OrderItemId, &'a BoothContact);

/// The booths of an order's lines: chosen ones in ascending order, then any that are free.
pub(super) fn booths<'a>(cart: &'a Cart, items: &[Item]) -> Vec<WantedBooth<'a>> {
    let lines = cart.lines.iter().zip(items);
    let mut wanted: Vec<WantedBooth<'a>> = lines
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
    wanted
}

pub(super) fn booking(
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
