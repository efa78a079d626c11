//! Reconciliation: a gateway is asked for all its payments of some time, and its books are laid
//! beside ours. What a question mends is asked; the rest is for a person.

mod compare;
pub mod routes;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::db::Conn;
use crate::db::values::{Timestamp, text_enum};
use crate::error::Problem;
use crate::gateways::{Gateway, Snapshot};
use crate::id::{OrganizerId, ReconciliationRunId, UserId};
use crate::jobs::{self, Job};
use crate::payments::{self, Books, Names, Payment};
use crate::tasks::{self, TaskKind};
use compare::{Finding, FindingKind, compare, count_known};
use store::Run;

text_enum! {
    /// `queued → running → done | failed`.
    pub enum ReconciliationStatus {
        Queued = "queued",
        Running = "running",
        Done = "done",
        Failed = "failed",
    }
}

/// The longest time that one run compares.
const SPAN_MOST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// How many differences are listed, and told to somebody.
const FINDINGS_MOST: usize = 500;

/// How much earlier or later a gateway may say that a payment began than we do.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// How long a gateway may take to list its payments; less than the lease of a job.
const LISTING_MOST: Duration = Duration::from_secs(240);

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub provider: String,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Whose payments; everybody's, if `None`.
    pub organizer: Option<OrganizerId>,
}

/// How many payments were compared, and how many differences of each kind there are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReconciliationCounts, example = json!({
    "ours": 1200, "theirs": 1201, "missing_here": 1, "missing_there": 0, "amount_differs": 0,
    "status_differs": 0
}))]
pub struct Counts {
    /// Our payments that succeeded, and those that the gateway has listed.
    pub ours: usize,
    /// The gateway's payments; of an organizer's run, those that are the organizer's.
    pub theirs: usize,
    pub missing_here: usize,
    pub missing_there: usize,
    pub amount_differs: usize,
    pub status_differs: usize,
}

/// Queues a run.
async fn start(
    conn: &mut Conn,
    new: NewRun,
    actor: UserId,
    now: Timestamp,
) -> Result<Run, Problem> {
    let run = Run::new(new, now);
    store::insert(conn, &run).await?;
    jobs::enqueue(conn, Job::Reconcile { run: run.id }, now).await?;
    let entry = audit::Entry {
        organizer: run.organizer_id,
        actor: actor.to_string(),
        action: "reconciliation.started",
        object: run.id.to_string(),
        at: now,
    };
    let content = json!({"provider": run.provider, "from": run.starts_at, "until": run.ends_at});
    entry.write(conn, &content).await?;
    Ok(run)
}

/// Does a run. A gateway that does not answer fails it; whoever wants to starts another.
pub async fn run(app: &App, id: ReconciliationRunId) -> Result<(), Problem> {
    let asked_at = app.clock.now();
    let mut conn = app.db.write().await?;
    let run = store::begin(&mut conn, id, asked_at).await?;
    drop(conn);
    let Some(run) = run else {
        return Ok(());
    };
    let theirs = match list(app, &run).await {
        Ok(theirs) => theirs,
        Err(error) => {
            tracing::warn!(run = %id, provider = run.provider, error, "not reconciled");
            let mut conn = app.db.write().await?;
            return Ok(store::fail(&mut conn, id, &error, app.clock.now()).await?);
        }
    };
    let ours = find_ours(app, &run, &theirs).await?;
    let is_all = run.organizer_id.is_none();
    let findings = compare(&ours, &theirs, asked_at, is_all);
    let theirs = match is_all {
        true => theirs.len(),
        false => count_known(&ours, &theirs),
    };
    let counts = count(&findings, ours.len(), theirs);
    for finding in findings.iter().filter(|it| it.is_mended_by_asking()) {
        if let Some(payment) = finding.payment_id {
            payments::wake(app, payment).await?;
        }
    }
    note(app, &run, counts, findings).await
}

