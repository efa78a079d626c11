//! Scans as they are asked for.

use crate::gate::{CheckIn, Direction, Presented, Scanned};
use crate::http::body::{Fields, Flaw, FromBody};
use crate::http::parse;
use crate::id::{CheckinListId, TicketId};

const CODE_MOST: usize = 1_000;

/// A code to look at.
#[derive(utoipa::ToSchema)]
#[schema(as = VerifyTicket, example = json!({"code": "TG1:…"}))]
pub struct VerifyBody {
    /// What the scanner read.
    #[schema(max_length = 1000)]
    pub code: String,
    /// The event's default list, if left out.
    pub list_id: Option<CheckinListId>,
}

impl FromBody for VerifyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", parse::line(CODE_MOST));
        let list_id = fields.optional("list_id", parse::parsed("a check-in list's id"));
        Some(Self {
            code: code?,
            list_id: list_id?,
        })
    }
}

/// A scan.
#[derive(utoipa::ToSchema)]
#[schema(as = NewCheckin, example = json!({
    "code": "TG1:…", "direction": "entry", "nonce": "scanner-7-000123", "gate": "North"
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct CheckInShape {
    /// What the scanner read; or `ticket_id`.
    #[schema(max_length = 1000)]
    code: Option<String>,
    ticket_id: Option<TicketId>,
    /// Why it is done by hand; needed with `ticket_id`.
    #[schema(max_length = 500)]
    reason_note: Option<String>,
    list_id: Option<CheckinListId>,
    direction: Option<Direction>,
    /// The scanner's own number of this scan.
    #[schema(max_length = 100)]
    nonce: Option<String>,
    #[schema(max_length = 100)]
    gate: Option<String>,
}

/// A scan's body, parsed.
pub struct CheckInBody(pub CheckIn);

impl FromBody for CheckInBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let scanned = read_scanned(fields);
        let rest = Rest::read(fields);
        Some(Self(rest?.with(scanned?)))
    }
}

fn read_scanned(fields: &mut Fields<'_>) -> Option<Scanned> {
    match (fields.has("code"), fields.has("ticket_id")) {
        (true, false) => {
            let code = fields.required("code", parse::line(CODE_MOST));
            // It may be there; it is not needed.
            fields.optional("reason_note", parse::text(500))?;
            code.map(Scanned::Code)
        }
        (false, true) => {
            let id = fields.required("ticket_id", parse::parsed("a ticket's id"));
            let note = fields.required("reason_note", parse::text(500));
            Some(Scanned::Ticket {
                id: id?,
                note: note?,
            })
        }
        _ => {
            let detail = "give either code or ticket_id";
            fields.fault("code", Flaw::new("required", detail));
            fields.optional("code", parse::line(CODE_MOST));
            fields.optional::<TicketId>("ticket_id", parse::parsed("a ticket's id"));
            fields.optional("reason_note", parse::text(500));
            None
        }
    }
}

/// What every scan may say.
struct Rest {
    list_id: Option<CheckinListId>,
    direction: Direction,
    nonce: Option<String>,
    gate: Option<String>,
}

impl Rest {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let list_id = fields.optional("list_id", parse::parsed("a check-in list's id"));
        let direction = parse::one_of(&["entry", "exit"], |name| match name {
            "entry" => Some(Direction::Entry),
            "exit" => Some(Direction::Exit),
            _ => None,
        });
        let direction = fields.optional("direction", direction);
        let nonce = fields.optional("nonce", parse::line(100));
        let gate = fields.optional("gate", parse::line(100));
        Some(Self {
            list_id: list_id?,
            direction: direction?.unwrap_or(Direction::Entry),
            nonce: nonce?,
            gate: gate?,
        })
    }

    fn with(self, scanned: Scanned) -> CheckIn {
        CheckIn {
            presented: Presented {
                scanned,
                list_id: self.list_id,
            },
            direction: self.direction,
            nonce: self.nonce,
            gate: self.gate,
        }
    }
}

/// A scan by hand.
#[derive(utoipa::ToSchema)]
#[schema(as = NewTicketCheckin, example = json!({"reason_note": "Lost her phone, showed her passport"}))]
pub struct TicketCheckInBody {
    #[schema(max_length = 500)]
    reason_note: String,
    list_id: Option<CheckinListId>,
    direction: Direction,
    #[schema(max_length = 100)]
    nonce: Option<String>,
    #[schema(max_length = 100)]
    gate: Option<String>,
}

impl FromBody for TicketCheckInBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason_note = fields.required("reason_note", parse::text(500));
        let rest = Rest::read(fields)?;
        Some(Self {
            reason_note: reason_note?,
            list_id: rest.list_id,
            direction: rest.direction,
            nonce: rest.nonce,
            gate: rest.gate,
        })
    }
}

impl TicketCheckInBody {
    pub fn for_ticket(self, id: TicketId) -> CheckIn {
        let rest = Rest {
            list_id: self.list_id,
            direction: self.direction,
            nonce: self.nonce,
            gate: self.gate,
        };
        rest.with(Scanned::Ticket {
            id,
            note: self.reason_note,
        })
    }
}
