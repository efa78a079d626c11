//! From a template and its data to subject, text and HTML.
//!
//! HTML is escaped by the engine; a subject is one line whatever the data holds.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use chrono::DateTime;
use chrono_tz::Tz;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::passes::ShownPass;
use super::{BoothSummary, EmailData, Link, OrderSummary, Template};
use crate::db::values::Timestamp;
use crate::keys::{GuestToken, Keys};
use crate::mail::MailError;
use crate::money::{Currency, Money};

pub(super) struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),+]
    };
}

/// Every template's text form (its first line is the subject) and its HTML form, and the
/// parts that they share.
const SOURCES: &[(&str, &str)] = sources![
    "layout.html",
    "order.txt",
    "order.html",
    "verify_email.txt",
    "verify_email.html",
    "reset_password.txt",
    "reset_password.html",
    "welcome.txt",
    "welcome.html",
    "order_confirmation.txt",
    "order_confirmation.html",
    "booth_confirmation.txt",
    "booth_confirmation.html",
    "payment_failed.txt",
    "payment_failed.html",
    "order_expired.txt",
    "order_expired.html",
    "payment_late.txt",
    "payment_late.html",
    "refunded.txt",
    "refunded.html",
    "refund_rejected.txt",
    "refund_rejected.html",
    "order_links.txt",
    "order_links.html",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    for (name, source) in SOURCES {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, template = name, "template cannot be read");
        }
    }
    environment
});

pub(super) fn render(
    template: Template,
    data: &EmailData,
    passes: &[ShownPass],
    keys: &Keys,
) -> Result<Rendered, MailError> {
    let link = match &data.link {
        Some(link) => security_link(link, keys)?,
        None => String::new(),
    };
    let show = |order: &OrderSummary| ShownOrder::of(order, keys);
    let order = data.order.as_ref().map(show).transpose()?;
    let orders: Vec<ShownOrder> = data.orders.iter().map(show).collect::<Result<_, _>>()?;
    let context = context! {
        name => one_line(&data.name),
        link => link,
        valid_hours => data.valid_hours,
        order => Value::from(Serde(order)),
        orders => Value::from(Serde(orders)),
        passes => Value::from(Serde(passes)),
        booth => Value::from(Serde(data.booth.as_ref().map(ShownBooth::of))),
        refund => data.refund.map(|it| Money::new(it.amount_minor, it.currency).to_string()),
    };
    let name = template.as_str();
    let text = ENVIRONMENT
        .get_template(&format!("{name}.txt"))?
        .render(&context)?;
    let html = ENVIRONMENT
        .get_template(&format!("{name}.html"))?
        .render(&context)?;
    let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
    Ok(Rendered {
        subject: one_line(subject),
        text: text.trim_start().to_owned(),
        html,
    })
}

/// An order as templates show it: finished texts of one line each.
#[derive(Serialize)]
struct ShownOrder {
    event: String,
    starts_at: String,
    place: Option<String>,
    lines: Vec<ShownLine>,
    total: String,
    /// Empty when there is no page to lead to.
    link: String,
}

#[derive(Serialize)]
struct ShownLine {
    description: String,
    quantity: i64,
    total: String,
}

#[derive(Serialize)]
struct ShownBooth {
    number: String,
    hall: String,
    type_name: String,
    company_name: String,
}

impl ShownOrder {
    fn of(order: &OrderSummary, keys: &Keys) -> Result<Self, MailError> {
        let lines = order.lines.iter().map(|line| ShownLine {
            description: one_line(&line.description),
            quantity: line.quantity,
            total: price(line.total_minor, order.currency),
        });
        Ok(Self {
            event: one_line(&order.event_name),
            starts_at: local_time(order.starts_at, &order.time_zone),
            place: order.place.as_deref().map(one_line),
            lines: lines.collect(),
            total: price(order.total_minor, order.currency),
            link: order_link(order, keys)?,
        })
    }
}

impl ShownBooth {
    fn of(booth: &BoothSummary) -> Self {
        Self {
            number: one_line(&booth.number),
            hall: one_line(&booth.hall),
            type_name: one_line(&booth.type_name),
            company_name: one_line(&booth.company_name),
        }
    }
}

/// The token stands in the fragment, so that it reaches no server's log.
fn security_link(link: &Link, keys: &Keys) -> Result<String, MailError> {
    let token = link.token.sign(keys).ok_or(MailError::NoKey)?;
    Ok(format!("{}#token={token}", link.page_url))
}

fn order_link(order: &OrderSummary, keys: &Keys) -> Result<String, MailError> {
    if order.page_url.is_empty() {
        return Ok(String::new());
    }
    let token = GuestToken {
        order: order.order_id,
        version: order.token_version,
    };
    let token = token.sign(keys).ok_or(MailError::NoKey)?;
    let (page_url, id) = (&order.page_url, order.order_id);
    Ok(format!("{page_url}#order={id}&token={token}"))
}

/// `25,000.00 TZS`, or `Free`.
fn price(minor: i64, currency: Currency) -> String {
    match minor {
        0 => "Free".to_owned(),
        _ => Money::new(minor, currency).to_string(),
    }
}

/// What the clocks show there: `Thursday, 11 February 2027, 16:00 (Africa/Dar_es_Salaam)`.
fn local_time(at: Timestamp, time_zone: &str) -> String {
    let zone: Tz = time_zone.parse().unwrap_or(Tz::UTC);
    let at = DateTime::from_timestamp(at.unix_seconds(), 0).unwrap_or_default();
    let local = at.with_timezone(&zone);
    format!("{} ({zone})", local.format("%A, %-d %B %Y, %H:%M"))
}

pub(super) fn one_line(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.trim().to_owned()
}
