//! The buyer as Stripe's customer: found or made once. It is a convenience, and nothing about
//! it ends a payment.

use std::time::Duration;

use sha2::{Digest, Sha256};
use stripe_core::customer::{CreateCustomer, ListCustomer};

use super::Stripe;
use super::error::{CallError, Trouble};
use super::transport::{Operation, Sending};
use super::view::{CustomerView, Metadata, Page};
use crate::digest::hex;
use crate::gateways::Buyer;

/// Under what a customer says which buyer it was made for.
const BUYER: &str = "tollgate_buyer";

/// A payment does not wait longer for it.
const LIMIT: Duration = Duration::from_secs(5);

/// As whom somebody pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Payer {
    Customer(String),
    /// Stripe could not say who it is.
    Address(String),
    /// Stripe does not take the address.
    Nobody,
}

impl Stripe {
    pub(super) async fn payer(&self, buyer: &Buyer) -> Payer {
        let address = buyer.email.to_lowercase();
        let trouble = match self.find_or_make_customer(&address, buyer).await {
            Ok(customer) => return Payer::Customer(customer),
            Err(error) => error.trouble,
        };
        tracing::warn!("the buyer pays without being a customer");
        match trouble {
            Trouble::Refused { status: 400, .. } => Payer::Nobody,
            _ => Payer::Address(address),
        }
    }

    async fn find_or_make_customer(
        &self,
        address: &str,
        buyer: &Buyer,
    ) -> Result<String, CallError> {
        let digest = digest_of(address);
        let list = ListCustomer::new().email(address).limit(10);
        let asking = Sending::asking(Operation::ListCustomers).within(LIMIT);
        let found = self.transport.call::<_, Page<CustomerView>>(&list, asking);
        if let Some(customer) = pick(found.await?.object, &digest) {
            return Ok(customer);
        }
        let make = CreateCustomer::new()
            .email(address)
            .name(&buyer.name)
            .metadata(Metadata::from([(BUYER.to_owned(), digest.clone())]));
        let once = Sending::once(Operation::MakeCustomer, format!("customer-{digest}"));
        let made = self
            .transport
            .call::<_, CustomerView>(&make, once.within(LIMIT));
        Ok(made.await?.object.id)
    }
}

/// The same for everybody who writes an address with other capitals.
fn digest_of(address: &str) -> String {
    hex(&Sha256::digest(address.as_bytes()))
}

/// The customer that was made for this buyer, of all that have the address.
fn pick(page: Page<CustomerView>, digest: &str) -> Option<String> {
    let is_ours = |it: &CustomerView| {
        let said = it
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.get(BUYER));
        said.is_some_and(|said| said == digest)
    };
    let found = page.data.into_iter().find(is_ours);
    found.map(|customer| customer.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_customer_that_was_made_for_the_buyer_is_taken() {
        let digest = digest_of("asha@example.com");
        let customer = |id: &str, said: Option<&str>| CustomerView {
            id: id.to_owned(),
            metadata: said.map(|said| Metadata::from([(BUYER.to_owned(), said.to_owned())])),
        };
        let page = |data| Page {
            data,
            has_more: false,
        };
        let others = vec![customer("cus_1", None), customer("cus_2", Some("other"))];
        assert_eq!(pick(page(others.clone()), &digest), None);
        let mut all = others;
        all.push(customer("cus_3", Some(&digest)));
        assert_eq!(pick(page(all), &digest).as_deref(), Some("cus_3"));
    }
}
