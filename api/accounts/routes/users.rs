//! All accounts, for admins.

use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};

use super::Profile;
use crate::accounts::store::{self, UserFilter};
use crate::accounts::{self, AccountChange, Admin, NewAccount, Role, User, UserStatus, password};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text};
use crate::http::version::{self, Expected, Privacy};
use crate::http::{parse, path};
use crate::id::UserId;

/// List accounts
#[utoipa::path(
    tag = "Users", operation_id = "list_users", security(("user" = [])),
    params(
        ("email" = Option<String>, Query, description = "Exactly this address"),
        ("role" = Option<Role>, Query),
        ("status" = Option<UserStatus>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<Profile>, description = "Newest first; without memberships"))
)]
#[get("/users")]
pub async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    _admin: Admin,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let filter = UserFilter {
        email: query.optional("email", as_text(parse::email)),
        role: query.optional("role", as_text(parse::one_of(Role::NAMES, Role::from_name))),
        status: query.optional(
            "status",
            as_text(parse::one_of(UserStatus::NAMES, UserStatus::from_name)),
        ),
    };
    query.finish()?;
    let mut conn = app.db.read().await?;
    let users = store::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(users, |user| user.id, |user| Profile::new(user, Vec::new()))?;
    Ok(page.respond())
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"email": "gate@example.com", "name": "Juma Said", "role": "user"}))]
struct NewUser {
    #[schema(max_length = 254)]
    email: String,
    #[schema(max_length = 200)]
    name: String,
    /// Left out, a link to choose one is mailed.
    #[schema(min_length = 10, max_length = 128)]
    password: Option<String>,
    phone: Option<String>,
    /// `user` if left out.
    role: Option<Role>,
}

impl FromBody for NewUser {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", parse::email);
        let name = fields.required("name", parse::name);
        let password = fields.optional("password", password::parse_new);
        let phone = fields.optional("phone", parse::phone);
        let role = fields.optional("role", parse::one_of(Role::NAMES, Role::from_name));
        Some(Self {
            email: email?,
            name: name?,
            password: password?,
            phone: phone?,
            role: role?,
        })
    }
}

/// Make an account for somebody
#[utoipa::path(
    tag = "Users", operation_id = "create_user", security(("user" = [])),
    request_body = NewUser,
    responses((status = 201, body = Profile, description = "The new account")),
    extensions(("x-errors" = json!(["email_taken", "weak_password"])))
)]
#[post("/users")]
pub async fn create(
    app: web::Data<App>,
    admin: Admin,
    body: Body<NewUser>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let Body(body) = body;
    let password_hash = match body.password {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    mutation
        .run(async |conn| {
            let account = NewAccount {
                email: body.email.clone(),
                password_hash: password_hash.clone(),
                name: body.name.clone(),
                phone: body.phone.clone(),
                role: body.role.unwrap_or(Role::User),
            };
            let user = accounts::create(conn, &app, account, Some(admin.0.user.id)).await?;
            let (version, location) = (user.version, format!("/api/v1/users/{}", user.id));
            let profile = Profile::load(conn, user).await?;
            Ok(Answer::created(&profile)?
                .version(version)
                .location(location))
        })
        .await
}

async fn find(app: &App, request: &HttpRequest) -> Result<User, Problem> {
    let id: UserId = path::segment(request, "id")?;
    let mut conn = app.db.read().await?;
    let user = store::find(&mut conn, id).await?;
    user.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Read an account
#[utoipa::path(
    tag = "Users", operation_id = "read_user", security(("user" = [])),
    params(("id" = UserId, Path)),
    responses((status = 200, body = Profile, description = "The account"))
)]
#[get("/users/{id}")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    _admin: Admin,
) -> Result<HttpResponse, Problem> {
    let user = find(&app, &request).await?;
    let version = user.version;
    let mut conn = app.db.read().await?;
    let profile = Profile::load(&mut conn, user).await?;
    Ok(version::object(
        &request,
        version,
        Privacy::Personal,
        &profile,
    ))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"status": "disabled"}))]
struct UserChange {
    role: Option<Role>,
    /// `disabled` ends every sign-in.
    status: Option<UserStatus>,
}

impl FromBody for UserChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let role = fields.change("role", parse::one_of(Role::NAMES, Role::from_name));
        let names = UserStatus::NAMES;
        let status = fields.change("status", parse::one_of(names, UserStatus::from_name));
        Some(Self {
            role: role?,
            status: status?,
        })
    }
}

/// Change an account's role or status
///
/// The last active admin stays one: 409 `invalid_transition`.
#[utoipa::path(
    tag = "Users", operation_id = "update_user", security(("user" = [])),
    params(("id" = UserId, Path)), request_body = UserChange,
    responses((status = 200, body = Profile, description = "The account as it is now")),
    extensions(("x-errors" = json!(["precondition_failed", "invalid_transition"])))
)]
#[patch("/users/{id}")]
pub async fn update(
    app: web::Data<App>,
    request: HttpRequest,
    admin: Admin,
    body: Body<UserChange>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let user = find(&app, &request).await?;
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            expected.check(user.version)?;
            let change = AccountChange {
                name: None,
                phone: None,
                role: body.0.role,
                status: body.0.status,
            };
            let now = app.clock.now();
            let user = accounts::update(conn, &user, change, admin.0.user.id, now).await?;
            let version = user.version;
            let profile = Profile::load(conn, user).await?;
            Ok(Answer::ok(&profile)?.version(version))
        })
        .await
}
