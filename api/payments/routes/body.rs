//! How somebody wants to pay.

use serde_json::{Map, Value, json};

use crate::config::{Config, Environment};
use crate::error::{Code, Problem};
use crate::gateways::Presentation;
use crate::http::body::{Fields, FromBody};
use crate::http::cors::is_loopback;
use crate::http::parse;
use crate::id::OrderId;
use crate::money::{Currency, parse_amount_minor, parse_currency};
use crate::payments::{Attempt, ReturnUrls};

const URL_MOST: usize = 2_000;

/// What a gateway may need to know beforehand.
#[derive(utoipa::ToSchema)]
#[schema(as = PaymentMethodBody, example = json!({"type": "card"}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct MethodBody {
    #[schema(rename = "type")]
    kind: Option<String>,
    token: Option<String>,
    phone: Option<String>,
    cnic_last6: Option<String>,
    mno: Option<String>,
    bank: Option<String>,
}

/// How a checkout is to be paid.
#[derive(utoipa::ToSchema)]
#[schema(as = CheckoutPayment, example = json!({
    "provider": "dummy", "success_url": "http://localhost:5173/thanks",
    "cancel_url": "http://localhost:5173/cart"
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct CheckoutPaymentShape {
    /// The default one, if left out.
    provider: Option<String>,
    method: Option<MethodBody>,
    /// Where the buyer returns to; its origin must be one of RETURN_ORIGINS.
    success_url: Option<String>,
    cancel_url: Option<String>,
}

/// A new attempt to pay.
#[derive(utoipa::ToSchema)]
#[schema(as = NewPaymentIntent, example = json!({
    "order_id": "ord_01h455vb4pex5vsknk084sn02q", "provider": "dummy",
    "success_url": "http://localhost:5173/thanks"
}))]
#[expect(dead_code, reason = "shape of the contract; read member by member")]
pub struct IntentShape {
    order_id: OrderId,
    provider: Option<String>,
    method: Option<MethodBody>,
    success_url: Option<String>,
    cancel_url: Option<String>,
    /// What the buyer was shown; refused when it is not so.
    expected_amount_minor: Option<i64>,
    expected_currency: Option<Currency>,
}

/// Reads how to pay. What a method holds in secrets goes to the gateway and nowhere else.
pub fn read_attempt(fields: &mut Fields<'_>) -> Option<Attempt> {
    let provider = fields.optional("provider", parse::line(50));
    let method = fields.object("method", read_method);
    let success = fields.optional("success_url", parse::line(URL_MOST));
    let cancel = fields.optional("cancel_url", parse::line(URL_MOST));
    let success = success?;
    Some(Attempt {
        provider: provider?,
        request: method?.unwrap_or_default(),
        presentation: match success {
            Some(_) => Presentation::Hosted,
            None => Presentation::Sdk,
        },
        urls: ReturnUrls {
            success,
            cancel: cancel?,
        },
    })
}

/// Of all that a method may say, only its type is kept.
fn read_method(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let kind = fields.optional("type", parse::line(50));
    let others = [
        fields.optional("token", parse::line(500)),
        fields.optional("phone", parse::phone),
        fields.optional("cnic_last6", parse::line(6)),
        fields.optional("mno", parse::line(50)),
        fields.optional("bank", parse::line(50)),
    ];
    if others.iter().any(Option::is_none) {
        return None;
    }
    let kind = kind?.map(|kind| ("method_type".to_owned(), json!(kind)));
    Some(kind.into_iter().collect())
}

/// A new attempt's body, parsed.
pub struct IntentBody {
    pub order_id: OrderId,
    pub attempt: Attempt,
    pub expected_amount_minor: Option<i64>,
    pub expected_currency: Option<Currency>,
}

impl FromBody for IntentBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order_id = fields.required("order_id", parse::parsed("an order's id"));
        let attempt = read_attempt(fields);
        let amount = fields.optional("expected_amount_minor", parse_amount_minor);
        let currency = fields.optional("expected_currency", parse_currency);
        Some(Self {
            order_id: order_id?,
            attempt: attempt?,
            expected_amount_minor: amount?,
            expected_currency: currency?,
        })
    }
}

/// Refuses to send a buyer anywhere but to a front end of ours.
pub fn check_urls(config: &Config, urls: &ReturnUrls, pointer: &str) -> Result<(), Problem> {
    let named = [("success_url", &urls.success), ("cancel_url", &urls.cancel)];
    for (name, url) in named {
        if url.as_ref().is_some_and(|url| !is_allowed(config, url)) {
            let code = Code::ReturnUrlNotAllowed;
            let pointer = format!("{pointer}/{name}");
            return Err(Problem::invalid_member(
                &pointer,
                code.as_str(),
                code.advice(),
            ));
        }
    }
    Ok(())
}

fn is_allowed(config: &Config, url: &str) -> bool {
    let Some(origin) = origin_of(url) else {
        return false;
    };
    let is_ours = origin_of(&config.public_base_url).is_some_and(|ours| ours == origin);
    let is_local = config.environment != Environment::Production && is_loopback(&origin);
    is_ours || is_local || config.return_origins.contains(&origin)
}

/// Scheme, host and port; nothing for a URL with a name and password, which could look like
/// another host.
fn origin_of(url: &str) -> Option<String> {
    let uri = url.parse::<actix_web::http::Uri>().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?.as_str());
    let is_plain = matches!(scheme, "http" | "https")
        && !authority.contains('@')
        && !url.contains(['\\', ' ', '\t']);
    is_plain.then(|| format!("{scheme}://{}", authority.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(settings: &'static [(&str, &str)], url: &str) -> bool {
        let config = Config::from_lookup(|name| {
            let found = settings.iter().find(|(setting, _)| *setting == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        is_allowed(&config.unwrap(), url)
    }

    #[test]
    fn a_buyer_is_sent_to_our_front_ends_only() {
        let settings = &[
            ("APP_ENV", "test"),
            ("PUBLIC_BASE_URL", "https://tickets.example.com"),
            ("RETURN_ORIGINS", "https://shop.example.com"),
        ];
        for url in [
            "https://shop.example.com/thanks?a=b",
            "https://SHOP.example.com",
            "https://tickets.example.com/done",
            "http://localhost:5173/thanks",
        ] {
            assert!(allows(settings, url), "{url}");
        }
        for url in [
            "https://shop.example.com.evil.com/",
            "https://shop.example.com@evil.com/",
            "http://shop.example.com/",
            "https://shop.example.com:8443/",
            "//shop.example.com/",
            "/thanks",
            "javascript:alert(1)",
            "https://evil.com\\@shop.example.com/",
        ] {
            assert!(!allows(settings, url), "{url}");
        }
    }
}
