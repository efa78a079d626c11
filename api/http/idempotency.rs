//! The same request twice has one effect and one answer.
//!
//! A claim (caller, key, route) is inserted in the transaction that does the work, and the
//! answer is saved in it: «done» and «answered» commit together. Work that must call a
//! gateway in between commits its claim and intent first, and its answer last; a claim whose
//! lease has run out is resumed from its intent, never started again.

mod answer;
mod claim;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::future::{Ready, ready};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::batch::Lanes;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::id::EventId;
use crate::keys::Keys;
pub use answer::{Answer, GUEST_TOKEN_PLACEHOLDER};
pub use claim::Claimed;
use claim::{Claim, Progress};
pub use store::sweep;

/// SHA-256 of the body in canonical form (members sorted, no white space).
#[derive(Debug, Clone)]
pub struct BodyDigest(Vec<u8>);

impl BodyDigest {
    pub fn of(body: &Value) -> Self {
        Self(Sha256::digest(body.to_string()).to_vec())
    }
}

/// An outcome worth repeating: an answer, or a refusal that the same request would meet again.
#[derive(Debug, Serialize, Deserialize)]
enum Saved {
    Answer(Answer),
    Refusal(Problem),
}

impl Saved {
    /// What is saved of work that is done; a fault of ours is not.
    fn of(done: Result<Answer, Problem>) -> Result<Self, Problem> {
        match done {
            Ok(answer) => Ok(Self::Answer(answer)),
            Err(problem) if is_final(&problem) => Ok(Self::Refusal(problem)),
            Err(problem) => Err(problem),
        }
    }
}

/// What a request is told, and whether an earlier one was told it first.
pub struct Outcome {
    saved: Saved,
    replayed: bool,
}

impl Outcome {
    fn first(saved: Saved) -> Self {
        Self {
            saved,
            replayed: false,
        }
    }

    fn respond(self, keys: &Keys) -> Result<HttpResponse, Problem> {
        let replayed = self.replayed;
        let mut response = match self.saved {
            Saved::Answer(answer) => answer.respond(keys)?,
            Saved::Refusal(problem) => {
                return Err(Problem {
                    replayed,
                    ..problem
                });
            }
        };
        if replayed {
            let name = header::HeaderName::from_static("idempotency-replayed");
            let value = header::HeaderValue::from_static("true");
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

/// Whether a refusal is the request's own fault for good.
fn is_final(problem: &Problem) -> bool {
    let status = problem.code.status().as_u16();
    let passing = matches!(status, 401 | 408 | 429) || problem.code == Code::IdempotencyInProgress;
    (400..500).contains(&status) && !passing
}

/// What was recorded of a call to a gateway, and what the client is told.
#[derive(Debug)]
pub enum Recorded {
    Answer(Answer),
    Refusal(Problem),
}

impl Recorded {
    /// What is kept of it: nothing of a refusal that may pass.
    fn kept(&self, keys: &Keys) -> Result<Option<Saved>, Problem> {
        Ok(match self {
            Self::Answer(answer) => Some(Saved::Answer(answer.clone().sealed(keys)?)),
            Self::Refusal(problem) if is_final(problem) => Some(Saved::Refusal(problem.repeated())),
            Self::Refusal(_) => None,
        })
    }
}

/// How a call to a gateway comes to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// For the first time.
    First,
    /// Again, after a process died between intent and answer: look before you repeat.
    Resumed,
}

/// A request that changes something; extract it, then run the work through it.
pub struct Mutation {
    request: HttpRequest,
    app: web::Data<App>,
}

impl FromRequest for Mutation {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let app = request.app_data::<web::Data<App>>().cloned();
        ready(match app {
            Some(app) => Ok(Self {
                request: request.clone(),
                app,
            }),
            None => Err(Problem::internal("no app")),
        })
    }
}

impl Mutation {
    /// Whether the request names itself, so that its answer is kept.
    pub fn has_key(&self) -> bool {
        self.request.headers().contains_key("idempotency-key")
    }

    /// Refuses a request without a key, where a repetition would cost money.
    pub fn require_key(&self) -> Result<(), Problem> {
        if self.has_key() {
            Ok(())
        } else {
            Err(Problem::new(Code::IdempotencyKeyRequired))
        }
    }

    /// *Database only*: claim, work in a savepoint, answer, all in one commit. A refusal is
    /// saved too; a fault of ours rolls everything back.
    pub async fn run(
        &self,
        work: impl AsyncFn(&mut Conn) -> Result<Answer, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let claim = Claim::of(&self.request)?;
        let outcome = alone(&self.app, claim.as_ref(), work).await?;
        outcome.respond(&self.app.keys)
    }

