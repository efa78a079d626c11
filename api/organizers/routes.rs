//! The organizers' handlers.

mod members;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{NewOrganizer, Organizer, OrganizerChange, OrganizerManager, managed_by, store};
use crate::accounts::{Admin, SignedIn};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::parse;
use crate::http::query::Query;
use crate::http::version::{self, Expected, Privacy};
use crate::id::OrganizerId;
use crate::money::{Currency, parse_currency};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(read)
        .service(update)
        .service(members::list)
        .service(members::read)
        .service(members::put)
        .service(members::remove);
}

/// List organizers
///
/// All of them for an admin, for others those that they manage.
#[utoipa::path(
    tag = "Organizers", operation_id = "list_organizers", security(("user" = [])),
    params(
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<Organizer>, description = "Newest first"))
)]
#[get("/organizers")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    let managed = managed_by(&mut conn, &caller).await?;
    let after = page.after()?;
    let rows = store::list(&mut conn, managed.as_deref(), after, page.fetch_limit()).await?;
    let page = page.page(rows, |organizer| organizer.id, |organizer| organizer)?;
    Ok(page.respond())
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({
    "name": "Zanzibar Nights", "default_currency": "TZS", "time_zone": "Africa/Dar_es_Salaam"
}))]
struct OrganizerBody {
    #[schema(max_length = 200)]
    name: String,
    /// Made from the name if left out.
    #[schema(max_length = 100)]
    slug: Option<String>,
    default_currency: Currency,
    /// IANA; UTC if left out.
    time_zone: Option<String>,
}

impl FromBody for OrganizerBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", parse::name);
        let slug = fields.optional("slug", parse::slug);
        let default_currency = fields.required("default_currency", parse_currency);
        let time_zone = fields.optional("time_zone", parse::time_zone);
        Some(Self {
            name: name?,
            slug: slug?,
            default_currency: default_currency?,
            time_zone: time_zone?,
        })
    }
}

/// Make an organizer
#[utoipa::path(
    tag = "Organizers", operation_id = "create_organizer", security(("user" = [])),
    request_body = OrganizerBody,
    responses((status = 201, body = Organizer, description = "The new organizer"))
)]
#[post("/organizers")]
async fn create(
    app: web::Data<App>,
    admin: Admin,
    body: Body<OrganizerBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation
        .run(async |conn| {
            let new = NewOrganizer {
                name: body.0.name.clone(),
                slug: body.0.slug.clone(),
                default_currency: body.0.default_currency,
                time_zone: body.0.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
            };
            let actor = admin.0.user.id;
            let organizer = super::create(conn, new, actor, app.clock.now()).await?;
            let location = format!("/api/v1/organizers/{}", organizer.id);
            let answer = Answer::created(&organizer)?;
            Ok(answer.version(organizer.version).location(location))
        })
        .await
}

/// Read an organizer
#[utoipa::path(
    tag = "Organizers", operation_id = "read_organizer", security(("user" = [])),
    params(("id" = OrganizerId, Path)),
    responses((status = 200, body = Organizer, description = "The organizer"))
)]
#[get("/organizers/{id}")]
async fn read(request: HttpRequest, manager: OrganizerManager) -> HttpResponse {
    let organizer = manager.organizer;
    version::object(&request, organizer.version, Privacy::Personal, &organizer)
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"name": "Zanzibar Nights Ltd"}))]
struct OrganizerPatch {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 100)]
    slug: Option<String>,
    default_currency: Option<Currency>,
    time_zone: Option<String>,
}

impl FromBody for OrganizerPatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        let slug = fields.change("slug", parse::slug);
        let default_currency = fields.change("default_currency", parse_currency);
        let time_zone = fields.change("time_zone", parse::time_zone);
        Some(Self {
            name: name?,
            slug: slug?,
            default_currency: default_currency?,
            time_zone: time_zone?,
        })
    }
}

/// Change an organizer
///
/// The slug of the organizer that exists from the first start stays `default`.
#[utoipa::path(
    tag = "Organizers", operation_id = "update_organizer", security(("user" = [])),
    params(("id" = OrganizerId, Path)), request_body = OrganizerPatch,
    responses((status = 200, body = Organizer, description = "The organizer as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[patch("/organizers/{id}")]
async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    manager: OrganizerManager,
    body: Body<OrganizerPatch>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let organizer = store::find(conn, manager.organizer.id).await?;
            let organizer = organizer.ok_or_else(|| Problem::new(Code::NotFound))?;
            expected.check(organizer.version)?;
            let change = OrganizerChange {
                name: body.0.name.clone(),
                slug: body.0.slug.clone(),
                default_currency: body.0.default_currency,
                time_zone: body.0.time_zone.clone(),
            };
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let organizer = super::update(conn, &organizer, change, actor, now).await?;
            Ok(Answer::ok(&organizer)?.version(organizer.version))
        })
        .await
}
