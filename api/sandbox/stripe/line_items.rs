//! What a Checkout Session sells.

use serde_json::{Value, json};

use super::error::{ApiError, Outcome};
use super::ids;
use super::money;
use super::params::{Metadata, Params};
use super::sessions::Session;

const LINES_MOST: usize = 100;

#[derive(Clone)]
pub struct LineItem {
    id: String,
    pub name: String,
    pub unit_amount: i64,
    pub quantity: i64,
    currency: String,
}

pub fn read(params: &mut Params) -> Outcome<Vec<LineItem>> {
    let given = params.maps("line_items")?;
    if given.is_empty() {
        return Err(ApiError::missing_param("line_items"));
    }
    if given.len() > LINES_MOST {
        return Err(ApiError::invalid(
            "line_items",
            "There can be at most 100 line items.",
        ));
    }
    given.into_iter().map(read_one).collect()
}

fn read_one(mut line: Params) -> Outcome<LineItem> {
    let price = line.map("price_data")?;
    if line.text("price")?.is_some() {
        let message = "This sandbox keeps no prices: use `price_data`.";
        return Err(ApiError::invalid("line_items[price]", message));
    }
    let mut price = price.ok_or_else(|| ApiError::missing_param("line_items[0][price_data]"))?;
    let currency = money::currency(
        &price.required("currency")?,
        "line_items[0][price_data][currency]",
    )?;
    let unit_amount = price.integer("unit_amount")?;
    let unit_amount = unit_amount.filter(|amount| *amount >= 0).ok_or_else(|| {
        let message = "Invalid non-negative integer";
        let error = ApiError::invalid("line_items[0][price_data][unit_amount]", message);
        error.with("code", "parameter_invalid_integer")
    })?;
    let product = price.map("product_data")?;
    let mut product = product
        .ok_or_else(|| ApiError::missing_param("line_items[0][price_data][product_data]"))?;
    let name = product.required("name")?;
    product.metadata(&mut Metadata::new())?;
    product.ignore(&["description", "images", "tax_code", "unit_label"]);
    product.finish()?;
    price.ignore(&["tax_behavior"]);
    price.finish()?;
    let quantity = line.integer("quantity")?;
    let quantity = quantity.filter(|quantity| *quantity >= 1).ok_or_else(|| {
        let message = "Quantity is required. Add `quantity` to `line_items[0]`";
        ApiError::invalid("line_items[0][quantity]", message)
    })?;
    line.ignore(&[
        "adjustable_quantity",
        "metadata",
        "tax_rates",
        "dynamic_tax_rates",
    ]);
    line.finish()?;
    Ok(LineItem {
        id: ids::new("li_1", 23),
        name,
        unit_amount,
        quantity,
        currency,
    })
}

impl LineItem {
    fn total(&self) -> Option<i64> {
        self.unit_amount.checked_mul(self.quantity)
    }

    fn show(&self) -> Value {
        let total = self.total();
        json!({
            "id": self.id,
            "object": "item",
            "adjustable_quantity": null,
            "amount_discount": 0,
            "amount_subtotal": total,
            "amount_tax": 0,
            "amount_total": total,
            "currency": self.currency,
            "description": self.name,
            "metadata": {},
            "price": null,
            "quantity": self.quantity,
        })
    }
}

/// What all lines cost together, and in what: the same for all of them.
pub fn total(lines: &[LineItem]) -> Outcome<(i64, String)> {
    let currency = lines
        .first()
        .map(|line| line.currency.clone())
        .unwrap_or_default();
    if lines.iter().any(|line| line.currency != currency) {
        let message = "All prices in a Checkout Session must have the same currency.";
        return Err(ApiError::invalid("line_items", message));
    }
    let sum = lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.total()?));
    let sum = sum.ok_or_else(|| {
        let error = ApiError::invalid("line_items", "The total amount is too large.");
        error.with("code", "amount_too_large")
    })?;
    Ok((sum, currency))
}

impl Session {
    pub fn show_lines(&self) -> Value {
        let data: Vec<Value> = self.lines.iter().map(LineItem::show).collect();
        let url = format!("/v1/checkout/sessions/{}/line_items", self.id);
        json!({"object": "list", "data": data, "has_more": false, "url": url})
    }
}
