//! Check-ins of one event that wait at the same moment, in one transaction.
//!
//! Only what is simple goes together: a code that was read, held up to come in for the first
//! time. Everything else, and everything that does not come out as it was seen, is done alone.

use std::collections::{HashMap, HashSet};

use super::check_in::{Decision, Entry, check_in};
use super::found::{self, Found, Shown, list_for};
use super::judge::judge;
use super::lists::{self, List};
use super::{CheckIn, Direction, GateMember, Reason, admissions, scans};
use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::id::{CheckinListId, EventId, ScanId, TicketId};
use crate::metrics;
use crate::tickets::{self, Credential};

/// What a gate is answered: JSON text.
pub type Answered = Result<String, Problem>;

/// Lets a guest in or out, together with those who wait at the gates of the same event.
pub async fn check_in_together(app: &App, entry: Entry) -> Answered {
    let alone = async |entry: &Entry| {
        let now = app.clock.now();
        app.db
            .transaction(async |conn| check_in(conn, entry, now).await)
            .await
    };
    let Some(event) = entry.lane() else {
        return alone(&entry).await;
    };
    let together = async |entries: &[std::sync::Arc<Entry>]| {
        let now = app.clock.now();
        let entries: Vec<&Entry> = entries.iter().map(|entry| &**entry).collect();
        app.db
            .transaction(async |conn| let_in(conn, &entries, now).await)
            .await
    };
    app.lanes
        .check_ins
        .run(event, entry, together, alone)
        .await?
}

impl Entry {
    pub fn new(app: &App, member: GateMember, wish: CheckIn) -> Self {
        let shown = wish.presented.scanned.read(&app.keys.tickets);
        Self {
            member,
            wish,
            shown,
        }
    }

    /// The event whose gates it may go together with.
    fn lane(&self) -> Option<EventId> {
        match (&self.shown, self.wish.direction) {
            (Shown::Code(Ok(credential)), Direction::Entry) => Some(credential.event),
            _ => None,
        }
    }

    fn credential(&self) -> Option<Credential> {
        match &self.shown {
            Shown::Code(read) => read.as_ref().ok().copied(),
            Shown::Ticket(_) => None,
        }
    }
}

/// Lets in whoever can be let in for the first time; `None` is left to be done alone. An error
/// means that nothing may be committed: somebody else was faster at one of the tickets.
async fn let_in(
    conn: &mut Conn,
    entries: &[&Entry],
    now: Timestamp,
) -> Result<Vec<Option<Answered>>, Problem> {
    let mut known = Known::find(conn, entries).await?;
    let mut scanned = Vec::new();
    let mut missing = HashMap::new();
    let mut answers = Vec::new();
    for entry in entries {
        let Some((found, list)) = known.take(entry, now) else {
            answers.push(None);
            continue;
        };
        if !found.knows(&list) {
            missing.insert(list.id, list.clone());
        }
        let (row, admission) = decide(entry, found, list, now)?;
        answers.push(Some(Ok(row.answer.clone())));
        scanned.push((row, admission));
    }
    for list in missing.values() {
        lists::ensure(conn, list).await?;
    }
    // Always in the same order, so that two processes never wait in a circle.
    scanned.sort_by_key(|(row, _)| row.ticket_id);
    let (rows, admissions): (Vec<_>, Vec<_>) = scanned.into_iter().unzip();
    let admissions: Vec<_> = admissions.into_iter().flatten().collect();
    let used: Vec<TicketId> = admissions.iter().map(|it| it.ticket_id).collect();
    admissions::insert_all(conn, admissions).await?;
    if tickets::mark_all_used(conn, &used, now).await? != used.len() {
        return Err(Problem::internal("a ticket was stopped meanwhile"));
    }
    for row in &rows {
        metrics::scanned(row.reason.as_str());
    }
    scans::insert_all(conn, rows).await?;
    Ok(answers)
}

/// The scan of a ticket that nobody has let in before, and its admission if it is good.
fn decide(
    entry: &Entry,
    mut found: Found,
    list: List,
    now: Timestamp,
) -> Result<(scans::Scan, Option<admissions::Admission>), Problem> {
    let id = ScanId::new();
    let reason = judge(&found, &list, now).err().unwrap_or(Reason::Ok);
    let admission = (reason == Reason::Ok).then(|| {
        found.card.ticket.note_used(now);
        admissions::Admission::new(found.card.ticket.id, &list, id, now)
    });
    let decision = Decision {
        reason,
        list: Some(list),
        card: Some(found.card),
        previous_scan: None,
    };
    Ok((entry.scan(id, &decision, now)?, admission))
}

/// What several scans need to know, each in one read.
struct Known {
    nonces: HashSet<(String, Option<String>)>,
    lists: HashMap<CheckinListId, List>,
    tickets: HashMap<TicketId, Found>,
}

impl Known {
    async fn find(conn: &mut Conn, entries: &[&Entry]) -> Result<Self, Problem> {
        let shown: Vec<(&GateMember, Credential)> = entries
            .iter()
            .filter_map(|entry| Some((&entry.member, entry.credential()?)))
            .collect();
        let nonces = entries
            .iter()
            .filter_map(|entry| Some((entry.scanner(), entry.wish.nonce.clone()?)))
            .collect();
        let named: HashSet<CheckinListId> = entries
            .iter()
            .filter_map(|entry| entry.wish.presented.list_id)
            .collect();
        let mut lists = HashMap::new();
        for id in named {
            lists.extend(lists::find(conn, id).await?.map(|list| (id, list)));
        }
        Ok(Self {
            nonces: scans::known_nonces(conn, nonces).await?,
            tickets: found::find_all(conn, &shown).await?,
            lists,
        })
    }

    /// The ticket of a scan that is simple, with its list; each ticket once.
    fn take(&mut self, entry: &Entry, now: Timestamp) -> Option<(Found, List)> {
        let nonce = (entry.scanner(), entry.wish.nonce.clone());
        if nonce.1.is_some() && !self.nonces.insert(nonce) {
            return None;
        }
        let named = match entry.wish.presented.list_id {
            Some(id) => Some(self.lists.get(&id)?.clone()),
            None => None,
        };
        if !named
            .as_ref()
            .is_none_or(|list| entry.member.serves(list.organizer_id))
        {
            return None;
        }
        let found = self.tickets.remove(&entry.credential()?.ticket)?;
        let is_new = found.card.ticket.used_at.is_none();
        let list = list_for(named, &found, now);
        is_new.then_some((found, list))
    }
}
