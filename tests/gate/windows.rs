//! Before and after its time neither a ticket nor a list opens the gate.

use std::time::Duration;

use serde_json::json;

use super::{
    add_list, at, code, expect_accepted, expect_refused, expect_rejected, open, scan, sign_in_again,
};
use crate::support::{TestApp, on_both};
use crate::tickets::code::Code;
use crate::tickets::{give, give_free, verify};

const HOUR: Duration = Duration::from_secs(3600);

/// The time in so many hours.
fn in_hours(app: &TestApp, hours: u32) -> String {
    app.clock.now().plus(HOUR * hours).to_string()
}

on_both! {
    async fn not_yet_valid_then_valid_then_expired(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let body = json!({
            "name": "Evening", "price_minor": 0, "capacity": 9,
            "valid_from": in_hours(app, 2), "valid_until": in_hours(app, 4),
        });
        let evening = shop.add_type(body).await;
        let (holder, late) = (give(app, &shop, &evening).await, give(app, &shop, &evening).await);
        expect_refused(&gate, code(&holder), "not_yet_valid").await;
        let told = verify(&gate, &holder.code).await;
        assert_eq!((&told["ticket_id"], &told["status"]), (&json!(holder.ticket), &json!("valid")));

        app.clock.advance(3 * HOUR);
        let gate = sign_in_again(app).await;
        assert_eq!(verify(&gate, &holder.code).await["reason"], "ok");
        expect_accepted(&scan(&gate, code(&holder)).await);

        app.clock.advance(2 * HOUR);
        let gate = sign_in_again(app).await;
        expect_refused(&gate, code(&late), "expired").await;
    }

    async fn the_window_of_a_code_is_not_all(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let evening = shop.add_type(json!({"name": "Evening", "price_minor": 0, "capacity": 9})).await;
        let holder = give(app, &shop, &evening).await;
        assert_eq!(Code::read(&holder.code).not_after, 0);
        // The organizer has changed the hours since: what holds now is what counts.
        let path = format!("{}/ticket-types/{evening}", shop.path());
        let later = json!({"valid_from": in_hours(app, 2)});
        shop.admin.patch(&path, later).await.expect(200);
        expect_refused(&gate, code(&holder), "not_yet_valid").await;
        shop.admin.patch(&path, json!({"valid_from": null})).await.expect(200);
        expect_accepted(&scan(&gate, code(&holder)).await);
    }

    async fn list_closed(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let body = json!({"name": "Lunch", "opens_at": in_hours(app, 2), "closes_at": in_hours(app, 4)});
        let list = add_list(&shop, body).await;
        let (holder, late) = (give_free(app, &shop).await, give_free(app, &shop).await);
        let here = |code: &str| json!({"code": code, "list_id": list});
        expect_refused(&gate, here(&holder.code), "list_closed").await;
        // Other lists are open.
        expect_accepted(&scan(&gate, code(&holder)).await);

        app.clock.advance(3 * HOUR);
        let gate = sign_in_again(app).await;
        expect_accepted(&scan(&gate, here(&holder.code)).await);
        expect_rejected(&scan(&gate, here(&holder.code)).await, "already_used");

        app.clock.advance(2 * HOUR);
        let gate = sign_in_again(app).await;
        expect_refused(&gate, here(&late.code), "list_closed").await;
    }

    async fn a_list_with_one_end_is_open_at_the_other(app: &TestApp) {
        let (shop, gate) = open(app).await;
        let body = json!({"name": "From now on", "opens_at": app.clock.now().to_string()});
        let from_now = add_list(&shop, body).await;
        let until = add_list(&shop, json!({"name": "Until then", "closes_at": in_hours(app, 1)})).await;
        let holder = give_free(app, &shop).await;
        for list in [&from_now, &until] {
            expect_accepted(&scan(&gate, at(&holder, list, "entry")).await);
        }
    }
}
