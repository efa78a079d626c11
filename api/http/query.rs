//! Reading a query string: parameters one by one, all faults at once, none unknown.

use actix_web::HttpRequest;
use actix_web::web;

use super::body::Flaw;
use crate::error::{Code, Fault, Problem};

/// The parameters that have not been read yet.
pub struct Query {
    parameters: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Query {
    pub fn of(request: &HttpRequest) -> Self {
        let mut faults = Vec::new();
        let parameters =
            match web::Query::<Vec<(String, String)>>::from_query(request.query_string()) {
                Ok(parameters) => parameters.into_inner(),
                Err(_) => {
                    let detail = "the query string cannot be read";
                    faults.push(fault("", Flaw::new("wrong_type", detail)));
                    Vec::new()
                }
            };
        Self { parameters, faults }
    }

    /// A parameter, parsed. `None` when it is absent or wrong: the fault is noted.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<T> {
        let position = self.parameters.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.parameters.remove(position);
        if value.chars().any(char::is_control) {
            let flaw = Flaw::new("control_character", "must hold no control characters");
            self.faults.push(fault(name, flaw));
            return None;
        }
        parse(&value)
            .map_err(|flaw| self.faults.push(fault(name, flaw)))
            .ok()
    }

    /// Refuses everything that was wrong, and what nobody asked for.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in &self.parameters {
            let name: String = name.chars().take(100).collect();
            let code = Code::UnknownParameter.as_str();
            self.faults
                .push(fault(&name, Flaw::new(code, "there is no such parameter")));
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.faults))
        }
    }
}

fn fault(name: &str, flaw: Flaw) -> Fault {
    Fault {
        pointer: name.to_owned(),
        code: flaw.code.to_owned(),
        detail: flaw.detail,
    }
}

/// Reads a text value with the parser of a JSON value.
pub fn as_text<T>(
    parse: impl Fn(&serde_json::Value) -> Result<T, Flaw>,
) -> impl FnOnce(&str) -> Result<T, Flaw> {
    move |text| parse(&serde_json::Value::String(text.to_owned()))
}

/// Reads one or more names, separated by commas.
pub fn names<T>(
    names: &'static [&'static str],
    from_name: impl Fn(&str) -> Option<T>,
) -> impl FnOnce(&str) -> Result<Vec<T>, Flaw> {
    move |text| {
        let one = |name: &str| {
            from_name(name).ok_or_else(|| {
                let detail = format!("must be one or more of {}", names.join(", "));
                Flaw::new("not_allowed", detail)
            })
        };
        text.split(',').map(one).collect()
    }
}
