//! Many rows in one go.
//!
//! On PostgreSQL the text of an insert grows with its rows, and one of a new length is parsed
//! anew, which costs more than the rows. So rows go in pieces of a few lengths, each prepared
//! once for each connection, all of them sent before the first is answered. On SQLite a
//! statement that is prepared once takes one row after the other.

use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};

/// The lengths of pieces whose prepared form is kept.
const LENGTHS: [usize; 3] = [16, 4, 1];

/// The most rows that go in such pieces.
pub const PIECED_MOST: usize = 200;

/// The most rows of one statement: PostgreSQL takes 65,535 values.
pub const ROWS_MOST: usize = 1_000;

/// Rows in as few pieces of those lengths as can be, in their order.
pub fn pieces<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    for length in LENGTHS {
        while let Some((piece, rest)) = rows.split_at_checked(length) {
            pieces.push(piece);
            rows = rest;
        }
    }
    pieces
}

/// What several statements of one transaction came to. After one has failed, PostgreSQL only
/// says so of the others: the cause is the one that it has a word for.
pub fn all<T>(results: Vec<QueryResult<T>>) -> QueryResult<Vec<T>> {
    let is_cause =
        |error: &Error| !matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, _));
    let (mut done, mut failed) = (Vec::new(), None);
    for result in results {
        match (result, &failed) {
            (Ok(value), _) => done.push(value),
            (Err(error), None) => failed = Some(error),
            (Err(error), Some(first)) if is_cause(&error) && !is_cause(first) => {
                failed = Some(error);
            }
            (Err(_), Some(_)) => {}
        }
    }
    failed.map_or(Ok(done), Err)
}

/// Runs a statement for each piece of some rows on PostgreSQL, inside a transaction.
macro_rules! pipelined {
    ($conn:expr, $rows:expr, |$piece:ident, $c:ident| $query:expr) => {{
        let (shared, rows) = (&*$conn, $rows);
        let runs = $crate::db::many::pieces(rows)
            .into_iter()
            .map(|$piece| async move {
                let mut connection = shared;
                let $c = &mut connection;
                $query
            });
        $crate::db::many::all(futures_util::future::join_all(runs).await)
    }};
}
pub(crate) use pipelined;

/// Inserts any number of rows of one table, inside a transaction.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        $crate::db::sql!($conn,
            sqlite: |c| c.spawn_blocking(move |c| {
                let mut inserted = 0;
                for row in &rows {
                    let insert = diesel::insert_into($table).values(row);
                    let insert = $crate::db::Cache::cached(insert);
                    inserted += diesel::RunQueryDsl::execute(insert, c)?;
                }
                diesel::QueryResult::Ok(inserted)
            }).await,
            postgres: |c| if rows.len() <= $crate::db::many::PIECED_MOST {
                let inserted = $crate::db::pipelined!(c, &rows, |piece, c| {
                    let insert = diesel::insert_into($table).values(piece);
                    let insert = $crate::db::Cache::cached(insert);
                    diesel_async::RunQueryDsl::execute(insert, c).await
                });
                inserted.map(|inserted| inserted.iter().sum())
            } else {
                let mut inserted = Ok(0);
                for rows in rows.chunks($crate::db::many::ROWS_MOST) {
                    let insert = diesel::insert_into($table).values(rows);
                    let done = diesel_async::RunQueryDsl::execute(insert, c).await;
                    inserted = done.and_then(|done| Ok(inserted? + done));
                    if inserted.is_err() {
                        break;
                    }
                }
                inserted
            }
        )
    }};
}
pub(crate) use insert_all;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: DatabaseErrorKind) -> Error {
        Error::DatabaseError(kind, Box::new("why".to_owned()))
    }

    #[test]
    fn pieces_are_all_rows_in_their_order() {
        for count in 0..PIECED_MOST {
            let rows: Vec<usize> = (0..count).collect();
            let pieces = pieces(&rows);
            assert!(pieces.iter().all(|piece| LENGTHS.contains(&piece.len())));
            assert!(pieces.len() <= count / 16 + 6, "{count}: {}", pieces.len());
            assert_eq!(pieces.concat(), rows);
        }
    }

    #[test]
    fn the_cause_is_told_and_not_what_followed_from_it() {
        let aborted = || Err::<u32, _>(error(DatabaseErrorKind::Unknown));
        let cause = || Err(error(DatabaseErrorKind::UniqueViolation));
        for results in [
            vec![Ok(1), cause(), aborted()],
            vec![aborted(), Ok(1), cause(), aborted()],
        ] {
            let told = all(results);
            let is_cause = matches!(
                told,
                Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
            );
            assert!(is_cause, "{told:?}");
        }
        assert!(all(vec![Ok(1), aborted()]).is_err());
        assert_eq!(all(vec![Ok(1), Ok(2)]), Ok(vec![1, 2]));
    }
}
