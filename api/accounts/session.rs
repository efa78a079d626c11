//! Sign-ins and their refresh tokens.
//!
//! A sign-in is a family of rows, one for each refresh token. A token is used once: it is
//! replaced by a successor. Using it again within 30 seconds gives the same successor, since
//! a lost answer is no theft; later it revokes the family, since two hold the token then.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{User, UserStatus};
use crate::app::App;
use crate::db::schema::{login_sessions, users};
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, sql};
use crate::error::{Code, Problem};
use crate::id::{LoginSessionId, UserId};
use crate::keys::{PresentedToken, Purpose, Token};

/// How long a sign-in lasts without being used.
const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long a replaced token still gives the same successor.
const REUSE_WINDOW: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = login_sessions)]
pub struct LoginSession {
    pub id: LoginSessionId,
    /// The sign-in, whatever its present token: the `sid` of access tokens.
    pub family: LoginSessionId,
    pub user_id: UserId,
    pub signed_in_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub replaced_by: Option<LoginSessionId>,
    pub replaced_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a refresh token leads to.
pub enum Refreshed {
    Session(LoginSession),
    Refused(Code),
}

impl LoginSession {
    fn new(user: UserId, family: Option<&Self>, now: Timestamp) -> Self {
        let id = LoginSessionId::new();
        Self {
            id,
            family: family.map_or(id, |first| first.family),
            user_id: user,
            signed_in_at: family.map_or(now, |first| first.signed_in_at),
            expires_at: now.plus(LIFE),
            revoked_at: None,
            replaced_by: None,
            replaced_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The refresh token: derived, so that the same row always gives the same one.
    pub fn refresh_token(&self, app: &App) -> Result<String, Problem> {
        let token = Token {
            purpose: Purpose::Refresh,
            subject: self.id.uuid(),
            version: String::new(),
            expires_at_unix: self.expires_at.unix_seconds(),
        };
        token
            .sign(&app.keys)
            .ok_or_else(|| Problem::internal("no pepper"))
    }
}

/// Signs somebody in.
pub async fn start(conn: &mut Conn, user: UserId, now: Timestamp) -> QueryResult<LoginSession> {
    let session = LoginSession::new(user, None, now);
    insert(conn, &session).await?;
    Ok(session)
}

async fn insert(conn: &mut Conn, session: &LoginSession) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(login_sessions::table)
        .values(session)
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces a refresh token by its successor.
///
/// A refusal is an answer, not an error: what it revokes must be committed.
pub async fn refresh(
    conn: &mut Conn,
    app: &App,
    token: &str,
    now: Timestamp,
) -> Result<Refreshed, Problem> {
    let refused = |code| Ok(Refreshed::Refused(code));
    let genuine = PresentedToken::read(token)
        .filter(|token| token.is_genuine(&app.keys, Purpose::Refresh, ""));
    let Some(token) = genuine else {
        return refused(Code::Unauthenticated);
    };
    let Some(session) = find(conn, LoginSessionId::from_uuid(token.subject)).await? else {
        // It was genuine once, and is swept away since.
        return refused(Code::TokenExpired);
    };
    if session.revoked_at.is_some() {
        return refused(Code::Unauthenticated);
    }
    if session.expires_at <= now {
        return refused(Code::TokenExpired);
    }
    let successor = LoginSession::new(session.user_id, Some(&session), now);
    if session.replaced_by.is_none() && replace(conn, &session, &successor, now).await? {
        insert(conn, &successor).await?;
        return Ok(Refreshed::Session(successor));
    }
    // Read again: another request may have replaced it in between.
    let Some(replaced) = find(conn, session.id).await? else {
        return refused(Code::TokenExpired);
    };
    match (replaced.replaced_by, replaced.replaced_at) {
        (Some(by), Some(at)) if now.since(at) <= REUSE_WINDOW => match find(conn, by).await? {
            Some(successor) if successor.revoked_at.is_none() => Ok(Refreshed::Session(successor)),
            _ => refused(Code::Unauthenticated),
        },
        _ => {
            revoke(conn, session.user_id, session.family, now).await?;
            refused(Code::RefreshReused)
        }
    }
}

async fn find(conn: &mut Conn, id: LoginSessionId) -> QueryResult<Option<LoginSession>> {
    sql!(conn, |c| login_sessions::table
        .find(id)
        .select(LoginSession::as_select())
        .first(c)
        .await)
    .optional()
}

async fn replace(
    conn: &mut Conn,
    session: &LoginSession,
    successor: &LoginSession,
    now: Timestamp,
) -> QueryResult<bool> {
    let replaced = sql!(conn, |c| diesel::update(
        login_sessions::table.find(session.id)
    )
    .filter(login_sessions::replaced_by.is_null())
    .filter(login_sessions::revoked_at.is_null())
    .set((
        login_sessions::replaced_by.eq(successor.id),
        login_sessions::replaced_at.eq(now),
        login_sessions::updated_at.eq(now),
    ))
    .execute(c)
    .await)?;
    Ok(replaced == 1)
}

/// The active users of sign-ins that are neither revoked nor expired.
pub async fn find_users(
    conn: &mut Conn,
    families: &[LoginSessionId],
    now: Timestamp,
) -> QueryResult<HashMap<LoginSessionId, User>> {
    let found: Vec<(LoginSessionId, User)> = sql!(conn, |c| login_sessions::table
        .inner_join(users::table)
        .filter(login_sessions::family.eq_any(families))
        .filter(login_sessions::revoked_at.is_null())
        .filter(login_sessions::replaced_by.is_null())
        .filter(login_sessions::expires_at.gt(now))
        .filter(users::status.eq(UserStatus::Active))
        .select((login_sessions::family, User::as_select()))
        .cached()
        .load(c)
        .await)?;
    Ok(found.into_iter().collect())
}

/// A user's sign-ins, newest first: the present row of each.
pub async fn list(
    conn: &mut Conn,
    user: UserId,
    after: Option<LoginSessionId>,
    limit: i64,
    now: Timestamp,
) -> QueryResult<Vec<LoginSession>> {
    sql!(conn, |c| {
        let mut query = login_sessions::table
            .filter(login_sessions::user_id.eq(user))
            .filter(login_sessions::revoked_at.is_null())
            .filter(login_sessions::replaced_by.is_null())
            .filter(login_sessions::expires_at.gt(now))
            .order(login_sessions::family.desc())
            .limit(limit)
            .select(LoginSession::as_select())
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(login_sessions::family.lt(after));
        }
        query.load(c).await
    })
}

/// Ends one sign-in; answers whether there was one to end.
pub async fn revoke(
    conn: &mut Conn,
    user: UserId,
    family: LoginSessionId,
    now: Timestamp,
) -> QueryResult<bool> {
    let revoked = sql!(conn, |c| diesel::update(login_sessions::table)
        .filter(login_sessions::user_id.eq(user))
        .filter(login_sessions::family.eq(family))
        .filter(login_sessions::revoked_at.is_null())
        .set((
            login_sessions::revoked_at.eq(now),
            login_sessions::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(revoked > 0)
}

/// Ends every sign-in of a user.
pub async fn revoke_all(conn: &mut Conn, user: UserId, now: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(login_sessions::table)
        .filter(login_sessions::user_id.eq(user))
        .filter(login_sessions::revoked_at.is_null())
        .set((
            login_sessions::revoked_at.eq(now),
            login_sessions::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Forgets what has expired.
pub async fn sweep(conn: &mut Conn, now: Timestamp) -> Result<(), Problem> {
    sql!(conn, |c| diesel::delete(
        login_sessions::table.filter(login_sessions::expires_at.le(now))
    )
    .execute(c)
    .await)?;
    Ok(())
}
