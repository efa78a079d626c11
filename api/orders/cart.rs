//! What somebody wants to buy, looked up in our own rows: prices come from nowhere else.

use std::collections::HashMap;

use crate::booths::{self, BoothType};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Fault, Problem};
use crate::events::{Event, EventStatus};
use crate::id::{BoothId, BoothTypeId, EventSessionId, InventoryId, TicketTypeId};
use crate::inventory::{self, Inventory, Sale, SaleStatus};
use crate::money::Money;
use crate::tickets::Attendee;

/// How many tickets one order may have, whatever its event allows.
const TICKETS_MOST: i64 = 500;

/// A type as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<T> {
    Id(T),
    Slug(String),
}

/// For whom a booth is.
#[derive(Debug, Clone)]
pub struct BoothContact {
    pub company_name: String,
    pub contact_person: String,
    pub contact_email: String,
    pub contact_phone: String,
    pub requirements: Option<String>,
}

/// One line as it was asked for.
#[derive(Debug, Clone)]
pub enum ItemRequest {
    Tickets {
        kind: Choice<TicketTypeId>,
        quantity: i64,
        attendees: Vec<Attendee>,
    },
    Booth {
        kind: Choice<BoothTypeId>,
        booth_id: Option<BoothId>,
        /// Left out where nothing is ordered yet.
        contact: Option<BoothContact>,
    },
}

/// One line with its type and price.
pub struct Line {
    pub item: LineItem,
    pub name: String,
    pub quantity: i64,
    pub unit_price: Money,
    pub total: Money,
    /// How much of it is left just now.
    pub available: i64,
}

pub enum LineItem {
    Tickets {
        sale: Box<Sale>,
        attendees: Vec<Attendee>,
    },
    Booth {
        kind: Box<BoothType>,
        booth_id: Option<BoothId>,
        contact: Option<BoothContact>,
    },
}

/// Everything that is wanted of one event, with its price.
pub struct Cart {
    pub event: Event,
    pub session: Option<EventSessionId>,
    pub lines: Vec<Line>,
    pub total: Money,
}

impl Cart {
    /// Looks up every line. Types of other events do not exist here; a hidden type is found
    /// by its id only.
    pub async fn fill(
        conn: &mut Conn,
        event: Event,
        session: Option<EventSessionId>,
        requests: &[ItemRequest],
        now: Timestamp,
    ) -> Result<Self, Problem> {
        check_event(&event, now)?;
        let types = Types::find(conn, &event, requests).await?;
        Self::of(&types, &event, session, requests, now)
    }

