//! What goes on at the dummy gateway, where Tollgate has no part in it.

use super::TestApp;
use super::sale::{Purchase, text};

impl TestApp {
    /// The next calls of an operation go wrong.
    pub fn script_fault(&self, operation: &str, fault: &str, times: usize) {
        assert!(
            self.app.script_dummy_fault(operation, fault, times),
            "{operation} {fault}"
        );
    }

    /// Nothing goes wrong any more.
    pub fn heal_dummy(&self) {
        self.app.heal_dummy();
    }

    /// From now on refunds take their time, or do not.
    pub fn slow_refunds(&self, slow: bool) {
        self.app.slow_dummy_refunds(slow);
    }

    /// The bank takes a purchase's pending refunds, or does not; and we are told.
    pub async fn decide_refunds(&self, sale: &Purchase, succeed: bool) {
        let reference = text(&sale.body["provider_reference"]);
        let decided = self.app.decide_dummy_refunds(&reference, succeed).await;
        assert!(decided.unwrap() > 0, "no refund is pending");
        self.drain().await;
    }

    /// Somebody gives money of a purchase back at the gateway; whether it did.
    pub async fn refund_there(&self, sale: &Purchase, refund: &str, amount_minor: i64) -> bool {
        let charge = text(&sale.body["provider_reference"]);
        let (refund, currency) = (format!("{charge}{refund}"), text(&sale.body["currency"]));
        let done = self
            .app
            .refund_at_dummy(&charge, &refund, amount_minor, &currency)
            .await;
        done.unwrap()
    }

    /// How many mails of a template were written.
    pub async fn count_mails(&self, template: &str) -> i64 {
        let query = format!("SELECT count(*) FROM emails WHERE template = '{template}'");
        self.database.count(&query).await
    }
}
