//! The calls to gateways, written down for whoever asks what happened to a payment. They are
//! written a moment after they were made; a crash may lose the last ones.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::db::schema::gateway_calls;
use crate::db::values::Timestamp;
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::error::Problem;
use crate::gateways::watched::{CallOutcome, Note, Operation};
use crate::id::{GatewayCallId, PaymentId};

const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

bulk_row! {
    /// A call to a gateway.
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct GatewayCall in gateway_calls {
        pub id: GatewayCallId,
        pub payment_id: Option<PaymentId>,
        pub provider: String,
        pub operation: Operation,
        pub outcome: CallOutcome,
        pub code: Option<String>,
        pub took_ms: i64,
        pub created_at: Timestamp,
    }
}

impl From<Note> for GatewayCall {
    fn from(note: Note) -> Self {
        Self {
            id: GatewayCallId::new(),
            payment_id: note.payment,
            provider: note.provider.to_owned(),
            operation: note.operation,
            outcome: note.outcome,
            code: note.code,
            took_ms: i64::try_from(note.took.as_millis()).unwrap_or(i64::MAX),
            created_at: note.at,
        }
    }
}

/// Writes down the calls of this process that wait for it.
pub async fn write_calls(app: &App) -> Result<(), Problem> {
    let notes = app.gateways.notes().take();
    if notes.is_empty() {
        return Ok(());
    }
    let rows: Vec<GatewayCall> = notes.into_iter().map(GatewayCall::from).collect();
    app.db
        .transaction(async |conn| {
            many::insert_all(conn, rows.clone()).await?;
            Ok(())
        })
        .await
}

/// The calls about a payment, oldest first.
pub async fn calls_of(
    conn: &mut Conn,
    payment: PaymentId,
    after: Option<GatewayCallId>,
    limit: i64,
) -> QueryResult<Vec<GatewayCall>> {
    sql!(conn, |c| {
        let mut query = gateway_calls::table
            .filter(gateway_calls::payment_id.eq(payment))
            .select(GatewayCall::as_select())
            .order(gateway_calls::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(gateway_calls::id.gt(after));
        }
        query.load(c).await
    })
}

/// Forgets the calls of long ago.
pub async fn sweep_calls(conn: &mut Conn, now: Timestamp) -> Result<(), Problem> {
    let old = gateway_calls::table.filter(gateway_calls::created_at.lt(now.minus(KEPT)));
    sql!(conn, |c| diesel::delete(old).cached().execute(c).await)?;
    Ok(())
}
