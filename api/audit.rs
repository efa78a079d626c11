//! The audit log: who did what to which object, in a chain that shows every alteration.
//!
//! A row is inserted unsealed in the commit of what it tells, so that no writer waits for
//! another. One leased job seals the rows in order: each gets the next number and a hash over
//! itself and its predecessor's hash.

pub mod routes;
mod store;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::db::values::Timestamp;
use crate::db::{Conn, Db};
use crate::digest::hex;
use crate::error::Problem;
use crate::id::{AuditId, OrganizerId};
pub use store::{AuditFilter, AuditRow, insert_all, list, of_objects};

/// How many rows are sealed or checked at a time.
const BATCH: i64 = 500;

/// What is to be remembered of one change.
pub struct Entry<'a> {
    pub organizer: Option<OrganizerId>,
    /// A user's id, or `system`.
    pub actor: String,
    pub action: &'a str,
    pub object: String,
    pub at: Timestamp,
}

impl Entry<'_> {
    /// Writes the row, with a digest of what the change was. The content itself may be
    /// personal and is not kept here.
    pub async fn write(self, conn: &mut Conn, content: &impl Serialize) -> Result<(), Problem> {
        Ok(store::insert(conn, &self.row(content)?).await?)
    }

    /// The row to be written.
    pub fn row(self, content: &impl Serialize) -> Result<AuditRow, Problem> {
        let content = serde_json::to_vec(content).map_err(Problem::internal)?;
        Ok(AuditRow {
            id: AuditId::new(),
            organizer_id: self.organizer,
            actor: self.actor,
            action: self.action.to_owned(),
            object: self.object,
            digest: hex(&Sha256::digest(content)),
            at: self.at,
            seq: None,
            prev_hash: None,
            hash: None,
        })
    }
}

impl AuditRow {
    /// The seal: over the number, the predecessor's hash and every member of the row.
    fn seal(&self, seq: i64, prev_hash: &str) -> String {
        let organizer = self.organizer_id.map(|id| id.to_string());
        let id = self.id.to_string();
        let (seq, at) = (seq.to_string(), self.at.to_string());
        let mut hash = Sha256::new();
        for part in [
            seq.as_str(),
            prev_hash,
            &id,
            organizer.as_deref().unwrap_or_default(),
            &self.actor,
            &self.action,
            &self.object,
            &self.digest,
            &at,
        ] {
            // Each part with its length, so that no two rows read alike.
            hash.update(format!("{}:", part.len()));
            hash.update(part);
        }
        hex(&hash.finalize())
    }
}

/// A row's place in the chain.
struct Seal {
    id: AuditId,
    seq: i64,
    prev_hash: String,
    hash: String,
}

/// Seals what has been written since the last time. Runs in one job at a time.
pub async fn seal(db: &Db) -> Result<(), Problem> {
    loop {
        let sealed = db
            .transaction(async |conn| {
                let (mut seq, mut prev_hash) = store::head(conn).await?;
                let rows = store::unsealed(conn, BATCH).await?;
                let mut seals = Vec::new();
                for row in &rows {
                    seq += 1;
                    let hash = row.seal(seq, &prev_hash);
                    seals.push(Seal {
                        id: row.id,
                        seq,
                        prev_hash: std::mem::replace(&mut prev_hash, hash.clone()),
                        hash,
                    });
                }
                store::set_seals(conn, seals).await?;
                Ok::<_, Problem>(rows.len())
            })
            .await?;
        if sealed == 0 {
            return Ok(());
        }
    }
}

/// Whether the log is as it was written.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Verification {
    pub ok: bool,
    /// How many sealed rows were checked.
    pub checked: i64,
    /// How many rows wait for their seal.
    pub unsealed: i64,
    /// The number of the first row that was altered, removed or put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<i64>,
}

/// Walks the whole chain, in one state of the database.
pub async fn verify(db: &Db) -> Result<Verification, Problem> {
    db.snapshot(async |conn| {
        let unsealed = store::count_unsealed(conn).await?;
        let (mut checked, mut prev_hash) = (0, String::new());
        loop {
            let rows = store::sealed_after(conn, checked, BATCH).await?;
            if rows.is_empty() {
                return Ok(Verification {
                    ok: true,
                    checked,
                    unsealed,
                    first_bad: None,
                });
            }
            for row in rows {
                let expected = checked + 1;
                let hash = row.seal(expected, &prev_hash);
                let is_whole = row.seq == Some(expected)
                    && row.prev_hash.as_deref() == Some(&prev_hash)
                    && row.hash.as_deref() == Some(&hash);
                if !is_whole {
                    return Ok(Verification {
                        ok: false,
                        checked,
                        unsealed,
                        first_bad: Some(expected),
                    });
                }
                checked = expected;
                prev_hash = hash;
            }
        }
    })
    .await
}
