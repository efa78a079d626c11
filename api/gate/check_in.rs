//! Looking at a ticket, and letting its guest in or out.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::found::{Found, identify};
use super::judge::{belongs, judge};
use super::lists::{self, List};
use super::scans::{self, Scan};
use super::{Direction, GateMember, Presented, Reason, ScanResult, Scanned, admissions};
use crate::app::App;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::id::{ScanId, TicketId};
use crate::metrics;
use crate::tickets::{self, Card, TicketStatus};

/// A wish to come in or go out.
#[derive(Debug, Clone)]
pub struct CheckIn {
    pub presented: Presented,
    pub direction: Direction,
    /// The scanner's own number of this scan: the same twice is the same scan.
    pub nonce: Option<String>,
    /// Which door, for people.
    pub gate: Option<String>,
}

/// What a gate may know of a ticket.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ScannedTicket, example = json!({
    "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
    "status": "used", "event_name": "Sauti za Busara", "ticket_type_name": "VIP",
    "attendee_name": "Juma Said", "issued_at": "2027-01-05T08:01:00Z",
    "used_at": "2027-02-11T13:02:11Z"
}))]
pub struct GateTicket {
    pub ticket_id: TicketId,
    pub serial: String,
    pub status: TicketStatus,
    pub event_name: String,
    pub ticket_type_name: String,
    pub attendee_name: Option<String>,
    pub issued_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

impl From<&Card> for GateTicket {
    fn from(card: &Card) -> Self {
        Self {
            ticket_id: card.ticket.id,
            serial: card.ticket.serial.clone(),
            status: card.ticket.status,
            event_name: card.event.name.clone(),
            ticket_type_name: card.type_name.clone(),
            attendee_name: card.ticket.attendee_name.clone(),
            issued_at: card.ticket.issued_at,
            used_at: card.ticket.used_at,
        }
    }
}

/// The scan that let a ticket in before.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "scan_id": "scn_01h455vb4pex5vsknk084sn02q", "at": "2027-02-11T13:02:11Z", "gate": "North"
}))]
pub struct PreviousScan {
    pub scan_id: ScanId,
    pub at: Timestamp,
    pub gate: Option<String>,
}

/// What is said about a ticket that nobody lets in yet.
pub struct Verdict {
    pub reason: Reason,
    pub ticket: Option<GateTicket>,
    pub previous_scan: Option<PreviousScan>,
}

/// What a gate is answered, and what is repeated to the same nonce.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CheckinAnswer, example = json!({
    "result": "accepted", "reason": "ok", "message": "Welcome",
    "scan_id": "scn_01h455vb4pex5vsknk084sn02q",
    "ticket": {
        "ticket_id": "tkt_01h455vb4pex5vsknk084sn02q", "serial": "TKT-7QX4-M2RK-8ZN",
        "status": "used", "event_name": "Sauti za Busara", "ticket_type_name": "VIP",
        "attendee_name": "Juma Said", "issued_at": "2027-01-05T08:01:00Z",
        "used_at": "2027-02-11T13:02:11Z"
    },
    "previous_scan": null
}))]
pub struct Answer {
    pub result: ScanResult,
    pub reason: Reason,
    #[schema(example = "Welcome")]
    pub message: &'static str,
    pub scan_id: ScanId,
    pub ticket: Option<GateTicket>,
    pub previous_scan: Option<PreviousScan>,
}

/// Says whether a ticket would be let in, and changes nothing.
pub async fn verify(
    conn: &mut Conn,
    app: &App,
    member: &GateMember,
    presented: &Presented,
) -> Result<Verdict, Problem> {
    let now = app.clock.now();
    let named = find_list(conn, member, presented).await?;
    let found = identify(conn, &app.keys.tickets, member, &presented.scanned).await?;
    let found = match found {
        Ok(found) => found,
        Err(reason) => {
            return Ok(Verdict {
                reason,
                ticket: None,
                previous_scan: None,
            });
        }
    };
    let list = list_for(named, &found, now);
    let ticket = Some(GateTicket::from(&found.card));
    let (reason, previous_scan) = match judge(&found, &list, now) {
        Err(reason) => (reason, None),
        // Who never came in is not inside: one read is enough.
        Ok(()) if found.card.ticket.used_at.is_none() => (Reason::Ok, None),
        Ok(()) => {
            let newest = admissions::newest(conn, found.card.ticket.id, list.id).await?;
            match newest.filter(admissions::Admission::bars) {
                Some(admission) => {
                    let previous = previous_scan(conn, admission.opened_by).await?;
                    (Reason::AlreadyUsed, previous)
                }
                None => (Reason::Ok, None),
            }
        }
    };
    Ok(Verdict {
        reason,
        ticket,
        previous_scan,
    })
}