    /// Every line, of types that were looked up.
    pub(super) fn of(
        types: &Types,
        event: &Event,
        session: Option<EventSessionId>,
        requests: &[ItemRequest],
        now: Timestamp,
    ) -> Result<Self, Problem> {
        check_event(event, now)?;
        let mut faults = Vec::new();
        let mut lines = Vec::new();
        let mut total = Money::new(0, event.currency);
        for (index, request) in requests.iter().enumerate() {
            match types.line(event, request, index) {
                Ok(line) => {
                    total = add(total, &line, index)?;
                    lines.push(line);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let cart = Self {
            event: event.clone(),
            session,
            lines,
            total,
        };
        cart.check_quantities()?;
        cart.check_sessions()?;
        cart.check_on_sale(now)?;
        Ok(cart)
    }

    fn tickets(&self) -> impl Iterator<Item = (usize, &Sale, i64)> {
        self.lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| match &line.item {
                LineItem::Tickets { sale, .. } => Some((index, sale.as_ref(), line.quantity)),
                LineItem::Booth { .. } => None,
            })
    }

    /// A type's limits hold for all its lines together.
    fn check_quantities(&self) -> Result<(), Problem> {
        let mut sums: HashMap<TicketTypeId, i64> = HashMap::new();
        let mut all: i64 = 0;
        for (_, sale, quantity) in self.tickets() {
            *sums.entry(sale.ticket_type.id).or_default() += quantity;
            all += quantity;
        }
        let most_of_order = self.event.max_per_order.min(TICKETS_MOST);
        let mut faults = Vec::new();
        for (index, sale, _) in self.tickets() {
            let kind = &sale.ticket_type;
            let quantity = sums.get(&kind.id).copied().unwrap_or_default();
            let most = kind
                .max_per_order
                .unwrap_or(most_of_order)
                .min(most_of_order);
            if quantity < kind.min_per_order || quantity > most {
                let least = kind.min_per_order;
                let detail = format!("{}: from {least} to {most} in one order", kind.name);
                faults.push(fault(index, "quantity", Code::QuantityOutOfRange, detail));
            } else if all > most_of_order {
                let detail = format!("at most {most_of_order} tickets in one order");
                faults.push(fault(index, "quantity", Code::QuantityOutOfRange, detail));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(faults))
        }
    }

    /// A type of one session is not sold for another.
    fn check_sessions(&self) -> Result<(), Problem> {
        for (index, sale, _) in self.tickets() {
            let of_type = sale.ticket_type.session_id;
            if self.session.is_some() && of_type.is_some() && of_type != self.session {
                let code = Code::TicketTypeNotFound;
                let detail = "it is for another session";
                return Err(Problem::invalid(vec![fault(
                    index,
                    "ticket_type_id",
                    code,
                    detail,
                )]));
            }
        }
        Ok(())
    }

    fn check_on_sale(&self, now: Timestamp) -> Result<(), Problem> {
        let refuse = |detail: String| Err(Problem::new(Code::EventNotOnSale).detail(detail));
        for (_, sale, _) in self.tickets() {
            let name = &sale.ticket_type.name;
            match sale.status(now) {
                SaleStatus::NotStarted => return refuse(format!("{name} is not on sale yet.")),
                SaleStatus::Ended => return refuse(format!("{name} is not on sale any more.")),
                SaleStatus::Available | SaleStatus::Low | SaleStatus::SoldOut => {}
            }
        }
        Ok(())
    }
}

/// A draft is refused before anything of it is told.
fn check_event(event: &Event, now: Timestamp) -> Result<(), Problem> {
    let detail = match event.status {
        EventStatus::Published if event.ends_at.is_some_and(|end| end <= now) => {
            "The event is over."
        }
        EventStatus::Published => return Ok(()),
        EventStatus::Draft | EventStatus::Canceled => "The event is not published.",
    };
    Err(Problem::new(Code::EventNotOnSale).detail(detail))
}

fn add(total: Money, line: &Line, index: usize) -> Result<Money, Problem> {
    total.checked_add(line.total).ok_or_else(|| {
        let detail = "the order's total would be too large";
        let pointer = format!("/items/{index}/quantity");
        Problem::invalid_member(&pointer, "out_of_range", detail)
    })
}

fn fault(index: usize, member: &str, code: Code, detail: impl Into<String>) -> Fault {
    Fault {
        pointer: format!("/items/{index}/{member}"),
        code: code.as_str().to_owned(),
        detail: detail.into(),
    }
}

/// Every type that requests name, of one event.
pub(super) struct Types {
    sales: Vec<Sale>,
    booths: Vec<BoothType>,
    free_booths: HashMap<BoothTypeId, i64>,
}

impl Types {
    pub async fn find(
        conn: &mut Conn,
        event: &Event,
        requests: impl IntoIterator<Item = &ItemRequest>,
    ) -> Result<Self, Problem> {
        let (mut ticket_ids, mut ticket_slugs) = (Vec::new(), Vec::new());
        let (mut booth_ids, mut booth_slugs) = (Vec::new(), Vec::new());
        for request in requests {
            match request {
                ItemRequest::Tickets { kind, .. } => match kind {
                    Choice::Id(id) => ticket_ids.push(*id),
                    Choice::Slug(slug) => ticket_slugs.push(slug.clone()),
                },
                ItemRequest::Booth { kind, .. } => match kind {
                    Choice::Id(id) => booth_ids.push(*id),
                    Choice::Slug(slug) => booth_slugs.push(slug.clone()),
                },
            }
        }
        let mut types = Self {
            sales: Vec::new(),
            booths: Vec::new(),
            free_booths: HashMap::new(),
        };
        if !(ticket_ids.is_empty() && ticket_slugs.is_empty()) {
            types.sales = inventory::find_named(conn, event.id, &ticket_ids, &ticket_slugs).await?;
        }
        if !(booth_ids.is_empty() && booth_slugs.is_empty()) {
            types.booths = booths::find_named(conn, event.id, &booth_ids, &booth_slugs).await?;
            let ids: Vec<BoothTypeId> = types.booths.iter().map(|kind| kind.id).collect();
            types.free_booths = booths::count_free(conn, &ids).await?;
        }
        Ok(types)
    }

    /// The stock that a type of these draws on.
    pub fn stock(&self, id: InventoryId) -> Option<&Inventory> {
        let mut stocks = self.sales.iter().map(|sale| &sale.inventory);
        stocks.find(|stock| stock.id == id)
    }

    fn line(&self, event: &Event, request: &ItemRequest, index: usize) -> Result<Line, Fault> {
        match request {
            ItemRequest::Tickets {
                kind,
                quantity,
                attendees,
            } => self.tickets(event, kind, *quantity, attendees, index),
            ItemRequest::Booth {
                kind,
                booth_id,
                contact,
            } => self.booth(event, kind, *booth_id, contact.clone(), index),
        }
    }

    fn tickets(
        &self,
        event: &Event,
        kind: &Choice<TicketTypeId>,
        quantity: i64,
        attendees: &[Attendee],
        index: usize,
    ) -> Result<Line, Fault> {
        let found = self.sales.iter().find(|sale| match kind {
            Choice::Id(id) => sale.ticket_type.id == *id,
            Choice::Slug(slug) => sale.ticket_type.slug == *slug && !sale.ticket_type.hidden,
        });
        let sale = found.ok_or_else(|| {
            let (member, code) = (member_of(kind, "ticket_type"), Code::TicketTypeNotFound);
            fault(index, &member, code, "the event has no such ticket type")
        })?;
        let unit_price = Money::new(sale.ticket_type.price_minor, event.currency);
        let total = unit_price.checked_mul(quantity).ok_or_else(|| {
            fault(
                index,
                "quantity",
                Code::QuantityOutOfRange,
                "too many for its price",
            )
        })?;
        Ok(Line {
            name: sale.ticket_type.name.clone(),
            quantity,
            unit_price,
            total,
            available: sale.available(),
            item: LineItem::Tickets {
                sale: Box::new(sale.clone()),
                attendees: attendees.to_vec(),
            },
        })
    }

    fn booth(
        &self,
        event: &Event,
        kind: &Choice<BoothTypeId>,
        booth_id: Option<BoothId>,
        contact: Option<BoothContact>,
        index: usize,
    ) -> Result<Line, Fault> {
        let found = self.booths.iter().find(|found| match kind {
            Choice::Id(id) => found.id == *id,
            Choice::Slug(slug) => found.slug == *slug,
        });
        let found = found.ok_or_else(|| {
            let (member, code) = (member_of(kind, "booth_type"), Code::BoothTypeNotFound);
            fault(index, &member, code, "the event has no such booth type")
        })?;
        let price = Money::new(found.price_minor, event.currency);
        Ok(Line {
            name: found.name.clone(),
            quantity: 1,
            unit_price: price,
            total: price,
            available: self.free_booths.get(&found.id).copied().unwrap_or_default(),
            item: LineItem::Booth {
                kind: Box::new(found.clone()),
                booth_id,
                contact,
            },
        })
    }
}

fn member_of<T>(kind: &Choice<T>, name: &str) -> String {
    match kind {
        Choice::Id(_) => format!("{name}_id"),
        Choice::Slug(_) => name.to_owned(),
    }
}
