//! What staff and buyers do with a ticket: name who comes, replace its code, stop it.

use std::time::Duration;

use serde_json::json;

use super::{Ticket, TicketStatus, store};
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::UserId;

/// How often a day a buyer may replace a ticket's code.
const REISSUES_A_DAY: usize = 3;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Replaces a ticket's code: the one before is revoked. The caller has locked the ticket.
pub async fn reissue(
    conn: &mut Conn,
    ticket: &Ticket,
    actor: Option<UserId>,
    by_buyer: bool,
    now: Timestamp,
) -> Result<Ticket, Problem> {
    match ticket.status {
        TicketStatus::Valid | TicketStatus::Used => {}
        TicketStatus::Reserved => return Err(Problem::new(Code::TicketNotIssued)),
        TicketStatus::Void => return Err(Problem::new(Code::TicketVoid)),
        TicketStatus::Suspended => return Err(Problem::new(Code::TicketSuspended)),
    }
    if by_buyer {
        let since = now.minus(DAY);
        let (object, buyer) = (ticket.id.to_string(), actor_name(actor));
        let done = audit::of_objects(conn, &[object]).await?;
        // What staff replaced is not the buyer's doing.
        let reissues = done
            .iter()
            .filter(|row| row.action == "ticket.reissued" && row.actor == buyer && row.at > since);
        if reissues.count() >= REISSUES_A_DAY {
            let detail = format!("A code can be replaced {REISSUES_A_DAY} times a day.");
            return Err(Problem::new(Code::RateLimited)
                .detail(detail)
                .retry_after(DAY.as_secs() / 24));
        }
    }
    if ticket.credential_version >= i64::from(u16::MAX) {
        return Err(Problem::new(Code::InvalidTransition).detail("It was replaced too often."));
    }
    let ticket = store::raise_credential(conn, ticket.id, now).await?;
    record(conn, &ticket, actor, "ticket.reissued", "", now).await?;
    Ok(ticket)
}

/// Ends a ticket for good. A used one cannot be: suspend it.
pub async fn end(
    conn: &mut Conn,
    ticket: &Ticket,
    actor: Option<UserId>,
    reason: &str,
    now: Timestamp,
) -> Result<Ticket, Problem> {
    use TicketStatus::{Reserved, Suspended, Valid, Void};
    let ticket = move_to(conn, ticket, &[Reserved, Valid, Suspended], Void, now).await?;
    record(conn, &ticket, actor, "ticket.voided", reason, now).await?;
    Ok(ticket)
}

/// Stops a ticket for a while, or lets it be what it was again.
pub async fn set_suspended(
    conn: &mut Conn,
    ticket: &Ticket,
    suspended: bool,
    actor: Option<UserId>,
    reason: &str,
    now: Timestamp,
) -> Result<Ticket, Problem> {
    use TicketStatus::{Suspended, Used, Valid};
    let (from, to, action): (&[TicketStatus], _, _) = if suspended {
        (&[Valid, Used], Suspended, "ticket.suspended")
    } else {
        let before = if ticket.used_at.is_some() {
            Used
        } else {
            Valid
        };
        (&[Suspended], before, "ticket.reinstated")
    };
    let ticket = move_to(conn, ticket, from, to, now).await?;
    record(conn, &ticket, actor, action, reason, now).await?;
    Ok(ticket)
}

async fn move_to(
    conn: &mut Conn,
    ticket: &Ticket,
    from: &[TicketStatus],
    to: TicketStatus,
    now: Timestamp,
) -> Result<Ticket, Problem> {
    let moved = store::set_status(conn, ticket.id, from, to, now).await?;
    moved.ok_or_else(|| {
        let detail = format!("It is {}.", ticket.status.as_str());
        Problem::new(Code::InvalidTransition).detail(detail)
    })
}

fn actor_name(actor: Option<UserId>) -> String {
    actor.map_or_else(|| "guest".to_owned(), |user| user.to_string())
}

/// Writes what happened to a ticket into the audit log.
pub async fn record(
    conn: &mut Conn,
    ticket: &Ticket,
    actor: Option<UserId>,
    action: &str,
    reason: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(ticket.organizer_id),
        actor: actor_name(actor),
        action,
        object: ticket.id.to_string(),
        at,
    };
    let content = json!({"reason": reason, "credential_version": ticket.credential_version});
    entry.write(conn, &content).await
}
