//! Keys made on the first start of a development database.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{KeysError, SeedKey};
use crate::db::schema::signing_keys;
use crate::db::values::Timestamp;
use crate::db::{Db, sql};
use crate::id::SigningKeyId;

/// The key kept for `purpose`. When several processes start at once on an empty database,
/// the first one's key is everybody's.
pub(super) async fn find_or_make(
    db: &Db,
    purpose: &str,
    now: Timestamp,
) -> Result<SeedKey, KeysError> {
    let made = SeedKey {
        kid: SigningKeyId::new().to_string(),
        seed: crate::random::bytes(),
    };
    let mut conn = db.write().await?;
    sql!(&mut conn, |c| diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::id.eq(SigningKeyId::new()),
            signing_keys::purpose.eq(purpose),
            signing_keys::kid.eq(&made.kid),
            signing_keys::secret.eq(made.write()),
            signing_keys::created_at.eq(now),
        ))
        .on_conflict(signing_keys::purpose)
        .do_nothing()
        .execute(c)
        .await)?;
    let (kid, secret): (String, String) = sql!(&mut conn, |c| signing_keys::table
        .filter(signing_keys::purpose.eq(purpose))
        .select((signing_keys::kid, signing_keys::secret))
        .first(c)
        .await)?;
    SeedKey::parse(&format!("{kid}:{secret}")).ok_or(KeysError::Unusable(kid))
}
