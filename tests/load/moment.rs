//! What comes at the same moment goes together, and each is told what it would be alone.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{count, in_time};
use crate::support::sale::{REGULAR, Shop, as_guest, expect_stock, key, text, tickets};
use crate::support::{Answer, Client, Kind, TestApp, on_both, run};
use crate::tickets::{Holder, give_free, go, read};

/// What one of a moment's orders must be told: a status, and why if it is refused.
struct Wish {
    body: Value,
    told: (u16, &'static str),
}

/// Good and bad orders in turn. Of each ten, two are refused by themselves.
fn wishes(shop: &Shop) -> Vec<Wish> {
    let good = |items| shop.body(items);
    let with = |name: &str, value: Value| {
        let mut body = good(shop.items(&[("regular", 1)]));
        body[name] = value;
        body
    };
    let nowhere = "tty_01h455vb4pex5vsknk084sn02q";
    let session = json!("ses_01h455vb4pex5vsknk084sn02q");
    let mut wishes = Vec::new();
    for _ in 0..3 {
        wishes.extend(
            [
                (good(shop.items(&[("regular", 2)])), (201, "")),
                (
                    good(shop.items(&[("regular", 60)])),
                    (422, "quantity_out_of_range"),
                ),
                (
                    good(shop.items(&[("student", 1), ("regular", 1)])),
                    (201, ""),
                ),
                (
                    with("expected_total_minor", json!(1)),
                    (409, "price_changed"),
                ),
                (with("expected_total_minor", json!(REGULAR)), (201, "")),
                (
                    good(vec![tickets(nowhere, 1)]),
                    (422, "ticket_type_not_found"),
                ),
                (good(shop.items(&[("free", 1)])), (201, "")),
                (
                    with("session_id", session.clone()),
                    (422, "validation_failed"),
                ),
                (good(vec![shop.booth(None)]), (201, "")),
                (
                    with("currency", json!("USD")),
                    (422, "currency_not_supported"),
                ),
            ]
            .map(|(body, told)| Wish { body, told }),
        );
    }
    wishes
}

/// What was told when it was placed is what is read afterwards.
async fn expect_readable(app: &TestApp, placed: &Answer) {
    let mut told = placed.expect(201).body.clone();
    let guest = as_guest(app, &text(&told["order_token"]));
    told.as_object_mut().unwrap().remove("order_token");
    let read = guest.get(&format!("/api/v1/orders/{}", placed.id())).await;
    assert_eq!(read.expect(200).body, told);
}

on_both! {
    async fn every_order_of_a_moment_has_its_own_answer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (nobody, wishes) = (app.nobody(), wishes(&shop));
        let orders = wishes.iter().map(|wish| shop.place(&nobody, wish.body.clone()));
        let answers = in_time(join_all(orders)).await;
        for (wish, answer) in wishes.iter().zip(&answers) {
            match wish.told {
                (201, _) => expect_readable(app, answer).await,
                (status, code) => drop(answer.expect_problem(status, code)),
            }
        }
        expect_stock(app, "Regular", 3 * 4, 0).await;
        expect_stock(app, "Student", 3, 0).await;
        expect_stock(app, "Free", 0, 3).await;
        assert_eq!(shop.available(app, "Corner").await, 0);
    }

