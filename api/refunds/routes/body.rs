//! Refunds as they are asked for.

use serde_json::Value;

use crate::http::body::{Fields, Flaw, FromBody};
use crate::http::parse;
use crate::id::{OrderId, PaymentId, TicketId};
use crate::money::parse_amount_minor;
use crate::refunds::{Asked, RefundReason, Target, Wish};

const TICKETS_MOST: usize = 500;

/// A wish for a refund, of a payment or of an order.
#[derive(utoipa::ToSchema)]
#[schema(as = NewRefund, example = json!({
    "order_id": "ord_01h455vb4pex5vsknk084sn02q",
    "ticket_ids": ["tkt_01h455vb4pex5vsknk084sn02q"], "reason": "requested_by_customer"
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct RefundShape {
    /// This or `order_id`.
    payment_id: Option<PaymentId>,
    order_id: Option<OrderId>,
    /// For finance; with neither this nor tickets, all that is left.
    amount_minor: Option<i64>,
    #[schema(max_items = 500)]
    ticket_ids: Option<Vec<TicketId>>,
    reason: RefundReason,
    #[schema(max_length = 500)]
    note: Option<String>,
    /// Whether the tickets end; of itself for tickets, and for all that is left.
    void_tickets: Option<bool>,
}

/// A wish for a refund, parsed.
pub struct RefundBody {
    pub order: Option<OrderId>,
    pub wish: Wish,
}

impl FromBody for RefundBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let payment = fields.optional("payment_id", parse::parsed("a payment's id"));
        let order: Option<Option<OrderId>> =
            fields.optional("order_id", parse::parsed("an order's id"));
        if matches!((&payment, &order), (Some(Some(_)), Some(Some(_)))) {
            let flaw = Flaw::new("not_allowed", "goes with payment_id not");
            fields.fault("order_id", flaw);
            return None;
        }
        let amount = fields.optional("amount_minor", parse_amount_minor);
        let tickets = fields.optional("ticket_ids", ticket_ids);
        let reasons = parse::one_of(RefundReason::NAMES, RefundReason::from_name);
        let reason = fields.required("reason", reasons);
        let note = fields.optional("note", parse::text(500));
        let void_tickets = fields.optional("void_tickets", parse::boolean);
        let asked = match (amount?, tickets?) {
            (None, None) => Asked::All,
            (Some(0), None) => {
                fields.fault("amount_minor", Flaw::new("out_of_range", "must be above 0"));
                return None;
            }
            (Some(amount), None) => Asked::Amount(amount),
            (None, Some(tickets)) => Asked::Tickets(tickets),
            (Some(_), Some(_)) => {
                let flaw = Flaw::new("not_allowed", "goes with amount_minor not");
                fields.fault("ticket_ids", flaw);
                return None;
            }
        };
        Some(Self {
            order: order?,
            wish: Wish {
                target: payment?.map_or(Target::Order, Target::Payment),
                asked,
                reason: reason?,
                note: note?,
                void_tickets: void_tickets?,
            },
        })
    }
}

fn ticket_ids(value: &Value) -> Result<Vec<TicketId>, Flaw> {
    let wrong = || Flaw::new("wrong_type", "must be a list of tickets' ids");
    let items = value.as_array().ok_or_else(wrong)?;
    if items.is_empty() || items.len() > TICKETS_MOST {
        let detail = format!("must hold 1 to {TICKETS_MOST} ids");
        return Err(Flaw::new("out_of_range", detail));
    }
    let ids = items.iter().map(parse::parsed("a ticket's id"));
    let mut ids: Vec<TicketId> = ids.collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
