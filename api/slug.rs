//! Slugs made from names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const CHARS_MOST: usize = 80;

/// The slug of a name: lower-case letters, digits and hyphens.
pub fn of_name(name: &str) -> String {
    let slug: String = slug::slugify(name).chars().take(CHARS_MOST).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() {
        distinct("x")
    } else {
        slug.to_owned()
    }
}

/// A slug like `slug` that nobody else has.
pub fn distinct(slug: &str) -> String {
    let random = URL_SAFE_NO_PAD.encode(crate::random::bytes::<9>());
    let letters = random.chars().filter(char::is_ascii_alphanumeric).take(6);
    format!("{slug}-{}", letters.collect::<String>().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_has_a_slug() {
        assert_eq!(of_name("Sauti za Busara 2027!"), "sauti-za-busara-2027");
        assert_eq!(of_name("Fête de l’Été"), "fete-de-l-ete");
        for name in ["!!!", "日本", "🎪", "a", &"x".repeat(200)] {
            let slug = of_name(name);
            let slug = serde_json::Value::String(slug);
            assert!(crate::http::parse::slug(&slug).is_ok(), "{name}: {slug}");
        }
    }
}
