//! Currencies. Amounts follow with what is sold.

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Serialize, Serializer};
use serde_json::Value;

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

    #[test]
    fn currencies_are_read_in_any_case_and_must_be_money() {
        assert_eq!(Currency::from_code("tzs").unwrap().code(), "TZS");
        assert_eq!(Currency::from_code("KWD").unwrap().code(), "KWD");
        for code in ["", "TZ", "XAU", "XXX", "XTS", "ABC", "usd "] {
            assert!(Currency::from_code(code).is_none(), "{code}");
        }
    }
}
