//! Customers.

use serde_json::{Value, json};

use super::account::Account;
use super::error::{ApiError, Outcome};
use super::ids;
use super::params::{Metadata, Params};
use super::shelf::{Kept, Page};

#[derive(Clone)]
pub struct Customer {
    pub id: String,
    created: i64,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    description: Option<String>,
    address: Option<Value>,
    shipping: Option<Value>,
    metadata: Metadata,
}

impl Kept for Customer {
    const OBJECT: &'static str = "customer";
    const PARAM: &'static str = "id";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Customer {
    pub fn show(&self) -> Value {
        json!({
            "id": self.id,
            "object": "customer",
            "address": self.address,
            "balance": 0,
            "created": self.created,
            "currency": null,
            "default_source": null,
            "delinquent": false,
            "description": self.description,
            "discount": null,
            "email": self.email,
            "invoice_prefix": "SANDBOX",
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
            },
            "livemode": false,
            "metadata": self.metadata,
            "name": self.name,
            "next_invoice_sequence": 1,
            "phone": self.phone,
            "preferred_locales": [],
            "shipping": self.shipping,
            "tax_exempt": "none",
            "test_clock": null,
        })
    }

    fn read(&mut self, params: &mut Params) -> Outcome<()> {
        for (name, field) in [
            ("email", &mut self.email),
            ("name", &mut self.name),
            ("phone", &mut self.phone),
            ("description", &mut self.description),
        ] {
            if let Some(text) = params.raw(name)? {
                *field = Some(text).filter(|text| !text.is_empty());
            }
        }
        let email = self.email.as_deref().unwrap_or("a@b");
        if !email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        {
            let error = ApiError::invalid("email", format!("Invalid email address: {email}"));
            return Err(error.with("code", "email_invalid"));
        }
        self.address = params.json("address").or(self.address.take());
        self.shipping = params.json("shipping").or(self.shipping.take());
        params.ignore(&[
            "preferred_locales",
            "tax_exempt",
            "invoice_settings",
            "invoice_prefix",
        ]);
        params.metadata(&mut self.metadata)
    }
}

pub fn create(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let mut customer = Customer {
        id: ids::new("cus_", 14),
        created: account.now,
        email: None,
        name: None,
        phone: None,
        description: None,
        address: None,
        shipping: None,
        metadata: Metadata::new(),
    };
    customer.read(&mut params)?;
    params.finish()?;
    account.customers.put(customer.clone());
    account.emit("customer.created", customer.show());
    Ok(customer.show())
}

pub fn retrieve(account: &mut Account, id: &str, params: Params) -> Outcome<Value> {
    params.finish()?;
    Ok(account.customers.get(id)?.show())
}

pub fn update(account: &mut Account, id: &str, mut params: Params) -> Outcome<Value> {
    let mut customer = account.customers.get(id)?;
    customer.read(&mut params)?;
    params.finish()?;
    account.customers.put(customer.clone());
    account.emit("customer.updated", customer.show());
    Ok(customer.show())
}

pub fn list(account: &mut Account, _: &str, mut params: Params) -> Outcome<Value> {
    let page = Page::read(&mut params)?;
    let email = params.text("email")?;
    params.finish()?;
    let matches = |customer: &Customer| email.is_none() || customer.email == email;
    account
        .customers
        .page(&page, "/v1/customers", matches, Customer::show)
}

impl Account {
    /// Refuses a customer that a parameter names and nobody knows.
    pub fn check_customer(&self, id: &str) -> Outcome<()> {
        match self.customers.find(id) {
            Some(_) => Ok(()),
            None => Err(ApiError::unknown_value("customer", id, "customer")),
        }
    }
}
