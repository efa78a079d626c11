//! Letting a guest in or out.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::found::{Found, Shown, find, find_list, identify, list_for};
use super::judge::{belongs, judge};
use super::lists::{self, List};
use super::scans::{self, Scan};
use super::{Direction, GateMember, Presented, Reason, ScanResult, Scanned, admissions};
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

/// A wish of somebody at a gate, with what was held up.
pub struct Entry {
    pub member: GateMember,
    pub wish: CheckIn,
    pub(super) shown: Shown,
}

/// Lets a guest in or out, once; every scan is kept. The caller's transaction is the whole of
/// it. Answers JSON text: the same to the same nonce.
pub async fn check_in(conn: &mut Conn, entry: &Entry, now: Timestamp) -> Result<String, Problem> {
    if let Some(answer) = repeated(conn, entry).await? {
        return Ok(answer);
    }
    let scanned = conn
        .transaction(async |conn| scan(conn, entry, now).await)
        .await;
    match scanned {
        // The same nonce at the same moment: the other one was first.
        Err(problem) if problem.code == Code::IdempotencyInProgress => {
            let answer = repeated(conn, entry).await?;
            answer.ok_or(problem)
        }
        other => other,
    }
}

/// What the same scanner was answered to the same nonce before.
async fn repeated(conn: &mut Conn, entry: &Entry) -> Result<Option<String>, Problem> {
    let Some(nonce) = &entry.wish.nonce else {
        return Ok(None);
    };
    let earlier = scans::find_by_nonce(conn, &entry.scanner(), nonce).await?;
    match earlier {
        None => Ok(None),
        Some(earlier) if earlier.code_digest != digest(&entry.wish.presented.scanned) => {
            Err(Problem::new(Code::NonceReused))
        }
        Some(earlier) => Ok(Some(earlier.answer)),
    }
}

async fn scan(conn: &mut Conn, entry: &Entry, now: Timestamp) -> Result<String, Problem> {
    let Entry {
        member,
        wish,
        shown,
    } = entry;
    let id = ScanId::new();
    let named = find_list(conn, member, &wish.presented).await?;
    let decision = match identify(member, shown, async |id| find(conn, id).await).await? {
        Err(reason) => {
            if let Some(list) = &named {
                lists::ensure(conn, list).await?;
            }
            Decision {
                reason,
                list: named,
                card: None,
                previous_scan: None,
            }
        }
        Ok(mut found) => {
            let list = list_for(named, &found, now);
            if !found.knows(&list) {
                lists::ensure(conn, &list).await?;
            }
            let (reason, previous_scan) =
                admit(conn, &mut found, &list, wish.direction, id, now).await?;
            Decision {
                reason,
                list: Some(list),
                card: Some(found.card),
                previous_scan,
            }
        }
    };
    let row = entry.scan(id, &decision, now)?;
    if !scans::insert(conn, &row).await? {
        return Err(Problem::new(Code::IdempotencyInProgress).retry_after(1));
    }
    record_by_hand(conn, entry, &decision, now).await?;
    metrics::scanned(decision.reason.as_str());
    Ok(row.answer)
}

/// What was decided about one scan.
pub(super) struct Decision {
    pub reason: Reason,
    pub list: Option<List>,
    pub card: Option<Card>,
    pub previous_scan: Option<PreviousScan>,
}

impl Entry {
    /// Who scans.
    pub(super) fn scanner(&self) -> String {
        self.member.by.user.id.to_string()
    }

    /// The row that keeps a scan, with its answer.
    pub(super) fn scan(
        &self,
        id: ScanId,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<Scan, Problem> {
        let Decision {
            reason,
            list,
            card,
            previous_scan,
        } = decision;
        let wish = &self.wish;
        let answer = Answer {
            result: match reason {
                Reason::Ok => ScanResult::Accepted,
                _ => ScanResult::Rejected,
            },
            reason: *reason,
            message: match (reason, wish.direction) {
                (Reason::Ok, Direction::Exit) => "Goodbye",
                (reason, _) => reason.message(),
            },
            scan_id: id,
            ticket: card.as_ref().map(GateTicket::from),
            previous_scan: previous_scan.clone(),
        };
        let of_card = card.as_ref().map(|card| &card.ticket);
        let organizer = of_card.map(|ticket| ticket.organizer_id);
        let event = of_card.map(|ticket| ticket.event_id);
        Ok(Scan {
            id,
            organizer_id: organizer
                .or(list.as_ref().map(|list| list.organizer_id))
                .or(self.member.first_organizer()),
            event_id: event.or(list.as_ref().map(|list| list.event_id)),
            list_id: list.as_ref().map(|list| list.id),
            ticket_id: of_card.map(|ticket| ticket.id),
            scanner: self.scanner(),
            nonce: wish.nonce.clone(),
            code_digest: digest(&wish.presented.scanned),
            direction: wish.direction,
            result: answer.result,
            reason: *reason,
            note: match &wish.presented.scanned {
                Scanned::Ticket { note, .. } => Some(note.clone()),
                Scanned::Code(_) => None,
            },
            gate: wish.gate.clone(),
            undoes: None,
            answer: serde_json::to_string(&answer).map_err(Problem::internal)?,
            at: now,
        })
    }
}

/// Who is let in or out without a code is remembered in the audit log.
async fn record_by_hand(
    conn: &mut Conn,
    entry: &Entry,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), Problem> {
    let (Scanned::Ticket { note, .. }, Some(card), Reason::Ok) = (
        &entry.wish.presented.scanned,
        &decision.card,
        decision.reason,
    ) else {
        return Ok(());
    };
    let action = match entry.wish.direction {
        Direction::Exit => "ticket.let_out_by_hand",
        Direction::Entry | Direction::Undo => "ticket.let_in_by_hand",
    };
    let actor = Some(entry.member.by.user.id);
    tickets::record(conn, &card.ticket, actor, action, note, now).await
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
    found.card.ticket.note_used(now);
    Ok((Reason::Ok, None))
}

pub(super) async fn previous_scan(
    conn: &mut Conn,
    id: ScanId,
) -> Result<Option<PreviousScan>, Problem> {
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
