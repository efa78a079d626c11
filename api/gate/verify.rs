//! Looking at a ticket.

use super::admissions;
use super::check_in::{GateTicket, PreviousScan, previous_scan};
use super::found::{find_gathered, find_list, identify, list_for};
use super::judge::judge;
use super::{GateMember, Presented, Reason};
use crate::app::App;
use crate::error::Problem;

/// What is said about a ticket that nobody lets in yet.
pub struct Verdict {
    pub reason: Reason,
    pub ticket: Option<GateTicket>,
    pub previous_scan: Option<PreviousScan>,
}

/// Says whether a ticket would be let in, and changes nothing.
pub async fn verify(
    app: &App,
    member: &GateMember,
    presented: &Presented,
) -> Result<Verdict, Problem> {
    let now = app.clock.now();
    // Who waits with others keeps no connection from those who go.
    let named = match presented.list_id {
        Some(_) => find_list(&mut app.db.find().await?, member, presented).await?,
        None => None,
    };
    let shown = presented.scanned.read(&app.keys.tickets);
    let find = async |id| app.gathers.tickets.find(&app.db, id, find_gathered).await;
    let found = match identify(member, &shown, find).await? {
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
            let mut conn = app.db.find().await?;
            let newest = admissions::newest(&mut conn, found.card.ticket.id, list.id).await?;
            match newest.filter(admissions::Admission::bars) {
                Some(admission) => {
                    let previous = previous_scan(&mut conn, admission.opened_by).await?;
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
