//! The accounts' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{AccountChange, NewAccount, Role, UserStatus};
use crate::db::schema::users;
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::id::UserId;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    pub password_hash: Option<String>,
    /// Raised whenever links made before must not be good any more.
    pub token_version: i64,
    pub name: String,
    pub phone: Option<String>,
    pub role: Role,
    pub status: UserStatus,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    pub(super) fn new(account: NewAccount, now: Timestamp) -> Self {
        Self {
            id: UserId::new(),
            email: account.email,
            email_verified_at: None,
            password_hash: account.password_hash,
            token_version: 1,
            name: account.name,
            phone: account.phone,
            role: account.role,
            status: UserStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Inserts an account; `None` when its e-mail is taken.
pub(super) async fn insert(conn: &mut Conn, user: User) -> QueryResult<Option<User>> {
    let inserted = sql!(conn, |c| diesel::insert_into(users::table)
        .values(&user)
        .on_conflict(users::email)
        .do_nothing()
        .execute(c)
        .await)?;
    Ok((inserted == 1).then_some(user))
}

pub(super) async fn find(conn: &mut Conn, id: UserId) -> QueryResult<Option<User>> {
    sql!(conn, |c| users::table
        .find(id)
        .select(User::as_select())
        .first(c)
        .await)
    .optional()
}

pub(super) async fn find_by_email(conn: &mut Conn, email: &str) -> QueryResult<Option<User>> {
    sql!(conn, |c| users::table
        .filter(users::email.eq(email))
        .select(User::as_select())
        .first(c)
        .await)
    .optional()
}

/// Which accounts an admin asks for.
#[derive(Debug, Default)]
pub(super) struct UserFilter {
    pub email: Option<String>,
    pub role: Option<Role>,
    pub status: Option<UserStatus>,
}

/// Newest first.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: i64,
) -> QueryResult<Vec<User>> {
    sql!(conn, |c| {
        let mut query = users::table
            .select(User::as_select())
            .order(users::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(email) = &filter.email {
            query = query.filter(users::email.eq(email));
        }
        if let Some(role) = filter.role {
            query = query.filter(users::role.eq(role));
        }
        if let Some(status) = filter.status {
            query = query.filter(users::status.eq(status));
        }
        if let Some(after) = after {
            query = query.filter(users::id.lt(after));
        }
        query.load(c).await
    })
}

/// Changes the account if it is still the version that was read.
pub(super) async fn update(
    conn: &mut Conn,
    user: &User,
    change: &AccountChange,
    now: Timestamp,
) -> QueryResult<Option<User>> {
    sql!(conn, |c| diesel::update(users::table.find(user.id))
        .filter(users::version.eq(user.version))
        .set((
            users::name.eq(change.name.as_ref().unwrap_or(&user.name)),
            users::phone.eq(change.phone.as_ref().unwrap_or(&user.phone)),
            users::role.eq(change.role.unwrap_or(user.role)),
            users::status.eq(change.status.unwrap_or(user.status)),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(User::as_returning())
        .get_result(c)
        .await)
    .optional()
}

pub(super) async fn set_verified(conn: &mut Conn, id: UserId, now: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(users::table.find(id))
        .filter(users::email_verified_at.is_null())
        .set((
            users::email_verified_at.eq(now),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Sets a password unless another link did so first. Whoever got the mail owns the address.
pub(super) async fn set_password(
    conn: &mut Conn,
    user: &User,
    password_hash: &str,
    now: Timestamp,
) -> QueryResult<bool> {
    let changed = sql!(conn, |c| diesel::update(users::table.find(user.id))
        .filter(users::token_version.eq(user.token_version))
        .set((
            users::password_hash.eq(password_hash),
            users::email_verified_at.eq(user.email_verified_at.unwrap_or(now)),
            users::token_version.eq(users::token_version + 1),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

pub(super) async fn make_admin(
    conn: &mut Conn,
    email: &str,
    password_hash: &str,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(users::table)
        .filter(users::email.eq(email))
        .set((
            users::password_hash.eq(password_hash),
            users::role.eq(Role::Admin),
            users::status.eq(UserStatus::Active),
            users::token_version.eq(users::token_version + 1),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn count_admins(conn: &mut Conn) -> QueryResult<i64> {
    sql!(conn, |c| users::table
        .filter(users::role.eq(Role::Admin))
        .count()
        .get_result(c)
        .await)
}

/// Of the active admins, the one whose account is oldest.
pub(super) async fn first_admin(conn: &mut Conn) -> QueryResult<Option<UserId>> {
    sql!(conn, |c| users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::status.eq(UserStatus::Active))
        .order(users::id)
        .select(users::id)
        .first(c)
        .await)
    .optional()
}

/// How many active admins there would be without this one.
///
/// On PostgreSQL the rows are locked, so that two admins cannot remove each other at once.
pub(super) async fn count_other_admins(conn: &mut Conn, id: UserId) -> QueryResult<usize> {
    let admins = users::table
        .filter(users::role.eq(Role::Admin))
        .filter(users::status.eq(UserStatus::Active))
        .order(users::id)
        .select(users::id);
    let admins: Vec<UserId> = sql!(conn,
        sqlite: |c| admins.load(c).await,
        postgres: |c| admins.for_update().load(c).await
    )?;
    Ok(admins.into_iter().filter(|admin| *admin != id).count())
}
