//! Ticket keys rotate: the newest signs, older ones go on verifying until they are taken away.

use std::collections::HashSet;

use super::code::{Code, is_signed, published_keys, setting, signing_key};
use super::{give_free, payload, verify};
use crate::support::sale::{Shop, as_guest};
use crate::support::{Client, Database, Kind, TestApp, block_on};

/// Stops, and starts again on the same database with these keys.
async fn restart(app: TestApp, keys: &str) -> TestApp {
    app.drain().await;
    let database = app.stop().await;
    TestApp::start(database, &[("TICKET_KEYS", keys)]).await
}

async fn numbers(app: &TestApp) -> HashSet<u32> {
    let keys = published_keys(app).await;
    for (number, key) in &keys {
        let known = signing_key(u8::try_from(*number).unwrap());
        assert_eq!(*key, known.verifying_key());
    }
    keys.into_keys().collect()
}

#[test]
fn old_codes_stay_good_until_their_key_is_gone() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        block_on(async {
            let Some(database) = Database::make(kind).await else {
                return;
            };
            let keys = setting(&[7]);
            let app = TestApp::start(database, &[("TICKET_KEYS", keys.as_str())]).await;
            let shop = Shop::open(&app).await;
            let old = give_free(&app, &shop).await;
            assert_eq!(Code::read(&old.code).kid, 7);
            assert!(is_signed(&app, &old.code).await);
            assert_eq!(numbers(&app).await, HashSet::from([7]));

            let app = restart(app, &setting(&[8, 7])).await;
            let shop = Shop::open(&app).await;
            let new = give_free(&app, &shop).await;
            assert_eq!(Code::read(&new.code).kid, 8);
            assert_eq!(numbers(&app).await, HashSet::from([7, 8]));
            for code in [&old.code, &new.code] {
                assert!(is_signed(&app, code).await);
                assert_eq!(verify(&shop.admin, code).await["reason"], "ok");
            }

            let mut app = restart(app, &setting(&[8])).await;
            assert_eq!(numbers(&app).await, HashSet::from([8]));
            let admin = app.admin().await;
            assert_eq!(verify(&admin, &old.code).await["reason"], "unknown_key");
            assert_eq!(verify(&admin, &new.code).await["reason"], "ok");
            // The ticket is as good as before; it needs its new code.
            let guest = as_guest(&app, old.guest.access_token.as_ref().unwrap());
            let renewed = payload(&guest, &old.ticket).await;
            assert_eq!(Code::read(&renewed).kid, 8);
            assert_eq!(verify(&admin, &renewed).await["reason"], "ok");
            app.finish().await;
        });
    }
}

#[test]
fn a_key_that_was_made_up_outlives_a_restart() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        block_on(async {
            let Some(database) = Database::make(kind).await else {
                return;
            };
            let app = TestApp::start(database, &[]).await;
            let shop = Shop::open(&app).await;
            let holder = give_free(&app, &shop).await;
            let before = published_keys(&app).await;
            let mut app = restart(app, "").await;
            assert_eq!(published_keys(&app).await, before);
            let admin = app.admin().await;
            assert_eq!(verify(&admin, &holder.code).await["reason"], "ok");
            // Another server on the same database signs with the same key.
            let second = app.beside().await;
            let base = format!("http://{}", second.address());
            let token = holder.guest.access_token.as_ref().unwrap();
            let guest = Client::new(&base).with_token(token);
            assert_eq!(payload(&guest, &holder.ticket).await, holder.code);
            second.stop().await.unwrap();
            app.finish().await;
        });
    }
}
