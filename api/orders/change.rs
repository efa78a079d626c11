//! Editing an order before it is confirmed: how to reach the buyer, who comes with a ticket.

use serde_json::json;

use super::place::record;
use super::{Order, OrderStatus, store};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::Patch;
use crate::id::{TicketId, UserId};
use crate::tickets::{self, Attendee};

/// A change of an order.
#[derive(Debug, Clone)]
pub struct OrderChange {
    pub buyer_name: Option<String>,
    pub buyer_email: Option<String>,
    pub buyer_phone: Patch<String>,
    pub attendees: Vec<(TicketId, Attendee)>,
}

/// Changes an order that is still pending. The caller has locked it.
pub async fn change(
    conn: &mut Conn,
    mut order: Order,
    change: OrderChange,
    actor: Option<UserId>,
    now: Timestamp,
) -> Result<Order, Problem> {
    if order.status != OrderStatus::Pending {
        let detail = format!("It is {}.", order.status.as_str());
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    order.buyer_name = change.buyer_name.unwrap_or(order.buyer_name);
    order.buyer_email = change.buyer_email.unwrap_or(order.buyer_email);
    order.buyer_phone = change.buyer_phone.over(order.buyer_phone);
    for (index, (ticket, attendee)) in change.attendees.iter().enumerate() {
        if !tickets::set_attendee(conn, order.id, *ticket, attendee, now).await? {
            let pointer = format!("/attendees/{index}/ticket_id");
            let detail = "the order has no such ticket";
            return Err(Problem::invalid_member(&pointer, "not_found", detail));
        }
    }
    let order = store::set_buyer(conn, &order, now).await?;
    record(conn, &order, actor, "order.updated", now, &json!({})).await?;
    Ok(order)
}
