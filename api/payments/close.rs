//! Closing what can still be paid of an order that is over.

use super::{Status, of_order, store};
use crate::app::App;
use crate::error::Problem;
use crate::id::OrderId;

/// Asks the gateways that the open attempts of an ended order cannot be paid any more. What
/// cannot be closed now is asked for again by the sweeper.
pub async fn close_attempts(app: &App, order: OrderId) -> Result<(), Problem> {
    let mut conn = app.db.find().await?;
    let attempts = of_order(&mut conn, order).await?;
    drop(conn);
    for payment in attempts {
        if !matches!(payment.status, Status::Created | Status::RequiresAction) {
            continue;
        }
        let settled = super::sync(app, payment.id).await?;
        if settled.status.is_open() {
            let mut conn = app.db.write().await?;
            let at = super::sync::next_at(&settled, app.clock.now());
            store::plan_sync(&mut conn, settled.id, at).await?;
        }
    }
    Ok(())
}
