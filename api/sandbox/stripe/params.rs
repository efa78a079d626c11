//! What a call was given, read one by one; what nobody reads is unknown, and refused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{ApiError, Outcome};
use super::form::Node;

/// The parameters of a call, or those inside one of them.
pub struct Params {
    /// What they are inside of.
    inside: String,
    entries: Vec<(String, Node)>,
}

/// What an object carries for whoever made it.
pub type Metadata = BTreeMap<String, String>;

impl Params {
    pub fn new(entries: Vec<(String, Node)>) -> Self {
        let inside = String::new();
        Self { inside, entries }
    }

    fn name_of(&self, name: &str) -> String {
        if self.inside.is_empty() {
            name.to_owned()
        } else {
            format!("{}[{name}]", self.inside)
        }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let found = self.entries.iter().position(|(entry, _)| entry == name)?;
        Some(self.entries.remove(found).1)
    }

    /// A text; an empty one too.
    pub fn raw(&mut self, name: &str) -> Outcome<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::Map(_)) => {
                let name = self.name_of(name);
                Err(ApiError::invalid(
                    &name,
                    format!("Invalid string: {name} is a map"),
                ))
            }
        }
    }

    /// A text that is not empty: an empty one is none.
    pub fn text(&mut self, name: &str) -> Outcome<Option<String>> {
        Ok(self.raw(name)?.filter(|text| !text.is_empty()))
    }

    pub fn required(&mut self, name: &str) -> Outcome<String> {
        let text = self.text(name)?;
        text.ok_or_else(|| ApiError::missing_param(&self.name_of(name)))
    }

    pub fn integer(&mut self, name: &str) -> Outcome<Option<i64>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_plain);
        let number = number.ok_or_else(|| {
            ApiError::invalid(&self.name_of(name), format!("Invalid integer: {text}"))
                .with("code", "parameter_invalid_integer")
        })?;
        Ok(Some(number))
    }

    pub fn boolean(&mut self, name: &str) -> Outcome<Option<bool>> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(text) => {
                let message = format!("Invalid boolean: {text}");
                Err(ApiError::invalid(&self.name_of(name), message))
            }
        }
    }

    /// One of the words that are known.
    pub fn choice(&mut self, name: &str, words: &[&'static str]) -> Outcome<Option<&'static str>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let found = words.iter().find(|word| **word == text).copied();
        let found = found.ok_or_else(|| {
            let message = format!("Invalid {name}: must be one of {}", words.join(", "));
            ApiError::invalid(&self.name_of(name), message)
        })?;
        Ok(Some(found))
    }

    /// The parameters inside one; `None` when it is not there, or empty.
    pub fn map(&mut self, name: &str) -> Outcome<Option<Self>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Map(entries)) => Ok(Some(Self {
                inside: self.name_of(name),
                entries,
            })),
            Some(Node::Text(_)) => {
                let name = self.name_of(name);
                Err(ApiError::invalid(&name, "Invalid hash"))
            }
        }
    }

    pub fn is_map(&self, name: &str) -> bool {
        let found = self.entries.iter().find(|(entry, _)| entry == name);
        matches!(found, Some((_, Node::Map(_))))
    }

    /// The maps of a list, in order.
    pub fn maps(&mut self, name: &str) -> Outcome<Vec<Self>> {
        let Some(mut list) = self.map(name)? else {
            return Ok(Vec::new());
        };
        let mut maps = Vec::new();
        while let Some(first) = list.entries.first().map(|(index, _)| index.clone()) {
            list.check_index(&first)?;
            maps.extend(list.map(&first)?);
        }
        Ok(maps)
    }

    /// The texts of a list, in order.
    pub fn texts(&mut self, name: &str) -> Outcome<Vec<String>> {
        let Some(mut list) = self.map(name)? else {
            return Ok(Vec::new());
        };
        let mut texts = Vec::new();
        while let Some(first) = list.entries.first().map(|(index, _)| index.clone()) {
            list.check_index(&first)?;
            texts.extend(list.text(&first)?);
        }
        Ok(texts)
    }

    fn check_index(&self, index: &str) -> Outcome<()> {
        if index.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(());
        }
        Err(ApiError::invalid(&self.inside, "Invalid array"))
    }

    /// Anything, for what is only kept and shown again.
    pub fn json(&mut self, name: &str) -> Option<Value> {
        let node = self.take(name)?;
        (node != Node::Text(String::new())).then(|| node.into_json())
    }

    /// Parameters that Stripe knows and that change nothing here.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.take(name);
        }
    }

    /// Reads `metadata` onto what an object carries: an empty value takes a key away, an empty
    /// `metadata` all of them.
    pub fn metadata(&mut self, onto: &mut Metadata) -> Outcome<()> {
        let param = self.name_of("metadata");
        let entries = match self.take("metadata") {
            None => return Ok(()),
            Some(Node::Text(text)) if text.is_empty() => {
                onto.clear();
                return Ok(());
            }
            Some(Node::Text(_)) => return Err(ApiError::invalid(&param, "Invalid hash")),
            Some(Node::Map(entries)) => entries,
        };
        let refuse = |message: &str| Err(ApiError::invalid(&param, message));
        for (key, value) in entries {
            let Node::Text(value) = value else {
                return refuse("Metadata values must be strings.");
            };
            if key.chars().count() > 40 {
                return refuse("Metadata keys can have up to 40 characters.");
            }
            if value.chars().count() > 500 {
                return refuse("Metadata values can have up to 500 characters.");
            }
            if value.is_empty() {
                onto.remove(&key);
            } else {
                onto.insert(key, value);
            }
        }
        if onto.len() > 50 {
            return refuse("You can specify up to 50 metadata keys.");
        }
        Ok(())
    }

    /// Refuses what nobody has read.
    pub fn finish(self) -> Outcome<()> {
        let Some((name, node)) = self.entries.first() else {
            return Ok(());
        };
        let mut name = self.name_of(name);
        if let Node::Map(below) = node
            && let Some((inner, _)) = below.first()
        {
            name = format!("{name}[{inner}]");
        }
        let message = format!("Received unknown parameter: {name}");
        Err(ApiError::invalid(&name, message).with("code", "parameter_unknown"))
    }
}
