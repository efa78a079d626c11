//! What every route shares: how requests are read, guarded, repeated and answered.
//! Nothing here knows a noun.

pub mod auth;
pub mod body;
pub mod client;
pub mod cors;
pub mod detach;
pub mod idempotency;
pub mod limits;
pub mod openapi;
pub mod outbound;
pub mod page;
pub mod parse;
pub mod path;
pub mod problem;
pub mod query;
pub mod trace;
pub mod version;
