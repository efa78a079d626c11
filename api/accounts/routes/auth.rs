//! Signing up, in and out. Answers of these routes hold tokens and are never stored.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;

use super::Profile;
use crate::accounts::session::{self, LoginSession, Refreshed};
use crate::accounts::{self, NewAccount, Role, SignedIn, User, UserStatus, password, store};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::{client, parse};
use crate::keys::ACCESS_TOKEN_SECONDS;

/// A sign-in: who, and the tokens.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "user": {
        "id": "usr_01h455vb4pex5vsknk084sn02q", "email": "asha@example.com",
        "email_verified": false, "name": "Asha Mwinyi", "phone": null, "role": "user",
        "status": "active", "memberships": [], "created_at": "2027-01-05T08:00:00Z",
        "updated_at": "2027-01-05T08:00:00Z", "version": 1
    },
    "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6ImtleV8…",
    "refresh_token": "AZGkLz5…", "token_type": "Bearer", "expires_in": 900
}))]
struct TokenAnswer {
    user: Profile,
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Good once, for a new pair.
    refresh_token: String,
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
}

impl TokenAnswer {
    async fn new(app: &App, user: User, session: &LoginSession) -> Result<Self, Problem> {
        let access_token = app
            .keys
            .sign_access_token(
                &user.id.to_string(),
                user.role.as_str(),
                &session.family.to_string(),
                app.clock.now(),
            )
            .ok_or_else(|| Problem::internal("no key to sign with"))?;
        let mut conn = app.db.read().await?;
        Ok(Self {
            user: Profile::load(&mut conn, user).await?,
            access_token,
            refresh_token: session.refresh_token(app)?,
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_SECONDS,
        })
    }
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({
    "email": "asha@example.com", "password": "blue kiosk 7 monsoon",
    "name": "Asha Mwinyi", "phone": "+255 712 345 678"
}))]
struct RegisterBody {
    #[schema(max_length = 254)]
    email: String,
    #[schema(min_length = 10, max_length = 128)]
    password: String,
    #[schema(max_length = 200)]
    name: String,
    phone: Option<String>,
}

impl FromBody for RegisterBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", parse::email);
        let password = fields.required("password", password::parse_new);
        let name = fields.required("name", parse::name);
        let phone = fields.optional("phone", parse::phone);
        let body = Self {
            email: email?,
            password: password?,
            name: name?,
            phone: phone?,
        };
        match password::check_personal(&body.password, &[&body.email, &body.name]) {
            Ok(()) => Some(body),
            Err(flaw) => {
                fields.fault("password", flaw);
                None
            }
        }
    }
}

/// Sign up
///
/// Makes an account, signs it in, and mails a link that verifies the address.
#[utoipa::path(
    tag = "Accounts", operation_id = "register", request_body = RegisterBody,
    responses((status = 201, body = TokenAnswer, description = "Signed up and in")),
    extensions(("x-errors" = json!(["email_taken", "weak_password"])))
)]
#[post("/auth/register")]
pub async fn register(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<RegisterBody>,
) -> Result<HttpResponse, Problem> {
    app.limits.register.check(&client::address(&request))?;
    let Body(body) = body;
    let password_hash = app.passwords.hash(body.password).await?;
    let (user, session) = app
        .db
        .transaction(async |conn| {
            let account = NewAccount {
                email: body.email.clone(),
                password_hash: Some(password_hash.clone()),
                name: body.name.clone(),
                phone: body.phone.clone(),
                role: Role::User,
            };
            let user = accounts::create(conn, &app, account, None).await?;
            let session = session::start(conn, user.id, app.clock.now()).await?;
            Ok::<_, Problem>((user, session))
        })
        .await?;
    let answer = TokenAnswer::new(&app, user, &session).await?;
    Ok(no_store(HttpResponse::Created()).json(answer))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"email": "asha@example.com", "password": "blue kiosk 7 monsoon"}))]
struct LoginBody {
    email: String,
    password: String,
}

impl FromBody for LoginBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", parse::line(254));
        let password = fields.required("password", password::parse_any);
        Some(Self {
            email: email?.to_lowercase(),
            password: password?,
        })
    }
}

/// Sign in
///
/// An unknown address, a wrong password and a disabled account are answered alike.
#[utoipa::path(
    tag = "Accounts", operation_id = "login", request_body = LoginBody,
    responses((status = 200, body = TokenAnswer, description = "Signed in")),
    extensions(("x-errors" = json!(["invalid_credentials"])))
)]
#[post("/auth/login")]
pub async fn login(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let Body(body) = body;
    let key = (client::address(&request), body.email.clone());
    app.limits.login.check(&key)?;
    if app.config.rate_limits {
        tokio::time::sleep(app.login_delays.delay(&key, app.clock.now())).await;
    }
    let mut conn = app.db.read().await?;
    let user = store::find_by_email(&mut conn, &body.email).await?;
    drop(conn);
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let is_right = app.passwords.is_right(body.password, hash).await?;
    let user = user.filter(|user| is_right && user.status == UserStatus::Active);
    let Some(user) = user else {
        app.login_delays.failed(key, app.clock.now());
        return Err(Problem::new(Code::InvalidCredentials));
    };
    app.login_delays.succeeded(&key);
    let mut conn = app.db.write().await?;
    let session = session::start(&mut conn, user.id, app.clock.now()).await?;
    drop(conn);
    let answer = TokenAnswer::new(&app, user, &session).await?;
    Ok(no_store(HttpResponse::Ok()).json(answer))
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"refresh_token": "AZGkLz5…"}))]
struct RefreshBody {
    refresh_token: String,
}