/// Lets a guest in or out, once; every scan is kept. The caller's transaction is the whole of
/// it. Answers JSON text: the same to the same nonce.
pub async fn check_in(
    conn: &mut Conn,
    app: &App,
    member: &GateMember,
    wish: &CheckIn,
) -> Result<String, Problem> {
    if let Some(answer) = repeated(conn, member, wish).await? {
        return Ok(answer);
    }
    let scanned = conn
        .transaction(async |conn| scan(conn, app, member, wish).await)
        .await;
    match scanned {
        // The same nonce at the same moment: the other one was first.
        Err(problem) if problem.code == Code::IdempotencyInProgress => {
            let answer = repeated(conn, member, wish).await?;
            answer.ok_or(problem)
        }
        other => other,
    }
}

/// What the same scanner was answered to the same nonce before.
async fn repeated(
    conn: &mut Conn,
    member: &GateMember,
    wish: &CheckIn,
) -> Result<Option<String>, Problem> {
    let Some(nonce) = &wish.nonce else {
        return Ok(None);
    };
    let scanner = member.by.user.id.to_string();
    let earlier = scans::find_by_nonce(conn, &scanner, nonce).await?;
    match earlier {
        None => Ok(None),
        Some(earlier) if earlier.code_digest != digest(&wish.presented.scanned) => {
            Err(Problem::new(Code::NonceReused))
        }
        Some(earlier) => Ok(Some(earlier.answer)),
    }
}

async fn scan(
    conn: &mut Conn,
    app: &App,
    member: &GateMember,
    wish: &CheckIn,
) -> Result<String, Problem> {
    let (now, id) = (app.clock.now(), ScanId::new());
    let named = find_list(conn, member, &wish.presented).await?;
    let found = identify(conn, &app.keys.tickets, member, &wish.presented.scanned).await?;
    let (reason, list, card, previous_scan) = match found {
        Err(reason) => {
            if let Some(list) = &named {
                lists::ensure(conn, list).await?;
            }
            (reason, named, None, None)
        }
        Ok(mut found) => {
            let list = list_for(named, &found, now);
            let is_known = |known: &List| known.id == list.id;
            if list.is_default && !found.default_list.as_ref().is_some_and(is_known) {
                lists::ensure(conn, &list).await?;
            }
            let (reason, previous) =
                admit(conn, &mut found, &list, wish.direction, id, now).await?;
            (reason, Some(list), Some(found.card), previous)
        }
    };
    let answer = Answer {
        result: match reason {
            Reason::Ok => ScanResult::Accepted,
            _ => ScanResult::Rejected,
        },
        reason,
        message: match (reason, wish.direction) {
            (Reason::Ok, Direction::Exit) => "Goodbye",
            (reason, _) => reason.message(),
        },
        scan_id: id,
        ticket: card.as_ref().map(GateTicket::from),
        previous_scan,
    };
    let row = Scan {
        id,
        organizer_id: match &card {
            Some(card) => Some(card.ticket.organizer_id),
            None => list
                .as_ref()
                .map(|list| list.organizer_id)
                .or(member.first_organizer()),
        },
        event_id: match &card {
            Some(card) => Some(card.ticket.event_id),
            None => list.as_ref().map(|list| list.event_id),
        },
        list_id: list.as_ref().map(|list| list.id),
        ticket_id: card.as_ref().map(|card| card.ticket.id),
        scanner: member.by.user.id.to_string(),
        nonce: wish.nonce.clone(),
        code_digest: digest(&wish.presented.scanned),
        direction: wish.direction,
        result: answer.result,
        reason,
        note: match &wish.presented.scanned {
            Scanned::Ticket { note, .. } => Some(note.clone()),
            Scanned::Code(_) => None,
        },
        gate: wish.gate.clone(),
        undoes: None,
        answer: serde_json::to_string(&answer).map_err(Problem::internal)?,
        at: now,
    };
    if !scans::insert(conn, &row).await? {
        return Err(Problem::new(Code::IdempotencyInProgress).retry_after(1));
    }
    if let (Some(card), Some(note), Reason::Ok) = (&card, &row.note, reason) {
        let action = match wish.direction {
            Direction::Exit => "ticket.let_out_by_hand",
            Direction::Entry | Direction::Undo => "ticket.let_in_by_hand",
        };
        tickets::record(
            conn,
            &card.ticket,
            Some(member.by.user.id),
            action,
            note,
            now,
        )
        .await?;
    }
    metrics::scanned(reason.as_str());
    Ok(row.answer)
}

