//! What waits for a person, and having done it.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::TaskKind;
use super::store::{self, Task, TaskFilter};
use crate::accounts::SignedIn;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::{Code, Problem};
use crate::http::body::{Body, Fields, Flaw, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::page::{Page, PageRequest};
use crate::http::query::{Query, as_text, names};
use crate::http::{parse, path};
use crate::id::{OrganizerId, TaskId};
use crate::organizers::FinanceMember;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(finish);
}

/// Something that a person must decide.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Task, example = json!({
    "id": "tsk_01h455vb4pex5vsknk084sn02q", "organizer_id": "org_01h455vb4pex5vsknk084sn02q",
    "kind": "unknown_too_long", "object": "pay_01h455vb4pex5vsknk084sn02q",
    "note": "dummy has not said for an hour what became of it.", "created_at": "2027-01-05T08:00:00Z",
    "done_at": null, "done_by": null, "done_note": null
}))]
struct TaskView {
    id: TaskId,
    /// Null for what is the platform's.
    organizer_id: Option<OrganizerId>,
    kind: TaskKind,
    /// What it is about: the id of a payment or of a gateway's message, or a gateway's name and
    /// its reference of a payment.
    object: String,
    note: String,
    created_at: Timestamp,
    done_at: Option<Timestamp>,
    /// Who has done it; null if it solved itself.
    done_by: Option<String>,
    done_note: Option<String>,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            organizer_id: task.organizer_id,
            kind: task.kind,
            object: task.object,
            note: task.note,
            created_at: task.created_at,
            done_at: task.done_at,
            done_by: task.done_by,
            done_note: task.done_note,
        }
    }
}

/// The task of the path's `id`, for who handles its organizer's money. To anybody else there is
/// none.
struct OwnTask {
    by: SignedIn,
    task: Task,
}

impl FromRequest for OwnTask {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let member = FinanceMember::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let FinanceMember { by, organizers } = FinanceMember::or_stranger(member.await)?;
            let id: TaskId = path::segment(&request, "id")?;
            let mut conn = App::of(&request)?.db.find().await?;
            let task = store::find(&mut conn, id, organizers.as_deref()).await?;
            let task = task.ok_or_else(|| Problem::new(Code::NotFound))?;
            Ok(Self { by, task })
        })
    }
}

/// List tasks
///
/// The open ones, or with `done=true` those that are done. Finance staff and managers see their
/// organizers', admins all.
#[utoipa::path(
    tag = "Tasks", operation_id = "list_tasks", security(("user" = [])),
    params(
        ("kind" = Option<String>, Query, description = "One or more kinds"),
        ("object" = Option<String>, Query),
        ("done" = Option<bool>, Query, description = "Whether they are done, false by default"),
        ("organizer_id" = Option<OrganizerId>, Query),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "How many, 50 by default"),
        ("after" = Option<String>, Query, description = "The cursor of the page before"),
    ),
    responses((status = 200, body = Page<TaskView>, description = "Newest first")),
    extensions(("x-errors" = json!(["forbidden"])))
)]
#[get("/tasks")]
async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    member: FinanceMember,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let page = PageRequest::read(&request, &mut query);
    let kinds = query.optional("kind", names(TaskKind::NAMES, TaskKind::from_name));
    let is_done = query.optional("done", |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Flaw::new("not_allowed", "must be true or false")),
    });
    let organizer = parse::parsed("an organizer's id");
    let filter = TaskFilter {
        organizers: member.organizers,
        organizer: query.optional("organizer_id", as_text(organizer)),
        kinds: kinds.unwrap_or_default(),
        object: query.optional("object", as_text(parse::name)),
        is_done: is_done.unwrap_or_default(),
    };
    query.finish()?;
    let mut conn = app.db.read().await?;
    let rows = store::list(&mut conn, &filter, page.after()?, page.fetch_limit()).await?;
    let page = page.page(rows, |task| task.id, TaskView::from)?;
    Ok(page.respond())
}

#[derive(utoipa::ToSchema)]
#[schema(as = FinishTask, example = json!({"note": "Asked the gateway by phone: it was never paid."}))]
struct FinishBody {
    #[schema(max_length = 500)]
    note: Option<String>,
}

impl FromBody for FinishBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let note = fields.optional("note", parse::text(500));
        Some(Self { note: note? })
    }
}

/// Say that a task is done
///
/// Once; 409 `invalid_transition` after that. What is about money that stands apart (`review`,
/// `refund_due`) is done by what becomes of the money, and refused here.
#[utoipa::path(
    tag = "Tasks", operation_id = "finish_task", security(("user" = [])),
    params(("id" = TaskId, Path)), request_body = FinishBody,
    responses((status = 200, body = TaskView, description = "The task, done")),
    extensions(("x-errors" = json!(["invalid_transition"])))
)]
#[post("/tasks/{id}/done")]
async fn finish(
    app: web::Data<App>,
    own: OwnTask,
    body: Body<FinishBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let OwnTask { by, task } = own;
    mutation
        .run(async |conn| {
            let (note, now) = (body.0.note.as_deref(), app.clock.now());
            let done = super::finish(conn, &task, note, by.user.id, now).await?;
            Answer::ok(&TaskView::from(done))
        })
        .await
}