impl FromBody for RefreshBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let refresh_token = fields.required("refresh_token", parse::line(500));
        Some(Self {
            refresh_token: refresh_token?,
        })
    }
}

/// Get new tokens
///
/// A refresh token is good once. Used again within 30 seconds it gives the same successor;
/// later it ends the whole sign-in, since two hold it then.
#[utoipa::path(
    tag = "Accounts", operation_id = "refresh", request_body = RefreshBody,
    responses((status = 200, body = TokenAnswer, description = "New tokens")),
    extensions(("x-errors" = json!(["unauthenticated", "refresh_reused", "token_expired"])))
)]
#[post("/auth/refresh")]
pub async fn refresh(
    app: web::Data<App>,
    body: Body<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let token = body.0.refresh_token;
    let refreshed = app
        .db
        .transaction(async |conn| session::refresh(conn, &app, &token, now).await)
        .await?;
    let session = match refreshed {
        Refreshed::Session(session) => session,
        Refreshed::Refused(code) => return Err(Problem::new(code)),
    };
    let mut conn = app.db.read().await?;
    let mut users = session::find_users(&mut conn, &[session.family], now).await?;
    drop(conn);
    let user = users.remove(&session.family);
    let user = user.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    let answer = TokenAnswer::new(&app, user, &session).await?;
    Ok(no_store(HttpResponse::Ok()).json(answer))
}

/// Sign out
///
/// Ends this sign-in at once, its access tokens included.
#[utoipa::path(
    tag = "Accounts", operation_id = "logout", security(("user" = [])),
    responses((status = 204, description = "Signed out"))
)]
#[post("/auth/logout")]
pub async fn logout(app: web::Data<App>, caller: SignedIn) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.write().await?;
    session::revoke(&mut conn, caller.user.id, caller.session, app.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sign out everywhere
#[utoipa::path(
    tag = "Accounts", operation_id = "logout_all", security(("user" = [])),
    responses((status = 204, description = "Every sign-in has ended"))
)]
#[post("/auth/logout-all")]
pub async fn logout_all(app: web::Data<App>, caller: SignedIn) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.write().await?;
    session::revoke_all(&mut conn, caller.user.id, app.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"email": "asha@example.com"}))]
struct ForgotBody {
    email: String,
}

impl FromBody for ForgotBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", parse::email);
        Some(Self { email: email? })
    }
}

/// Ask for a new password
///
/// Always 202, whether or not anybody has that address; if so, a link is mailed.
#[utoipa::path(
    tag = "Accounts", operation_id = "forgot_password", request_body = ForgotBody,
    responses((status = 202, description = "If there is such an account, a mail is on its way"))
)]
#[post("/auth/password/forgot")]
pub async fn forgot_password(
    app: web::Data<App>,
    body: Body<ForgotBody>,
) -> Result<HttpResponse, Problem> {
    app.limits.mail.check(&body.0.email)?;
    accounts::request_password_reset(&app, body.0.email).await?;
    Ok(HttpResponse::Accepted().finish())
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"token": "AZGkLz5…", "password": "blue kiosk 7 monsoon"}))]
struct ResetBody {
    token: String,
    #[schema(min_length = 10, max_length = 128)]
    password: String,
}

impl FromBody for ResetBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", parse::line(500));
        let password = fields.required("password", password::parse_new);
        Some(Self {
            token: token?,
            password: password?,
        })
    }
}

/// Choose a new password
///
/// With the token of the mailed link. Ends every sign-in.
#[utoipa::path(
    tag = "Accounts", operation_id = "reset_password", request_body = ResetBody,
    responses((status = 204, description = "The password is set")),
    extensions(("x-errors" = json!(["token_invalid", "weak_password"])))
)]
#[post("/auth/password/reset")]
pub async fn reset_password(
    app: web::Data<App>,
    body: Body<ResetBody>,
) -> Result<HttpResponse, Problem> {
    let Body(body) = body;
    let hash = app.passwords.hash(body.password).await?;
    app.db
        .transaction(async |conn| accounts::reset_password(conn, &app, &body.token, &hash).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(utoipa::ToSchema)]
#[schema(example = json!({"token": "AZGkLz5…"}))]
struct VerifyBody {
    token: String,
}

impl FromBody for VerifyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let token = fields.required("token", parse::line(500));
        Some(Self { token: token? })
    }
}

/// Verify an e-mail address
///
/// With the token of the mailed link.
#[utoipa::path(
    tag = "Accounts", operation_id = "verify_email", request_body = VerifyBody,
    responses((status = 204, description = "The address is verified")),
    extensions(("x-errors" = json!(["token_invalid"])))
)]
#[post("/auth/email/verify")]
pub async fn verify_email(
    app: web::Data<App>,
    body: Body<VerifyBody>,
) -> Result<HttpResponse, Problem> {
    let token = body.0.token;
    app.db
        .transaction(async |conn| accounts::verify_email(conn, &app, &token).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn no_store(mut response: actix_web::HttpResponseBuilder) -> actix_web::HttpResponseBuilder {
    response.insert_header(("cache-control", "no-store"));
    response
}
