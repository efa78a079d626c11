//! Who may see and who may change an order: its buyer, by account or guest token, and the
//! organizer's people. To anybody else it does not exist.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{Order, store};
use crate::accounts::SignedIn;
use crate::accounts::membership::MemberRole;
use crate::app::App;
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::http::auth::{self, CallerScope, Credential};
use crate::http::path;
use crate::id::{OrderId, OrganizerId, UserId};
use crate::keys::GuestToken;
use crate::organizers;

/// What somebody is to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRole {
    pub is_owner: bool,
    pub member: Option<MemberRole>,
}

impl OrderRole {
    pub fn is_manager(self) -> bool {
        self.member == Some(MemberRole::Manager)
    }

    pub fn is_finance(self) -> bool {
        self.is_manager() || self.member == Some(MemberRole::Finance)
    }

    fn is_stranger(self) -> bool {
        !self.is_owner && self.member.is_none()
    }
}

/// An order that exists for the caller, and what the caller is to it.
pub struct OrderAccess {
    pub order: Order,
    pub role: OrderRole,
    /// Nobody is a guest with the order's token.
    pub by: Option<SignedIn>,
}

impl OrderAccess {
    pub fn actor(&self) -> Option<UserId> {
        self.by.as_ref().map(|by| by.user.id)
    }

    pub fn is_admin(&self) -> bool {
        self.by.as_ref().is_some_and(SignedIn::is_admin)
    }

    /// Its buyer, or a manager.
    pub fn check_viewer(&self) -> Result<(), Problem> {
        allow(self.role.is_owner || self.role.is_manager())
    }

    /// Its buyer; managers may not act in a buyer's place, admins may do everything.
    pub fn check_owner(&self) -> Result<(), Problem> {
        allow(self.role.is_owner || self.is_admin())
    }

    pub fn check_finance(&self) -> Result<(), Problem> {
        allow(self.role.is_finance())
    }
}

fn allow(is_allowed: bool) -> Result<(), Problem> {
    if is_allowed {
        Ok(())
    } else {
        Err(Problem::new(Code::Forbidden))
    }
}

/// Whom a request comes from, where a guest is somebody too.
pub enum Caller {
    User(SignedIn),
    Guest(GuestToken),
}

impl Caller {
    pub async fn require(request: &HttpRequest) -> Result<Self, Problem> {
        if let Some(Credential::Guest(guest)) = auth::credential(request)? {
            CallerScope::note(request, format!("guest:{}", guest.order));
            return Ok(Self::Guest(guest));
        }
        Ok(Self::User(SignedIn::require(request).await?))
    }
}

/// What the caller is to an order; a stranger is told that there is none.
pub async fn access(conn: &mut Conn, caller: Caller, id: OrderId) -> Result<OrderAccess, Problem> {
    let order = store::find(conn, id).await?;
    let order = order.ok_or_else(|| Problem::new(Code::NotFound))?;
    access_to(conn, caller, order).await
}

/// The same, for an order that has been read.
pub async fn access_to(
    conn: &mut Conn,
    caller: Caller,
    order: Order,
) -> Result<OrderAccess, Problem> {
    let (role, by) = match caller {
        Caller::Guest(token) => {
            let is_owner = token == order.guest_token();
            let member = None;
            (OrderRole { is_owner, member }, None)
        }
        Caller::User(by) => {
            let member = organizers::role_of(conn, &by, order.organizer_id).await?;
            let is_owner = is_owner(&order, &by);
            (OrderRole { is_owner, member }, Some(by))
        }
    };
    if role.is_stranger() {
        return Err(Problem::new(Code::NotFound));
    }
    Ok(OrderAccess { order, role, by })
}

/// A guest's order joins an account once that account has verified the same e-mail.
fn is_owner(order: &Order, by: &SignedIn) -> bool {
    match order.owner_id {
        Some(owner) => owner == by.user.id,
        None => verified_email(by) == Some(order.buyer_email.as_str()),
    }
}

fn verified_email(by: &SignedIn) -> Option<&str> {
    by.user.email_verified_at.map(|_| by.user.email.as_str())
}

impl FromRequest for OrderAccess {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = Caller::require(&request).await?;
            let app = App::of(&request)?;
            let mut conn = app.db.find().await?;
            access(&mut conn, caller, path::segment(&request, "id")?).await
        })
    }
}

/// Which orders somebody may list.
pub enum OrderScope {
    All,
    /// A guest's own.
    One(OrderId),
    Of {
        owner: UserId,
        /// Guests' orders of this address are the caller's too.
        verified_email: Option<String>,
        organizers: Vec<OrganizerId>,
    },
}

impl OrderScope {
    /// Whether an organizer's orders are seen as its managers see them.
    pub fn is_staff_of(&self, organizer: OrganizerId) -> bool {
        match self {
            Self::All => true,
            Self::One(_) => false,
            Self::Of { organizers, .. } => organizers.contains(&organizer),
        }
    }

    /// One's own, and those of the organizers that one manages.
    pub async fn of(conn: &mut Conn, caller: Caller) -> Result<Self, Problem> {
        match caller {
            Caller::Guest(token) => Self::of_guest(conn, token).await,
            Caller::User(by) => {
                let organizers = organizers::managed_by(conn, &by).await?;
                Ok(Self::of_user(&by, organizers))
            }
        }
    }

    /// One's own, and those of the organizers whose money one looks after.
    pub async fn of_finance(conn: &mut Conn, caller: Caller) -> Result<Self, Problem> {
        match caller {
            Caller::Guest(token) => Self::of_guest(conn, token).await,
            Caller::User(by) => {
                let organizers = organizers::financed_by(conn, &by).await?;
                Ok(Self::of_user(&by, organizers))
            }
        }
    }

    async fn of_guest(conn: &mut Conn, token: GuestToken) -> Result<Self, Problem> {
        let order = store::find(conn, token.order).await?;
        match order.filter(|order| order.guest_token() == token) {
            Some(order) => Ok(Self::One(order.id)),
            None => Err(Problem::new(Code::Unauthenticated)),
        }
    }

    /// `None` means all organizers.
    fn of_user(by: &SignedIn, organizers: Option<Vec<OrganizerId>>) -> Self {
        match organizers {
            None => Self::All,
            Some(organizers) => Self::Of {
                owner: by.user.id,
                verified_email: verified_email(by).map(str::to_owned),
                organizers,
            },
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::require(&request).await })
    }
}
