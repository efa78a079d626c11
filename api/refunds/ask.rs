//! Asking for money back: how much, for what, and whether that may be.

use serde_json::json;

use super::store::{self, Covered};
use super::{Refund, RefundReason, RefundStatus, Source, UsedTickets, decide, policy};
use crate::app::App;
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::id::{PaymentId, RefundId, TicketId, UserId};
use crate::ledger::{self, Standing};
use crate::orders::{self, Order, OrderStatus};
use crate::payments::{self, Payment, Status};
use crate::tickets::{self, Ticket, TicketStatus};

/// What is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Payment(PaymentId),
    /// Whichever of the order's payments has most left.
    Order,
}

/// How much is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// All that is left.
    All,
    Amount(i64),
    Tickets(Vec<TicketId>),
}

/// A wish for a refund.
#[derive(Debug, Clone)]
pub struct Wish {
    pub target: Target,
    pub asked: Asked,
    pub reason: RefundReason,
    pub note: Option<String>,
    /// Whether what it covers ends with it; of itself for tickets and for all.
    pub void_tickets: Option<bool>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Of the organizer's finance: needs nobody's approval.
    Finance(UserId),
    Buyer(Option<UserId>),
}

impl Asker {
    fn name(self) -> String {
        match self {
            Self::Finance(user) | Self::Buyer(Some(user)) => user.to_string(),
            Self::Buyer(None) => "guest".to_owned(),
        }
    }
}

/// Writes a refund down and reserves its amount. The caller has locked the order.
pub async fn ask(
    conn: &mut Conn,
    order: &Order,
    wish: &Wish,
    asker: Asker,
    now: Timestamp,
) -> Result<Refund, Problem> {
    let payment = choose(conn, order, wish.target).await?;
    let standing = ledger::standing(conn, payment.id).await?;
    let left = payment.refundable();
    let good = good_tickets(conn, order, standing).await?;
    let cover = Cover::of(conn, order, wish, &good, left.minor).await?;
    let policy = policy::of_event(conn, order.event_id, now).await?;
    if let Asker::Buyer(_) = asker {
        policy.check_buyer(payment.completed_at.unwrap_or(now), now)?;
        if policy.used_tickets == UsedTickets::Refuse && cover.has_been_inside() {
            return Err(Problem::new(Code::TicketUsed));
        }
    }
    let is_approved = matches!(asker, Asker::Finance(_)) || policy.auto_approve;
    let mut refund = Refund::new(&payment, cover.amount_minor, asker.name(), now);
    refund.reason = wish.reason;
    refund.note = wish.note.clone();
    refund.is_full = cover.is_full;
    refund.voids = cover.voids;
    begin(conn, &payment, &refund, &cover.tickets).await?;
    if is_approved {
        let by = match asker {
            Asker::Finance(user) => user.to_string(),
            Asker::Buyer(_) => "policy".to_owned(),
        };
        refund = decide::approve_by(conn, refund, by, now).await?;
    }
    Ok(refund)
}

/// Gives back what came too late, twice, or was not what was asked for. The caller has locked
/// the order; nothing happens when it is given back already.
pub async fn give_back(
    conn: &mut Conn,
    payment: &Payment,
    reason: RefundReason,
    by: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let left = payment.refundable();
    if left.minor == 0 {
        return Ok(());
    }
    let mut refund = Refund::new(payment, left.minor, by.to_owned(), now);
    refund.source = Source::Automatic;
    refund.reason = reason;
    begin(conn, payment, &refund, &[]).await?;
    decide::approve_by(conn, refund, by.to_owned(), now).await?;
    Ok(())
}

/// The same, for a payment that was set aside.
pub async fn give_back_payment(app: &App, id: PaymentId) -> Result<(), Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let seen = payments::find(conn, id).await?;
            let order = orders::lock(conn, seen.order_id).await?;
            let payment = payments::find(conn, id).await?;
            let reason = match order.status {
                OrderStatus::Confirmed => RefundReason::Duplicate,
                _ => RefundReason::Other,
            };
            give_back(conn, &payment, reason, "system", now).await
        })
        .await
}

/// Reserves the amount and writes the refund down.
async fn begin(
    conn: &mut Conn,
    payment: &Payment,
    refund: &Refund,
    covered: &[Ticket],
) -> Result<(), Problem> {
    if !store::reserve(conn, payment.id, refund.amount_minor).await? {
        return Err(exceeds(payment.refundable().minor));
    }
    let covered = covered.iter().map(|ticket| Covered {
        refund_id: refund.id,
        ticket_id: ticket.id,
        active: true,
        was_suspended: ticket.status == TicketStatus::Suspended,
    });
    store::insert(conn, refund, covered.collect()).await?;
    record(
        conn,
        refund,
        &refund.requested_by,
        "refund.requested",
        refund.created_at,
    )
    .await
}

