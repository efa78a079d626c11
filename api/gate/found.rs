//! The ticket that is held up to a gate.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::lists::{self, List};
use super::{GateMember, Presented, Reason, Scanned};
use crate::db::schema::{checkin_lists, tickets};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::error::Problem;
use crate::events;
use crate::id::{EventId, TicketId};
use crate::keys::TicketKeys;
use crate::tickets::card::{Card, card_columns, card_tables};
use crate::tickets::{CodeFault, Credential};

/// What is read of a ticket at a gate.
#[derive(Debug, Clone)]
pub struct Record {
    card: Card,
    /// Its event's, once somebody has written it down.
    default_list: Option<List>,
}

impl From<(Card, Option<List>)> for Record {
    fn from((card, default_list): (Card, Option<List>)) -> Self {
        Self { card, default_list }
    }
}

/// A ticket that was found.
pub(super) struct Found {
    pub card: Card,
    /// Of the code that it was found by.
    pub version: Option<u16>,
    /// Its event's, once somebody has written it down.
    pub default_list: Option<List>,
}

/// What was held up, once its code was read.
pub(super) enum Shown {
    Code(Result<Credential, CodeFault>),
    Ticket(TicketId),
}

impl Scanned {
    pub(super) fn read(&self, keys: &TicketKeys) -> Shown {
        match self {
            Self::Code(code) => Shown::Code(Credential::read(code.trim(), keys)),
            Self::Ticket { id, .. } => Shown::Ticket(*id),
        }
    }
}

/// The ticket that is held up, if it is one of the caller's organizers'; `find` reads it.
pub(super) async fn identify(
    member: &GateMember,
    shown: &Shown,
    find: impl AsyncFnOnce(TicketId) -> Result<Option<Record>, Problem>,
) -> Result<Result<Found, Reason>, Problem> {
    let (id, credential) = match shown {
        Shown::Code(Ok(credential)) => (credential.ticket, Some(*credential)),
        Shown::Code(Err(fault)) => return Ok(Err((*fault).into())),
        Shown::Ticket(id) => (*id, None),
    };
    let Some(record) = find(id).await? else {
        return Ok(Err(Reason::UnknownTicket));
    };
    let found = Found::of(record, credential, member);
    Ok(found.ok_or(Reason::UnknownTicket))
}

impl Found {
    /// A ticket as `member` sees it: another organizer's is unknown.
    fn of(record: Record, credential: Option<Credential>, member: &GateMember) -> Option<Self> {
        let Record { card, default_list } = record;
        let is_event_named = credential.is_none_or(|it| it.event == card.ticket.event_id);
        let is_known = is_event_named && member.serves(card.ticket.organizer_id);
        is_known.then_some(Self {
            card,
            version: credential.map(|it| it.version),
            default_list,
        })
    }

    /// Whether a list is written down for certain.
    pub fn knows(&self, list: &List) -> bool {
        let is_it = |known: &List| known.id == list.id;
        !list.is_default || self.default_list.as_ref().is_some_and(is_it)
    }
}

/// A ticket in one read, with all that is judged about it.
pub(super) async fn find(conn: &mut Conn, id: TicketId) -> Result<Option<Record>, Problem> {
    Ok(find_gathered(conn, &[id]).await?.remove(&id))
}

/// The tickets that are looked at at the same moment; on SQLite each number of them has a
/// statement of its own, so not more than a batch has.
pub(super) async fn find_gathered(
    conn: &mut Conn,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Record>, Problem> {
    let of_event = checkin_lists::event_id
        .eq(tickets::event_id)
        .and(checkin_lists::is_default.eq(true));
    let found: Vec<(Card, Option<List>)> = sql!(conn, |c| card_tables!()
        .left_join(checkin_lists::table.on(of_event))
        .filter(tickets::id.eq_any(ids))
        .select((card_columns!(), checkin_lists::all_columns.nullable()))
        .cached()
        .load(c)
        .await)?;
    let records = found.into_iter().map(Record::from);
    Ok(records.map(|it| (it.card.ticket.id, it)).collect())
}

/// Those of several tickets that each member knows.
pub(super) async fn find_all(
    conn: &mut Conn,
    shown: &[(&GateMember, Credential)],
) -> Result<HashMap<TicketId, Found>, Problem> {
    let ids: Vec<TicketId> = shown.iter().map(|(_, it)| it.ticket).collect();
    let mut read = find_gathered(conn, &ids).await?;
    let found = shown.iter().filter_map(|(member, credential)| {
        let record = read.remove(&credential.ticket)?;
        let found = Found::of(record, Some(*credential), member)?;
        Some((credential.ticket, found))
    });
    Ok(found.collect())
}

/// The list that is named, if it is one of the caller's organizers'. A default list that is
/// not written down yet is found by its event, which has its number.
pub(super) async fn find_list(
    conn: &mut Conn,
    member: &GateMember,
    presented: &Presented,
) -> Result<Option<List>, Problem> {
    let Some(id) = presented.list_id else {
        return Ok(None);
    };
    let list = match lists::find(conn, id).await? {
        Some(list) => Some(list),
        None => {
            let event = EventId::from_uuid(id.uuid());
            let event = events::find(conn, event).await?;
            event.map(|event| List::default_of(event.id, event.organizer_id, event.created_at))
        }
    };
    let list = list.filter(|list| member.serves(list.organizer_id));
    let unknown = || Problem::invalid_member("/list_id", "not_found", "there is no such list");
    list.map(Some).ok_or_else(unknown)
}

/// The list that is named, else the default one of the ticket's event.
pub(super) fn list_for(named: Option<List>, found: &Found, now: Timestamp) -> List {
    let ticket = &found.card.ticket;
    named
        .or_else(|| found.default_list.clone())
        .unwrap_or_else(|| List::default_of(ticket.event_id, ticket.organizer_id, now))
}
