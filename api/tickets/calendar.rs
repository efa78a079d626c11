//! An event as a calendar entry (RFC 5545), to be opened or attached to a mail.

use std::time::Duration;

use icalendar::{Calendar, Component, Event, EventLike, Property};

use crate::db::values::Timestamp;

/// How long an event lasts that does not say when it ends.
const USUAL_LENGTH: Duration = Duration::from_secs(2 * 60 * 60);

/// What a calendar is to note.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// The same for every copy of one entry, so that a newer one takes its place.
    pub uid: String,
    pub name: String,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    /// An IANA name: where the event is. Times are written in UTC, which every calendar reads.
    pub time_zone: String,
    pub place: Option<String>,
    pub description: Option<String>,
    /// When this copy of the entry was made.
    pub stamped_at: Timestamp,
}

/// Writes the entry as an `.ics` file.
pub fn ics(occasion: &Occasion) -> String {
    let mut event = Event::new();
    event
        .uid(&one_line(&occasion.uid))
        .timestamp(occasion.stamped_at.to_utc())
        .starts(occasion.starts_at.to_utc())
        .ends(occasion.end().to_utc())
        .summary(&one_line(&occasion.name));
    if let Some(place) = &occasion.place {
        event.location(&lines(place));
    }
    if let Some(description) = &occasion.description {
        event.description(&lines(description));
    }
    let mut calendar = Calendar::empty();
    for (name, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Tollgate//Tollgate//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
    ] {
        calendar.append_property(Property::new(name, value));
    }
    if let Ok(zone) = occasion.time_zone.parse::<chrono_tz::Tz>() {
        calendar.timezone(zone);
    }
    calendar.push(event);
    calendar.to_string()
}

impl Occasion {
    /// Later than the start by a second at least, as a calendar wants it.
    fn end(&self) -> Timestamp {
        let starts = self.starts_at.unix_seconds();
        self.ends_at
            .filter(|end| end.unix_seconds() > starts)
            .unwrap_or_else(|| self.starts_at.plus(USUAL_LENGTH))
    }
}

/// Text in which `\n` alone ends a line, and no other control character is left.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if ends_line(c) { '\n' } else { c })
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

fn one_line(text: &str) -> String {
    lines(text).replace('\n', " ")
}

/// Also what only some readers take for the end of a line.
fn ends_line(c: char) -> bool {
    let ends = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    ends.contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn festival() -> Occasion {
        Occasion {
            uid: "tkt_01h455vb4pex5vsknk084sn02q@tickets.example.com".to_owned(),
            name: "Sauti za Busara 2027".to_owned(),
            starts_at: at("2027-02-11T18:00:00.25+03:00"),
            ends_at: Some(at("2027-02-14T23:30:00+03:00")),
            time_zone: "Africa/Dar_es_Salaam".to_owned(),
            place: Some("Old Fort, Stone Town".to_owned()),
            description: None,
            stamped_at: at("2026-11-21T08:00:00Z"),
        }
    }

    /// The file's lines with their folds undone.
    fn unfolded(occasion: &Occasion) -> Vec<String> {
        let file = ics(occasion);
        assert!(file.split("\r\n").all(|line| line.len() <= 75), "{file}");
        let joined = file.replace("\r\n ", "");
        let lines = joined.split_terminator("\r\n").map(str::to_owned);
        let lines: Vec<_> = lines.collect();
        assert!(!lines.iter().flat_map(|line| line.chars()).any(ends_line));
        lines
    }

    fn value(occasion: &Occasion, name: &str) -> Option<String> {
        let prefix = format!("{name}:");
        let lines = unfolded(occasion);
        let found = lines.iter().find_map(|line| line.strip_prefix(&prefix));
        found.map(str::to_owned)
    }

    #[test]
    fn an_entry_is_written() {
        let expected = "\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Tollgate//Tollgate//EN
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-TIMEZONE:Africa/Dar_es_Salaam
BEGIN:VEVENT
DTEND:20270214T203000Z
DTSTAMP:20261121T080000Z
DTSTART:20270211T150000Z
LOCATION:Old Fort\\, Stone Town
SUMMARY:Sauti za Busara 2027
UID:tkt_01h455vb4pex5vsknk084sn02q@tickets.example.com
END:VEVENT
END:VCALENDAR
";
        assert_eq!(ics(&festival()), expected.replace('\n', "\r\n"));
        assert_eq!(
            ics(&festival()),
            ics(&festival()),
            "there is no clock in it"
        );
    }

    #[test]
    fn an_entry_always_ends_after_it_starts() {
        for ends_at in [
            None,
            Some(festival().starts_at),
            Some(at("2027-01-01T00:00:00Z")),
        ] {
            let occasion = Occasion {
                ends_at,
                ..festival()
            };
            assert_eq!(value(&occasion, "DTEND").unwrap(), "20270211T170000Z");
        }
    }

    #[test]
    fn a_name_makes_no_property() {
        for end in ["\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{b}", "\u{c}"] {
            let hostile = format!("Night{end}END:VEVENT{end}ATTACH:file:///x");
            let occasion = Occasion {
                uid: hostile.clone(),
                name: hostile.clone(),
                time_zone: format!("UTC{end}ATTACH:x"),
                place: Some(hostile.clone()),
                description: Some(hostile),
                ..festival()
            };
            let lines = unfolded(&occasion);
            assert!(
                !lines.iter().any(|line| line.starts_with("ATTACH")),
                "{lines:?}"
            );
            assert_eq!(lines.iter().filter(|line| *line == "END:VEVENT").count(), 1);
            assert_eq!(lines.len(), 15, "without a zone, with a description");
            let one = "Night END:VEVENT ATTACH:file:///x";
            assert_eq!(value(&occasion, "SUMMARY").unwrap(), one);
            let many = r"Night\nEND:VEVENT\nATTACH:file:///x";
            assert_eq!(value(&occasion, "DESCRIPTION").unwrap(), many);
        }
    }

    #[test]
    fn what_means_something_is_escaped() {
        let occasion = Occasion {
            name: r#"A,B;C\n:"D"	E"#.to_owned() + "\0\u{7f}\u{1b}",
            ..festival()
        };
        let expected = r#"A\,B\;C\\n:"D"	E"#;
        assert_eq!(value(&occasion, "SUMMARY").unwrap(), expected);
    }

    #[test]
    fn long_text_is_folded_between_characters() {
        for unit in ["word ", "ü", "老虎", "🎟️ ", ",", "\\", " "] {
            let name = format!("x{}x", unit.repeat(300));
            let occasion = Occasion {
                name: name.clone(),
                ..festival()
            };
            let escaped = name.replace('\\', "\\\\").replace(',', "\\,");
            assert_eq!(value(&occasion, "SUMMARY").unwrap(), escaped);
        }
    }

    proptest! {
        #[test]
        fn any_text_stays_one_value(name in any::<String>(), description in any::<String>()) {
            let occasion = Occasion { name, description: Some(description), ..festival() };
            prop_assert_eq!(unfolded(&occasion).len(), 16);
        }
    }
}
