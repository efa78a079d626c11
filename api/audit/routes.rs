//! Reading and proving the audit log.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{AuditFilter, AuditRow, Verification};
use crate::accounts::SignedIn;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::{Query, as_text};
use crate::id::{AuditId, OrganizerId};
use crate::organizers;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(verify).service(list);
}

/// One thing that was done.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AuditEntry, example = json!({
    "id": "aud_01h455vb4pex5vsknk084sn02q", "organizer_id": "org_01h455vb4pex5vsknk084sn02q",
    "actor": "usr_01h455vb4pex5vsknk084sn02q", "action": "event.published",
    "object": "evt_01h455vb4pex5vsknk084sn02q",
    "digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "at": "2027-01-05T08:00:00Z", "seq": 17,
    "hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
}))]
struct EntryView {
    id: AuditId,
    organizer_id: Option<OrganizerId>,
    /// A user's id, or `system`.
    actor: String,
    action: String,
    object: String,
    /// SHA-256 of what was changed.
    digest: String,
    at: Timestamp,
    /// Its number in the sealed chain; null until it is sealed.
    seq: Option<i64>,
    hash: Option<String>,
}

impl From<AuditRow> for EntryView {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            organizer_id: row.organizer_id,
            actor: row.actor,
            action: row.action,
            object: row.object,
            digest: row.digest,
            at: row.at,
            seq: row.seq,
            hash: row.hash,
        }
    }
}

/// Read the audit log
///
/// Managers see what concerns their organizers, admins everything.
#[utoipa::path(
    tag = "Audit", operation_id = "list_audit_log", security(("user" = [])),
    params(
        ("actor" = Option<String>, Query),
        ("action" = Option<String>, Query),
        ("object" = Option<String>, Query),
        ("at[gte]" = Option<Timestamp>, Query),
        ("at[lte]" = Option<Timestamp>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<EntryView>, description = "Newest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/audit-log")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let organizers = readable(&app, &caller).await?;
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let filter = AuditFilter {
        organizers,
        actor: query.optional("actor", as_text(parse::name)),
        action: query.optional("action", as_text(parse::name)),
        object: query.optional("object", as_text(parse::name)),
        at_gte: query.optional("at[gte]", as_text(parse::instant)),
        at_lte: query.optional("at[lte]", as_text(parse::instant)),
    };
    query.finish()?;
    let mut conn = app.db.read().await?;
    let rows = super::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |row| row.id, EntryView::from)?;
    Ok(page.respond())
}

/// Prove the audit log
///
/// Walks the whole chain and names the first entry that was altered, removed or put in.
#[utoipa::path(
    tag = "Audit", operation_id = "verify_audit_log", security(("user" = [])),
    responses((
        status = 200, body = Verification, description = "Whether the log is as it was written",
        example = json!({"ok": true, "checked": 128, "unsealed": 2})
    )),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/audit-log/verify")]
async fn verify(app: web::Data<App>, caller: SignedIn) -> Result<HttpResponse, Problem> {
    readable(&app, &caller).await?;
    let verification = super::verify(&app.db).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(verification))
}

/// Whose entries the caller may read; `None` means everybody's.
async fn readable(app: &App, caller: &SignedIn) -> Result<Option<Vec<OrganizerId>>, Problem> {
    let mut conn = app.db.read().await?;
    match organizers::managed_by(&mut conn, caller).await? {
        Some(managed) if managed.is_empty() => Err(Problem::new(Code::Forbidden)),
        managed => Ok(managed),
    }
}
