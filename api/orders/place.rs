//! Placing orders: look up, insert, take the stock, all in the caller's transaction.

mod open;
mod rows;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::open::OpenOrders;
use super::cart::{Cart, ItemRequest, LineItem, Types};
use super::holds::{self, HoldStatus};
use super::store::bookings::{self, Booking};
use super::{Buyer, Item, Order, confirm, store};
use crate::audit;
use crate::booths;
use crate::config::{Config, LatePaymentPolicy};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::events::{self, Event};
use crate::id::{EventId, EventSessionId, InventoryId, OrderId, UserId};
use crate::inventory::{self, Portion, Taken};
use crate::money::Currency;
use crate::tickets::{self, NewTickets, Ticket};

/// What this installation has settled about orders.
#[derive(Debug, Clone)]
pub struct Terms {
    pub hold_ttl: Duration,
    pub hold_max: Duration,
    pub late_payment_policy: LatePaymentPolicy,
    pub limits_open_orders: bool,
    /// Where the front end shows an order.
    pub order_url: String,
}

impl Terms {
    pub fn of(config: &Config) -> Self {
        Self {
            hold_ttl: config.hold_ttl,
            hold_max: config.hold_max,
            late_payment_policy: config.late_payment_policy,
            limits_open_orders: config.rate_limits,
            order_url: config.order_url.clone(),
        }
    }
}

/// An order as it is asked for.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub event_id: EventId,
    pub session_id: Option<EventSessionId>,
    pub items: Vec<ItemRequest>,
    pub buyer: Buyer,
    /// What the client believes; only compared.
    pub currency: Option<Currency>,
    pub expected_total_minor: Option<i64>,
    pub locale: Option<String>,
    pub description: Option<String>,
    pub metadata: Map<String, Value>,
}

/// Who places an order, and from where.
pub struct Placed {
    pub owner: Option<UserId>,
    /// A keyed digest of the client's address.
    pub origin: String,
    pub at: Timestamp,
}

/// An order that is asked for, and by whom.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub new: &'a NewOrder,
    pub by: &'a Placed,
}

/// An order that was placed, with what it was made of.
pub struct PlacedOrder {
    pub order: Order,
    pub items: Vec<Item>,
    pub tickets: Vec<Ticket>,
}

/// Places an order; one that costs nothing is confirmed at once.
///
/// Refused with `sold_out` or `booth_taken` when the stock does not suffice: the caller's
/// transaction then rolls everything back.
pub async fn place(
    conn: &mut Conn,
    terms: &Terms,
    new: &NewOrder,
    by: &Placed,
) -> Result<Order, Problem> {
    let placed = place_all(conn, terms, &[Wish { new, by }]).await?;
    let only = placed.into_iter().next();
    let only = only.ok_or_else(|| Problem::internal("an order was lost"))??;
    Ok(only.order)
}

