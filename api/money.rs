//! Amounts and their currencies: whole minor units, checked arithmetic, no float anywhere.

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::Code;
use crate::http::body::Flaw;

/// An ISO 4217 currency, in upper case outside, read in any case.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads a code, unless it is no money (gold, test codes, drawing rights).
    pub fn from_code(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(&code.to_ascii_uppercase())?;
        currency.exponent().map(|_| Self(currency))
    }

    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the currency is written with (ISO 4217).
    pub fn exponent(self) -> usize {
        self.0.exponent().map_or(0, usize::from)
    }
}

/// The largest amount: every client reads it exactly, JavaScript too.
pub const AMOUNT_MOST_MINOR: i64 = (1 << 53) - 1;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// `None` where the sum is no amount any more.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_add(other.minor)?;
        let fits = self.currency == other.currency && minor <= AMOUNT_MOST_MINOR;
        fits.then_some(Self { minor, ..self })
    }

    pub fn checked_mul(self, quantity: i64) -> Option<Self> {
        let minor = self.minor.checked_mul(quantity)?;
        (minor <= AMOUNT_MOST_MINOR).then_some(Self { minor, ..self })
    }
}

/// `25,000.00 TZS`: for people, never read back.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let exponent = self.currency.exponent();
        let digits = format!(
            "{:0>width$}",
            self.minor.unsigned_abs(),
            width = exponent + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        if self.minor < 0 {
            f.write_str("-")?;
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        if exponent > 0 {
            write!(f, ".{fraction}")?;
        }
        write!(f, " {}", self.currency.code())
    }
}

/// An amount as a member of a body: a whole number of minor units, not negative.
pub fn parse_amount_minor(value: &Value) -> Result<i64, Flaw> {
    let Value::Number(number) = value else {
        return Err(Flaw::new(
            "wrong_type",
            "must be a whole number of minor units",
        ));
    };
    let code = Code::MoneyNotInteger.as_str();
    match number.as_i64() {
        Some(minor @ 0..=AMOUNT_MOST_MINOR) => Ok(minor),
        Some(_) => {
            let detail = format!("must be from 0 to {AMOUNT_MOST_MINOR}");
            Err(Flaw::new("out_of_range", detail))
        }
        None => Err(Flaw::new(code, "must be a whole number of minor units")),
    }
}

/// A currency as a member of a body.
pub fn parse_currency(value: &Value) -> Result<Currency, Flaw> {
    let code = value
        .as_str()
        .ok_or_else(|| Flaw::new("wrong_type", "must be a text"))?;
    Currency::from_code(code)
        .ok_or_else(|| Flaw::new("not_a_currency", "must be an ISO 4217 code such as TZS"))
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom("not a currency"))
    }
}

impl<DB> ToSql<Text, DB> for Currency
where
    DB: diesel::backend::Backend,
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.code().to_sql(out)
    }
}

impl<DB> FromSql<Text, DB> for Currency
where
    DB: diesel::backend::Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let code = String::from_sql(value)?;
        Self::from_code(&code).ok_or_else(|| format!("not a currency: {code:?}").into())
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[A-Za-z]{3}$"))
            .description(Some("ISO 4217, upper case out, any case in"))
            .examples(["TZS"])
            .into()
    }
}

impl utoipa::ToSchema for Currency {}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, Currency::from_code(code).unwrap())
    }

    #[test]
    fn amounts_are_written_with_their_currencys_decimals() {
        for (minor, code, text) in [
            (2_500_000, "TZS", "25,000.00 TZS"),
            (5, "USD", "0.05 USD"),
            (1_250, "JPY", "1,250 JPY"),
            (1_234_567, "KWD", "1,234.567 KWD"),
            (0, "THB", "0.00 THB"),
            (-199, "PKR", "-1.99 PKR"),
        ] {
            assert_eq!(money(minor, code).to_string(), text);
        }
    }

    #[test]
    fn sums_never_overflow_or_mix() {
        let most = money(AMOUNT_MOST_MINOR, "USD");
        assert_eq!(most.checked_add(money(1, "USD")), None);
        assert_eq!(most.checked_add(money(0, "EUR")), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(most.checked_mul(i64::MAX), None);
        assert_eq!(money(3, "USD").checked_mul(4), Some(money(12, "USD")));
    }

    #[test]
    fn money_is_a_whole_number() {
        let code = |json: &str| {
            let value: Value = serde_json::from_str(json).unwrap();
            parse_amount_minor(&value).map_err(|flaw| flaw.code)
        };
        assert_eq!(code("9007199254740991"), Ok(AMOUNT_MOST_MINOR));
        for json in ["1.5", "1.0", "1e3", "18446744073709551615"] {
            assert_eq!(code(json), Err("money_not_integer"), "{json}");
        }
        assert_eq!(code("9007199254740992"), Err("out_of_range"));
        assert_eq!(code("-1"), Err("out_of_range"));
        assert_eq!(code("\"100\""), Err("wrong_type"));
    }

    #[test]
    fn currencies_are_read_in_any_case_and_must_be_money() {
        assert_eq!(Currency::from_code("tzs").unwrap().code(), "TZS");
        assert_eq!(Currency::from_code("KWD").unwrap().code(), "KWD");
        for code in ["", "TZ", "XAU", "XXX", "XTS", "ABC", "usd "] {
            assert!(Currency::from_code(code).is_none(), "{code}");
        }
    }
}
