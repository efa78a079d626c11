//! Finding events.

use actix_web::{HttpRequest, HttpResponse, get, web};

use super::body::EventView;
use crate::accounts::MaybeSignedIn;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::events::store::{self, EventFilter, EventSort};
use crate::events::{Event, EventStatus};
use crate::http::body::Flaw;
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text, names};
use crate::id::{EventId, OrganizerId};
use crate::money::{Currency, parse_currency};
use crate::organizers;

/// How many words a search may have.
const WORDS_MOST: usize = 8;

/// The order that `sort` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Newest,
    StartsAt { descending: bool },
    Name { descending: bool },
}

impl Sort {
    fn parse(text: &str) -> Result<Self, Flaw> {
        match text {
            "starts_at" => Ok(Self::StartsAt { descending: false }),
            "-starts_at" => Ok(Self::StartsAt { descending: true }),
            "name" => Ok(Self::Name { descending: false }),
            "-name" => Ok(Self::Name { descending: true }),
            _ => {
                let detail = "must be starts_at, -starts_at, name or -name";
                Err(Flaw::new("not_allowed", detail))
            }
        }
    }
}

/// Find events
///
/// Everybody finds the published ones; managers their own drafts too. `q` looks for all its
/// words in name, description, category and place.
#[utoipa::path(
    tag = "Events", operation_id = "list_events", security((), ("user" = [])),
    params(
        ("q" = Option<String>, Query, description = "Words to look for"),
        ("category" = Option<String>, Query),
        ("city" = Option<String>, Query),
        ("country" = Option<String>, Query),
        ("starts_at[gte]" = Option<Timestamp>, Query, description = "Starts then or later"),
        ("starts_at[lte]" = Option<Timestamp>, Query, description = "Starts then or earlier"),
        ("currency" = Option<Currency>, Query),
        ("organizer_id" = Option<OrganizerId>, Query),
        ("status" = Option<String>, Query, description = "One or more of draft, published, canceled"),
        ("sort" = Option<String>, Query, description = "starts_at, -starts_at, name or -name; newest first if left out"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<EventView>, description = "A page of events"))
)]
#[get("/events")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: MaybeSignedIn,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let sort = query.optional("sort", Sort::parse).unwrap_or(Sort::Newest);
    let mut filter = read_filter(&mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    filter.drafts_of = match &caller.0 {
        Some(caller) => organizers::managed_by(&mut conn, caller).await?,
        None => Some(Vec::new()),
    };
    let order = match sort {
        Sort::Newest => EventSort::Newest(page.after()?),
        Sort::StartsAt { descending } => EventSort::StartsAt {
            descending,
            after: page.after()?,
        },
        Sort::Name { descending } => EventSort::Name {
            descending,
            after: page.after()?,
        },
    };
    let events = store::list(&mut conn, &filter, &order, page.fetch_limit()).await?;
    Ok(respond(&page, sort, events)?.respond())
}

fn read_filter(query: &mut Query) -> EventFilter {
    EventFilter {
        drafts_of: None,
        words: query.optional("q", words).unwrap_or_default(),
        category: query.optional("category", as_text(parse::name)),
        city: query.optional("city", as_text(parse::name)),
        country: query.optional("country", as_text(parse::name)),
        starts_at_gte: query.optional("starts_at[gte]", as_text(parse::instant)),
        starts_at_lte: query.optional("starts_at[lte]", as_text(parse::instant)),
        currency: query.optional("currency", as_text(parse_currency)),
        organizer_id: query.optional("organizer_id", as_text(parse::parsed("an organizer's id"))),
        statuses: query
            .optional("status", names(EventStatus::NAMES, EventStatus::from_name))
            .unwrap_or_default(),
    }
}

fn words(text: &str) -> Result<Vec<String>, Flaw> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.len() > WORDS_MOST || text.chars().count() > parse::NAME_CHARS {
        return Err(Flaw::new("too_long", format!("at most {WORDS_MOST} words")));
    }
    Ok(words)
}

/// The page, with a cursor that holds what the list is sorted by.
fn respond(page: &PageRequest, sort: Sort, events: Vec<Event>) -> Result<Page<EventView>, Problem> {
    match sort {
        Sort::Newest => page.page(
            events,
            |event: &Event| -> EventId { event.id },
            EventView::from,
        ),
        Sort::StartsAt { .. } => {
            page.page(events, |event| (event.starts_at, event.id), EventView::from)
        }
        Sort::Name { .. } => page.page(
            events,
            |event| (event.name.clone(), event.id),
            EventView::from,
        ),
    }
}
