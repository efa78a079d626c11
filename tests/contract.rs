//! The published contract is the one that the code makes, and it is complete.

use std::collections::HashSet;

use serde_json::Value;

use crate::support::contract::{CONTRACT, operations};

#[test]
fn the_published_contract_is_the_present_one() {
    let published = include_str!("../openapi/openapi.json");
    assert!(
        published.trim() == tollgate::app::contract_text().trim(),
        "run: cargo run -- openapi > openapi/openapi.json"
    );
}

#[test]
fn it_is_openapi_3_1() {
    assert_eq!(CONTRACT["openapi"], "3.1.0");
    assert_eq!(
        CONTRACT["components"]["securitySchemes"]["user"]["scheme"],
        "bearer"
    );
}

#[test]
fn every_operation_is_described() {
    let mut ids = HashSet::new();
    for operation in operations() {
        let name = format!("{} {}", operation.method, operation.path);
        assert!(ids.insert(operation.id().to_owned()), "{name}: id twice");
        assert!(!operation.id().is_empty(), "{name}: no id");
        let text = |member: &str| {
            operation.value[member]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        assert!(!text("summary").is_empty(), "{name}: no summary");
        assert_eq!(
            operation.value["tags"].as_array().map(Vec::len),
            Some(1),
            "{name}: tags"
        );
        let responses = operation.value["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name}: no success"
        );
        for (status, response) in responses {
            assert!(
                !response["description"].as_str().unwrap().is_empty(),
                "{name} {status}"
            );
            if let Some(problem) = response["content"].get("application/problem+json") {
                assert!(
                    !problem["examples"].as_object().unwrap().is_empty(),
                    "{name} {status}"
                );
            }
        }
        for parameter in operation.value["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
        }
        assert!(
            operation.value.get("x-errors").is_none(),
            "{name}: x-errors is ours"
        );
    }
}

#[test]
fn every_body_has_an_example() {
    for operation in operations() {
        if operation.value.get("requestBody").is_some() {
            assert!(
                operation.body_example().is_some_and(|e| e.is_object()),
                "{}",
                operation.id()
            );
        }
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            let Some(content) = response["content"].get("application/json") else {
                continue;
            };
            assert!(
                has_example(content),
                "{} {status}: no example",
                operation.id()
            );
        }
    }
}

fn has_example(content: &Value) -> bool {
    content.get("example").is_some() || schema_has_example(&content["schema"])
}

fn schema_has_example(schema: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return schema_has_example(&CONTRACT["components"]["schemas"][name]);
    }
    let has_own = schema.get("example").is_some() || schema.get("examples").is_some();
    // An object or list whose parts have examples shows them; so do enumerations.
    let inner: Vec<&Value> = match schema["properties"].as_object() {
        Some(properties) => properties.values().collect(),
        None => vec![&schema["items"]],
    };
    has_own
        || schema.get("enum").is_some()
        || inner.iter().any(|s| s.is_object() && schema_has_example(s))
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(
                        CONTRACT.pointer(pointer).is_some(),
                        "{reference} leads nowhere"
                    );
                }
                members.values().for_each(walk);
            }
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    walk(&CONTRACT);
}
