//! Whether a ticket opens a list, but for who is inside already.

use super::Reason;
use super::found::Found;
use super::lists::List;
use crate::db::values::Timestamp;
use crate::tickets::TicketStatus;

/// Why not, or nothing.
pub(super) fn judge(found: &Found, list: &List, now: Timestamp) -> Result<(), Reason> {
    belongs(found, list)?;
    let card = &found.card;
    match card.ticket.status {
        TicketStatus::Reserved => return Err(Reason::NotPaid),
        TicketStatus::Void if card.ticket.issued_at.is_none() => return Err(Reason::NotPaid),
        TicketStatus::Void => return Err(Reason::Void),
        TicketStatus::Suspended => return Err(Reason::Suspended),
        TicketStatus::Valid | TicketStatus::Used => {}
    }
    if found
        .version
        .is_some_and(|version| i64::from(version) != card.ticket.credential_version)
    {
        return Err(Reason::Revoked);
    }
    if card.valid_from.is_some_and(|from| now < from) {
        return Err(Reason::NotYetValid);
    }
    if card.valid_until.is_some_and(|until| now >= until) {
        return Err(Reason::Expired);
    }
    let is_closed = list.opens_at.is_some_and(|opens| now < opens)
        || list.closes_at.is_some_and(|closes| now >= closes);
    if is_closed {
        return Err(Reason::ListClosed);
    }
    Ok(())
}

/// Whether a ticket is one for this list at all. Who is inside may always leave, whatever has
/// become of the ticket meanwhile.
pub(super) fn belongs(found: &Found, list: &List) -> Result<(), Reason> {
    let ticket = &found.card.ticket;
    if list.event_id != ticket.event_id {
        return Err(Reason::WrongEvent);
    }
    let takes_type = match &list.ticket_types {
        Some(types) => types.0.contains(&ticket.ticket_type_id),
        None => true,
    };
    let takes_session = match (list.session_id, ticket.session_id) {
        (Some(of_list), Some(of_ticket)) => of_list == of_ticket,
        _ => true,
    };
    if takes_type && takes_session {
        Ok(())
    } else {
        Err(Reason::WrongList)
    }
}
