//! Amounts as Stripe writes them: which currencies, in which unit, and between which limits.
//!
//! Sources: docs.stripe.com/currencies (presentment, zero-decimal and special currencies,
//! minimums) and the API reference of `amount` (eight digits).

use crate::gateways::AmountLimits;
use crate::money::{Currency, Money};

/// What is taken. Currencies of three decimals are left out: Stripe rounds them.
pub(super) const CURRENCIES: &[&str] = &[
    "AED", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BIF", "BMD",
    "BND", "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP",
    "CRC", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ETB", "EUR", "FJD", "FKP", "GBP",
    "GEL", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR",
    "ISK", "JMD", "JPY", "KES", "KGS", "KHR", "KMF", "KRW", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK", "MXN",
    "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "PYG", "QAR", "RON", "RSD", "RWF", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SOS",
    "SRD", "SZL", "THB", "TJS", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "UYU", "UZS",
    "VND", "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW",
];

/// Written without decimals.
const ZERO_DECIMAL: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// Eight digits, whatever the currency.
const MOST: i64 = 99_999_999;

/// The least charge in Stripe's unit. The settlement currency has its own least, which only
/// Stripe knows; so has a currency that is not listed here.
fn least(code: &str) -> i64 {
    match code {
        "USD" | "EUR" | "AUD" | "CAD" | "CHF" | "NZD" | "SGD" | "BRL" | "INR" | "ILS" | "KRW"
        | "PHP" | "ZAR" | "JPY" | "ARS" | "COP" | "IDR" => 50,
        "GBP" => 30,
        "AED" | "MYR" | "PLN" | "RON" => 200,
        "DKK" => 250,
        "NOK" | "SEK" => 300,
        "HKD" => 400,
        "MXN" | "THB" => 1_000,
        "CZK" => 1_500,
        "HUF" => 17_500,
        _ => 1,
    }
}

/// How Stripe's unit relates to ours, which is ISO 4217's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Same,
    /// One of ours is a hundred of Stripe's: `ISK` and `UGX`, which have no decimals and are
    /// written with two.
    Hundredfold,
    /// A hundred of ours is one of Stripe's: `MGA`, whose decimals Stripe does not know.
    Hundredth,
}

impl Scale {
    fn of(currency: Currency) -> Self {
        let decimals = match ZERO_DECIMAL.contains(&currency.code()) {
            true => 0,
            false => 2,
        };
        match (currency.exponent(), decimals) {
            (0, 2) => Self::Hundredfold,
            (2, 0) => Self::Hundredth,
            _ => Self::Same,
        }
    }
}

/// An amount in Stripe's unit; `None` where Stripe cannot write it.
pub(super) fn to_stripe(money: Money) -> Option<i64> {
    match Scale::of(money.currency) {
        Scale::Same => Some(money.minor),
        Scale::Hundredfold => money.minor.checked_mul(100),
        Scale::Hundredth => whole_hundreds(money.minor),
    }
}

/// An amount of Stripe's in our unit; `None` where it is no amount of ours.
pub(super) fn from_stripe(amount: i64, currency: Currency) -> Option<Money> {
    let minor = match Scale::of(currency) {
        Scale::Same => Some(amount),
        Scale::Hundredfold => whole_hundreds(amount),
        Scale::Hundredth => amount.checked_mul(100),
    };
    minor.map(|minor| Money::new(minor, currency))
}

fn whole_hundreds(amount: i64) -> Option<i64> {
    (amount % 100 == 0).then_some(amount / 100)
}

/// What Stripe takes in one payment.
pub(super) fn limits(currency: Currency) -> AmountLimits {
    let least = least(currency.code());
    match Scale::of(currency) {
        Scale::Same => AmountLimits {
            least_minor: least,
            most_minor: MOST,
            step_minor: 1,
        },
        Scale::Hundredfold => AmountLimits {
            least_minor: least.saturating_add(99) / 100,
            most_minor: MOST / 100,
            step_minor: 1,
        },
        Scale::Hundredth => AmountLimits {
            least_minor: least.saturating_mul(100),
            most_minor: MOST * 100,
            step_minor: 100,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, currency(code))
    }

    #[test]
    fn every_currency_is_known_here_and_to_stripe() {
        for code in CURRENCIES {
            let known: stripe_types::Currency = code.to_lowercase().parse().unwrap();
            let is_known = !matches!(known, stripe_types::Currency::Unknown(_));
            assert!(is_known, "{code}");
            assert!(currency(code).exponent() <= 2, "{code}");
        }
        let mut sorted = CURRENCIES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted, CURRENCIES);
        assert!(ZERO_DECIMAL.iter().all(|code| CURRENCIES.contains(code)));
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert!(!CURRENCIES.contains(&code), "{code}");
        }
    }

    #[test]
    fn amounts_are_written_in_stripes_unit() {
        for (ours, code, theirs) in [
            (1_250, "USD", Some(1_250)),
            (2_500_000, "TZS", Some(2_500_000)),
            (1_250, "JPY", Some(1_250)),
            (5_000, "XOF", Some(5_000)),
            (1_250, "HUF", Some(1_250)),
            (500, "ISK", Some(50_000)),
            (500, "UGX", Some(50_000)),
            (i64::MAX, "UGX", None),
            (50_000, "MGA", Some(500)),
            (50_050, "MGA", None),
        ] {
            assert_eq!(to_stripe(money(ours, code)), theirs, "{ours} {code}");
        }
        assert_eq!(from_stripe(50_050, currency("ISK")), None);
        assert_eq!(
            from_stripe(500, currency("MGA")),
            Some(money(50_000, "MGA"))
        );
    }

    #[test]
    fn limits_are_in_our_unit() {
        for (code, least, most, step) in [
            ("USD", 50, 99_999_999, 1),
            ("GBP", 30, 99_999_999, 1),
            ("HUF", 17_500, 99_999_999, 1),
            ("JPY", 50, 99_999_999, 1),
            ("TZS", 1, 99_999_999, 1),
            ("UGX", 1, 999_999, 1),
            ("MGA", 100, 9_999_999_900, 100),
        ] {
            let limits = limits(currency(code));
            let found = (limits.least_minor, limits.most_minor, limits.step_minor);
            assert_eq!(found, (least, most, step), "{code}");
        }
    }

    proptest! {
        #[test]
        fn what_is_within_the_limits_is_written_and_read_back(
            code in prop::sample::select(CURRENCIES),
            part in 0_i64..=1_000_000,
        ) {
            let limits = limits(currency(code));
            let steps = (limits.most_minor - limits.least_minor) / limits.step_minor;
            let minor = limits.least_minor + steps * part / 1_000_000 * limits.step_minor;
            let written = to_stripe(money(minor, code)).unwrap();
            prop_assert!((least(code)..=MOST).contains(&written));
            prop_assert_eq!(from_stripe(written, currency(code)), Some(money(minor, code)));
            if matches!(code, "ISK" | "UGX") {
                prop_assert_eq!(written % 100, 0);
            }
        }
    }
}
