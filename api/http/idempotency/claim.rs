//! Who asked for what, and whether it was asked before.

use std::time::Duration;

use actix_web::HttpRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{Outcome, Run, Saved, body_digest, is_final, store};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::http::auth::CallerScope;

/// How long a first request may run before a second one takes over.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// How long an answer is kept.
pub(super) const KEPT: Duration = Duration::from_secs(72 * 60 * 60);

/// One key of one caller on one route, and what was asked with it.
pub(super) struct Claim {
    pub caller: String,
    pub key: String,
    pub route: String,
    pub fingerprint: String,
}

/// What somebody wishes, with the claim to it.
pub struct Claimed<W> {
    pub(super) claim: Claim,
    pub(super) wish: W,
}

/// What the table says about a claim.
pub(super) enum Earlier {
    Nothing,
    Done(Saved),
    /// The lease has run out: the intent is handed over.
    Abandoned(serde_json::Value),
}

impl Claim {
    /// Reads the header; `None` without one.
    pub fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let Some(value) = request.headers().get("idempotency-key") else {
            return Ok(None);
        };
        let caller = CallerScope::of(request);
        let least = if caller.is_anonymous() { 16 } else { 8 };
        let key = value.to_str().ok().filter(|key| {
            (least..=255).contains(&key.len())
                && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        });
        let Some(key) = key else {
            let detail = format!("must be {least} to 255 printable characters");
            return Err(Problem::invalid_member(
                "Idempotency-Key",
                "out_of_range",
                detail,
            ));
        };
        let pattern = request.match_pattern().unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(request.path());
        hash.update([0]);
        hash.update(body_digest(request));
        Ok(Some(Self {
            caller: caller.as_str().to_owned(),
            key: key.to_owned(),
            route: format!("{} {pattern}", request.method()),
            fingerprint: hex(&hash.finalize()),
        }))
    }

    /// Takes the claim, or finds the answer that an earlier request was given.
    pub async fn take_or_replay(
        &self,
        conn: &mut Conn,
        now: Timestamp,
    ) -> Result<Option<Saved>, Problem> {
        match store::take(conn, self, now).await? {
            Earlier::Nothing => Ok(None),
            Earlier::Done(saved) => Ok(Some(saved)),
            Earlier::Abandoned(_) => Err(Problem::internal("this route leaves no intents")),
        }
    }

    /// Refuses a key that was used for something else.
    pub fn check_fingerprint(&self, fingerprint: &str) -> Result<(), Problem> {
        if self.fingerprint == fingerprint {
            Ok(())
        } else {
            Err(Problem::new(Code::IdempotencyKeyReused))
        }
    }
}

/// How far a request with a gateway call has come when it enters.
pub(super) enum Progress<I> {
    /// There is an answer.
    Told(Outcome),
    /// The call is to be made.
    Run(I, Run),
}

impl<I: Serialize + DeserializeOwned> Progress<I> {
    /// Commits claim and intent together, or finds what an earlier request left.
    pub async fn take(
        conn: &mut Conn,
        claim: Option<&Claim>,
        now: Timestamp,
        intend: &impl AsyncFn(&mut Conn) -> Result<I, Problem>,
    ) -> Result<Self, Problem> {
        let Some(claim) = claim else {
            return Ok(Self::Run(intend(conn).await?, Run::First));
        };
        match store::take(conn, claim, now).await? {
            Earlier::Done(saved) => {
                let replayed = true;
                Ok(Self::Told(Outcome { saved, replayed }))
            }
            Earlier::Abandoned(intent) => {
                let intent = serde_json::from_value(intent).map_err(Problem::internal)?;
                Ok(Self::Run(intent, Run::Resumed))
            }
            Earlier::Nothing => match conn.transaction(async |conn| intend(conn).await).await {
                Ok(intent) => {
                    let value = serde_json::to_value(&intent).map_err(Problem::internal)?;
                    store::keep_intent(conn, claim, value, now).await?;
                    Ok(Self::Run(intent, Run::First))
                }
                Err(problem) if is_final(&problem) => {
                    let saved = Saved::Refusal(problem);
                    store::save(conn, claim, &saved, now).await?;
                    Ok(Self::Told(Outcome::first(saved)))
                }
                Err(problem) => Err(problem),
            },
        }
    }
}
