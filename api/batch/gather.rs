//! Rows that are looked up at the same moment, in one statement.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::Lanes;
use crate::db::{Conn, Db};
use crate::error::Problem;

/// Rows `V`, each known by its key `K`.
///
/// A look-up that has nobody to wait for is done at once. Who comes while one is under way
/// waits, and then all who wait are served by one statement, which begins after they came: what
/// was committed before somebody asked is seen. An embedded database has no round trips to
/// save, so there each look-up is one of its own.
pub struct Gather<K, V>(Lanes<K, Found<V>, ()>);

type Found<V> = Result<Option<V>, Problem>;

impl<K, V> Default for Gather<K, V> {
    fn default() -> Self {
        Self(Lanes::single())
    }
}

impl<K, V> Clone for Gather<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Gather<K, V> {
    /// The row of a key. `read` finds the rows of several, which may repeat.
    pub async fn find(
        &self,
        db: &Db,
        key: K,
        read: impl AsyncFn(&mut Conn, &[K]) -> Result<HashMap<K, V>, Problem>,
    ) -> Found<V> {
        let rows_of = async |keys: &[K]| {
            let mut conn = db.find().await?;
            read(&mut conn, keys).await
        };
        let alone = async |key: &K| Ok(rows_of(&[*key]).await?.remove(key));
        if db.is_embedded() {
            return alone(&key).await;
        }
        let together = async |keys: &[Arc<K>]| {
            let keys: Vec<K> = keys.iter().map(|key| **key).collect();
            let rows = rows_of(&keys).await?;
            Ok(keys
                .iter()
                .map(|key| Some(Ok(rows.get(key).cloned())))
                .collect())
        };
        self.0.run((), key, together, alone).await?
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use futures_util::future::join_all;
    use tokio::sync::Notify;
    use tokio::task::LocalSet;

    use super::*;
    use crate::db::testing::on_each_database;
    use crate::error::Code;

    /// How often rows were read, and whose: the first time not before it is told to.
    #[derive(Clone, Default)]
    struct Rows {
        gather: Gather<u32, String>,
        reads: Rc<RefCell<Vec<Vec<u32>>>>,
        begun: Rc<Notify>,
        go_on: Rc<Notify>,
    }

    impl Rows {
        /// There is no row 4, and none can be read together with 6.
        async fn find(&self, db: &Db, key: u32) -> Found<String> {
            let find = self.gather.find(db, key, async |conn, keys| {
                conn.batch_execute("SELECT 1").await?;
                let nth = self.reads.borrow().len();
                self.reads.borrow_mut().push(keys.to_vec());
                if nth == 0 {
                    self.begun.notify_one();
                    self.go_on.notified().await;
                }
                if keys.len() > 1 && keys.contains(&6) {
                    return Err(Problem::internal("one is bad"));
                }
                let rows = keys.iter().filter(|key| **key != 4);
                Ok(rows.map(|key| (*key, format!("row {key}"))).collect())
            });
            find.await
        }
    }

    /// One look-up, and several that come while it is under way.
    fn run(keys: &[u32], check: impl Fn(&Db, &[Vec<u32>], Vec<Found<String>>)) {
        on_each_database(async |_, db| {
            let rows = Rows::default();
            let local = LocalSet::new();
            let all = local.run_until(async {
                let first = tokio::task::spawn_local({
                    let (rows, db) = (rows.clone(), db.clone());
                    async move { rows.find(&db, 0).await }
                });
                rows.begun.notified().await;
                let others = join_all(keys.iter().map(|key| rows.find(&db, *key)));
                let then = async {
                    // All of them wait by now, or are done.
                    tokio::task::yield_now().await;
                    rows.go_on.notify_one();
                };
                let (others, ()) = futures_util::future::join(others, then).await;
                assert_eq!(first.await.unwrap().unwrap().as_deref(), Some("row 0"));
                others
            });
            let told = all.await;
            check(&db, &rows.reads.borrow(), told);
        });
    }

    #[test]
    fn who_waits_is_served_by_one_read_that_begins_after_it_came() {
        run(&[1, 4, 3, 1], |db, reads, told| {
            let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
            let row = |key: u32| Some(format!("row {key}"));
            assert_eq!(told, [row(1), None, row(3), row(1)]);
            match db.is_embedded() {
                true => assert!(reads.len() == 5 && reads.iter().all(|read| read.len() == 1)),
                false => assert_eq!(reads, [vec![0], vec![1, 4, 3, 1]]),
            }
        });
    }

    #[test]
    fn a_read_that_fails_is_done_for_each_by_itself() {
        run(&[1, 6, 3], |_, reads, told| {
            assert!(told.iter().all(Result::is_ok));
            let mut alone: Vec<_> = reads.iter().filter(|read| read.len() == 1).collect();
            alone.sort_unstable();
            assert_eq!(alone, [&[0], &[1], &[3], &[6]]);
        });
    }

    #[test]
    fn an_overloaded_database_is_told_to_each() {
        on_each_database(async |_, db| {
            let gather: Gather<u32, u32> = Gather::default();
            let refuse = async |_: &mut Conn, _: &[u32]| Err(Problem::new(Code::Overloaded));
            let all = join_all((0..3).map(|key| gather.find(&db, key, refuse))).await;
            let is_refused = |told: &Found<u32>| {
                told.as_ref()
                    .is_err_and(|problem| problem.code == Code::Overloaded)
            };
            assert!(all.iter().all(is_refused));
        });
    }
}
