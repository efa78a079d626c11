//! Who may call: argument types of handlers. Having one proves the right and carries the row.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{Role, User, session};
use crate::app::App;
use crate::error::{Code, Problem};
use crate::http::auth::{self, CallerScope, Credential};
use crate::id::{LoginSessionId, UserId};
use crate::keys::AccessClaims;

/// Somebody who is signed in, by the database's word and not the token's alone.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    pub session: LoginSessionId,
}

/// Anybody; who it is, if signed in.
pub struct MaybeSignedIn(pub Option<SignedIn>);

/// An admin of this installation.
pub struct Admin(pub SignedIn);

impl SignedIn {
    /// The caller, if the request brings a good token. A bad one is refused.
    pub async fn find(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        match auth::credential(request)? {
            Some(Credential::User(claims)) => Self::of_claims(request, claims).await.map(Some),
            // A guest is nobody, but for the guest's own order.
            Some(Credential::Guest(_)) | None => Ok(None),
        }
    }

    async fn of_claims(request: &HttpRequest, claims: AccessClaims) -> Result<Self, Problem> {
        let refused = || Problem::new(Code::Unauthenticated);
        let id: UserId = claims.sub.parse().map_err(|_| refused())?;
        let session: LoginSessionId = claims.sid.parse().map_err(|_| refused())?;
        let app = App::of(request)?;
        let found = app.gathers.users.find(&app.db, session, async |conn, all| {
            Ok(session::find_users(conn, all, app.clock.now()).await?)
        });
        let user = found.await?.filter(|user| user.id == id);
        let user = user.ok_or_else(refused)?;
        CallerScope::note(request, user.id.to_string());
        Ok(Self { user, session })
    }

    pub async fn require(request: &HttpRequest) -> Result<Self, Problem> {
        let found = Self::find(request).await?;
        found.ok_or_else(|| Problem::new(Code::Unauthenticated))
    }

    pub fn is_admin(&self) -> bool {
        self.user.role == Role::Admin
    }
}

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::require(&request).await })
    }
}

impl FromRequest for MaybeSignedIn {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(SignedIn::find(&request).await?)) })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let signed_in = SignedIn::require(&request).await?;
            if signed_in.is_admin() {
                Ok(Self(signed_in))
            } else {
                Err(Problem::new(Code::Forbidden))
            }
        })
    }
}
