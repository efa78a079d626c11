//! Tollgate sells tickets and booths, takes the money, and opens the gate once per ticket.
//!
//! A map of the house:
//!
//! | where | what |
//! |--|--|
//! | [`app`] | the running application: parts, routes, start and stop |
//! | [`config`], [`error`], [`keys`] | settings; refusals and their codes; what signs tokens |
//! | [`db`], [`id`], [`money`], [`clock`], [`random`] | what rows, ids, amounts and instants are |
//! | [`batch`] | the hottest writes of one moment share a transaction |
//! | [`http`] | what every route shares; it knows no noun |
//! | [`accounts`], [`organizers`], [`events`], [`inventory`], [`booths`], [`orders`], [`checkout`], [`payments`], [`refunds`], [`ledger`], [`webhooks`], [`reconciliation`], [`tickets`], [`gate`], [`emails`], [`tasks`], [`audit`], [`service`] | the nouns: rules in the file, queries in `store`, handlers in `routes` |
//! | [`gateways`] | what the outside takes the money through |
//! | [`sandbox`] | gateways to try them against; it knows none of the nouns |
//! | [`jobs`], [`mail`] | background work; how mails leave |
//!
//! Who may know whom: `main → app → routes → rules → store → db`.

mod accounts;
pub mod app;
mod audit;
mod batch;
mod booths;
mod checkout;
pub mod clock;
pub mod config;
mod db;
mod digest;
mod emails;
mod error;
mod events;
mod gate;
pub mod gateways;
mod http;
mod id;
mod inventory;
mod jobs;
mod keys;
mod ledger;
mod mail;
mod metrics;
mod money;
mod orders;
mod organizers;
mod payments;
mod random;
mod reconciliation;
mod refunds;
pub mod sandbox;
mod service;
mod slug;
mod tasks;
mod tickets;
mod webhooks;

pub use jobs::start as start_worker;

/// What the benches measure and the fuzzer tries; no part of the application's interface.
#[doc(hidden)]
pub mod bench {
    pub use crate::keys::{SeedKey, TicketKeys};
    pub use crate::tickets::Credential;
    pub use crate::tickets::qr::{QrError, QrOptions, png, svg};
}