impl Refund {
    pub(super) fn new(
        payment: &Payment,
        amount_minor: i64,
        requested_by: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id: RefundId::new(),
            organizer_id: payment.organizer_id,
            order_id: payment.order_id,
            payment_id: payment.id,
            amount_minor,
            currency: payment.received().currency,
            status: RefundStatus::Requested,
            source: Source::Ours,
            reason: RefundReason::Other,
            note: None,
            voids: false,
            is_full: false,
            reference: new_reference(),
            attempt_no: 1,
            provider_refund_id: None,
            failure: None,
            requested_by,
            approved_by: None,
            submitted_at: None,
            next_sync_at: None,
            syncs: 0,
            completed_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

pub(super) fn new_reference() -> String {
    hex(&crate::random::bytes::<10>())
}

/// The payment that money goes back from.
async fn choose(conn: &mut Conn, order: &Order, target: Target) -> Result<Payment, Problem> {
    let not_refundable = || Problem::new(Code::PaymentNotRefundable);
    let paid = payments::of_order(conn, order.id).await?;
    let paid = paid.into_iter().filter(|it| it.status == Status::Succeeded);
    match target {
        Target::Payment(id) => paid
            .into_iter()
            .find(|payment| payment.id == id)
            .ok_or_else(not_refundable),
        Target::Order => paid
            .max_by_key(|payment| payment.refundable().minor)
            .ok_or_else(not_refundable),
    }
}

/// The order's tickets that are good, if this is the money that paid for them: giving back what
/// came twice ends nothing.
async fn good_tickets(
    conn: &mut Conn,
    order: &Order,
    standing: Option<Standing>,
) -> Result<Vec<Ticket>, Problem> {
    if standing != Some(Standing::Earned) {
        return Ok(Vec::new());
    }
    tickets::of_order(conn, order.id).await
}

fn is_good(ticket: &Ticket) -> bool {
    matches!(
        ticket.status,
        TicketStatus::Valid | TicketStatus::Used | TicketStatus::Suspended
    )
}

/// What a refund is for.
struct Cover {
    amount_minor: i64,
    tickets: Vec<Ticket>,
    voids: bool,
    is_full: bool,
}

impl Cover {
    async fn of(
        conn: &mut Conn,
        order: &Order,
        wish: &Wish,
        tickets: &[Ticket],
        left_minor: i64,
    ) -> Result<Self, Problem> {
        let good: Vec<Ticket> = tickets.iter().filter(|it| is_good(it)).cloned().collect();
        let ids: Vec<TicketId> = good.iter().map(|ticket| ticket.id).collect();
        let busy = store::covered_of(conn, &ids).await?;
        let free = |ticket: &Ticket| !busy.contains(&ticket.id);
        let cover = match &wish.asked {
            Asked::All => Self {
                amount_minor: left_minor,
                tickets: good.into_iter().filter(free).collect(),
                voids: wish.void_tickets.unwrap_or(true),
                is_full: true,
            },
            Asked::Amount(amount) => {
                let is_full = *amount == left_minor && busy.is_empty();
                let voids = wish.void_tickets.unwrap_or(is_full);
                Self {
                    amount_minor: *amount,
                    tickets: if voids { good } else { Vec::new() },
                    voids,
                    is_full,
                }
            }
            Asked::Tickets(wanted) => {
                let chosen = chosen(wanted, tickets)?;
                if chosen.iter().any(|ticket| !free(ticket)) {
                    return Err(Problem::new(Code::RefundInProgress));
                }
                Self {
                    amount_minor: price_of(conn, order, &chosen).await?,
                    tickets: chosen,
                    voids: wish.void_tickets.unwrap_or(true),
                    is_full: false,
                }
            }
        };
        if cover.amount_minor == 0 || cover.amount_minor > left_minor {
            return Err(exceeds(left_minor));
        }
        Ok(cover)
    }

    fn has_been_inside(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.used_at.is_some())
    }
}

/// The tickets that are named, if all of them are good.
fn chosen(wanted: &[TicketId], tickets: &[Ticket]) -> Result<Vec<Ticket>, Problem> {
    let mut chosen = Vec::new();
    for (index, id) in wanted.iter().enumerate() {
        let found = tickets.iter().find(|ticket| ticket.id == *id);
        let ticket = found.ok_or_else(|| {
            let detail = "the payment paid for no such ticket";
            Problem::invalid_member(&format!("/ticket_ids/{index}"), "not_found", detail)
        })?;
        match ticket.status {
            TicketStatus::Void => return Err(Problem::new(Code::TicketVoid)),
            TicketStatus::Reserved => return Err(Problem::new(Code::TicketNotIssued)),
            TicketStatus::Valid | TicketStatus::Used | TicketStatus::Suspended => {
                chosen.push(ticket.clone());
            }
        }
    }
    Ok(chosen)
}

/// What tickets were sold for.
async fn price_of(conn: &mut Conn, order: &Order, tickets: &[Ticket]) -> Result<i64, Problem> {
    let items = orders::items_of(conn, order.id).await?;
    let price = |ticket: &Ticket| {
        let item = items.iter().find(|item| item.id == ticket.order_item_id);
        item.map_or(0, |item| item.unit_price_minor)
    };
    let prices = tickets.iter().map(price);
    Ok(prices.fold(0, i64::saturating_add))
}

fn exceeds(left_minor: i64) -> Problem {
    Problem::new(Code::RefundExceedsPayment).member("refundable_minor", left_minor)
}

/// Writes what happened to a refund into the audit log.
pub(super) async fn record(
    conn: &mut Conn,
    refund: &Refund,
    actor: &str,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(refund.organizer_id),
        actor: actor.to_owned(),
        action,
        object: refund.id.to_string(),
        at,
    };
    let content = json!({"payment": refund.payment_id, "amount_minor": refund.amount_minor});
    entry.write(conn, &content).await
}
