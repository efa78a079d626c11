//! The integration tests: black box over HTTP, a database each, the same on both databases.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected fails"
)]

mod support;

mod accounts;
mod audit;
mod authorization;
mod bad_input;
mod booths;
mod commands;
mod conformance;
mod contract;
mod crash;
mod emails;
mod events;
mod faults;
mod gate;
mod http;
mod idempotency;
mod inventory;
mod jobs;
mod load;
mod mail;
mod metrics;
mod orders;
mod organizers;
mod payments;
mod plans;
mod reconciliation;
mod refunds;
mod sandbox;
mod service;
mod tasks;
mod tickets;
mod webhooks;
