//! Who works for an organizer.

use actix_web::{HttpRequest, HttpResponse, delete, get, put, web};

use crate::accounts;
use crate::accounts::membership::{self, Member, MemberRole};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::Query;
use crate::http::{parse, path};
use crate::id::{OrganizerId, UserId};
use crate::organizers::{self, OrganizerManager};

/// List an organizer's members
#[utoipa::path(
    tag = "Organizers", operation_id = "list_members", security(("user" = [])),
    params(
        ("id" = OrganizerId, Path),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<Member>, description = "In the order of their accounts"))
)]
#[get("/organizers/{id}/members")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    manager: OrganizerManager,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    let (organizer, after) = (manager.organizer.id, page.after()?);
    let rows =
        membership::list_of_organizer(&mut conn, organizer, after, page.fetch_limit()).await?;
    let page = page.page(rows, |member| member.user_id, |member| member)?;
    Ok(page.respond())
}

/// Read a member
#[utoipa::path(
    tag = "Organizers", operation_id = "read_member", security(("user" = [])),
    params(("id" = OrganizerId, Path), ("user_id" = UserId, Path)),
    responses((status = 200, body = Member, description = "The member"))
)]
#[get("/organizers/{id}/members/{user_id}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    manager: OrganizerManager,
) -> Result<HttpResponse, Problem> {
    let user: UserId = path::segment(&request, "user_id")?;
    let mut conn = app.db.read().await?;
    let member = membership::find_member(&mut conn, manager.organizer.id, user)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(member))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"role": "gate"}))]
struct MemberBody {
    role: MemberRole,
}

impl FromBody for MemberBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let names = MemberRole::NAMES;
        let role = fields.required("role", parse::one_of(names, MemberRole::from_name));
        Some(Self { role: role? })
    }
}

/// Make somebody a member
///
/// Or change what the member may do; it counts from the next request on.
#[utoipa::path(
    tag = "Organizers", operation_id = "put_member", security(("user" = [])),
    params(("id" = OrganizerId, Path), ("user_id" = UserId, Path)),
    request_body = MemberBody,
    responses((status = 200, body = Member, description = "The member"))
)]
#[put("/organizers/{id}/members/{user_id}")]
pub async fn put(
    app: web::Data<App>,
    request: HttpRequest,
    manager: OrganizerManager,
    body: Body<MemberBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let user: UserId = path::segment(&request, "user_id")?;
    let not_found = || Problem::new(Code::NotFound);
    mutation
        .run(async |conn| {
            accounts::find(conn, user).await?.ok_or_else(not_found)?;
            let (organizer, role) = (&manager.organizer, body.0.role);
            let (actor, now) = (manager.by.user.id, app.clock.now());
            organizers::put_member(conn, organizer, user, role, actor, now).await?;
            let member = membership::find_member(conn, organizer.id, user).await?;
            Answer::ok(&member.ok_or_else(not_found)?)
        })
        .await
}

/// End a membership
#[utoipa::path(
    tag = "Organizers", operation_id = "remove_member", security(("user" = [])),
    params(("id" = OrganizerId, Path), ("user_id" = UserId, Path)),
    responses((status = 204, description = "It has ended, from the next request on"))
)]
#[delete("/organizers/{id}/members/{user_id}")]
pub async fn remove(
    app: web::Data<App>,
    request: HttpRequest,
    manager: OrganizerManager,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let user: UserId = path::segment(&request, "user_id")?;
    mutation
        .run(async |conn| {
            let (actor, now) = (manager.by.user.id, app.clock.now());
            organizers::remove_member(conn, &manager.organizer, user, actor, now).await?;
            Ok(Answer::no_content())
        })
        .await
}
