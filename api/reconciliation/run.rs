//! A run: the gateway is asked first, then our books are read, so that ours are there before its.

use std::time::Duration;

use super::Counts;
use super::compare::{Finding, FindingKind, compare, count_known};
use super::store::{self, Run};
use crate::app::App;
use crate::error::Problem;
use crate::gateways::{Gateway, GatewayError, Snapshot};
use crate::id::ReconciliationRunId;
use crate::payments::{self, Books, Names, Payment};
use crate::tasks::{self, TaskKind};

/// How many differences are listed, and told to somebody.
const FINDINGS_MOST: usize = 500;

/// How much earlier or later a gateway may say that a payment began than we do.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// How long a gateway may take to list its payments; less than the lease of a job.
const LISTING_MOST: Duration = Duration::from_secs(240);

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
        Err(why) => {
            let mut conn = app.db.write().await?;
            return Ok(store::fail(&mut conn, id, why, app.clock.now()).await?);
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
async fn list(app: &App, run: &Run) -> Result<Vec<Snapshot>, &'static str> {
    let gateway = app.gateways.find(&run.provider);
    let gateway: &dyn Gateway = gateway.ok_or("The gateway is not configured.")?.as_ref();
    let (from, until) = (run.starts_at.minus(SLACK), run.ends_at.plus(SLACK));
    let listed = tokio::time::timeout(LISTING_MOST, gateway.list(from, until)).await;
    let listed = listed.map_err(|_| "The gateway took too long.")?;
    let listed = listed.map_err(|error| {
        tracing::warn!(run = %run.id, provider = run.provider, %error, "no list");
        match error {
            GatewayError::NotSent(_) | GatewayError::Unknown(_) => "The gateway did not answer.",
            GatewayError::RateLimited { .. } => "The gateway was asked too often.",
            GatewayError::Rejected(_) => "The gateway refused to list its payments.",
            GatewayError::Config(_) => "The gateway is not set up right.",
        }
    })?;
    // PostgreSQL knows no text with a NUL; a name of ours has none.
    let clean = |name: Option<String>| name.filter(|it| !it.chars().any(char::is_control));
    Ok(listed
        .into_iter()
        .map(|it| Snapshot {
            reference: clean(it.reference),
            provider_payment_id: clean(it.provider_payment_id),
            ..it
        })
        .collect())
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
