//! Who may stand at a gate.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::scans::{self, Scan};
use crate::accounts::SignedIn;
use crate::accounts::membership::MemberRole;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::events::{Event, VisibleEvent};
use crate::http::path;
use crate::id::{OrganizerId, TicketId};
use crate::orders::{self, Caller};
use crate::organizers;
use crate::tickets::card;

/// Somebody who stands at the gates of some organizers: their gate staff, their managers, or
/// an admin.
pub struct GateMember {
    pub by: SignedIn,
    /// All, if `None`.
    organizers: Option<Vec<OrganizerId>>,
}

impl GateMember {
    /// Whether an organizer's tickets are this person's to see.
    pub fn serves(&self, organizer: OrganizerId) -> bool {
        let own = self.organizers.as_ref();
        own.is_none_or(|organizers| organizers.contains(&organizer))
    }

    /// For whom a scan counts that found no ticket.
    pub fn first_organizer(&self) -> Option<OrganizerId> {
        self.organizers.as_ref()?.first().copied()
    }
}

impl FromRequest for GateMember {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let mut conn = App::of(&request)?.db.find().await?;
            let at_gates = MemberRole::stands_at_gate;
            let organizers = organizers::joined_as(&mut conn, &by, at_gates).await?;
            if organizers.as_ref().is_some_and(Vec::is_empty) {
                return Err(Problem::new(Code::Forbidden));
            }
            Ok(Self { by, organizers })
        })
    }
}

/// The ticket of the path's `id`, for its organizer's gate staff and managers. Its buyer sees it
/// and may not let it in; to a stranger it does not exist.
pub struct TicketAtGate {
    pub ticket: TicketId,
    pub member: GateMember,
}

impl TicketAtGate {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let by = SignedIn::require(request).await?;
        let app = App::of(request)?;
        let mut conn = app.db.find().await?;
        let card = card::find(&mut conn, path::segment(request, "id")?).await?;
        let card = card.ok_or_else(|| Problem::new(Code::NotFound))?;
        let caller = Caller::User(by.clone());
        let order = orders::access(&mut conn, caller, card.ticket.order_id).await?;
        at_gate(order.role.member)?;
        let organizers = (!by.is_admin()).then(|| vec![card.ticket.organizer_id]);
        Ok(Self {
            ticket: card.ticket.id,
            member: GateMember { by, organizers },
        })
    }
}

impl FromRequest for TicketAtGate {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// The scan of the path's `scan_id`, for its organizer's managers. The others of the organizer
/// may not; to a stranger it does not exist.
pub struct ManagedScan {
    pub by: SignedIn,
    pub scan: Scan,
}

impl ManagedScan {
    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let by = SignedIn::require(request).await?;
        let mut conn = App::of(request)?.db.find().await?;
        let scan = scans::find(&mut conn, path::segment(request, "scan_id")?).await?;
        let scan = scan.ok_or_else(|| Problem::new(Code::NotFound))?;
        let role = match scan.organizer_id {
            Some(organizer) => organizers::role_of(&mut conn, &by, organizer).await?,
            // An admin's scan of no ticket at all.
            None => by.is_admin().then_some(MemberRole::Manager),
        };
        match role {
            Some(MemberRole::Manager) => Ok(Self { by, scan }),
            Some(MemberRole::Finance | MemberRole::Gate) => Err(Problem::new(Code::Forbidden)),
            None => Err(Problem::new(Code::NotFound)),
        }
    }
}

impl FromRequest for ManagedScan {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}

/// The role of somebody who stands at the gate, else a refusal.
fn at_gate(role: Option<MemberRole>) -> Result<MemberRole, Problem> {
    let role = role.filter(|role| role.stands_at_gate());
    role.ok_or_else(|| Problem::new(Code::Forbidden))
}

/// The event of the path's `id`, for its organizer's gate staff and managers.
pub struct EventStaff {
    pub by: SignedIn,
    pub event: Event,
    pub role: MemberRole,
}

impl EventStaff {
    pub fn check_manager(&self) -> Result<(), Problem> {
        match self.role {
            MemberRole::Manager => Ok(()),
            MemberRole::Finance | MemberRole::Gate => Err(Problem::new(Code::Forbidden)),
        }
    }
}

impl FromRequest for EventStaff {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visible = VisibleEvent::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let event = visible.await?.event;
            let app = App::of(&request)?;
            let mut conn = app.db.find().await?;
            let role = organizers::role_of(&mut conn, &by, event.organizer_id).await?;
            let role = at_gate(role)?;
            Ok(Self { by, event, role })
        })
    }
}
