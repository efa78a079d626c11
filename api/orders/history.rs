//! An order's merged history: what happened to it and to its payments, and what was mailed.

use serde::Serialize;

use super::Order;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::error::Problem;
use crate::{audit, emails};

/// One thing that happened.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct HistoryEntry {
    pub at: Timestamp,
    /// What happened: `order.placed`, `payment.succeeded`, `email.sent`, …
    #[schema(example = "order.confirmed")]
    pub kind: String,
    /// What it happened to.
    #[schema(example = "ord_01h455vb4pex5vsknk084sn02q")]
    pub object: String,
    /// `buyer`, `staff` or `system`; who of the staff is said in the audit log.
    #[schema(example = "system")]
    pub by: &'static str,
}

/// Everything about an order and the objects of `others`, oldest first.
pub async fn history(
    conn: &mut Conn,
    order: &Order,
    others: &[String],
) -> Result<Vec<HistoryEntry>, Problem> {
    let mut objects = others.to_vec();
    objects.push(order.id.to_string());
    let rows = audit::of_objects(conn, &objects).await?;
    let mut entries: Vec<HistoryEntry> = rows
        .into_iter()
        .map(|row| HistoryEntry {
            at: row.at,
            by: by(&row.actor, order),
            kind: row.action,
            object: row.object,
        })
        .collect();
    for (id, sent_at) in emails::sent_about(conn, order.id).await? {
        entries.push(HistoryEntry {
            at: sent_at,
            kind: "email.sent".to_owned(),
            object: id.to_string(),
            by: "system",
        });
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}

fn by(actor: &str, order: &Order) -> &'static str {
    let is_owner = order
        .owner_id
        .is_some_and(|owner| owner.to_string() == actor);
    match actor {
        "guest" => "buyer",
        _ if is_owner => "buyer",
        actor if actor.starts_with("usr_") => "staff",
        _ => "system",
    }
}
