//! The claims' table.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::Saved;
use super::claim::{Claim, Earlier, KEPT, LEASE};
use crate::db::schema::idempotency;
use crate::db::values::{Json, Timestamp, text_enum};
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::error::{Code, Problem};

text_enum! {
    pub enum ClaimState {
        Running = "running",
        Done = "done",
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency)]
struct ClaimRow {
    fingerprint: String,
    state: ClaimState,
    lease_until: Option<Timestamp>,
    expires_at: Timestamp,
    intent: Option<Json<Value>>,
    answer: Option<Json<Value>>,
}

macro_rules! row_of {
    ($claim:expr) => {
        idempotency::table
            .filter(idempotency::caller.eq(&$claim.caller))
            .filter(idempotency::key.eq(&$claim.key))
            .filter(idempotency::route.eq(&$claim.route))
    };
}

/// Inserts the claim, or says what an earlier request with it left behind.
///
/// On PostgreSQL the insert waits for a transaction that holds the same claim.
pub(super) async fn take(
    conn: &mut Conn,
    claim: &Claim,
    now: Timestamp,
) -> Result<Earlier, Problem> {
    if insert(conn, claim, now).await? {
        return Ok(Earlier::Nothing);
    }
    let row = find(conn, claim).await?;
    let Some(row) = row.filter(|row| row.expires_at > now) else {
        delete_expired(conn, claim, now).await?;
        return match insert(conn, claim, now).await? {
            true => Ok(Earlier::Nothing),
            false => Err(in_progress()),
        };
    };
    claim.check_fingerprint(&row.fingerprint)?;
    match (row.state, row.answer, row.intent) {
        (ClaimState::Done, Some(Json(answer)), _) => {
            let saved = serde_json::from_value(answer).map_err(Problem::internal)?;
            Ok(Earlier::Done(saved))
        }
        (ClaimState::Running, _, Some(Json(intent))) if is_over(row.lease_until, now) => {
            take_over(conn, claim, now).await?;
            Ok(Earlier::Abandoned(intent))
        }
        _ => Err(in_progress()),
    }
}

bulk_row! {
    struct NewClaim in idempotency {
        caller: String,
        key: String,
        route: String,
        fingerprint: String,
        state: ClaimState,
        lease_until: Timestamp,
        expires_at: Timestamp,
        created_at: Timestamp,
        answer: Option<Json<Value>>,
    }
}

/// How a claim is called.
#[derive(QueryableByName, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[diesel(table_name = idempotency)]
struct Name {
    caller: String,
    key: String,
    route: String,
}

impl NewClaim {
    fn of(claim: &Claim, answer: Option<Value>, now: Timestamp) -> Self {
        Self {
            caller: claim.caller.clone(),
            key: claim.key.clone(),
            route: claim.route.clone(),
            fingerprint: claim.fingerprint.clone(),
            state: match answer {
                Some(_) => ClaimState::Done,
                None => ClaimState::Running,
            },
            lease_until: now.plus(LEASE),
            expires_at: now.plus(KEPT),
            created_at: now,
            answer: answer.map(Json),
        }
    }

    fn name(&self) -> Name {
        Name {
            caller: self.caller.clone(),
            key: self.key.clone(),
            route: self.route.clone(),
        }
    }
}

async fn insert(conn: &mut Conn, claim: &Claim, now: Timestamp) -> QueryResult<bool> {
    let row = NewClaim::of(claim, None, now);
    let inserted = sql!(conn, |c| diesel::insert_into(idempotency::table)
        .values(row)
        .on_conflict_do_nothing()
        .cached()
        .execute(c)
        .await)?;
    Ok(inserted == 1)
}

/// Inserts several claims, always in the same order, so that two processes never wait in a
/// circle. Says which are new; of those that are equal, the first.
pub(super) async fn take_all(
    conn: &mut Conn,
    claims: &[&Claim],
    now: Timestamp,
) -> QueryResult<Vec<bool>> {
    let mut rows: Vec<NewClaim> = claims
        .iter()
        .map(|claim| NewClaim::of(claim, None, now))
        .collect();
    let names: Vec<Name> = rows.iter().map(NewClaim::name).collect();
    rows.sort_by_cached_key(NewClaim::name);
    let taken: Vec<Name> = sql!(conn,
        sqlite: |c| c.spawn_blocking(move |c| {
            let mut taken = Vec::new();
            for row in rows {
                let name = row.name();
                let insert = diesel::insert_into(idempotency::table)
                    .values(row)
                    .on_conflict_do_nothing()
                    .cached();
                if diesel::RunQueryDsl::execute(insert, c)? == 1 {
                    taken.push(name);
                }
            }
            Ok(taken)
        }).await,
        postgres: |c| {
            let then = "ON CONFLICT DO NOTHING RETURNING caller, key, route";
            many::insert(&rows, then).cached().get_results(c).await
        }
    )?;
    let mut taken: HashSet<_> = taken.into_iter().collect();
    Ok(names.iter().map(|name| taken.remove(name)).collect())
}

