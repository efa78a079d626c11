//! Money that was received by hand: cash at a desk, a bank transfer that staff saw arrive.

use serde_json::Map;

use super::{Attempt, Details, Evidence, ManualNote, Payment, Status, details, settle, store};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::digest::hex;
use crate::error::{Code, Problem};
use crate::gateways::{ACCOUNT, PaymentMethod, RemoteStatus, Snapshot};
use crate::id::{PaymentId, UserId};
use crate::orders::{Order, Terms};

/// The provider of money that came through none.
pub const PROVIDER: &str = "manual";

/// Records that a pending order was paid by hand, in full. The caller has locked it.
pub async fn mark_paid(
    conn: &mut Conn,
    terms: &Terms,
    order: &Order,
    note: ManualNote,
    actor: UserId,
    now: Timestamp,
) -> Result<Payment, Problem> {
    order.check_payable(now)?;
    let earlier = super::of_order(conn, order.id).await?;
    if let Some(busy) = earlier.iter().find(|p| p.status.is_in_progress()) {
        let id = busy.id.to_string();
        return Err(Problem::new(Code::PaymentInProgress).member("payment_id", id));
    }
    store::supersede(conn, order.id, now).await?;
    let payment = Payment {
        id: PaymentId::new(),
        organizer_id: order.organizer_id,
        order_id: order.id,
        attempt_no: i64::try_from(earlier.len()).unwrap_or(i64::MAX) + 1,
        provider: PROVIDER.to_owned(),
        account: ACCOUNT.to_owned(),
        livemode: true,
        amount_minor: order.total_minor,
        currency: order.currency,
        status: Status::Created,
        reference: hex(&crate::random::bytes::<10>()),
        provider_payment_id: None,
        provider_status: None,
        received_minor: None,
        received_currency: None,
        superseded_at: None,
        next_sync_at: None,
        syncs: 0,
        expires_at: None,
        completed_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::insert(conn, &payment).await?;
    let mut row = Details::new(&payment, Attempt::default());
    let snapshot = snapshot_of(&payment, &note);
    row.manual = Some(Json(note));
    details::insert(conn, &row).await?;
    let evidence = Evidence {
        snapshot: &snapshot,
        is_asked_just_now: true,
        actor: actor.to_string(),
    };
    settle(conn, terms, payment.id, &evidence, now).await?;
    super::find(conn, payment.id).await
}

fn snapshot_of(payment: &Payment, note: &ManualNote) -> Snapshot {
    Snapshot {
        status: RemoteStatus::Succeeded,
        provider_status: "received".to_owned(),
        next_action: None,
        amount_minor: Some(payment.amount_minor),
        currency: Some(payment.currency),
        reference: Some(payment.reference.clone()),
        provider_payment_id: None,
        method: Some(PaymentMethod {
            kind: note.method.clone(),
            ..PaymentMethod::default()
        }),
        failure: None,
        expires_at: None,
        livemode: payment.livemode,
        raw: Map::new(),
    }
}
