//! What buyers' banks dispute: somebody must see to it at the gateway.

use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::gateways::DisputeSnapshot;
use crate::payments::Payment;
use crate::tasks::{self, TaskKind};

/// Opens a task about a dispute, once.
pub(super) async fn note(
    conn: &mut Conn,
    payment: &Payment,
    dispute: &DisputeSnapshot,
    now: Timestamp,
) -> Result<(), Problem> {
    let object = format!("{}:{}", payment.provider, dispute.provider_dispute_id);
    let (organizer, note) = (Some(payment.organizer_id), describe(payment, dispute));
    tasks::open(conn, organizer, TaskKind::Dispute, &object, &note, now).await
}

fn describe(payment: &Payment, dispute: &DisputeSnapshot) -> String {
    let amount = dispute.amount.unwrap_or(payment.received());
    let mut note = format!("{amount} of {} is disputed", payment.id);
    for word in [&dispute.reason, &dispute.provider_status] {
        if !word.is_empty() {
            note.push_str(", ");
            note.push_str(word);
        }
    }
    if let Some(due_by) = dispute.due_by {
        note.push_str(&format!("; answer by {}", due_by.to_utc().format("%F")));
    }
    note.push('.');
    note
}
