//! Which call is which operation.

use serde_json::Value;

use super::account::Account;
use super::error::Outcome;
use super::params::Params;
use super::{
    attempt, charges, customers, disputes, endpoints, events, payment_intents, refunds, sessions,
    transactions,
};

/// One of Stripe's operations. The id is what stands in its path.
pub struct Operation {
    /// What faults and counts call it.
    pub name: &'static str,
    method: &'static str,
    /// `*` stands for an id.
    path: &'static [&'static str],
    pub run: fn(&mut Account, &str, Params) -> Outcome<Value>,
}

const fn operation(
    name: &'static str,
    method: &'static str,
    path: &'static [&'static str],
    run: fn(&mut Account, &str, Params) -> Outcome<Value>,
) -> Operation {
    Operation {
        name,
        method,
        path,
        run,
    }
}

pub static OPERATIONS: &[Operation] = &[
    operation(
        "customers.create",
        "POST",
        &["customers"],
        customers::create,
    ),
    operation("customers.list", "GET", &["customers"], customers::list),
    operation(
        "customers.retrieve",
        "GET",
        &["customers", "*"],
        customers::retrieve,
    ),
    operation(
        "customers.update",
        "POST",
        &["customers", "*"],
        customers::update,
    ),
    operation(
        "checkout.sessions.create",
        "POST",
        &["checkout", "sessions"],
        sessions::create,
    ),
    operation(
        "checkout.sessions.list",
        "GET",
        &["checkout", "sessions"],
        sessions::list,
    ),
    operation(
        "checkout.sessions.retrieve",
        "GET",
        &["checkout", "sessions", "*"],
        sessions::retrieve,
    ),
    operation(
        "checkout.sessions.expire",
        "POST",
        &["checkout", "sessions", "*", "expire"],
        sessions::expire,
    ),
    operation(
        "checkout.sessions.list_line_items",
        "GET",
        &["checkout", "sessions", "*", "line_items"],
        sessions::list_lines,
    ),
    operation(
        "payment_intents.create",
        "POST",
        &["payment_intents"],
        payment_intents::create,
    ),
    operation(
        "payment_intents.list",
        "GET",
        &["payment_intents"],
        payment_intents::list,
    ),
    operation(
        "payment_intents.retrieve",
        "GET",
        &["payment_intents", "*"],
        payment_intents::retrieve,
    ),
    operation(
        "payment_intents.update",
        "POST",
        &["payment_intents", "*"],
        payment_intents::update,
    ),
    operation(
        "payment_intents.confirm",
        "POST",
        &["payment_intents", "*", "confirm"],
        attempt::confirm,
    ),
    operation(
        "payment_intents.cancel",
        "POST",
        &["payment_intents", "*", "cancel"],
        attempt::cancel,
    ),
    operation(
        "payment_intents.capture",
        "POST",
        &["payment_intents", "*", "capture"],
        attempt::capture,
    ),
    operation("charges.list", "GET", &["charges"], charges::list),
    operation(
        "charges.retrieve",
        "GET",
        &["charges", "*"],
        charges::retrieve,
    ),
    operation("refunds.create", "POST", &["refunds"], refunds::create),
    operation("refunds.list", "GET", &["refunds"], refunds::list),
    operation(
        "refunds.retrieve",
        "GET",
        &["refunds", "*"],
        refunds::retrieve,
    ),
    operation("refunds.update", "POST", &["refunds", "*"], refunds::update),
    operation(
        "refunds.cancel",
        "POST",
        &["refunds", "*", "cancel"],
        refunds::cancel,
    ),
    operation("disputes.list", "GET", &["disputes"], disputes::list),
    operation(
        "disputes.retrieve",
        "GET",
        &["disputes", "*"],
        disputes::retrieve,
    ),
    operation(
        "disputes.update",
        "POST",
        &["disputes", "*"],
        disputes::update,
    ),
    operation(
        "disputes.close",
        "POST",
        &["disputes", "*", "close"],
        disputes::close,
    ),
    operation("events.list", "GET", &["events"], events::list),
    operation("events.retrieve", "GET", &["events", "*"], events::retrieve),
    operation(
        "balance_transactions.list",
        "GET",
        &["balance_transactions"],
        transactions::list,
    ),
    operation(
        "balance_transactions.retrieve",
        "GET",
        &["balance_transactions", "*"],
        transactions::retrieve,
    ),
    operation(
        "webhook_endpoints.create",
        "POST",
        &["webhook_endpoints"],
        endpoints::create,
    ),
    operation(
        "webhook_endpoints.list",
        "GET",
        &["webhook_endpoints"],
        endpoints::list,
    ),
    operation(
        "webhook_endpoints.retrieve",
        "GET",
        &["webhook_endpoints", "*"],
        endpoints::retrieve,
    ),
    operation(
        "webhook_endpoints.update",
        "POST",
        &["webhook_endpoints", "*"],
        endpoints::update,
    ),
    operation(
        "webhook_endpoints.delete",
        "DELETE",
        &["webhook_endpoints", "*"],
        endpoints::delete,
    ),
];

impl Operation {
    /// The operation of a call, and the id in its path.
    pub fn find(method: &str, path: &str) -> Option<(&'static Self, String)> {
        let parts: Vec<&str> = path.split('/').collect();
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.method == method && operation.matches(&parts))?;
        let parts = operation.path.iter().zip(&parts);
        let id = parts
            .filter(|(pattern, _)| **pattern == "*")
            .map(|(_, part)| *part)
            .next();
        Some((operation, id.unwrap_or_default().to_owned()))
    }

    fn matches(&self, parts: &[&str]) -> bool {
        let is_one = |(pattern, part): (&&str, &&str)| {
            pattern == part || (*pattern == "*" && !part.is_empty())
        };
        parts.len() == self.path.len() && self.path.iter().zip(parts).all(is_one)
    }

    pub fn is_known(name: &str) -> bool {
        OPERATIONS.iter().any(|operation| operation.name == name)
    }
}