    async fn the_first_of_a_moment_have_the_last_seats(app: &TestApp) {
        let shop = Shop::open(app).await;
        let nobody = app.nobody();
        // Seats for three times three; then one for who wants but one.
        let sizes = [3, 3, 3, 3, 2, 1, 1];
        let order = async |size: &i64| {
            shop.order(&nobody, shop.items(&[("vip", *size)])).await
        };
        let answers = in_time(join_all(sizes.iter().map(order))).await;
        let sold: i64 = sizes.iter().zip(&answers).filter(|(_, it)| it.status == 201).map(|(n, _)| n).sum();
        expect_stock(app, "VIP", sold, 0).await;
        assert_eq!(sold, 10, "somebody who wants one is always there");
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            refused.expect_problem(409, "sold_out");
            assert!(refused.body["available"].as_i64().unwrap() < 3, "{}", refused.text);
        }
    }

    async fn equal_orders_of_a_moment_are_one(app: &TestApp) {
        let shop = Shop::open(app).await;
        let (nobody, keys) = (app.nobody(), [key(), key(), key()]);
        let body = shop.body(shop.items(&[("regular", 1)]));
        let turns = keys.iter().cycle().take(30);
        let place = async |key: &String| {
            let placed = nobody.keyed(key, "POST", "/api/v1/orders", body.clone()).await;
            (key.clone(), placed.expect(201).id())
        };
        let mut placed = in_time(join_all(turns.map(place))).await;
        placed.sort();
        placed.dedup();
        assert_eq!(placed.len(), 3, "an order for each key: {placed:?}");
        assert_eq!(count(app, "orders").await, 3);
    }

    async fn every_scan_of_a_moment_has_its_own_answer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let holders: Vec<Holder> = join_all((0..8).map(|_| give_free(app, &shop))).await;
        go(&shop.admin, &holders[7].ticket, "suspend").await.expect(200);
        let scan = async |code: &str, nonce: String| {
            let body = json!({"code": code, "nonce": nonce});
            gate.post("/api/v1/checkins", body).await.expect(200).body.clone()
        };
        // Each ticket at two doors, and each door's scanner asks twice.
        let scans = holders.iter().flat_map(|holder| {
            let doors = ["north", "north", "south", "south"];
            doors.map(|door| scan(&holder.code, format!("{door} {}", holder.ticket)))
        });
        let told = in_time(join_all(scans)).await;
        for (holder, told) in holders.iter().zip(told.chunks(4)) {
            assert_eq!((&told[0], &told[2]), (&told[1], &told[3]), "one scan, one answer");
            let mut reasons = [&told[0]["reason"], &told[2]["reason"]].map(text);
            reasons.sort();
            let is_stopped = holder.ticket == holders[7].ticket;
            match is_stopped {
                true => assert_eq!(reasons, ["suspended", "suspended"]),
                false => assert_eq!(reasons, ["already_used", "ok"]),
            }
            let status = if is_stopped { "suspended" } else { "used" };
            assert_eq!(read(&holder.guest, &holder.ticket).await["status"], status);
        }
        assert_eq!((count(app, "scans").await, count(app, "admissions").await), (16, 7));
    }

    async fn every_look_of_a_moment_has_its_own_answer(app: &TestApp) {
        let shop = Shop::open(app).await;
        let gate = app.member(&shop.organizer, "gate", "gate@example.com").await;
        let elsewhere = app.organizer("Elsewhere").await;
        let stranger = app.member(&elsewhere, "gate", "stranger@example.com").await;
        let gone = app.user("gone@example.com").await;
        gone.post("/api/v1/auth/logout", json!({})).await.expect(204);
        let holders: Vec<Holder> = join_all((0..4).map(|_| give_free(app, &shop))).await;
        let sales = join_all((0..4).map(|_| async {
            shop.purchase(app, shop.items(&[("regular", 1)])).await
        }));
        let sales = sales.await;
        let look = async |client: &Client, code: &str| {
            client.post("/api/v1/tickets/verify", json!({"code": code})).await
        };
        let read = async |client: &Client, payment: &str| {
            client.get(&format!("/api/v1/payment-intents/{payment}")).await
        };
        let rounds = (0..5).flat_map(|_| holders.iter().zip(&sales)).map(async |(holder, sale)| {
            let looks = [&gate, &stranger, &gone].map(|client| look(client, &holder.code));
            let next = &sales[1].guest;
            let reads = [&sale.guest, &shop.admin, next, &gone].map(|client| read(client, &sale.payment));
            let [known, foreign, nobody] = &join_all(looks).await[..] else { unreachable!() };
            assert_eq!(known.expect(200).body["reason"], "ok");
            assert_eq!(known.body["ticket_id"], holder.ticket);
            assert_eq!(foreign.expect(200).body["reason"], "unknown_ticket");
            nobody.expect_problem(401, "unauthenticated");
            let [own, managed, of_another, unread] = &join_all(reads).await[..] else { unreachable!() };
            assert_eq!(own.expect(200).body["id"], sale.payment);
            assert!(own.body.get("provider_payment_id").is_none());
            assert!(managed.expect(200).body.get("provider_payment_id").is_some());
            match sale.payment == sales[1].payment {
                true => assert_eq!(of_another.expect(200).body, own.body),
                false => drop(of_another.expect_problem(404, "not_found")),
            }
            unread.expect_problem(401, "unauthenticated");
        });
        in_time(join_all(rounds)).await;
        read(&shop.admin, "pay_01h455vb4pex5vsknk084sn02q").await.expect_problem(404, "not_found");
    }
}

#[test]
fn who_has_many_orders_has_no_more_of_a_moment() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        run(kind, &[("RATE_LIMITS", "on")], async |app| {
            let shop = Shop::open(app).await;
            let nobody = app.nobody();
            let orders = (0..9).map(|_| shop.order(&nobody, shop.items(&[("regular", 1)])));
            let answers = in_time(join_all(orders)).await;
            let (placed, refused): (Vec<_>, Vec<_>) =
                answers.iter().partition(|answer| answer.status == 201);
            assert_eq!((placed.len(), refused.len()), (5, 4));
            for answer in refused {
                answer.expect_problem(409, "too_many_open_orders");
            }
        });
    }
}
