//! The values that members and parameters are made of, with the limits of the contract.

use std::str::FromStr;

use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::body::Flaw;
use crate::db::values::Timestamp;

pub const NAME_CHARS: usize = 200;
pub const TEXT_CHARS: usize = 5_000;

fn wrong_type(expected: &str) -> Flaw {
    Flaw::new("wrong_type", format!("must be {expected}"))
}

fn string(value: &Value) -> Result<&str, Flaw> {
    value.as_str().ok_or_else(|| wrong_type("a text"))
}

/// A text of 1 to `most` characters, without control characters but line breaks and tabs.
pub fn text(most: usize) -> impl Fn(&Value) -> Result<String, Flaw> {
    move |value| {
        let text = string(value)?.trim();
        if text.is_empty() {
            return Err(Flaw::new("too_short", "must not be empty"));
        }
        if text.chars().count() > most {
            return Err(Flaw::new("too_long", format!("at most {most} characters")));
        }
        let is_allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        if !text.chars().all(is_allowed) {
            let detail = "must hold no control characters";
            return Err(Flaw::new("control_character", detail));
        }
        Ok(text.to_owned())
    }
}

/// A text of one line.
pub fn line(most: usize) -> impl Fn(&Value) -> Result<String, Flaw> {
    move |value| {
        let line = text(most)(value)?;
        if line.chars().any(char::is_control) {
            let detail = "must be one line without control characters";
            return Err(Flaw::new("control_character", detail));
        }
        Ok(line)
    }
}

pub fn name(value: &Value) -> Result<String, Flaw> {
    line(NAME_CHARS)(value)
}

/// An address as it is compared and stored: trimmed and in lower case.
pub fn email(value: &Value) -> Result<String, Flaw> {
    let text = string(value)?.trim().to_lowercase();
    let not_an_email = || Flaw::new("not_an_email", "must be an e-mail address");
    if text.len() > 254 {
        return Err(Flaw::new("too_long", "at most 254 characters"));
    }
    let options = email_address::Options::default()
        .without_display_text()
        .without_domain_literal()
        .with_required_tld();
    email_address::EmailAddress::parse_with_options(&text, options).map_err(|_| not_an_email())?;
    // A quoted local part may hold anything, line breaks included.
    if text.contains(['"', '\\', '\r', '\n', '\0', ' ']) {
        return Err(not_an_email());
    }
    Ok(text)
}

pub fn phone(value: &Value) -> Result<String, Flaw> {
    let text = line(40)(value)?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let allowed = text
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.'));
    if !allowed || !(5..=20).contains(&digits) {
        return Err(Flaw::new("not_a_phone", "must be a phone number"));
    }
    Ok(text)
}

/// A whole number from `least` to `most`.
pub fn integer(least: i64, most: i64) -> impl Fn(&Value) -> Result<i64, Flaw> {
    move |value| {
        let number = value.as_i64().ok_or_else(|| wrong_type("a whole number"))?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            let detail = format!("must be from {least} to {most}");
            Err(Flaw::new("out_of_range", detail))
        }
    }
}

pub fn boolean(value: &Value) -> Result<bool, Flaw> {
    value.as_bool().ok_or_else(|| wrong_type("true or false"))
}

/// An instant: RFC 3339, years 2000 to 2105.
pub fn instant(value: &Value) -> Result<Timestamp, Flaw> {
    Timestamp::parse(string(value)?).ok_or_else(|| {
        let detail = "must be an RFC 3339 time such as 2027-06-19T18:00:00Z, years 2000 to 2105";
        Flaw::new("not_a_time", detail)
    })
}

/// An IANA time zone.
pub fn time_zone(value: &Value) -> Result<String, Flaw> {
    let zone = string(value)?.parse::<Tz>().map_err(|_| {
        let detail = "must be an IANA time zone such as Africa/Dar_es_Salaam";
        Flaw::new("not_a_time_zone", detail)
    })?;
    Ok(zone.name().to_owned())
}

/// One of a few names.
pub fn one_of<T>(
    names: &'static [&'static str],
    from_name: impl Fn(&str) -> Option<T>,
) -> impl Fn(&Value) -> Result<T, Flaw> {
    move |value| {
        from_name(string(value)?).ok_or_else(|| {
            Flaw::new(
                "not_allowed",
                format!("must be one of {}", names.join(", ")),
            )
        })
    }
}

/// An id, or anything else that reads from text.
pub fn parsed<T: FromStr>(expected: &'static str) -> impl Fn(&Value) -> Result<T, Flaw> {
    move |value| {
        string(value)?
            .parse()
            .map_err(|_| Flaw::new("not_allowed", format!("must be {expected}")))
    }
}