/// The gateway's payments, and some before and after: its clock is not ours.
async fn list(app: &App, run: &Run) -> Result<Vec<Snapshot>, String> {
    let gateway = app.gateways.find(&run.provider);
    let gateway: &dyn Gateway = gateway.ok_or("The gateway is not configured.")?.as_ref();
    let (from, until) = (run.starts_at.minus(SLACK), run.ends_at.plus(SLACK));
    let listed = tokio::time::timeout(LISTING_MOST, gateway.list(from, until));
    match listed.await {
        Ok(theirs) => theirs.map_err(|error| error.to_string()),
        Err(_) => Err("The gateway took too long.".to_owned()),
    }
}

/// Our payments that succeeded in that time, and those that the gateway means, whenever they
/// began. They are read after its own, so that ours are there first.
async fn find_ours(app: &App, run: &Run, theirs: &[Snapshot]) -> Result<Vec<Payment>, Problem> {
    let books = Books {
        provider: &run.provider,
        account: &run.account,
        organizer: run.organizer_id,
    };
    let references: Vec<&str> = theirs
        .iter()
        .filter_map(|it| it.reference.as_deref())
        .collect();
    let remote_ids: Vec<&str> = theirs
        .iter()
        .filter(|it| it.reference.is_none())
        .filter_map(|it| it.provider_payment_id.as_deref())
        .collect();
    let mut conn = app.db.read().await?;
    let conn = &mut conn;
    let mut ours = payments::paid_between(conn, books, run.starts_at, run.ends_at).await?;
    ours.extend(payments::called(conn, books, Names::References(&references)).await?);
    ours.extend(payments::called(conn, books, Names::RemoteIds(&remote_ids)).await?);
    ours.sort_by_key(|payment| payment.id);
    ours.dedup_by_key(|payment| payment.id);
    Ok(ours)
}

fn count(findings: &[Finding], ours: usize, theirs: usize) -> Counts {
    let of = |kind: FindingKind| findings.iter().filter(|it| it.kind == kind).count();
    Counts {
        ours,
        theirs,
        missing_here: of(FindingKind::MissingHere),
        missing_there: of(FindingKind::MissingThere),
        amount_differs: of(FindingKind::AmountDiffers),
        status_differs: of(FindingKind::StatusDiffers),
    }
}

/// Writes down what was found, with a task for whatever no question mends.
async fn note(
    app: &App,
    run: &Run,
    counts: Counts,
    mut findings: Vec<Finding>,
) -> Result<(), Problem> {
    findings.truncate(FINDINGS_MOST);
    let now = app.clock.now();
    app.db
        .transaction(async |conn| {
            for finding in findings.iter().filter(|it| !it.is_mended_by_asking()) {
                let (object, text) = (object(run, finding), describe(run, finding));
                let (organizer, kind) = (finding.organizer_id, TaskKind::Unmatched);
                tasks::open(conn, organizer, kind, &object, &text, now).await?;
            }
            Ok(store::finish(conn, run.id, counts, findings.clone(), now).await?)
        })
        .await
}

/// What a task is about: our payment, or what the gateway calls its own.
fn object(run: &Run, finding: &Finding) -> String {
    let name = || {
        let name = finding.provider_payment_id.as_deref();
        name.or(finding.reference.as_deref()).unwrap_or("?")
    };
    finding.payment_id.map_or_else(
        || format!("{}:{}", run.provider, name()),
        |id| id.to_string(),
    )
}

fn describe(run: &Run, finding: &Finding) -> String {
    let provider = &run.provider;
    match finding.kind {
        FindingKind::MissingHere => format!("{provider} has money that we do not know."),
        FindingKind::MissingThere => format!("{provider} does not know a payment that succeeded."),
        FindingKind::AmountDiffers => format!("{provider} says that another amount was paid."),
        FindingKind::StatusDiffers => format!("{provider} does not say that it was paid."),
    }
}
