//! One's own account.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, web};
use serde::Serialize;

use super::Profile;
use crate::accounts::{self, AccountChange, SignedIn, session};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody, Patch};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::Query;
use crate::http::version::{self, Expected, Privacy};
use crate::http::{parse, path};
use crate::id::LoginSessionId;

/// Read my account
#[utoipa::path(
    tag = "Accounts", operation_id = "read_me", security(("user" = [])),
    responses((status = 200, body = Profile, description = "My account"))
)]
#[get("/me")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let version = caller.user.version;
    let mut conn = app.db.read().await?;
    let profile = Profile::load(&mut conn, caller.user).await?;
    Ok(version::object(
        &request,
        version,
        Privacy::Personal,
        &profile,
    ))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"name": "Asha M. Mwinyi", "phone": null}))]
struct MeChange {
    #[schema(max_length = 200, value_type = Option<String>)]
    name: Option<String>,
    #[schema(value_type = Option<String>)]
    phone: Patch<String>,
}

impl FromBody for MeChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.change("name", parse::name);
        let phone = fields.patch("phone", parse::phone);
        Some(Self {
            name: name?,
            phone: phone?,
        })
    }
}

/// Change my account
#[utoipa::path(
    tag = "Accounts", operation_id = "update_me", security(("user" = [])),
    request_body = MeChange,
    responses((status = 200, body = Profile, description = "My account as it is now")),
    extensions(("x-errors" = json!(["precondition_failed"])))
)]
#[patch("/me")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
    body: Body<MeChange>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            expected.check(caller.user.version)?;
            let change = AccountChange {
                name: body.0.name.clone(),
                phone: match &body.0.phone {
                    Patch::Absent => None,
                    Patch::Null => Some(None),
                    Patch::Set(phone) => Some(Some(phone.clone())),
                },
                role: None,
                status: None,
            };
            let now = app.clock.now();
            let user = accounts::update(conn, &caller.user, change, caller.user.id, now).await?;
            let version = user.version;
            let profile = Profile::load(conn, user).await?;
            Ok(Answer::ok(&profile)?.version(version))
        })
        .await
}

/// A sign-in that has not ended.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "sid_01h455vb4pex5vsknk084sn02q", "current": true,
    "created_at": "2027-01-05T08:00:00Z", "last_used_at": "2027-01-06T08:00:00Z",
    "expires_at": "2027-02-05T08:00:00Z"
}))]
struct SessionView {
    id: LoginSessionId,
    /// Whether it is the one that asks.
    current: bool,
    created_at: Timestamp,
    /// When tokens were last made for it.
    last_used_at: Timestamp,
    expires_at: Timestamp,
}

/// List my sign-ins
#[utoipa::path(
    tag = "Accounts", operation_id = "list_my_sessions", security(("user" = [])),
    params(
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<SessionView>, description = "Newest first"))
)]
#[get("/me/sessions")]
pub async fn list_sessions(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    query.finish()?;
    let mut conn = app.db.read().await?;
    let rows = session::list(
        &mut conn,
        caller.user.id,
        page.after()?,
        page.fetch_limit(),
        app.clock.now(),
    )
    .await?;
    let page = page.page(
        rows,
        |row| row.family,
        |row| SessionView {
            id: row.family,
            current: row.family == caller.session,
            created_at: row.signed_in_at,
            last_used_at: row.created_at,
            expires_at: row.expires_at,
        },
    )?;
    Ok(page.respond())
}

/// End one of my sign-ins
#[utoipa::path(
    tag = "Accounts", operation_id = "end_my_session", security(("user" = [])),
    params(("id" = LoginSessionId, Path)),
    responses((status = 204, description = "It has ended"))
)]
#[delete("/me/sessions/{id}")]
pub async fn end_session(
    app: web::Data<App>,
    request: HttpRequest,
    caller: SignedIn,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let family: LoginSessionId = path::segment(&request, "id")?;
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            if session::revoke(conn, caller.user.id, family, now).await? {
                Ok(Answer::no_content())
            } else {
                Err(Problem::new(Code::NotFound))
            }
        })
        .await
}
