//! Starting a reconciliation, and what it found.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::compare::Finding;
use super::store::{self, Run};
use super::{Counts, NewRun, ReconciliationStatus, SPAN_MOST};
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, Flaw, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::{parse, path};
use crate::id::{OrganizerId, ReconciliationRunId};
use crate::organizers::{self, FinanceMember};

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(start).service(read);
}

/// A comparison of our payments with a gateway's.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ReconciliationRun, example = json!({
    "id": "rcn_01h455vb4pex5vsknk084sn02q", "organizer_id": null, "provider": "dummy",
    "account": "default", "from": "2027-01-01T00:00:00Z", "until": "2027-02-01T00:00:00Z",
    "status": "done", "error": null,
    "counts": {
        "ours": 1200, "theirs": 1201, "missing_here": 1, "missing_there": 0, "amount_differs": 0,
        "status_differs": 0
    },
    "findings": [{
        "kind": "missing_here", "reference": "5f2c9a1b7d3e4f608192",
        "provider_payment_id": "dch_5f2c9a1b7d3e4f608192", "payment_id": null, "ours": null,
        "theirs": {"status": "succeeded", "amount_minor": 3000000, "currency": "TZS"}
    }],
    "created_at": "2027-02-01T06:00:00Z", "started_at": "2027-02-01T06:00:00Z",
    "finished_at": "2027-02-01T06:00:02Z"
}))]
struct RunView {
    id: ReconciliationRunId,
    /// Whose payments are compared; null for everybody's.
    organizer_id: Option<OrganizerId>,
    provider: String,
    account: String,
    from: Timestamp,
    until: Timestamp,
    status: ReconciliationStatus,
    /// Why it failed.
    error: Option<String>,
    /// Null until it is done.
    counts: Option<Counts>,
    /// The first 500, the worst first; the counts say how many there are.
    findings: Vec<Finding>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            organizer_id: run.organizer_id,
            provider: run.provider,
            account: run.account,
            from: run.starts_at,
            until: run.ends_at,
            status: run.status,
            error: run.error,
            counts: run.counts.map(|counts| counts.0),
            findings: run.findings.map_or_else(Vec::new, |findings| findings.0),
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// What is to be compared.
#[derive(utoipa::ToSchema)]
#[schema(as = StartReconciliation, example = json!({
    "provider": "dummy", "from": "2027-01-01T00:00:00Z", "until": "2027-02-01T00:00:00Z"
}))]
struct StartBody {
    provider: String,
    /// The first instant.
    from: Timestamp,
    /// The first instant that is not meant any more, at most 31 days later.
    until: Timestamp,
    /// Whose payments; everybody's if left out by an admin, else those of the only organizer
    /// whose money one handles.
    organizer_id: Option<OrganizerId>,
}

impl FromBody for StartBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let provider = fields.required("provider", parse::line(100));
        let from = fields.required("from", parse::instant);
        let until = fields.required("until", parse::instant);
        let organizer = parse::parsed("an organizer's id");
        let organizer_id = fields.optional("organizer_id", organizer);
        if let (Some(from), Some(until)) = (from, until)
            && (until <= from || until.since(from) > SPAN_MOST)
        {
            let detail = "must be later than `from`, by at most 31 days";
            fields.fault("until", Flaw::new("out_of_range", detail));
        }
        Some(Self {
            provider: provider?,
            from: from?,
            until: until?,
            organizer_id: organizer_id?,
        })
    }
}

/// Whose payments are compared, if the caller may.
async fn scope(
    app: &App,
    member: &FinanceMember,
    named: Option<OrganizerId>,
) -> Result<Option<OrganizerId>, Problem> {
    let fault = |code, detail| Problem::invalid_member("/organizer_id", code, detail);
    let unknown = || fault("not_found", "there is no such organizer");
    match (&member.organizers, named) {
        (None, None) => Ok(None),
        (None, Some(named)) => {
            let mut conn = app.db.find().await?;
            let exists = organizers::exists(&mut conn, named).await?;
            exists.then_some(Some(named)).ok_or_else(unknown)
        }
        (Some(own), Some(named)) if own.contains(&named) => Ok(Some(named)),
        (Some(_), Some(_)) => Err(unknown()),
        (Some(own), None) => match own.as_slice() {
            [only] => Ok(Some(*only)),
            _ => Err(fault("required", "must be given: there are several")),
        },
    }
}

/// Compare with a gateway
///
/// A job asks the gateway for its payments of that time. What it has and we wait for is asked
/// for; any other difference opens a task. An admin's run compares all payments, and finds money
/// that is not known here; finance staff's and managers' compares their organizer's.
#[utoipa::path(
    tag = "Gateways", operation_id = "start_reconciliation", security(("user" = [])),
    request_body = StartBody,
    responses((status = 202, body = RunView, description = "It runs soon")),
    extensions(("x-errors" = json!([
        "forbidden", "idempotency_key_required", "provider_not_available"
    ])))
)]
#[post("/reconciliation/runs")]
async fn start(
    app: web::Data<App>,
    member: FinanceMember,
    body: Body<StartBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    mutation.require_key()?;
    let body = body.0;
    if app.gateways.find(&body.provider).is_none() {
        return Err(Problem::new(Code::ProviderNotAvailable));
    }
    let new = NewRun {
        organizer: scope(&app, &member, body.organizer_id).await?,
        provider: body.provider,
        from: body.from,
        until: body.until,
    };
    mutation
        .run(async |conn| {
            let (actor, now) = (member.by.user.id, app.clock.now());
            let run = super::start(conn, new.clone(), actor, now).await?;
            let location = format!("/api/v1/reconciliation/runs/{}", run.id);
            Ok(Answer::accepted(&RunView::from(run))?.location(location))
        })
        .await
}

/// The run of the path's `id`, for who handles its organizer's money; everybody's, for admins.
/// To anybody else there is none.
struct OwnRun(Run);

impl FromRequest for OwnRun {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let member = FinanceMember::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let organizers = FinanceMember::or_stranger(member.await)?.organizers;
            let id: ReconciliationRunId = path::segment(&request, "id")?;
            let mut conn = App::of(&request)?.db.find().await?;
            let run = store::find(&mut conn, id, organizers.as_deref()).await?;
            run.map(Self).ok_or_else(|| Problem::new(Code::NotFound))
        })
    }
}

/// Read a reconciliation
#[utoipa::path(
    tag = "Gateways", operation_id = "read_reconciliation", security(("user" = [])),
    params(("id" = ReconciliationRunId, Path)),
    responses((status = 200, body = RunView, description = "How far it is, and what it found"))
)]
#[get("/reconciliation/runs/{id}")]
async fn read(own: OwnRun) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    response.json(RunView::from(own.0))
}
