//! One client that calls without end is refused, and the others do not feel it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::in_time;
use crate::support::sale::Shop;
use crate::support::{Client, Kind, TestApp, run};

const CONNECTIONS: usize = 50;
const CALLS_EACH: usize = 60;

/// The limit, and what is forgiven while the flood lasts: five calls a second.
const LET_THROUGH_MOST: usize = 300 + 5 * 60;

/// Other clients call from other addresses.
const ABUSER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Calls without end, and heeds no refusal; answers how many calls were let through.
async fn flood_once(app: &TestApp, path: &str) -> usize {
    let client = reqwest::Client::builder().no_proxy().local_address(ABUSER);
    let client = client.build().unwrap();
    let mut let_through = 0;
    for _ in 0..CALLS_EACH {
        let answer = in_time(client.get(format!("{}{path}", app.base)).send())
            .await
            .unwrap();
        let is_refused = answer.status() == 429;
        assert!(is_refused || answer.status() == 200, "{answer:?}");
        assert_eq!(is_refused, answer.headers().contains_key("retry-after"));
        let_through += usize::from(!is_refused);
    }
    let_through
}

async fn flood(app: &TestApp, path: &str, is_over: &AtomicBool) -> usize {
    let all = (0..CONNECTIONS).map(|_| flood_once(app, path));
    let let_through = join_all(all).await.into_iter().sum();
    is_over.store(true, Ordering::SeqCst);
    let_through
}

/// Looks around and buys while the flood lasts, and some more; how often.
async fn shop_along(shop: &Shop, client: &Client, is_over: &AtomicBool) -> usize {
    let mut rounds = 0;
    let is_soon = |started: Instant| assert!(started.elapsed() < Duration::from_secs(2));
    while rounds < 5 || (!is_over.load(Ordering::SeqCst) && rounds < 30) {
        let started = Instant::now();
        client.get(&shop.path()).await.expect(200);
        is_soon(started);
        let started = Instant::now();
        let bought = shop.order(client, shop.items(&[("free", 1)])).await;
        bought.expect(201);
        is_soon(started);
        rounds += 1;
    }
    rounds
}

#[test]
fn one_client_that_floods_is_refused_and_nobody_else() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, &[("RATE_LIMITS", "on")], async |app| {
            let shop = Shop::open(app).await;
            let (is_over, path) = (AtomicBool::new(false), shop.path());
            let nobody = app.nobody();
            let (let_through, rounds) = tokio::join!(
                flood(app, &path, &is_over),
                shop_along(&shop, &nobody, &is_over)
            );
            assert!(
                (300..=LET_THROUGH_MOST).contains(&let_through),
                "{let_through}"
            );
            assert!(rounds >= 5, "{rounds}");
        });
    }
}
