//! People: who they are, how they sign in, what they may do everywhere.

mod login_delay;
pub mod membership;
mod password;
mod permission;
pub mod routes;
mod session;
mod store;

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::emails::{self, EmailData, Link, NewEmail, Template};
use crate::error::{Code, Problem};
use crate::id::UserId;
use crate::jobs;
use crate::keys::{PresentedToken, Purpose, Token};
pub use login_delay::LoginDelays;
pub use password::Passwords;
pub use permission::{Admin, MaybeSignedIn, SignedIn};
pub use session::sweep as sweep_sessions;
pub use store::User;

text_enum! {
    /// What somebody may do everywhere. Every other right comes from a membership.
    pub enum Role {
        User = "user",
        Admin = "admin",
    }
}

text_enum! {
    pub enum UserStatus {
        Active = "active",
        Disabled = "disabled",
    }
}

const VERIFY_LINK_HOURS: i64 = 72;
const RESET_LINK_HOURS: i64 = 2;
const WELCOME_LINK_HOURS: i64 = 72;

/// What is needed to make an account.
pub struct NewAccount {
    pub email: String,
    pub password_hash: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    pub role: Role,
}

/// A change of an account, by its owner or an admin.
#[derive(Debug, Serialize)]
pub struct AccountChange {
    pub name: Option<String>,
    #[serde(skip)]
    pub phone: Option<Option<String>>,
    pub role: Option<Role>,
    pub status: Option<UserStatus>,
}

/// Makes an account and queues the mail that verifies its address, or, without a password,
/// the one that lets its owner choose it.
pub async fn create(
    conn: &mut Conn,
    app: &App,
    account: NewAccount,
    actor: Option<UserId>,
) -> Result<User, Problem> {
    let now = app.clock.now();
    let has_password = account.password_hash.is_some();
    let user = store::insert(conn, User::new(account, now))
        .await?
        .ok_or_else(|| Problem::new(Code::EmailTaken))?;
    let email = if has_password {
        verification_mail(app, &user, now)
    } else {
        let url = &app.config.password_reset_url;
        reset_mail(&user, url, Template::Welcome, WELCOME_LINK_HOURS, now)
    };
    emails::queue(conn, email, now).await?;
    let actor = actor.unwrap_or(user.id);
    record(conn, actor, "user.created", &user, now).await?;
    Ok(user)
}

/// Changes an account. The last admin stays one.
pub async fn update(
    conn: &mut Conn,
    user: &User,
    change: AccountChange,
    actor: UserId,
    now: Timestamp,
) -> Result<User, Problem> {
    let loses_admin = user.role == Role::Admin
        && user.status == UserStatus::Active
        && (change.role == Some(Role::User) || change.status == Some(UserStatus::Disabled));
    if loses_admin && store::count_other_admins(conn, user.id).await? == 0 {
        let detail = "This is the only admin; make another one first.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let updated = store::update(conn, user, &change, now)
        .await?
        .ok_or_else(|| Problem::new(Code::PreconditionFailed))?;
    if updated.status == UserStatus::Disabled {
        session::revoke_all(conn, user.id, now).await?;
    }
    record(conn, actor, "user.updated", &updated, now).await?;
    Ok(updated)
}

/// Marks an address as verified. The link stays good until it expires, but says nothing new
/// the second time.
pub async fn verify_email(conn: &mut Conn, app: &App, text: &str) -> Result<(), Problem> {
    let now = app.clock.now();
    let (user, token) = find_by_token(conn, text).await?;
    if !token.is_genuine(&app.keys, Purpose::VerifyEmail, &user.email) || token.is_expired(now) {
        return Err(Problem::new(Code::TokenInvalid));
    }
    if user.email_verified_at.is_none() {
        store::set_verified(conn, user.id, now).await?;
        record(conn, user.id, "user.email_verified", &user, now).await?;
    }
    Ok(())
}

/// Sets a new password and ends every sign-in. The link is good once: setting a password
/// raises the version that the link is derived from.
pub async fn reset_password(
    conn: &mut Conn,
    app: &App,
    text: &str,
    password_hash: &str,
) -> Result<(), Problem> {
    let now = app.clock.now();
    let (user, token) = find_by_token(conn, text).await?;
    let version = user.token_version.to_string();
    if !token.is_genuine(&app.keys, Purpose::ResetPassword, &version) || token.is_expired(now) {
        return Err(Problem::new(Code::TokenInvalid));
    }
    if !store::set_password(conn, &user, password_hash, now).await? {
        return Err(Problem::new(Code::TokenInvalid));
    }
    session::revoke_all(conn, user.id, now).await?;
    record(conn, user.id, "user.password_reset", &user, now).await
}

/// Does for an address what its owner asked for. An unknown one has cost the same until here.
pub async fn mail_password_reset(app: &App, email: &str) -> Result<(), Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let Some(user) = store::find_by_email(conn, email).await? else {
                return Ok(());
            };
            if user.status == UserStatus::Disabled {
                return Ok(());
            }
            let url = &app.config.password_reset_url;
            let mail = reset_mail(&user, url, Template::ResetPassword, RESET_LINK_HOURS, now);
            emails::queue(conn, mail, now).await
        })
        .await
}

