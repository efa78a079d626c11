//! Refunds.

use stripe_core::refund::{CreateRefund, CreateRefundReason, ListRefund, RetrieveRefund};

use super::Stripe;
use super::charge::{Remote, amount_of};
use super::error::CallError;
use super::listing::{PAGE, look_through};
use super::snapshot::{REFERENCE, REFUND_REFERENCE, of_refund, said};
use super::transport::{Operation, Sending};
use super::view::{Linked, Metadata, Page, RefundView};
use crate::gateways::{
    Failure, GatewayError, PaymentRefs, RefundCause, RefundRefs, RefundSnapshot,
};

/// Stripe knows three reasons; `fraudulent` also blocks the card.
fn reason_of(cause: RefundCause) -> Option<CreateRefundReason> {
    match cause {
        RefundCause::RequestedByCustomer => Some(CreateRefundReason::RequestedByCustomer),
        RefundCause::Duplicate => Some(CreateRefundReason::Duplicate),
        RefundCause::Fraudulent => Some(CreateRefundReason::Fraudulent),
        RefundCause::Other => None,
    }
}

fn request_of(refund: &RefundRefs, intent: String, amount: i64) -> CreateRefund {
    let metadata = Metadata::from([
        (REFERENCE.to_owned(), refund.payment.reference.clone()),
        (REFUND_REFERENCE.to_owned(), refund.reference.clone()),
        ("payment_id".to_owned(), refund.payment.payment.to_string()),
    ]);
    let request = CreateRefund::new()
        .payment_intent(intent)
        .amount(amount)
        .metadata(metadata);
    match reason_of(refund.cause) {
        Some(reason) => request.reason(reason),
        None => request,
    }
}

/// The refund itself was not asked for yet, whatever became of the question before it.
fn before_the_refund(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Unknown(why) => GatewayError::NotSent(why),
        other => other,
    }
}

fn not_paid() -> GatewayError {
    GatewayError::Rejected(Failure {
        code: "not_paid".to_owned(),
        message: "Stripe has no money of this payment.".to_owned(),
        retryable: false,
    })
}

impl Stripe {
    /// The PaymentIntent that the money of a payment came through; `None` while nobody has
    /// tried to pay.
    async fn intent_behind(&self, refs: &PaymentRefs) -> Result<Option<String>, GatewayError> {
        let id = refs.provider_payment_id.as_deref().unwrap_or_default();
        match Remote::of(id) {
            Some(Remote::Intent(id)) => Ok(Some(id.to_owned())),
            Some(Remote::Session(id)) => {
                let session = self.session(id).await?.object;
                let intent = session.payment_intent.as_ref().map(Linked::id);
                Ok(intent.map(str::to_owned))
            }
            None => Ok(None),
        }
    }

    pub(super) async fn make_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<RefundSnapshot, GatewayError> {
        let intent = self.intent_behind(&refund.payment).await;
        let intent = intent.map_err(before_the_refund)?.ok_or_else(not_paid)?;
        let request = request_of(refund, intent, amount_of(refund.amount)?);
        let key = format!("{}-refund", refund.reference);
        let once = Sending::once(Operation::MakeRefund, key);
        let made = self.transport.call::<_, RefundView>(&request, once).await?;
        of_refund(&made.object)
    }

    pub(super) async fn find_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        let Some(id) = &refund.provider_refund_id else {
            return self.search_refund(refund).await;
        };
        let asking = Sending::asking(Operation::FindRefund);
        let request = RetrieveRefund::new(id.as_str());
        match self.transport.call::<_, RefundView>(&request, asking).await {
            Ok(found) => of_refund(&found.object).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A refund whose call was never answered, among those of its payment.
    async fn search_refund(
        &self,
        refund: &RefundRefs,
    ) -> Result<Option<RefundSnapshot>, GatewayError> {
        let Some(intent) = self.intent_behind(&refund.payment).await? else {
            return Ok(None);
        };
        let ask = async |after| self.page_of_refunds(&intent, after).await;
        let found = look_through(ask, |it: &RefundView| {
            let is_it = said(it.metadata.as_ref(), REFUND_REFERENCE) == Some(&refund.reference);
            is_it.then(|| it.clone())
        });
        found.await?.map(|found| of_refund(&found)).transpose()
    }

    pub(super) async fn refunds_of(
        &self,
        refs: &PaymentRefs,
    ) -> Result<Vec<RefundSnapshot>, GatewayError> {
        let Some(intent) = self.intent_behind(refs).await? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        let ask = async |after| self.page_of_refunds(&intent, after).await;
        look_through(ask, |it: &RefundView| {
            all.push(of_refund(it));
            None::<()>
        })
        .await?;
        all.into_iter().collect()
    }

    async fn page_of_refunds(
        &self,
        intent: &str,
        after: Option<String>,
    ) -> Result<Page<RefundView>, CallError> {
        let mut list = ListRefund::new().payment_intent(intent).limit(PAGE);
        if let Some(after) = after {
            list = list.starting_after(after);
        }
        let asking = Sending::asking(Operation::ListRefunds);
        Ok(self.transport.call(&list, asking).await?.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripe_is_told_its_own_reasons_and_no_others() {
        let told = |cause| reason_of(cause).map(|reason| reason.as_str().to_owned());
        for (cause, word) in [
            (
                RefundCause::RequestedByCustomer,
                Some("requested_by_customer"),
            ),
            (RefundCause::Duplicate, Some("duplicate")),
            (RefundCause::Fraudulent, Some("fraudulent")),
            (RefundCause::Other, None),
        ] {
            assert_eq!(told(cause).as_deref(), word);
        }
    }

    #[test]
    fn a_question_before_the_refund_leaves_nothing_in_doubt() {
        let asked = before_the_refund(GatewayError::Unknown("timeout".to_owned()));
        assert!(matches!(asked, GatewayError::NotSent(_)));
    }
}
