//! Which gateway takes an order's money.

use crate::app::App;
use crate::error::{Code, Problem};
use crate::gateways::Gateway;
use crate::money::Money;
use crate::orders::Order;

/// The gateway that can take this order's money.
pub(super) fn choose<'a>(
    app: &'a App,
    order: &Order,
    provider: Option<&str>,
) -> Result<&'a dyn Gateway, Problem> {
    let gateway = match provider {
        Some(id) => app.gateways.find(id),
        None => app.gateways.default(),
    };
    let gateway = gateway.ok_or_else(|| Problem::new(Code::ProviderNotAvailable))?;
    let capabilities = gateway.capabilities();
    let takes = |currencies: &[&str]| currencies.contains(&order.currency.code());
    if !capabilities.currencies.is_none_or(takes) {
        let detail = format!("{} does not take {}.", gateway.id(), order.currency.code());
        return Err(Problem::new(Code::CurrencyNotSupported).detail(detail));
    }
    check_amount(gateway.as_ref(), order.total())?;
    Ok(gateway.as_ref())
}

/// Whether a gateway can take this much at a time.
fn check_amount(gateway: &dyn Gateway, amount: Money) -> Result<(), Problem> {
    let limits = (gateway.capabilities().amounts)(amount.currency);
    let of = |minor| Money::new(minor, amount.currency);
    let not_available = |detail| Problem::new(Code::ProviderNotAvailable).detail(detail);
    if amount.minor < limits.least_minor {
        let detail = format!(
            "{} takes {} at least.",
            gateway.id(),
            of(limits.least_minor)
        );
        return Err(Problem::new(Code::AmountTooSmall).detail(detail));
    }
    if amount.minor > limits.most_minor {
        let most = of(limits.most_minor);
        return Err(not_available(format!(
            "{} takes {most} at most.",
            gateway.id()
        )));
    }
    if amount.minor.checked_rem(limits.step_minor) != Some(0) {
        let step = of(limits.step_minor);
        return Err(not_available(format!(
            "{} takes multiples of {step}.",
            gateway.id()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::config::StripeSettings;
    use crate::gateways::stripe::Stripe;
    use crate::money::Currency;

    fn check(minor: i64, code: &str) -> Result<(), Code> {
        let settings = StripeSettings {
            secret_key: "sk_test_1".to_owned(),
            publishable_key: None,
            webhook_secrets: vec!["whsec_1".to_owned()],
            api_version: "2026-09-30.endive".to_owned(),
            api_base: "https://api.stripe.com".to_owned(),
            patience: Duration::from_secs(20),
            calls_per_second: 25,
        };
        let stripe = Stripe::new(settings, Clock::default()).unwrap();
        let amount = Money::new(minor, Currency::from_code(code).unwrap());
        check_amount(&stripe, amount).map_err(|problem| problem.code)
    }

    #[test]
    fn a_gateway_takes_what_is_within_its_limits() {
        for (minor, code, expected) in [
            (50, "USD", Ok(())),
            (49, "USD", Err(Code::AmountTooSmall)),
            (99_999_999, "USD", Ok(())),
            (100_000_000, "USD", Err(Code::ProviderNotAvailable)),
            (50_000, "MGA", Ok(())),
            (50_001, "MGA", Err(Code::ProviderNotAvailable)),
            (999_999, "UGX", Ok(())),
            (1_000_000, "UGX", Err(Code::ProviderNotAvailable)),
        ] {
            assert_eq!(check(minor, code), expected, "{minor} {code}");
        }
    }
}
