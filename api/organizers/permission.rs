//! Who may manage an organizer, and who handles its money.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{Organizer, financed_by, role_of, store};
use crate::accounts::SignedIn;
use crate::accounts::membership::MemberRole;
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::path;
use crate::id::OrganizerId;

/// A manager of the organizer that the path's `id` names, or an admin.
///
/// To a stranger it does not exist; another member may not.
pub struct OrganizerManager {
    pub by: SignedIn,
    pub organizer: Organizer,
}

impl FromRequest for OrganizerManager {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let app = App::of(&request)?;
            let not_found = || Problem::new(Code::NotFound);
            let mut conn = app.db.find().await?;
            let organizer = store::find(&mut conn, path::segment(&request, "id")?)
                .await?
                .ok_or_else(not_found)?;
            match role_of(&mut conn, &by, organizer.id).await? {
                Some(MemberRole::Manager) => Ok(Self { by, organizer }),
                Some(_) => Err(Problem::new(Code::Forbidden)),
                None => Err(not_found()),
            }
        })
    }
}

/// Somebody who handles the money of some organizers: their finance staff, their managers, or
/// an admin.
pub struct FinanceMember {
    pub by: SignedIn,
    /// All, and the platform's own affairs, if `None`.
    pub organizers: Option<Vec<OrganizerId>>,
}

impl FinanceMember {
    /// For who asks for one object: to somebody who handles no money there is none.
    pub fn or_stranger(member: Result<Self, Problem>) -> Result<Self, Problem> {
        member.map_err(|problem| match problem.code {
            Code::Forbidden => Problem::new(Code::NotFound),
            _ => problem,
        })
    }
}

impl FromRequest for FinanceMember {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let by = SignedIn::require(&request).await?;
            let mut conn = App::of(&request)?.db.find().await?;
            let organizers = financed_by(&mut conn, &by).await?;
            if organizers.as_ref().is_some_and(Vec::is_empty) {
                return Err(Problem::new(Code::Forbidden));
            }
            Ok(Self { by, organizers })
        })
    }
}