/// A slug: lower-case letters, digits and single hyphens.
pub fn slug(value: &Value) -> Result<String, Flaw> {
    let text = string(value)?;
    let is_slug = (1..=100).contains(&text.len())
        && text == slug::slugify(text)
        // An id is found in the same place of a path; a slug must not look like one.
        && !text.contains('_');
    if is_slug {
        Ok(text.to_owned())
    } else {
        let detail = "must be 1 to 100 lower-case letters, digits and single hyphens";
        Err(Flaw::new("not_a_slug", detail))
    }
}

/// Free members of the caller's own: at most 50, names of 40 and texts of 500 characters.
pub fn metadata(value: &Value) -> Result<Map<String, Value>, Flaw> {
    let members = value.as_object().ok_or_else(|| wrong_type("an object"))?;
    if members.len() > 50 {
        return Err(Flaw::new("too_many", "at most 50 members"));
    }
    for (name, value) in members {
        line(40)(&Value::String(name.clone()))
            .map_err(|flaw| Flaw::new(flaw.code, format!("a name: {}", flaw.detail)))?;
        if value.as_str() != Some("") {
            text(500)(value)
                .map_err(|flaw| Flaw::new(flaw.code, format!("a value: {}", flaw.detail)))?;
        }
    }
    Ok(members.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code<T: std::fmt::Debug>(outcome: Result<T, Flaw>) -> &'static str {
        outcome.unwrap_err().code
    }

    #[test]
    fn texts_have_limits_and_no_control_characters() {
        assert_eq!(text(3)(&json!(" äöü ")).unwrap(), "äöü");
        assert_eq!(code(text(3)(&json!("abcd"))), "too_long");
        assert_eq!(code(text(3)(&json!("  "))), "too_short");
        assert_eq!(code(text(9)(&json!("a\u{0}b"))), "control_character");
        assert_eq!(text(9)(&json!("a\nb")).unwrap(), "a\nb");
        assert_eq!(code(line(9)(&json!("a\nb"))), "control_character");
        assert_eq!(code(text(9)(&json!(["a"]))), "wrong_type");
    }

    #[test]
    fn an_email_is_normalised_and_cannot_smuggle_headers() {
        assert_eq!(
            email(&json!(" Asha@Example.COM ")).unwrap(),
            "asha@example.com"
        );
        for bad in [
            "",
            "a",
            "a@",
            "@b.c",
            "a b@c.de",
            "a@b",
            "a@b.c\r\nBcc: x@y.z",
            "\"a\\\r\n b\"@c.de",
            "Asha <a@b.cd>",
            "a@[127.0.0.1]",
            "a\u{0}@b.cd",
        ] {
            assert_eq!(code(email(&json!(bad))), "not_an_email", "{bad:?}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(code(email(&json!(long))), "too_long");
    }

    #[test]
    fn integers_are_whole() {
        assert_eq!(integer(1, 9)(&json!(9)), Ok(9));
        assert_eq!(code(integer(1, 9)(&json!(10))), "out_of_range");
        assert_eq!(code(integer(1, 9)(&json!(1.0))), "wrong_type");
        assert_eq!(code(integer(1, 9)(&json!(u64::MAX))), "wrong_type");
    }

    #[test]
    fn instants_stay_within_their_years() {
        let at = instant(&json!("2027-06-19T21:00:00+03:00")).unwrap();
        assert_eq!(at.to_string(), "2027-06-19T18:00:00Z");
        for bad in [
            "1999-12-31T23:59:59Z",
            "2106-01-01T00:00:00Z",
            "2027-06-19",
            "now",
        ] {
            assert_eq!(code(instant(&json!(bad))), "not_a_time");
        }
    }

    #[test]
    fn a_slug_cannot_look_like_an_id() {
        assert_eq!(slug(&json!("jazz-2027")).unwrap(), "jazz-2027");
        for bad in [
            "",
            "Jazz",
            "a--b",
            "-a",
            "a_b",
            "evt_01h455vb4pex5vsknk084sn02q",
            "ä",
        ] {
            assert_eq!(code(slug(&json!(bad))), "not_a_slug", "{bad}");
        }
    }

    #[test]
    fn metadata_is_limited() {
        assert!(metadata(&json!({"a": "b", "c": ""})).is_ok());
        assert_eq!(code(metadata(&json!({"a": 1}))), "wrong_type");
        assert_eq!(code(metadata(&json!({"a".repeat(41): "b"}))), "too_long");
        assert_eq!(code(metadata(&json!({"a": "b".repeat(501)}))), "too_long");
        assert_eq!(code(metadata(&json!([]))), "wrong_type");
    }
}