/// Queues the look-up of an address, whoever it belongs to.
pub async fn request_password_reset(app: &App, email: String) -> Result<(), Problem> {
    let now = app.clock.now();
    let mut conn = app.db.write().await?;
    let job = jobs::Job::RequestPasswordReset { email };
    jobs::enqueue(&mut conn, job, now).await?;
    Ok(())
}

/// Whether somebody can administer this installation.
pub async fn admin_exists(conn: &mut Conn) -> Result<bool, Problem> {
    Ok(store::count_admins(conn).await? > 0)
}

/// The active admin whose account is oldest.
pub async fn first_admin(conn: &mut Conn) -> Result<Option<UserId>, Problem> {
    Ok(store::first_admin(conn).await?)
}

/// An account by its id.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<User>, Problem> {
    Ok(store::find(conn, id).await?)
}

/// Makes an admin, or makes one of an existing account; answers whether it was new.
pub async fn create_admin(
    conn: &mut Conn,
    email: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, Problem> {
    let account = NewAccount {
        email: email.to_owned(),
        password_hash: Some(password_hash.to_owned()),
        name: "Administrator".to_owned(),
        phone: None,
        role: Role::Admin,
    };
    let mut user = User::new(account, now);
    user.email_verified_at = Some(now);
    let created = store::insert(conn, user).await?;
    match &created {
        Some(user) => record(conn, user.id, "user.created", user, now).await?,
        None => store::make_admin(conn, email, password_hash, now).await?,
    }
    Ok(created.is_some())
}

async fn find_by_token(conn: &mut Conn, text: &str) -> Result<(User, PresentedToken), Problem> {
    let invalid = || Problem::new(Code::TokenInvalid);
    let token = PresentedToken::read(text).ok_or_else(invalid)?;
    let user = store::find(conn, UserId::from_uuid(token.subject)).await?;
    Ok((user.ok_or_else(invalid)?, token))
}

fn verification_mail(app: &App, user: &User, now: Timestamp) -> NewEmail {
    let token = Token {
        purpose: Purpose::VerifyEmail,
        subject: user.id.uuid(),
        version: user.email.clone(),
        expires_at_unix: in_hours(now, VERIFY_LINK_HOURS),
    };
    let page_url = app.config.email_verify_url.clone();
    link_mail(
        user,
        Template::VerifyEmail,
        Link { page_url, token },
        VERIFY_LINK_HOURS,
        now,
    )
}

fn reset_mail(
    user: &User,
    page_url: &str,
    template: Template,
    valid_hours: i64,
    now: Timestamp,
) -> NewEmail {
    let token = Token {
        purpose: Purpose::ResetPassword,
        subject: user.id.uuid(),
        version: user.token_version.to_string(),
        expires_at_unix: in_hours(now, valid_hours),
    };
    let page_url = page_url.to_owned();
    link_mail(user, template, Link { page_url, token }, valid_hours, now)
}

fn link_mail(
    user: &User,
    template: Template,
    link: Link,
    valid_hours: i64,
    now: Timestamp,
) -> NewEmail {
    NewEmail {
        organizer: None,
        template,
        recipient: user.email.clone(),
        data: EmailData {
            name: user.name.clone(),
            link: Some(link),
            valid_hours: Some(valid_hours),
            ..EmailData::default()
        },
        dedupe_key: format!("{}:{}:{now}", template.as_str(), user.id),
    }
}

fn in_hours(now: Timestamp, hours: i64) -> i64 {
    let seconds = u64::try_from(hours * 3600).unwrap_or_default();
    now.plus(Duration::from_secs(seconds)).unix_seconds()
}

async fn record(
    conn: &mut Conn,
    actor: UserId,
    action: &str,
    user: &User,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: None,
        actor: actor.to_string(),
        action,
        object: user.id.to_string(),
        at,
    };
    entry
        .write(conn, &(user.role, user.status, user.version))
        .await
}
