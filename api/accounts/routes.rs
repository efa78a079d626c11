//! The accounts' handlers: signing in, one's own account, and the admins' view of all.

mod auth;
mod me;
mod users;

use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::membership::{self, Membership};
use super::{Role, User};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::id::UserId;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(auth::register)
        .service(auth::login)
        .service(auth::refresh)
        .service(auth::logout)
        .service(auth::logout_all)
        .service(auth::forgot_password)
        .service(auth::reset_password)
        .service(auth::verify_email)
        .service(me::read)
        .service(me::update)
        .service(me::list_sessions)
        .service(me::end_session)
        .service(users::list)
        .service(users::create)
        .service(users::read)
        .service(users::update);
}

/// An account as its owner and admins see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "usr_01h455vb4pex5vsknk084sn02q", "email": "asha@example.com",
    "email_verified": true, "name": "Asha Mwinyi", "phone": "+255 712 345 678", "role": "user",
    "status": "active", "memberships": [], "created_at": "2027-01-05T08:00:00Z",
    "updated_at": "2027-01-05T08:00:00Z", "version": 1
}))]
pub struct Profile {
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub name: String,
    pub phone: Option<String>,
    pub role: Role,
    pub status: super::UserStatus,
    pub memberships: Vec<Membership>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl Profile {
    async fn load(conn: &mut Conn, user: User) -> Result<Self, Problem> {
        let memberships = membership::list_of_user(conn, user.id).await?;
        Ok(Self::new(user, memberships))
    }

    fn new(user: User, memberships: Vec<Membership>) -> Self {
        Self {
            id: user.id,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            name: user.name,
            phone: user.phone,
            role: user.role,
            status: user.status,
            memberships,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}
