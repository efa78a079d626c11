//! The contract, as the tests read it.

use std::sync::LazyLock;

use serde_json::Value;

pub static CONTRACT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&tollgate::app::contract_text()).unwrap());

/// Read once: every answer of every test is held to them.
static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations);

/// One operation of the contract.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub value: Value,
}

pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                value: value.clone(),
            });
        }
    }
    assert!(!all.is_empty());
    all
}

/// The operation that a request reaches; a fixed path before one with an id.
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    let found = OPERATIONS
        .iter()
        .filter(|operation| operation.method == method && fits(&operation.path, path));
    found.min_by_key(|operation| operation.path.matches('{').count())
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(part, segment)| part.starts_with('{') || *part == segment)
}

impl Operation {
    pub fn id(&self) -> &str {
        self.value["operationId"].as_str().unwrap_or_default()
    }

    pub fn documents(&self, status: u16) -> bool {
        status == 304 || self.value["responses"].get(status.to_string()).is_some()
    }

    pub fn documents_code(&self, status: u16, code: &str) -> bool {
        let response = &self.value["responses"][status.to_string()];
        let examples = &response["content"]["application/problem+json"]["examples"];
        examples.get(code).is_some()
    }

    /// The example of the request body, from its schema.
    pub fn body_example(&self) -> Option<Value> {
        let schema = &self.value["requestBody"]["content"]["application/json"]["schema"];
        let name = schema["$ref"].as_str()?.rsplit('/').next()?;
        let schema = &CONTRACT["components"]["schemas"][name];
        let example = match &schema["example"] {
            Value::Null => schema["examples"][0].clone(),
            example => example.clone(),
        };
        Some(example)
    }

    pub fn parameters(&self, place: &str) -> Vec<String> {
        let parameters = self.value["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        parameters
            .iter()
            .filter(|parameter| parameter["in"] == place)
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    }
}
