//! What was mailed, and mailing it again.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{self, EmailFilter, EmailRow};
use super::{EmailStatus, Template};
use crate::accounts::SignedIn;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text};
use crate::http::{parse, path};
use crate::id::{EmailId, OrganizerId};
use crate::organizers;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(resend);
}

/// A mail. What is in it is not shown: it may open somebody's order.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Email, example = json!({
    "id": "eml_01h455vb4pex5vsknk084sn02q", "organizer_id": "org_01h455vb4pex5vsknk084sn02q",
    "template": "order_confirmation", "to": "asha@example.com", "status": "sent", "attempts": 1,
    "last_error": null, "created_at": "2027-01-05T08:00:00Z", "sent_at": "2027-01-05T08:00:01Z"
}))]
struct EmailView {
    id: EmailId,
    /// Null for mails about accounts.
    organizer_id: Option<OrganizerId>,
    template: Template,
    to: String,
    /// `dead` mails are not tried any more.
    status: EmailStatus,
    attempts: i64,
    last_error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
}

impl From<EmailRow> for EmailView {
    fn from(row: EmailRow) -> Self {
        Self {
            id: row.id,
            organizer_id: row.organizer_id,
            template: row.template,
            to: row.recipient,
            status: row.status,
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            sent_at: row.sent_at,
        }
    }
}

/// The mail of the path's `id`, for a manager of its organizer or an admin. To anybody else
/// there is none.
struct ManagedEmail {
    by: SignedIn,
    email: EmailRow,
}

impl FromRequest for ManagedEmail {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let app = App::of(&request)?;
            let id: EmailId = path::segment(&request, "id")?;
            let mut conn = app.db.read().await?;
            let managed = organizers::managed_by(&mut conn, &by).await?;
            let email = store::find(&mut conn, id, managed.as_deref()).await?;
            let email = email.ok_or_else(|| Problem::new(Code::NotFound))?;
            Ok(Self { by, email })
        })
    }
}

/// List mails
///
/// Managers see those of their organizers, admins all.
#[utoipa::path(
    tag = "Mails", operation_id = "list_emails", security(("user" = [])),
    params(
        ("status" = Option<EmailStatus>, Query),
        ("template" = Option<Template>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<EmailView>, description = "Newest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/emails")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.read().await?;
    let managed = organizers::managed_by(&mut conn, &caller).await?;
    if managed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Problem::new(Code::Forbidden));
    }
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let statuses = parse::one_of(EmailStatus::NAMES, EmailStatus::from_name);
    let templates = parse::one_of(Template::NAMES, Template::from_name);
    let filter = EmailFilter {
        organizers: managed,
        status: query.optional("status", as_text(statuses)),
        template: query.optional("template", as_text(templates)),
    };
    query.finish()?;
    let rows = store::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |row| row.id, EmailView::from)?;
    Ok(page.respond())
}

/// Read a mail's state
#[utoipa::path(
    tag = "Mails", operation_id = "read_email", security(("user" = [])),
    params(("id" = EmailId, Path)),
    responses((status = 200, body = EmailView, description = "The mail"))
)]
#[get("/emails/{id}")]
async fn read(managed: ManagedEmail) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    response.json(EmailView::from(managed.email))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"email": "asha@example.com"}))]
struct ResendEmail {
    /// Another address than the first time.
    #[schema(max_length = 254)]
    email: Option<String>,
}

impl FromBody for ResendEmail {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.optional("email", parse::email);
        Some(Self { email: email? })
    }
}

/// Send a mail again
///
/// As a new mail. Those that open an account are not sent again: 409 `invalid_transition`.
#[utoipa::path(
    tag = "Mails", operation_id = "resend_email", security(("user" = [])),
    params(("id" = EmailId, Path)), request_body = ResendEmail,
    responses((status = 202, body = EmailView, description = "The new mail, which leaves soon")),
    extensions(("x-errors" = json!(["invalid_transition"])))
)]
#[post("/emails/{id}/resend")]
async fn resend(
    app: web::Data<App>,
    managed: ManagedEmail,
    body: Body<ResendEmail>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let (recipient, actor) = (body.0.email.clone(), managed.by.user.id);
            let now = app.clock.now();
            let email = super::resend(conn, &managed.email, recipient, actor, now).await?;
            let location = format!("/api/v1/emails/{}", email.id);
            Ok(Answer::accepted(&EmailView::from(email))?.location(location))
        })
        .await
}