    /// *Database only, with those who wait at the same moment*: like [`Mutation::run`], but
    /// `work` does several wishes of an event at once, each with its own answer or refusal; an
    /// error for all of them has each done by itself. Without a key it is done alone.
    pub async fn run_in_lane<W>(
        &self,
        lanes: &Lanes<Claimed<W>, Result<Outcome, Problem>>,
        event: EventId,
        wish: W,
        work: impl AsyncFn(&mut Conn, &[&W]) -> Result<Vec<Result<Answer, Problem>>, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let app = &self.app;
        let one = async |conn: &mut Conn, wish: &W| {
            let answers = work(conn, &[wish]).await?;
            let only = answers.into_iter().next();
            only.ok_or_else(|| Problem::internal("a wish without an answer"))?
        };
        let outcome = match Claim::of(&self.request)? {
            None => alone(app, None, async |conn| one(conn, &wish).await).await,
            Some(claim) => {
                let by_itself = async |it: &Claimed<W>| {
                    alone(app, Some(&it.claim), async |conn| one(conn, &it.wish).await).await
                };
                let wish = Claimed { claim, wish };
                let together = async |wishes: &[Arc<Claimed<W>>]| {
                    match together(app, wishes, &work).await {
                        // Others took it after it was looked at: now it is seen what is left.
                        Err(problem) if problem.code == Code::SoldOut => {
                            together(app, wishes, &work).await
                        }
                        done => done,
                    }
                };
                lanes.run(event, wish, together, by_itself).await?
            }
        }?;
        outcome.respond(&app.keys)
    }

    /// *With a gateway call*: `intend` commits with the claim, `call` runs outside of any
    /// transaction, `record` commits with the answer. An `intend` that refuses calls nothing.
    ///
    /// `call` gets [`Run::Resumed`] when an earlier process died after the intent: it must
    /// find out what happened before it does anything again. A refusal that is recorded commits
    /// what was recorded with it; one that may pass lets the same request try again.
    pub async fn run_with_call<I, O>(
        &self,
        intend: impl AsyncFn(&mut Conn) -> Result<I, Problem>,
        call: impl AsyncFnOnce(&I, Run) -> O,
        record: impl AsyncFn(&mut Conn, &I, &O) -> Result<Recorded, Problem>,
    ) -> Result<HttpResponse, Problem>
    where
        I: Serialize + DeserializeOwned,
    {
        let claim = Claim::of(&self.request)?;
        let now = self.app.clock.now();
        let claimed = self
            .app
            .db
            .transaction(async |conn| Progress::<I>::take(conn, claim.as_ref(), now, &intend).await)
            .await?;
        let (intent, run) = match claimed {
            Progress::Told(outcome) => return outcome.respond(&self.app.keys),
            Progress::Run(intent, run) => (intent, run),
        };
        let outcome = call(&intent, run).await;
        let now = self.app.clock.now();
        let recorded = self
            .app
            .db
            .transaction(async |conn| {
                let recorded = record(conn, &intent, &outcome).await?;
                if let Some(claim) = &claim {
                    let saved = recorded.kept(&self.app.keys)?;
                    store::finish(conn, claim, saved.as_ref(), now).await?;
                }
                Ok::<_, Problem>(recorded)
            })
            .await?;
        match recorded {
            Recorded::Answer(answer) => answer.respond(&self.app.keys),
            Recorded::Refusal(problem) => Err(problem),
        }
    }
}

/// One request's work, with its claim if it has one.
async fn alone(
    app: &App,
    claim: Option<&Claim>,
    work: impl AsyncFn(&mut Conn) -> Result<Answer, Problem>,
) -> Result<Outcome, Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let Some(claim) = claim else {
                return Ok(Outcome::first(Saved::Answer(work(conn).await?)));
            };
            if let Some(saved) = claim.take_or_replay(conn, now).await? {
                let replayed = true;
                return Ok(Outcome { saved, replayed });
            }
            let done = conn.transaction(async |conn| work(conn).await).await;
            let saved = Saved::of(done)?;
            store::save(conn, claim, &saved, now).await?;
            Ok(Outcome::first(saved))
        })
        .await
}

/// The work of several requests in one transaction. Those whose key is known, or that are not
/// answered for good, are left to be done alone.
async fn together<W>(
    app: &App,
    wishes: &[Arc<Claimed<W>>],
    work: &impl AsyncFn(&mut Conn, &[&W]) -> Result<Vec<Result<Answer, Problem>>, Problem>,
) -> Result<Vec<Option<Result<Outcome, Problem>>>, Problem> {
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            let claims: Vec<&Claim> = wishes.iter().map(|it| &it.claim).collect();
            let taken = store::take_all(conn, &claims, now).await?;
            let new: Vec<&W> = wishes
                .iter()
                .zip(&taken)
                .filter_map(|(it, taken)| taken.then_some(&it.wish))
                .collect();
            let mut done = work(conn, &new).await?.into_iter();
            let mut outcomes = Vec::new();
            let mut saved = Vec::new();
            for (claim, taken) in claims.into_iter().zip(taken) {
                if !taken {
                    outcomes.push(None);
                    continue;
                }
                let done = done.next();
                let done = done.ok_or_else(|| Problem::internal("a wish without an answer"))?;
                let outcome = Outcome::first(Saved::of(done)?);
                let answer = serde_json::to_value(&outcome.saved).map_err(Problem::internal)?;
                saved.push((claim, answer));
                outcomes.push(Some(Ok(outcome)));
            }
            store::save_all(conn, saved, now).await?;
            Ok(outcomes)
        })
        .await
}

fn body_digest(request: &HttpRequest) -> Vec<u8> {
    let digest = request.extensions().get::<BodyDigest>().cloned();
    digest.map(|digest| digest.0).unwrap_or_default()
}
