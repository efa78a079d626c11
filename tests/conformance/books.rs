//! Our books beside the far side's truth.

use std::collections::BTreeMap;

use super::{Charge, Rig};

impl Rig {
    /// Fails unless all that came in and went back there is booked here, and nothing else.
    pub async fn expect_truth(&self) {
        let violations = self.app.app.find_violations(false).await.unwrap();
        assert_eq!(violations, Vec::<String>::new());
        let truth = self.far.truth(&self.app).await;
        for charge in &truth {
            self.expect_booked(charge).await;
        }
        let mut sums = BTreeMap::<&str, i64>::new();
        for charge in &truth {
            *sums.entry(&charge.currency).or_default() += charge.paid_minor - charge.refunded_minor;
        }
        let ours = self.clearing("1 = 1").await;
        let theirs: i64 = sums.values().sum();
        assert_eq!(ours, theirs, "clearing is not what is there: {truth:#?}");
        for (currency, theirs) in sums {
            let ours = self.clearing(&format!("s.currency = '{currency}'")).await;
            assert_eq!(ours, theirs, "{currency}");
        }
    }

    async fn expect_booked(&self, charge: &Charge) {
        let Charge {
            reference,
            paid_minor,
            refunded_minor,
            ..
        } = charge;
        let of_payment =
            format!("j.payment_id IN (SELECT id FROM payments WHERE reference = '{reference}')");
        let booked = self.clearing(&of_payment).await;
        assert_eq!(booked, paid_minor - refunded_minor, "{charge:?}");
        let charged = format!("SELECT count(*) FROM payments WHERE reference = '{reference}'");
        assert_eq!(self.app.database.count(&charged).await, 1, "{charge:?}");
    }

    /// What the gateway has for us, by our books.
    async fn clearing(&self, of: &str) -> i64 {
        let account = format!("clearing:{}", self.far.provider());
        let query = format!(
            "SELECT COALESCE(SUM(CASE WHEN s.debit_account = '{account}' THEN s.amount_minor \
             WHEN s.credit_account = '{account}' THEN -s.amount_minor ELSE 0 END), 0) \
             FROM postings s JOIN journals j ON j.id = s.journal_id WHERE {of}"
        );
        self.app.database.count(&query).await
    }

    /// How many payments were started there.
    pub(super) async fn count_charges(&self) -> usize {
        self.far.truth(&self.app).await.len()
    }
}
