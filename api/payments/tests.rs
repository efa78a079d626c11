//! What gateways do that the dummy one never does, on both databases.

mod asking;
mod earlier;
mod holds;
mod refusals;
mod resumed;
pub(crate) mod shop;
mod unknown;
