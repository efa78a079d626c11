//! Organizers: whose events are sold, and who works for them.

mod permission;
pub mod routes;
mod store;

use serde_json::json;

use crate::accounts::SignedIn;
use crate::accounts::membership::{self, MemberRole};
use crate::audit;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::id::{OrganizerId, UserId};
use crate::money::Currency;
pub use permission::{FinanceMember, OrganizerManager};
pub use store::Organizer;

/// The organizer that exists from the first start, so that a single one never has to be
/// thought about.
pub const DEFAULT_SLUG: &str = "default";

/// What is needed to make an organizer.
pub struct NewOrganizer {
    pub name: String,
    pub slug: Option<String>,
    pub default_currency: Currency,
    pub time_zone: String,
}

/// A change of an organizer.
pub struct OrganizerChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub default_currency: Option<Currency>,
    pub time_zone: Option<String>,
}

pub async fn create(
    conn: &mut Conn,
    new: NewOrganizer,
    actor: UserId,
    now: Timestamp,
) -> Result<Organizer, Problem> {
    let organizer = Organizer::new(new, now);
    if !store::insert(conn, &organizer).await? {
        return Err(slug_taken());
    }
    record(conn, &organizer, actor, "organizer.created", now).await?;
    Ok(organizer)
}

/// Makes the default organizer unless it exists. Several processes may do so at once.
pub async fn ensure_default(
    conn: &mut Conn,
    currency: Currency,
    now: Timestamp,
) -> Result<(), Problem> {
    let new = NewOrganizer {
        name: "My events".to_owned(),
        slug: Some(DEFAULT_SLUG.to_owned()),
        default_currency: currency,
        time_zone: "UTC".to_owned(),
    };
    if store::find_by_slug(conn, DEFAULT_SLUG).await?.is_none() {
        store::insert(conn, &Organizer::new(new, now)).await?;
    }
    Ok(())
}

/// The default organizer, which [`ensure_default`] has made.
pub async fn find_default(conn: &mut Conn) -> Result<Organizer, Problem> {
    let found = store::find_by_slug(conn, DEFAULT_SLUG).await?;
    found.ok_or_else(|| Problem::internal("there is no default organizer"))
}

pub async fn update(
    conn: &mut Conn,
    organizer: &Organizer,
    change: OrganizerChange,
    actor: UserId,
    now: Timestamp,
) -> Result<Organizer, Problem> {
    let renames = change
        .slug
        .as_ref()
        .is_some_and(|slug| *slug != organizer.slug);
    if renames && organizer.slug == DEFAULT_SLUG {
        let detail = "The slug of the default organizer stays as it is.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    if let Some(slug) = &change.slug
        && store::find_by_slug(conn, slug)
            .await?
            .is_some_and(|other| other.id != organizer.id)
    {
        return Err(slug_taken());
    }
    let updated = store::update(conn, organizer, &change, now)
        .await?
        .ok_or_else(|| Problem::new(Code::PreconditionFailed))?;
    record(conn, &updated, actor, "organizer.updated", now).await?;
    Ok(updated)
}

/// The organizer an event is to belong to: the one that was named, or the default one.
///
/// One that the caller knows nothing of is a fault of the body, like one that does not exist.
pub async fn find_for_event(
    conn: &mut Conn,
    caller: &SignedIn,
    id: Option<OrganizerId>,
) -> Result<Organizer, Problem> {
    let found = match id {
        Some(id) => store::find(conn, id).await?,
        None => store::find_by_slug(conn, DEFAULT_SLUG).await?,
    };
    let unknown = || {
        let detail = "there is no such organizer";
        Problem::invalid_member("/organizer_id", "not_found", detail)
    };
    let organizer = found.ok_or_else(unknown)?;
    match (role_of(conn, caller, organizer.id).await?, id) {
        (Some(MemberRole::Manager), _) => Ok(organizer),
        (None, Some(_)) => Err(unknown()),
        _ => Err(Problem::new(Code::Forbidden)),
    }
}

/// Whether there is such an organizer.
pub async fn exists(conn: &mut Conn, id: OrganizerId) -> Result<bool, Problem> {
    Ok(store::find(conn, id).await?.is_some())
}

/// What the caller is in an organizer; an admin is a manager everywhere.
pub async fn role_of(
    conn: &mut Conn,
    caller: &SignedIn,
    organizer: OrganizerId,
) -> Result<Option<MemberRole>, Problem> {
    if caller.is_admin() {
        return Ok(Some(MemberRole::Manager));
    }
    Ok(membership::role_in(conn, caller.user.id, organizer).await?)
}

/// The organizers that the caller manages; `None` means all of them.
pub async fn managed_by(
    conn: &mut Conn,
    caller: &SignedIn,
) -> Result<Option<Vec<OrganizerId>>, Problem> {
    joined_as(conn, caller, |role| role == MemberRole::Manager).await
}

/// The organizers whose money the caller looks after; `None` means all of them.
pub async fn financed_by(
    conn: &mut Conn,
    caller: &SignedIn,
) -> Result<Option<Vec<OrganizerId>>, Problem> {
    joined_as(conn, caller, MemberRole::handles_money).await
}

/// The organizers in which the caller has such a role; `None` means all of them.
pub async fn joined_as(
    conn: &mut Conn,
    caller: &SignedIn,
    is_such: impl Fn(MemberRole) -> bool,
) -> Result<Option<Vec<OrganizerId>>, Problem> {
    if caller.is_admin() {
        return Ok(None);
    }
    let memberships = membership::list_of_user(conn, caller.user.id).await?;
    let such = memberships.into_iter().filter(|it| is_such(it.role));
    Ok(Some(such.map(|it| it.organizer_id).collect()))
}

fn slug_taken() -> Problem {
    Problem::invalid_member("/slug", "taken", "another organizer has it")
}

async fn record(
    conn: &mut Conn,
    organizer: &Organizer,
    actor: UserId,
    action: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(organizer.id),
        actor: actor.to_string(),
        action,
        object: organizer.id.to_string(),
        at,
    };
    entry.write(conn, organizer).await
}

/// Makes somebody a member of an organizer, or changes what the member may do.
pub async fn put_member(
    conn: &mut Conn,
    organizer: &Organizer,
    user: UserId,
    role: MemberRole,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    membership::put(conn, organizer.id, user, role, now).await?;
    record_member(
        conn,
        organizer,
        user,
        actor,
        ("member.put", Some(role)),
        now,
    )
    .await
}

pub async fn remove_member(
    conn: &mut Conn,
    organizer: &Organizer,
    user: UserId,
    actor: UserId,
    now: Timestamp,
) -> Result<(), Problem> {
    if !membership::remove(conn, organizer.id, user).await? {
        return Err(Problem::new(Code::NotFound));
    }
    record_member(conn, organizer, user, actor, ("member.removed", None), now).await
}

async fn record_member(
    conn: &mut Conn,
    organizer: &Organizer,
    user: UserId,
    actor: UserId,
    (action, role): (&str, Option<MemberRole>),
    at: Timestamp,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        organizer: Some(organizer.id),
        actor: actor.to_string(),
        action,
        object: user.to_string(),
        at,
    };
    entry.write(conn, &json!({ "role": role })).await
}
