//! How a code is to look, read from the query.

use std::fmt;
use std::ops::RangeInclusive;

use qrcode::EcLevel;

use crate::error::Code;
use crate::http::body::Flaw;
use crate::http::query::Query;

const SIZES: RangeInclusive<u16> = 64..=2048;
const MARGINS: RangeInclusive<u16> = 0..=16;

/// How a code is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrOptions {
    /// The picture's side in pixels.
    pub(super) size: u16,
    pub(super) ecc: EcLevel,
    /// The light frame's breadth in modules.
    pub(super) margin: u16,
    pub(super) dark: Colour,
    pub(super) light: Colour,
}

impl Default for QrOptions {
    fn default() -> Self {
        Self {
            size: 200,
            ecc: EcLevel::M,
            margin: 4,
            dark: Colour(0x000000),
            light: Colour(0xff_ffff),
        }
    }
}

impl QrOptions {
    /// As they are without parameters, but for the size.
    pub fn of_size(size: u16) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Takes `size`, `ecc`, `margin`, `dark` and `light` from the query, which notes what is
    /// wrong with them.
    pub fn read(query: &mut Query) -> Self {
        let plain = Self::default();
        let size = query.optional("size", |text| number(text, SIZES));
        let ecc = query.optional("ecc", level);
        let margin = query.optional("margin", |text| number(text, MARGINS));
        let dark = query.optional("dark", Colour::read);
        let light = query.optional("light", Colour::read);
        Self {
            size: size.unwrap_or(plain.size),
            ecc: ecc.unwrap_or(plain.ecc),
            margin: margin.unwrap_or(plain.margin),
            dark: dark.unwrap_or(plain.dark),
            light: light.unwrap_or(plain.light),
        }
    }

    /// A short text that no other options have, for an `ETag`.
    pub fn tag(&self) -> String {
        let Self {
            size,
            ecc,
            margin,
            dark,
            light,
        } = self;
        format!("{size}-{ecc:?}-{margin}-{dark}-{light}")
    }
}

fn number(text: &str, range: RangeInclusive<u16>) -> Result<u16, Flaw> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = range.into_inner();
        flaw(format!("must be a whole number from {least} to {most}"))
    })
}

fn level(text: &str) -> Result<EcLevel, Flaw> {
    match text {
        "L" | "l" => Ok(EcLevel::L),
        "M" | "m" => Ok(EcLevel::M),
        "Q" | "q" => Ok(EcLevel::Q),
        "H" | "h" => Ok(EcLevel::H),
        _ => Err(flaw("must be one of L, M, Q, H")),
    }
}

fn flaw(detail: impl Into<String>) -> Flaw {
    Flaw::new(Code::QrParametersInvalid.as_str(), detail)
}

/// Red, green and blue, a byte each; shown as six hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(u32);

impl Colour {
    fn read(text: &str) -> Result<Self, Flaw> {
        let digits = match text.len() {
            3 => text.chars().flat_map(|digit| [digit, digit]).collect(),
            6 => text.to_owned(),
            _ => String::new(),
        };
        // The parser below would take a sign, too.
        let number = u32::from_str_radix(&digits, 16).ok();
        number
            .filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .map(Self)
            .ok_or_else(|| flaw("must be 3 or 6 hex digits, such as 06c or 0066cc"))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}
