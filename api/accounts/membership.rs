//! What somebody may do for an organizer.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::schema::{memberships, organizers, users};
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Conn, sql};
use crate::id::{OrganizerId, UserId};

text_enum! {
    /// `manager` may do everything of the organizer, `finance` refunds and disputes, `gate`
    /// verifies and checks in. A manager may do what the other two may.
    pub enum MemberRole {
        Manager = "manager",
        Finance = "finance",
        Gate = "gate",
    }
}

impl MemberRole {
    /// Whether it verifies and checks in.
    pub fn stands_at_gate(self) -> bool {
        matches!(self, Self::Manager | Self::Gate)
    }

    /// Whether it gives money back and looks after the books.
    pub fn handles_money(self) -> bool {
        matches!(self, Self::Manager | Self::Finance)
    }
}

/// One of a user's memberships.
#[derive(Debug, Clone, Serialize, Queryable, utoipa::ToSchema)]
pub struct Membership {
    pub organizer_id: OrganizerId,
    #[schema(example = "Zanzibar Nights")]
    pub organizer_name: String,
    pub role: MemberRole,
}

/// One of an organizer's members.
#[derive(Debug, Clone, Serialize, Queryable, utoipa::ToSchema)]
pub struct Member {
    pub user_id: UserId,
    #[schema(example = "gate@example.com")]
    pub email: String,
    #[schema(example = "Juma Said")]
    pub name: String,
    pub role: MemberRole,
    pub created_at: Timestamp,
}

macro_rules! members {
    ($organizer:expr) => {
        memberships::table
            .inner_join(users::table)
            .filter(memberships::organizer_id.eq($organizer))
            .order(users::id)
            .select((
                users::id,
                users::email,
                users::name,
                memberships::role,
                memberships::created_at,
            ))
    };
}

pub async fn list_of_user(conn: &mut Conn, user: UserId) -> QueryResult<Vec<Membership>> {
    sql!(conn, |c| memberships::table
        .inner_join(organizers::table)
        .filter(memberships::user_id.eq(user))
        .order(organizers::id)
        .select((organizers::id, organizers::name, memberships::role))
        .load(c)
        .await)
}

/// What `user` is in `organizer`, if anything.
pub async fn role_in(
    conn: &mut Conn,
    user: UserId,
    organizer: OrganizerId,
) -> QueryResult<Option<MemberRole>> {
    sql!(conn, |c| memberships::table
        .find((organizer, user))
        .select(memberships::role)
        .first(c)
        .await)
    .optional()
}

/// By user, so that a page ends at one.
pub async fn list_of_organizer(
    conn: &mut Conn,
    organizer: OrganizerId,
    after: Option<UserId>,
    limit: i64,
) -> QueryResult<Vec<Member>> {
    sql!(conn, |c| {
        let mut query = members!(organizer).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(users::id.gt(after));
        }
        query.load(c).await
    })
}

pub async fn find_member(
    conn: &mut Conn,
    organizer: OrganizerId,
    user: UserId,
) -> QueryResult<Option<Member>> {
    sql!(conn, |c| members!(organizer)
        .filter(users::id.eq(user))
        .first(c)
        .await)
    .optional()
}

/// Makes somebody a member, or changes what the member may do.
pub async fn put(
    conn: &mut Conn,
    organizer: OrganizerId,
    user: UserId,
    role: MemberRole,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::insert_into(memberships::table)
        .values((
            memberships::organizer_id.eq(organizer),
            memberships::user_id.eq(user),
            memberships::role.eq(role),
            memberships::created_at.eq(now),
            memberships::updated_at.eq(now),
        ))
        .on_conflict((memberships::organizer_id, memberships::user_id))
        .do_update()
        .set((memberships::role.eq(role), memberships::updated_at.eq(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends a membership; answers whether there was one.
pub async fn remove(conn: &mut Conn, organizer: OrganizerId, user: UserId) -> QueryResult<bool> {
    let removed = sql!(conn, |c| diesel::delete(
        memberships::table.find((organizer, user))
    )
    .execute(c)
    .await)?;
    Ok(removed == 1)
}
