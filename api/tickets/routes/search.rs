//! Lists of tickets.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;

use super::view::TicketView;
use crate::accounts::SignedIn;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::page::PageRequest;
use crate::http::parse;
use crate::http::query::{Query, as_text, names};
use crate::id::{EventId, EventSessionId, OrderId, TicketId};
use crate::organizers;
use crate::tickets::TicketStatus;
use crate::tickets::card::{self, Holder, TicketFilter};

/// A page of tickets.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"data": [], "has_more": false, "next_cursor": null}))]
struct TicketPage {
    data: Vec<TicketView>,
    has_more: bool,
    /// Give it as `after` to get the next page.
    next_cursor: Option<String>,
    /// How many there are in all, with `include_total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
}

/// List one's tickets
///
/// Those of one's own orders. Newest first.
#[utoipa::path(
    tag = "Tickets", operation_id = "list_my_tickets", security(("user" = [])),
    params(
        ("event_id" = Option<EventId>, Query),
        ("session_id" = Option<EventSessionId>, Query),
        ("status" = Option<String>, Query, description = "One or more of reserved, valid, used, suspended, void"),
        ("include_total" = Option<bool>, Query, description = "Adds `count`"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = TicketPage, description = "A page of tickets"))
)]
#[get("/me/tickets")]
pub async fn mine(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let verified = caller.user.email_verified_at.is_some();
    let holder = Holder::Buyer {
        user: caller.user.id,
        verified_email: verified.then(|| caller.user.email.clone()),
    };
    answer(&app, &request, holder, false).await
}

/// List tickets
///
/// Those of the organizers that one manages. Newest first.
#[utoipa::path(
    tag = "Tickets", operation_id = "list_tickets", security(("user" = [])),
    params(
        ("event_id" = Option<EventId>, Query),
        ("order_id" = Option<OrderId>, Query),
        ("session_id" = Option<EventSessionId>, Query),
        ("status" = Option<String>, Query, description = "One or more of reserved, valid, used, suspended, void"),
        ("serial" = Option<String>, Query),
        ("include_total" = Option<bool>, Query, description = "Adds `count`"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200),
        ("after" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses((status = 200, body = TicketPage, description = "A page of tickets")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/tickets")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let managed = organizers::managed_by(&mut conn, &caller).await?;
    drop(conn);
    if managed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(Code::Forbidden));
    }
    answer(&app, &request, Holder::Organizers(managed), true).await
}

async fn answer(
    app: &App,
    request: &HttpRequest,
    holder: Holder,
    for_staff: bool,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(request);
    let page = PageRequest::read(request, &mut query);
    let mut filter = read_filter(&mut query);
    if for_staff {
        filter.order_id = query.optional("order_id", as_text(parse::parsed("an order's id")));
        filter.serial = query.optional("serial", as_text(parse::line(40)));
    }
    let total = query.optional("include_total", |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(crate::http::body::Flaw::new(
            "not_allowed",
            "must be true or false",
        )),
    });
    query.finish()?;
    let after: Option<TicketId> = page.after()?;
    let mut conn = app.db.read().await?;
    let cards = card::list(&mut conn, &holder, &filter, after, page.fetch_limit()).await?;
    let count = match total {
        Some(true) => Some(card::count(&mut conn, &holder, &filter).await?),
        _ => None,
    };
    let page = page.page(cards, |card| card.ticket.id, TicketView::from)?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(TicketPage {
        data: page.data,
        has_more: page.has_more,
        next_cursor: page.next_cursor,
        count,
    }))
}

fn read_filter(query: &mut Query) -> TicketFilter {
    let statuses = names(TicketStatus::NAMES, TicketStatus::from_name);
    TicketFilter {
        event_id: query.optional("event_id", as_text(parse::parsed("an event's id"))),
        session_id: query.optional("session_id", as_text(parse::parsed("a session's id"))),
        statuses: query.optional("status", statuses).unwrap_or_default(),
        ..TicketFilter::default()
    }
}
