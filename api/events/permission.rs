//! Who may see and who may change an event: argument types of handlers that carry the row.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{Event, EventStatus, store};
use crate::accounts::SignedIn;
use crate::accounts::membership::MemberRole;
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::id::EventId;
use crate::organizers;

/// The event of the path's `id` (its id or slug), if the caller may see it: a draft is seen
/// by its organizer's managers and admins only.
pub struct VisibleEvent {
    pub event: Event,
    /// Whether the caller may change it, and so sees what is hidden.
    pub is_managed: bool,
}

/// A visible event that the caller may change.
pub struct EventManager {
    pub by: SignedIn,
    pub event: Event,
}

async fn find(conn: &mut Conn, request: &HttpRequest) -> Result<Event, Problem> {
    let text: String = path::segment(request, "id")?;
    let found = match text.parse::<EventId>() {
        Ok(id) => store::find(conn, id).await?,
        // No slug has a control character; not every database may be asked for one.
        Err(_) if text.chars().any(char::is_control) => None,
        Err(_) => store::find_by_slug(conn, &text).await?,
    };
    found.ok_or_else(|| Problem::new(Code::NotFound))
}

async fn manages(
    conn: &mut Conn,
    caller: Option<&SignedIn>,
    event: &Event,
) -> Result<bool, Problem> {
    let Some(caller) = caller else {
        return Ok(false);
    };
    let role = organizers::role_of(conn, caller, event.organizer_id).await?;
    Ok(role == Some(MemberRole::Manager))
}

impl FromRequest for VisibleEvent {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = SignedIn::find(&request).await?;
            let mut conn = connect(&request).await?;
            let event = find(&mut conn, &request).await?;
            let is_managed = manages(&mut conn, caller.as_ref(), &event).await?;
            if is_managed || event.status != EventStatus::Draft {
                Ok(Self { event, is_managed })
            } else {
                Err(Problem::new(Code::NotFound))
            }
        })
    }
}

impl FromRequest for EventManager {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let mut conn = connect(&request).await?;
            let event = find(&mut conn, &request).await?;
            if manages(&mut conn, Some(&by), &event).await? {
                Ok(Self { by, event })
            } else if event.status == EventStatus::Draft {
                Err(Problem::new(Code::NotFound))
            } else {
                Err(Problem::new(Code::Forbidden))
            }
        })
    }
}

async fn connect(request: &HttpRequest) -> Result<Conn, Problem> {
    let app = App::of(request)?;
    Ok(app.db.find().await?)
}