async fn find(conn: &mut Conn, claim: &Claim) -> QueryResult<Option<ClaimRow>> {
    sql!(conn, |c| row_of!(claim)
        .select(ClaimRow::as_select())
        .first(c)
        .await)
    .optional()
}

async fn delete_expired(conn: &mut Conn, claim: &Claim, now: Timestamp) -> QueryResult<()> {
    sql!(conn, |c| diesel::delete(
        row_of!(claim).filter(idempotency::expires_at.le(now))
    )
    .cached()
    .execute(c)
    .await)?;
    Ok(())
}

fn is_over(lease_until: Option<Timestamp>, now: Timestamp) -> bool {
    lease_until.is_none_or(|until| until <= now)
}

fn in_progress() -> Problem {
    Problem::new(Code::IdempotencyInProgress).retry_after(2)
}

/// Moves the lease, unless another request was faster.
async fn take_over(conn: &mut Conn, claim: &Claim, now: Timestamp) -> Result<(), Problem> {
    let moved = sql!(conn, |c| diesel::update(
        row_of!(claim).filter(idempotency::lease_until.le(now))
    )
    .set(idempotency::lease_until.eq(now.plus(LEASE)))
    .cached()
    .execute(c)
    .await)?;
    if moved == 1 {
        Ok(())
    } else {
        Err(in_progress())
    }
}

/// Keeps what a gateway is about to be asked, for whoever must resume it.
pub(super) async fn keep_intent(
    conn: &mut Conn,
    claim: &Claim,
    intent: Value,
    now: Timestamp,
) -> QueryResult<()> {
    sql!(conn, |c| diesel::update(row_of!(claim))
        .set((
            idempotency::intent.eq(Json(intent)),
            idempotency::lease_until.eq(now.plus(LEASE)),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Saves the answer: from now on it is repeated.
pub(super) async fn save(
    conn: &mut Conn,
    claim: &Claim,
    saved: &Saved,
    now: Timestamp,
) -> Result<(), Problem> {
    let answer = serde_json::to_value(saved).map_err(Problem::internal)?;
    sql!(conn, |c| diesel::update(row_of!(claim))
        .set((
            idempotency::state.eq(ClaimState::Done),
            idempotency::answer.eq(Json(answer)),
            idempotency::expires_at.eq(now.plus(KEPT)),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Saves the answers of several claims that were taken.
pub(super) async fn save_all(
    conn: &mut Conn,
    saved: Vec<(&Claim, Value)>,
    now: Timestamp,
) -> QueryResult<()> {
    let rows: Vec<NewClaim> = saved
        .into_iter()
        .map(|(claim, answer)| NewClaim::of(claim, Some(answer), now))
        .collect();
    sql!(conn,
        sqlite: |c| c.spawn_blocking(move |c| {
            for row in &rows {
                let update = diesel::update(row_of!(row)).set((
                    idempotency::state.eq(row.state),
                    idempotency::answer.eq(&row.answer),
                    idempotency::expires_at.eq(row.expires_at),
                ));
                diesel::RunQueryDsl::execute(update.cached(), c)?;
            }
            Ok(())
        }).await,
        postgres: |c| {
            // They are there: nothing is inserted.
            let then = "ON CONFLICT (caller, key, route) DO UPDATE SET state = excluded.state, \
                answer = excluded.answer, expires_at = excluded.expires_at";
            many::insert(&rows, then).cached().execute(c).await.map(drop)
        }
    )
}

/// Saves what a call came to. If nothing is kept, the next request with the same key goes on
/// from the intent.
pub(super) async fn finish(
    conn: &mut Conn,
    claim: &Claim,
    kept: Option<&Saved>,
    now: Timestamp,
) -> Result<(), Problem> {
    if let Some(saved) = kept {
        return save(conn, claim, saved, now).await;
    }
    sql!(conn, |c| diesel::update(row_of!(claim))
        .set(idempotency::lease_until.eq(now))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// Forgets what is older than the contract promises.
pub async fn sweep(conn: &mut Conn, now: Timestamp) -> QueryResult<usize> {
    sql!(conn, |c| diesel::delete(
        idempotency::table.filter(idempotency::expires_at.le(now))
    )
    .cached()
    .execute(c)
    .await)
}
