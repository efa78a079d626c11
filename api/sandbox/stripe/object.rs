//! Objects as JSON: what is told, and nothing where Stripe shows null.

use serde_json::{Map, Value};

/// What is told, and `null` under every other name that the object has.
pub fn shown(nulls: &[&str], told: Value) -> Value {
    let nulls = nulls.iter();
    let mut all: Map<String, Value> = nulls
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    if let Value::Object(told) = told {
        all.extend(told);
    }
    Value::Object(all)
}
