//! Stripe's form bodies and queries: `a[b]=c`, `a[]=c`, `a[0][b]=c`.

use serde_json::{Map, Value};

use super::error::{ApiError, Outcome};

/// A parameter's value: a text, or parameters of its own. A list's are called 0, 1, 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Text(String),
    Map(Vec<(String, Node)>),
}

/// How deep brackets may go, and how many parameters there may be.
const DEPTH_MOST: usize = 8;
const PARAMETERS_MOST: usize = 1_000;

/// Reads a query or a body.
pub fn parse(text: &[u8]) -> Outcome<Vec<(String, Node)>> {
    let mut root = Vec::new();
    for (count, pair) in text.split(|byte| *byte == b'&').enumerate() {
        if count >= PARAMETERS_MOST {
            return Err(ApiError::invalid("", "Too many parameters."));
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = halves.next().map(decode).transpose()?.unwrap_or_default();
        let value = halves.next().map(decode).transpose()?.unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let keys = keys(&name).ok_or_else(|| {
            ApiError::invalid(&name, format!("Received malformed parameter name: {name}"))
        })?;
        insert(&mut root, &keys, value)
            .ok_or_else(|| ApiError::invalid(&name, format!("Invalid {name}: mixed types")))?;
    }
    Ok(root)
}

/// `a[b][]` is a, b and nothing.
fn keys(name: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = name.split_once('[') else {
        return Some(vec![name]);
    };
    let rest = rest.strip_suffix(']')?;
    let mut keys = vec![first];
    keys.extend(rest.split("]["));
    let is_sound = keys.iter().all(|key| !key.contains(['[', ']']));
    (is_sound && !first.is_empty() && keys.len() <= DEPTH_MOST).then_some(keys)
}

/// `None` where a name stands both for a text and for parameters.
fn insert(into: &mut Vec<(String, Node)>, keys: &[&str], value: String) -> Option<()> {
    let (key, rest) = keys.split_first()?;
    // Without a number it is one more in the list.
    let key = if key.is_empty() {
        into.len().to_string()
    } else {
        (*key).to_owned()
    };
    let found = into.iter_mut().find(|(name, _)| *name == key);
    match (found, rest) {
        (None, []) => into.push((key, Node::Text(value))),
        (None, rest) => {
            let mut below = Vec::new();
            insert(&mut below, rest, value)?;
            into.push((key, Node::Map(below)));
        }
        (Some((_, Node::Text(text))), []) => *text = value,
        (Some((_, Node::Map(below))), rest @ [_, ..]) => insert(below, rest, value)?,
        _ => return None,
    }
    Some(())
}

/// Undoes `%41` and `+`.
fn decode(text: &[u8]) -> Outcome<String> {
    let malformed = || ApiError::invalid("", "Invalid request: malformed form encoding.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = rest.next().and_then(digit).ok_or_else(malformed)?;
                let low = rest.next().and_then(digit).ok_or_else(malformed)?;
                high << 4 | low
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    if text.contains('\0') {
        return Err(malformed());
    }
    Ok(text)
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

impl Node {
    /// As JSON, all values texts, for what is only kept and shown again.
    pub fn into_json(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Map(entries) => {
                let entries = entries.into_iter();
                let map: Map<String, Value> = entries
                    .map(|(name, node)| (name, node.into_json()))
                    .collect();
                Value::Object(map)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Node::Map(parse(text.as_bytes()).unwrap()).into_json()
    }

    #[test]
    fn brackets_nest() {
        let read =
            json("a=1&b[c]=2&b[d][e]=3&l[]=x&l[]=y&m[0][p]=1&m[1][p]=2&q%5Br%5D=a%20b+c&a=9");
        let expected = serde_json::json!({
            "a": "9", "b": {"c": "2", "d": {"e": "3"}}, "l": {"0": "x", "1": "y"},
            "m": {"0": {"p": "1"}, "1": {"p": "2"}}, "q": {"r": "a b c"},
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "a[b=1",
            "a[b]c=1",
            "[a]=1",
            "a=1&a[b]=2",
            "a[b]=1&a=2",
            "a=%4",
            "a=%ff",
            "a=%00",
            "a[b][c][d][e][f][g][h][i]=1",
            "a[[b]]=1",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
