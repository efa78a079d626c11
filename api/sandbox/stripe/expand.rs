//! `expand[]`: an id in an answer is replaced by the object that it names.

use serde_json::{Value, json};

use super::account::Account;
use super::charges::Charge;
use super::error::{ApiError, Outcome};
use super::refunds::Refund;

const DEPTH_MOST: usize = 4;

/// What can be expanded in which object.
const EXPANDABLE: &[(&str, &[&str])] = &[
    (
        "payment_intent",
        &["customer", "latest_charge", "payment_method"],
    ),
    (
        "charge",
        &[
            "balance_transaction",
            "customer",
            "payment_intent",
            "refunds",
        ],
    ),
    (
        "refund",
        &[
            "balance_transaction",
            "charge",
            "failure_balance_transaction",
            "payment_intent",
        ],
    ),
    (
        "checkout.session",
        &["customer", "line_items", "payment_intent"],
    ),
    ("dispute", &["charge", "payment_intent"]),
    ("balance_transaction", &["source"]),
];

impl Account {
    /// Expands one path, such as `latest_charge.balance_transaction` or `data.payment_intent`.
    pub fn expand(&self, answer: &mut Value, path: &str) -> Outcome<()> {
        let names: Vec<&str> = path.split('.').collect();
        let depth = names.iter().filter(|name| **name != "data").count();
        if depth > DEPTH_MOST {
            let message =
                format!("You cannot expand more than 4 levels of a property. Property: {path}");
            return Err(ApiError::invalid("expand", message));
        }
        self.expand_below(answer, &names, path)
    }

    fn expand_below(&self, value: &mut Value, names: &[&str], path: &str) -> Outcome<()> {
        let Some((name, rest)) = names.split_first() else {
            return Ok(());
        };
        let cannot = || {
            let message = format!("This property cannot be expanded ({path}).");
            ApiError::invalid("expand", message)
        };
        let kind = value
            .get("object")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let ("list", Some(Value::Array(rows))) = (kind, value.get("data")) {
            if *name != "data" {
                return Err(cannot());
            }
            let mut rows = rows.clone();
            for row in &mut rows {
                self.expand_below(row, rest, path)?;
            }
            if let Some(data) = value.get_mut("data") {
                *data = Value::Array(rows);
            }
            return Ok(());
        }
        let known = EXPANDABLE.iter().find(|(object, _)| *object == kind);
        if !known.is_some_and(|(_, names)| names.contains(name)) {
            return Err(cannot());
        }
        let list = self.included_list(value, name);
        let Some(fields) = value.as_object_mut() else {
            return Err(cannot());
        };
        if let Some(list) = list {
            fields.insert((*name).to_owned(), list);
        }
        let Some(inner) = fields.get_mut(*name) else {
            return Err(cannot());
        };
        if let Some(object) = inner.as_str().and_then(|id| self.show(id)) {
            *inner = object;
        }
        if inner.is_null() {
            return Ok(());
        }
        self.expand_below(inner, rest, path)
    }

    /// Lists that are in an object only when they are asked for.
    fn included_list(&self, value: &Value, name: &str) -> Option<Value> {
        let id = value.get("id").and_then(Value::as_str)?;
        match name {
            "line_items" => Some(self.sessions.find(id)?.show_lines()),
            "refunds" => {
                let of_charge = self.refunds.newest().filter(|refund| refund.charge == id);
                let data: Vec<Value> = of_charge.map(Refund::show).collect();
                let url = format!("/v1/charges/{id}/refunds");
                Some(json!({"object": "list", "data": data, "has_more": false, "url": url}))
            }
            _ => None,
        }
    }

    /// An object by its id alone.
    fn show(&self, id: &str) -> Option<Value> {
        let (prefix, _) = id.split_once('_')?;
        match prefix {
            "pi" => Some(self.intents.find(id)?.show()),
            "ch" => self.charges.find(id).map(Charge::show),
            "re" => self.refunds.find(id).map(Refund::show),
            "cus" => Some(self.customers.find(id)?.show()),
            "pm" => Some(self.methods.find(id)?.show()),
            "txn" => Some(self.transactions.find(id)?.show(self.now)),
            "du" => self.show_dispute(id),
            _ => None,
        }
    }
}
