//! From a template and its data to subject, text and HTML.
//!
//! HTML is escaped by the engine; a subject is one line whatever the data holds.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, context};

use super::{EmailData, Template};
use crate::keys::Keys;
use crate::mail::MailError;

pub(super) struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Every template's text form (its first line is the subject) and its HTML form.
const SOURCES: &[(&str, &str)] = &[
    ("layout.html", include_str!("templates/layout.html")),
    (
        "verify_email.txt",
        include_str!("templates/verify_email.txt"),
    ),
    (
        "verify_email.html",
        include_str!("templates/verify_email.html"),
    ),
    (
        "reset_password.txt",
        include_str!("templates/reset_password.txt"),
    ),
    (
        "reset_password.html",
        include_str!("templates/reset_password.html"),
    ),
    ("welcome.txt", include_str!("templates/welcome.txt")),
    ("welcome.html", include_str!("templates/welcome.html")),
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
    keys: &Keys,
) -> Result<Rendered, MailError> {
    let link = match &data.link {
        Some(link) => {
            let token = link.token.sign(keys).ok_or(MailError::NoKey)?;
            // In the fragment, so that it reaches no server's log.
            format!("{}#token={token}", link.page_url)
        }
        None => String::new(),
    };
    let context = context! {
        name => one_line(&data.name),
        link => link,
        valid_hours => data.valid_hours,
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

fn one_line(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_read() {
        for name in Template::NAMES {
            for form in ["txt", "html"] {
                assert!(
                    ENVIRONMENT.get_template(&format!("{name}.{form}")).is_ok(),
                    "{name}"
                );
            }
        }
    }
}
