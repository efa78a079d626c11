//! Stripe's currencies: how many decimals, the least and the most that may be charged.

use super::error::{ApiError, Outcome};

/// Every currency that can be charged.
const SUPPORTED: &[&str] = &[
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd",
    "bdt", "bhd", "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "bzd", "cad", "cdf", "chf",
    "clp", "cny", "cop", "crc", "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur",
    "fjd", "fkp", "gbp", "gel", "ghs", "gip", "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "htg",
    "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes", "kgs", "khr", "kmf", "krw",
    "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk",
    "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr",
    "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub",
    "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb",
    "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv",
    "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw",
];

const NO_DECIMALS: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

const THREE_DECIMALS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Sent with two decimals that must be nought.
const WHOLE_UNITS: &[&str] = &["isk", "ugx"];

/// The least in minor units. Those on the first lines are published; the others are about half
/// a dollar, which is what Stripe wants of every currency after conversion.
const LEAST: &[(&str, i64)] = &[
    ("gbp", 30),
    ("aed", 200),
    ("czk", 1_500),
    ("dkk", 250),
    ("hkd", 400),
    ("huf", 17_500),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("thb", 1_000),
    ("bif", 1_500),
    ("etb", 7_500),
    ("ghs", 600),
    ("kes", 6_500),
    ("mwk", 87_000),
    ("mzn", 3_200),
    ("ngn", 75_000),
    ("pkr", 14_000),
    ("rwf", 730),
    ("tzs", 125_000),
    ("ugx", 180_000),
    ("vnd", 13_000),
    ("xaf", 300),
    ("xof", 300),
    ("zmw", 1_200),
    ("isk", 6_500),
];
const LEAST_ELSE: i64 = 50;

const MOST: &[(&str, i64)] = &[
    ("idr", 999_999_999_999),
    ("cop", 9_999_999_999),
    ("huf", 9_999_999_999),
    ("inr", 999_999_999),
];
/// Eight digits.
const MOST_ELSE: i64 = 99_999_999;

fn find(table: &[(&str, i64)], currency: &str, otherwise: i64) -> i64 {
    let found = table.iter().find(|(code, _)| *code == currency);
    found.map_or(otherwise, |(_, amount)| *amount)
}

/// A currency as Stripe writes it, in small letters.
pub fn currency(text: &str, param: &str) -> Outcome<String> {
    let code = text.to_ascii_lowercase();
    if SUPPORTED.contains(&code.as_str()) {
        return Ok(code);
    }
    let all = SUPPORTED.join(", ");
    let message =
        format!("Invalid currency: {text}. Stripe currently supports these currencies: {all}");
    Err(ApiError::invalid(param, message))
}

/// Refuses an amount that cannot be charged.
pub fn check_charge(amount: i64, currency: &str, param: &str) -> Outcome<()> {
    check_shape(amount, currency, param)?;
    let least = find(LEAST, currency, LEAST_ELSE);
    if amount < least {
        let least = display(least, currency);
        let message = format!("Amount must be at least {least}");
        return Err(ApiError::invalid(param, message).with("code", "amount_too_small"));
    }
    let most = find(MOST, currency, MOST_ELSE);
    if amount > most {
        let message = format!("Amount must be no more than {}", display(most, currency));
        return Err(ApiError::invalid(param, message).with("code", "amount_too_large"));
    }
    Ok(())
}

/// Refuses an amount that the currency has no coins for.
pub fn check_shape(amount: i64, currency: &str, param: &str) -> Outcome<()> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        let error = ApiError::invalid(param, message);
        return Err(error.with("code", "parameter_invalid_integer"));
    }
    let step = if WHOLE_UNITS.contains(&currency) {
        100
    } else if THREE_DECIMALS.contains(&currency) {
        10
    } else {
        1
    };
    if amount.checked_rem(step) == Some(0) {
        return Ok(());
    }
    let message = format!("Invalid amount: in {currency} it must be divisible by {step}");
    Err(ApiError::invalid(param, message)
        .with("code", "invalid_charge_amount_no_decimal_compatible"))
}

/// An amount for people: `12.50 EUR`.
pub fn display(amount: i64, currency: &str) -> String {
    let (unit, digits) = if NO_DECIMALS.contains(&currency) {
        (1, 0)
    } else if THREE_DECIMALS.contains(&currency) {
        (1_000, 3)
    } else {
        (100, 2)
    };
    let code = currency.to_ascii_uppercase();
    let whole = amount.checked_div(unit).unwrap_or_default();
    match amount.checked_rem(unit) {
        Some(part) if digits > 0 => format!("{whole}.{part:0digits$} {code}"),
        _ => format!("{whole} {code}"),
    }
}

/// What Stripe keeps of a charge: 2.9 % and 30 smallest units.
pub fn fee(amount: i64) -> i64 {
    let share = i128::from(amount).saturating_mul(29).checked_div(1_000);
    let share = share
        .and_then(|share| i64::try_from(share).ok())
        .unwrap_or_default();
    share.saturating_add(30).min(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(amount: i64, currency: &str) -> Option<String> {
        let error = check_charge(amount, currency, "amount").err()?;
        error.text("code")
    }

    #[test]
    fn amounts_have_a_least_a_most_and_a_step() {
        for (currency, least) in [
            ("usd", 50),
            ("gbp", 30),
            ("jpy", 50),
            ("sek", 300),
            ("huf", 17_500),
        ] {
            assert_eq!(code(least, currency), None, "{currency}");
            assert_eq!(
                code(least - 1, currency).as_deref(),
                Some("amount_too_small")
            );
        }
        assert_eq!(code(99_999_999, "usd"), None);
        assert_eq!(
            code(100_000_000, "usd").as_deref(),
            Some("amount_too_large")
        );
        assert_eq!(code(0, "usd").as_deref(), Some("parameter_invalid_integer"));
        for (amount, currency) in [(200_001, "ugx"), (10_050, "isk"), (5_001, "kwd")] {
            let refused = Some("invalid_charge_amount_no_decimal_compatible");
            assert_eq!(code(amount, currency).as_deref(), refused, "{currency}");
        }
    }

    #[test]
    fn amounts_are_shown_with_their_decimals() {
        assert_eq!(display(1_205, "eur"), "12.05 EUR");
        assert_eq!(display(500, "jpy"), "500 JPY");
        assert_eq!(display(1_250, "kwd"), "1.250 KWD");
        assert_eq!(fee(10_000), 320);
    }
}