/// Places orders of one event in the order in which they came, in one statement a table.
///
/// Each is refused by itself for what can be told before anything is written, the stock too. An
/// error for all of them means that nothing may be committed: somebody else took the stock
/// meanwhile, or one of the booths.
pub async fn place_all(
    conn: &mut Conn,
    terms: &Terms,
    wishes: &[Wish<'_>],
) -> Result<Vec<Result<PlacedOrder, Problem>>, Problem> {
    let Some(first) = wishes.first() else {
        return Ok(Vec::new());
    };
    let event = find_event(conn, first.new.event_id).await?;
    let mut sieve = Sieve {
        sessions: sessions_of(conn, &event, wishes).await?,
        types: Types::find(conn, &event, wishes.iter().flat_map(|wish| &wish.new.items)).await?,
        open: OpenOrders::count(conn, terms, wishes).await?,
        taken: HashMap::new(),
        event,
    };
    let mut outcomes = Vec::new();
    let mut drafts = Vec::new();
    for wish in wishes {
        let cart = sieve.admit(*wish);
        outcomes.push(cart.map(|cart| drafts.push(Draft::new(cart, terms, *wish))));
    }
    write(conn, &drafts).await?;
    let mut tickets = reserve_tickets(conn, &drafts).await?;
    take_stock(conn, &drafts).await?;
    let mut placed = Vec::new();
    for Draft { order, items, .. } in drafts {
        let order = match order.total_minor {
            0 => {
                let now = order.created_at;
                confirm(conn, order, terms, now).await?
            }
            _ => order,
        };
        let tickets = tickets.remove(&order.id).unwrap_or_default();
        placed.push(PlacedOrder {
            order,
            items,
            tickets,
        });
    }
    let mut placed = placed.into_iter();
    let lost = || Problem::internal("an order was lost");
    let outcome = |admitted: Result<(), Problem>| match admitted {
        Ok(()) => Ok(Ok(placed.next().ok_or_else(lost)?)),
        Err(refused) => Ok(Err(refused)),
    };
    outcomes.into_iter().map(outcome).collect()
}

/// What orders are judged by before anything is written.
struct Sieve {
    event: Event,
    sessions: HashSet<EventSessionId>,
    types: Types,
    open: OpenOrders,
    /// What those that were let through will take.
    taken: HashMap<InventoryId, i64>,
}

impl Sieve {
    fn admit(&mut self, wish: Wish<'_>) -> Result<Cart, Problem> {
        let Wish { new, by } = wish;
        if let Some(session) = new.session_id
            && !self.sessions.contains(&session)
        {
            let detail = "the event has no such session";
            return Err(Problem::invalid_member("/session_id", "not_found", detail));
        }
        let cart = Cart::of(&self.types, &self.event, new.session_id, &new.items, by.at)?;
        check_assertions(&cart, new)?;
        self.open.check(wish)?;
        let portions = inventory::portions(portions_of(&cart));
        for (id, quantity) in &portions {
            let taken = self.taken.get(id).copied().unwrap_or_default();
            if let Some(stock) = self.types.stock(*id)
                && stock.available() - taken < *quantity
            {
                return Err(inventory::sold_out(stock, taken));
            }
        }
        for (id, quantity) in portions {
            *self.taken.entry(id).or_default() += quantity;
        }
        self.open.note(wish);
        Ok(cart)
    }
}

/// An order that is about to be written.
struct Draft {
    order: Order,
    items: Vec<Item>,
    cart: Cart,
    owner: Option<UserId>,
}

impl Draft {
    fn new(cart: Cart, terms: &Terms, wish: Wish<'_>) -> Self {
        let order = rows::order(&cart, terms, wish);
        Self {
            items: rows::items(&cart, order.id, order.created_at),
            owner: wish.by.owner,
            order,
            cart,
        }
    }
}

async fn find_event(conn: &mut Conn, id: EventId) -> Result<Event, Problem> {
    let event = events::find(conn, id).await?;
    event.ok_or_else(|| Problem::invalid_member("/event_id", "not_found", "there is no such event"))
}

/// Those of the sessions that are asked for which the event has.
async fn sessions_of(
    conn: &mut Conn,
    event: &Event,
    wishes: &[Wish<'_>],
) -> Result<HashSet<EventSessionId>, Problem> {
    let asked: HashSet<_> = wishes.iter().filter_map(|it| it.new.session_id).collect();
    let mut found = HashSet::new();
    for session in asked {
        if events::has_session(conn, event.id, session).await? {
            found.insert(session);
        }
    }
    Ok(found)
}

/// What the client believes about the price must be so; it never makes it so.
fn check_assertions(cart: &Cart, new: &NewOrder) -> Result<(), Problem> {
    if new.currency.is_some_and(|it| it != cart.event.currency) {
        let detail = format!("The event sells in {}.", cart.event.currency.code());
        return Err(Problem::new(Code::CurrencyNotSupported).detail(detail));
    }
    match new.expected_total_minor {
        Some(expected) if expected != cart.total.minor => {
            let detail = format!("The total is {}.", cart.total);
            let mut problem = Problem::new(Code::PriceChanged).detail(detail);
            let total = json!(cart.total.minor);
            problem.members.insert("total_minor".to_owned(), total);
            Err(problem)
        }
        _ => Ok(()),
    }
}

async fn write(conn: &mut Conn, drafts: &[Draft]) -> Result<(), Problem> {
    let orders = drafts.iter().map(|draft| draft.order.clone()).collect();
    let items = drafts
        .iter()
        .flat_map(|draft| draft.items.clone())
        .collect();
    store::insert(conn, orders, items).await?;
    let mut entries = Vec::new();
    for Draft { order, owner, .. } in drafts {
        let content = json!({"event": order.event_id, "total_minor": order.total_minor});
        let entry = entry(order, *owner, "order.placed", order.created_at);
        entries.push(entry.row(&content)?);
    }
    Ok(audit::insert_all(conn, entries).await?)
}

async fn reserve_tickets(
    conn: &mut Conn,
    drafts: &[Draft],
) -> Result<HashMap<OrderId, Vec<Ticket>>, Problem> {
    let Some(first) = drafts.first() else {
        return Ok(HashMap::new());
    };
    let lines = drafts
        .iter()
        .flat_map(|draft| rows::tickets(&draft.order, &draft.cart, &draft.items));
    let lines: Vec<NewTickets<'_>> = lines.collect();
    let mut of_orders: HashMap<OrderId, Vec<Ticket>> = HashMap::new();
    for ticket in tickets::reserve(conn, &lines, first.order.created_at).await? {
        of_orders.entry(ticket.order_id).or_default().push(ticket);
    }
    Ok(of_orders)
}

fn portions_of(cart: &Cart) -> impl Iterator<Item = Portion> {
    cart.lines.iter().filter_map(|line| match &line.item {
        LineItem::Tickets { sale, .. } => Some((sale.inventory.id, line.quantity)),
        LineItem::Booth { .. } => None,
    })
}

/// Notes what is held and takes it: stock first, then booths, each in ascending order.
async fn take_stock(conn: &mut Conn, drafts: &[Draft]) -> Result<(), Problem> {
    let Some(now) = drafts.first().map(|draft| draft.order.created_at) else {
        return Ok(());
    };
    let mut held = Vec::new();
    for Draft { order, cart, .. } in drafts {
        let stock = inventory::portions(portions_of(cart));
        held.extend(holds::of_stock(order, &stock, HoldStatus::Active, now));
    }
    holds::insert(conn, held).await?;
    let all = drafts.iter().flat_map(|draft| portions_of(&draft.cart));
    inventory::take(conn, all.collect(), Taken::Held, now).await?;
    let mut booked: Vec<Booking> = Vec::new();
    let mut held = Vec::new();
    for Draft {
        order, cart, items, ..
    } in drafts
    {
        for (chosen, kind, item, contact) in rows::booths(cart, items) {
            let booth = match chosen {
                Some(id) => booths::hold_chosen(conn, kind, id, now).await?,
                None => booths::hold_any(conn, kind, now).await?,
            };
            booked.push(rows::booking(order.id, item, booth.id, contact, now));
            held.extend(holds::of_booths(
                order,
                &[booth.id],
                HoldStatus::Active,
                now,
            ));
        }
    }
    bookings::insert(conn, booked).await?;
    holds::insert(conn, held).await
}

/// What happened to an order, for the audit log; by nobody means by its guest.
fn entry(
    order: &Order,
    actor: Option<UserId>,
    action: &'static str,
    at: Timestamp,
) -> audit::Entry<'static> {
    audit::Entry {
        organizer: Some(order.organizer_id),
        actor: actor.map_or_else(|| "guest".to_owned(), |user| user.to_string()),
        action,
        object: order.id.to_string(),
        at,
    }
}

/// Writes what happened to an order into the audit log; by nobody means by its guest.
pub(super) async fn record(
    conn: &mut Conn,
    order: &Order,
    actor: Option<UserId>,
    action: &'static str,
    at: Timestamp,
    content: &Value,
) -> Result<(), Problem> {
    entry(order, actor, action, at).write(conn, content).await
}
