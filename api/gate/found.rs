//! The ticket that is held up to a gate.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::lists::List;
use super::{GateMember, Reason, Scanned};
use crate::db::schema::{checkin_lists, tickets};
use crate::db::{Conn, sql};
use crate::error::Problem;
use crate::id::TicketId;
use crate::keys::TicketKeys;
use crate::tickets::Credential;
use crate::tickets::card::{Card, card_columns, card_tables};

/// A ticket that was found.
pub(super) struct Found {
    pub card: Card,
    /// Of the code that it was found by.
    pub version: Option<u16>,
    /// Its event's, once somebody has written it down.
    pub default_list: Option<List>,
}

/// Finds the ticket that is held up, if it is one of the caller's organizers'.
pub(super) async fn identify(
    conn: &mut Conn,
    keys: &TicketKeys,
    member: &GateMember,
    scanned: &Scanned,
) -> Result<Result<Found, Reason>, Problem> {
    let (id, credential) = match scanned {
        Scanned::Code(code) => match Credential::read(code.trim(), keys) {
            Ok(credential) => (credential.ticket, Some(credential)),
            Err(fault) => return Ok(Err(fault.into())),
        },
        Scanned::Ticket { id, .. } => (*id, None),
    };
    let found = find(conn, id).await?;
    let found = found.filter(|(card, _)| {
        let is_event_named = credential.is_none_or(|it| it.event == card.ticket.event_id);
        is_event_named && member.serves(card.ticket.organizer_id)
    });
    let found = found.map(|(card, default_list)| Found {
        card,
        version: credential.map(|it| it.version),
        default_list,
    });
    Ok(found.ok_or(Reason::UnknownTicket))
}

/// A ticket with all that is judged about it, in one read.
async fn find(conn: &mut Conn, id: TicketId) -> QueryResult<Option<(Card, Option<List>)>> {
    let of_event = checkin_lists::event_id
        .eq(tickets::event_id)
        .and(checkin_lists::is_default.eq(true));
    sql!(conn, |c| card_tables!()
        .left_join(checkin_lists::table.on(of_event))
        .filter(tickets::id.eq(id))
        .select((card_columns!(), checkin_lists::all_columns.nullable()))
        .first(c)
        .await)
    .optional()
}