/// Opens or closes an admission, if the ticket is good for that.
async fn admit(
    conn: &mut Conn,
    found: &mut Found,
    list: &List,
    direction: Direction,
    scan: ScanId,
    now: Timestamp,
) -> Result<(Reason, Option<PreviousScan>), Problem> {
    let id = found.card.ticket.id;
    if direction == Direction::Exit {
        if let Err(reason) = belongs(found, list) {
            return Ok((reason, None));
        }
        let left = admissions::close(conn, id, list.id, scan, now).await?;
        let reason = if left {
            Reason::Ok
        } else {
            Reason::ExitWithoutEntry
        };
        return Ok((reason, None));
    }
    if let Err(reason) = judge(found, list, now) {
        return Ok((reason, None));
    }
    if !admissions::open(conn, id, list, scan, now).await? {
        let newest = admissions::newest(conn, id, list.id).await?;
        let previous = match newest {
            Some(admission) => previous_scan(conn, admission.opened_by).await?,
            None => None,
        };
        return Ok((Reason::AlreadyUsed, previous));
    }
    if !tickets::mark_used(conn, id, now).await? {
        // It was stopped while this scan was under way.
        return Err(Problem::new(Code::InvalidTransition));
    }
    let ticket = &mut found.card.ticket;
    ticket.status = TicketStatus::Used;
    ticket.used_at = ticket.used_at.or(Some(now));
    Ok((Reason::Ok, None))
}

/// The list that is named, if it is one of the caller's organizers'. A default list that is
/// not written down yet is found by its event, which has its number.
async fn find_list(
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
            let event = crate::id::EventId::from_uuid(id.uuid());
            let event = crate::events::find(conn, event).await?;
            event.map(|event| List::default_of(event.id, event.organizer_id, event.created_at))
        }
    };
    let list = list.filter(|list| member.serves(list.organizer_id));
    let unknown = || Problem::invalid_member("/list_id", "not_found", "there is no such list");
    list.map(Some).ok_or_else(unknown)
}

/// The list that is named, else the default one of the ticket's event.
fn list_for(named: Option<List>, found: &Found, now: Timestamp) -> List {
    let ticket = &found.card.ticket;
    named
        .or_else(|| found.default_list.clone())
        .unwrap_or_else(|| List::default_of(ticket.event_id, ticket.organizer_id, now))
}

async fn previous_scan(conn: &mut Conn, id: ScanId) -> Result<Option<PreviousScan>, Problem> {
    let scan = scans::find(conn, id).await?;
    Ok(scan.map(|scan| PreviousScan {
        scan_id: scan.id,
        at: scan.at,
        gate: scan.gate,
    }))
}

/// What was scanned, so that it can be told apart and not be used.
fn digest(scanned: &Scanned) -> String {
    let text = match scanned {
        Scanned::Code(code) => code.trim().to_owned(),
        Scanned::Ticket { id, .. } => id.to_string(),
    };
    hex(&Sha256::digest(text))
}
