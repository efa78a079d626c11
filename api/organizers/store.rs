//! The organizers' table.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::{NewOrganizer, OrganizerChange};
use crate::db::schema::organizers;
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::id::OrganizerId;
use crate::money::Currency;
use crate::slug;

/// An organizer, as it is stored and shown.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, Insertable, utoipa::ToSchema)]
#[diesel(table_name = organizers)]
#[schema(example = json!({
    "id": "org_01h455vb4pex5vsknk084sn02q", "name": "Zanzibar Nights", "slug": "zanzibar-nights",
    "default_currency": "TZS", "time_zone": "Africa/Dar_es_Salaam",
    "created_at": "2027-01-05T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
pub struct Organizer {
    pub id: OrganizerId,
    pub name: String,
    pub slug: String,
    pub default_currency: Currency,
    pub time_zone: String,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Organizer {
    pub(super) fn new(new: NewOrganizer, now: Timestamp) -> Self {
        let id = OrganizerId::new();
        let slug = new.slug.unwrap_or_else(|| slug::of_name(&new.name));
        Self {
            id,
            name: new.name,
            slug,
            default_currency: new.default_currency,
            time_zone: new.time_zone,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Inserts an organizer unless its slug is taken.
pub(super) async fn insert(conn: &mut Conn, organizer: &Organizer) -> QueryResult<bool> {
    let inserted = sql!(conn, |c| diesel::insert_into(organizers::table)
        .values(organizer)
        .on_conflict(organizers::slug)
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

pub(super) async fn find(conn: &mut Conn, id: OrganizerId) -> QueryResult<Option<Organizer>> {
    sql!(conn, |c| organizers::table
        .find(id)
        .select(Organizer::as_select())
        .first(c)
        .await)
    .optional()
}

pub(super) async fn find_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Organizer>> {
    sql!(conn, |c| organizers::table
        .filter(organizers::slug.eq(slug))
        .select(Organizer::as_select())
        .first(c)
        .await)
    .optional()
}

/// Newest first; only `ids`, where given.
pub(super) async fn list(
    conn: &mut Conn,
    ids: Option<&[OrganizerId]>,
    after: Option<OrganizerId>,
    limit: i64,
) -> QueryResult<Vec<Organizer>> {
    sql!(conn, |c| {
        let mut query = organizers::table
            .select(Organizer::as_select())
            .order(organizers::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(ids) = ids {
            query = query.filter(organizers::id.eq_any(ids));
        }
        if let Some(after) = after {
            query = query.filter(organizers::id.lt(after));
        }
        query.load(c).await
    })
}

/// Changes the organizer if it is still the version that was read.
pub(super) async fn update(
    conn: &mut Conn,
    organizer: &Organizer,
    change: &OrganizerChange,
    now: Timestamp,
) -> QueryResult<Option<Organizer>> {
    let currency = change
        .default_currency
        .unwrap_or(organizer.default_currency);
    sql!(conn, |c| diesel::update(
        organizers::table.find(organizer.id)
    )
    .filter(organizers::version.eq(organizer.version))
    .set((
        organizers::name.eq(change.name.as_ref().unwrap_or(&organizer.name)),
        organizers::slug.eq(change.slug.as_ref().unwrap_or(&organizer.slug)),
        organizers::default_currency.eq(currency),
        organizers::time_zone.eq(change.time_zone.as_ref().unwrap_or(&organizer.time_zone)),
        organizers::version.eq(organizers::version + 1),
        organizers::updated_at.eq(now),
    ))
    .returning(Organizer::as_returning())
    .get_result(c)
    .await)
    .optional()
}
