//! Taking a scan back: the wrong guest, the wrong button.

use super::scans::{self, Scan};
use super::{Direction, Reason, ScanResult, admissions};
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::{ScanId, TicketId, UserId};
use crate::tickets;

/// Undoes an accepted scan, once, while nothing has followed it. The undoing is a scan too.
pub async fn undo(
    conn: &mut Conn,
    scan: &Scan,
    actor: UserId,
    reason: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::InvalidTransition).detail(detail));
    let (Some(ticket), ScanResult::Accepted) = (scan.ticket_id, scan.result) else {
        return refuse("It let nobody in or out.");
    };
    let row = Scan {
        id: ScanId::new(),
        scanner: actor.to_string(),
        nonce: None,
        direction: Direction::Undo,
        reason: Reason::Ok,
        note: Some(reason.to_owned()),
        undoes: Some(scan.id),
        answer: String::new(),
        at: now,
        ..scan.clone()
    };
    if !scans::insert(conn, &row).await? {
        return refuse("It is undone already.");
    }
    let is_undone = match scan.direction {
        Direction::Entry => undo_entry(conn, scan.id, ticket, now).await?,
        Direction::Exit => admissions::undo_exit(conn, scan.id).await?,
        Direction::Undo => false,
    };
    if !is_undone {
        return refuse("Something has followed it.");
    }
    let entry = audit::Entry {
        organizer: scan.organizer_id,
        actor: actor.to_string(),
        action: "scan.undone",
        object: ticket.to_string(),
        at: now,
    };
    entry.write(conn, &(scan.id, reason)).await
}

async fn undo_entry(
    conn: &mut Conn,
    scan: ScanId,
    ticket: TicketId,
    now: Timestamp,
) -> Result<bool, Problem> {
    if !admissions::undo_entry(conn, scan).await? {
        return Ok(false);
    }
    if !admissions::any(conn, ticket).await? {
        tickets::mark_unused(conn, ticket, now).await?;
    }
    Ok(true)
}
