//! Background work: what waits, what was given up, and trying it again.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Job;
use super::queue::{self, JobFilter, JobState, JobStatus};
use crate::accounts::Admin;
use crate::app::App;
use crate::audit;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text};
use crate::http::{parse, path};
use crate::id::JobId;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(retry);
}

/// A piece of background work. What it works on is not shown: it may be personal.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Job, example = json!({
    "id": "job_01h455vb4pex5vsknk084sn02q", "kind": "request_password_reset", "status": "dead",
    "attempts": 12, "run_at": "2027-01-05T08:00:00Z", "last_error": "overloaded: Too busy just now",
    "recurring": false, "created_at": "2027-01-04T08:00:00Z", "updated_at": "2027-01-05T08:00:00Z"
}))]
struct JobView {
    id: JobId,
    kind: String,
    /// `dead` jobs are not tried any more.
    status: JobStatus,
    attempts: i64,
    /// Not before then.
    run_at: Timestamp,
    last_error: Option<String>,
    /// Whether it rests after it is done, and then comes back.
    recurring: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<JobState> for JobView {
    fn from(row: JobState) -> Self {
        let recurring = Job::RECURRING.iter().any(|(job, _)| job.kind() == row.kind);
        Self {
            id: row.id,
            kind: row.kind,
            status: row.status,
            attempts: row.attempts,
            run_at: row.run_at,
            last_error: row.last_error,
            recurring,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// List jobs
///
/// Those that wait, run or were given up; what is done is gone.
#[utoipa::path(
    tag = "Jobs", operation_id = "list_jobs", security(("user" = [])),
    params(
        ("status" = Option<JobStatus>, Query),
        ("kind" = Option<String>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<JobView>, description = "Newest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/jobs")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    _admin: Admin,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let statuses = parse::one_of(JobStatus::NAMES, JobStatus::from_name);
    let filter = JobFilter {
        status: query.optional("status", as_text(statuses)),
        kind: query.optional("kind", as_text(parse::name)),
    };
    query.finish()?;
    let mut conn = app.db.read().await?;
    let rows = queue::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |row| row.id, JobView::from)?;
    Ok(page.respond())
}

/// Read a job
#[utoipa::path(
    tag = "Jobs", operation_id = "read_job", security(("user" = [])),
    params(("id" = JobId, Path)),
    responses((status = 200, body = JobView, description = "The job")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/jobs/{id}")]
async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    _admin: Admin,
) -> Result<HttpResponse, Problem> {
    let id: JobId = path::segment(&request, "id")?;
    let mut conn = app.db.read().await?;
    let job = queue::find(&mut conn, id).await?;
    let job = job.ok_or_else(|| Problem::new(Code::NotFound))?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", "no-store"));
    Ok(response.json(JobView::from(job)))
}

/// Try a job again
///
/// At once, and with all its tries. One that runs is left alone: 409 `invalid_transition`.
#[utoipa::path(
    tag = "Jobs", operation_id = "retry_job", security(("user" = [])),
    params(("id" = JobId, Path)),
    responses((status = 200, body = JobView, description = "The job as it is now")),
    extensions(("x-errors" = json!(["forbidden", "invalid_transition"])))
)]
#[post("/jobs/{id}/retry")]
async fn retry(
    app: web::Data<App>,
    request: HttpRequest,
    admin: Admin,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let id: JobId = path::segment(&request, "id")?;
    mutation
        .run(async |conn| {
            let now = app.clock.now();
            let Some(job) = queue::retry(conn, id, now).await? else {
                let found = queue::find(conn, id).await?;
                found.ok_or_else(|| Problem::new(Code::NotFound))?;
                let detail = "It runs just now.";
                return Err(Problem::new(Code::InvalidTransition).detail(detail));
            };
            let entry = audit::Entry {
                organizer: None,
                actor: admin.0.user.id.to_string(),
                action: "job.retried",
                object: id.to_string(),
                at: now,
            };
            entry.write(conn, &job.kind).await?;
            Answer::ok(&JobView::from(job))
        })
        .await
}
