//! Money that was received by hand: cash at a desk, a bank transfer that staff saw arrive.

use serde_json::Map;

use super::attempt::in_progress;
use super::{Attempt, Details, Evidence, ManualNote, Payment, details, settle, store};
use crate::db::Conn;
use crate::db::values::{Json, Timestamp};
use crate::error::Problem;
use crate::gateways::{PaymentMethod, RemoteStatus, Snapshot};
use crate::id::UserId;
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
        return Err(in_progress(busy.id));
    }
    store::supersede(conn, order.id, now).await?;
    let payment = Payment::new(order, &earlier, PROVIDER, true, now);
    store::insert(conn, &payment).await?;
    let mut row = Details::new(&payment, Attempt::default());
    let snapshot = snapshot_of(&payment, &note);
    row.manual = Some(Json(note));
    details::insert(conn, &row).await?;
    let evidence = Evidence {
        snapshot: &snapshot,
        next_action: None,
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
