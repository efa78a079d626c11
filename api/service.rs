//! What the service says of itself: whether it lives, what it is, what its errors mean.

mod health;
pub mod routes;
mod settings;

/// The contract's text, made once.
pub struct Contract(pub String);
