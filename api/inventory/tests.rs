//! Stock that is taken: all of what an order draws on, or nothing.

use super::{Inventory, Portion, Taken, release, store, take, unsell};
use crate::db::{Conn, Db};
use crate::error::{Code, Problem};
use crate::id::{EventId, InventoryId};
use crate::payments::tests::shop::{Shop, in_a_shop};

async fn add(conn: &mut Conn, event: EventId, capacity: i64, shop: &Shop) -> InventoryId {
    let now = shop.app.clock.now();
    let stock = Inventory {
        id: InventoryId::new(),
        event_id: event,
        name: format!("Row of {capacity}"),
        capacity,
        held: 0,
        sold: 0,
        created_at: now,
        updated_at: now,
    };
    store::insert_inventory(conn, &stock).await.unwrap();
    stock.id
}

/// What is held and sold of some stocks.
async fn counts(db: &Db, ids: &[InventoryId]) -> Vec<(i64, i64)> {
    let mut conn = db.read().await.unwrap();
    let mut counts = Vec::new();
    for id in ids {
        let stock = store::find_inventory(&mut conn, *id).await.unwrap();
        let stock = stock.unwrap();
        counts.push((stock.held, stock.sold));
    }
    counts
}

#[test]
fn several_stocks_are_taken_or_none() {
    in_a_shop(async |shop| {
        let (db, now) = (&shop.app.db, shop.app.clock.now());
        let event = shop.order().await.event_id;
        let mut ids = Vec::new();
        for capacity in [9, 3, 4] {
            let mut conn = db.write().await.unwrap();
            ids.push(add(&mut conn, event, capacity, shop).await);
        }
        let portions = |quantities: [i64; 3]| -> Vec<Portion> {
            ids.iter().copied().zip(quantities).rev().collect()
        };
        let take = async |quantities, into| {
            db.transaction(async |conn| take(conn, portions(quantities), into, now).await)
                .await
        };
        // The same stock named twice is taken twice.
        let twice = vec![(ids[0], 1), (ids[1], 1), (ids[0], 2)];
        let mut conn = db.write().await.unwrap();
        super::take(&mut conn, twice.clone(), Taken::Held, now)
            .await
            .unwrap();
        assert_eq!(counts(db, &ids).await, [(3, 0), (1, 0), (0, 0)]);
        release(&mut conn, twice, now).await.unwrap();
        drop(conn);
        take([2, 2, 3], Taken::Held).await.unwrap();
        take([1, 1, 1], Taken::Sold).await.unwrap();
        assert_eq!(counts(db, &ids).await, [(2, 1), (2, 1), (3, 1)]);
        // The second and the third are too small: the first of them is told.
        let refused: Problem = take([1, 1, 1], Taken::Held).await.unwrap_err();
        assert_eq!(refused.code, Code::SoldOut);
        assert_eq!(refused.detail, "Only 0 tickets remaining for Row of 3");
        assert_eq!(counts(db, &ids).await, [(2, 1), (2, 1), (3, 1)]);
        let mut conn = db.write().await.unwrap();
        release(&mut conn, portions([2, 2, 3]), now).await.unwrap();
        unsell(&mut conn, portions([1, 1, 1]), now).await.unwrap();
        assert_eq!(counts(db, &ids).await, [(0, 0); 3]);
    });
}
