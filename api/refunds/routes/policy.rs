//! What an event's buyers may ask back, in and out.

use actix_web::{HttpRequest, HttpResponse, get, put, web};
use serde::Serialize;

use crate::app::App;
use crate::error::Problem;
use crate::events::{self, EventManager, VisibleEvent};
use crate::http::body::{Body, Fields, FromBody};
use crate::http::idempotency::{Answer, Mutation};
use crate::http::parse;
use crate::http::version::{self, Expected, Privacy};
use crate::refunds::{self, Policy, UsedTickets};

const WINDOW_DAYS_MOST: i64 = 3_650;

/// What buyers of an event may ask back.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = RefundPolicy, example = json!({
    "window_days": 90, "buyer_may_request": true, "auto_approve": false,
    "used_tickets": "refuse", "version": 1
}))]
struct PolicyView {
    /// Counted from when the money came.
    window_days: i64,
    buyer_may_request: bool,
    /// Whether a buyer's wish needs nobody's approval.
    auto_approve: bool,
    used_tickets: UsedTickets,
    version: i64,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        Self {
            window_days: policy.window_days,
            buyer_may_request: policy.buyer_may_request,
            auto_approve: policy.auto_approve,
            used_tickets: policy.used_tickets,
            version: policy.version,
        }
    }
}

/// A policy; what is left out stays as it is.
#[derive(utoipa::ToSchema)]
#[schema(as = NewRefundPolicy, example = json!({"window_days": 14, "auto_approve": true}))]
struct PolicyBody {
    #[schema(minimum = 0, maximum = 3650)]
    window_days: Option<i64>,
    buyer_may_request: Option<bool>,
    auto_approve: Option<bool>,
    used_tickets: Option<UsedTickets>,
}

impl FromBody for PolicyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let days = fields.change("window_days", parse::integer(0, WINDOW_DAYS_MOST));
        let buyer = fields.change("buyer_may_request", parse::boolean);
        let auto = fields.change("auto_approve", parse::boolean);
        let used = parse::one_of(UsedTickets::NAMES, UsedTickets::from_name);
        let used = fields.change("used_tickets", used);
        Some(Self {
            window_days: days?,
            buyer_may_request: buyer?,
            auto_approve: auto?,
            used_tickets: used?,
        })
    }
}

/// Read an event's refund policy
#[utoipa::path(
    tag = "Refunds", operation_id = "read_refund_policy", security((), ("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    responses((status = 200, body = PolicyView, description = "The policy"))
)]
#[get("/events/{id}/refund-policy")]
pub async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    visible: VisibleEvent,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.find().await?;
    let event = &visible.event;
    let policy = refunds::policy_of(&mut conn, event.id, event.created_at).await?;
    let (version, view) = (policy.version, PolicyView::from(policy));
    Ok(version::object(&request, version, Privacy::Public, &view))
}

/// Set an event's refund policy
///
/// It holds for wishes from then on.
#[utoipa::path(
    tag = "Refunds", operation_id = "set_refund_policy", security(("user" = [])),
    params(("id" = String, Path, description = "The event's id or slug")),
    request_body = PolicyBody,
    responses((status = 200, body = PolicyView, description = "The policy as it is now")),
    extensions(("x-errors" = json!(["precondition_failed"])))
)]
#[put("/events/{id}/refund-policy")]
pub async fn save(
    app: web::Data<App>,
    request: HttpRequest,
    manager: EventManager,
    body: Body<PolicyBody>,
    mutation: Mutation,
) -> Result<HttpResponse, Problem> {
    let expected = Expected::of(request.headers());
    mutation
        .run(async |conn| {
            let (actor, now) = (manager.by.user.id, app.clock.now());
            let event = events::lock(conn, manager.event.id).await?;
            let before = refunds::policy_of(conn, event.id, event.created_at).await?;
            expected.check(before.version)?;
            let body = &body.0;
            let policy = Policy {
                window_days: body.window_days.unwrap_or(before.window_days),
                buyer_may_request: body.buyer_may_request.unwrap_or(before.buyer_may_request),
                auto_approve: body.auto_approve.unwrap_or(before.auto_approve),
                used_tickets: body.used_tickets.unwrap_or(before.used_tickets),
                version: before.version + 1,
                updated_at: now,
                ..before
            };
            refunds::save_policy(conn, &event, &policy, actor, now).await?;
            let version = policy.version;
            Ok(Answer::ok(&PolicyView::from(policy))?.version(version))
        })
        .await
}
