//! The form with a gateway call: one call, whatever dies in between.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpResponse, web};
use serde_json::json;

use super::{Answer, Mutation, Recorded, Run};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::testing::on_each_database;
use crate::error::{Code, Problem};

/// A gateway that counts what it was asked to do.
#[derive(Default)]
struct Gateway {
    charged: AtomicU32,
    looked_up: AtomicU32,
}

impl Gateway {
    fn counts(&self) -> (u32, u32) {
        let read = |count: &AtomicU32| count.load(Ordering::SeqCst);
        (read(&self.charged), read(&self.looked_up))
    }

    fn call(&self, run: Run) {
        let count = match run {
            Run::First => &self.charged,
            Run::Resumed => &self.looked_up,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

async fn open(url: &str) -> App {
    let url = url.to_owned();
    let config = Config::from_lookup(move |name| match name {
        "DATABASE_URL" => Some(url.clone()),
        _ => None,
    });
    App::open(config.unwrap(), Clock::default()).await.unwrap()
}

async fn mutation(app: &App) -> Mutation {
    let request = TestRequest::post()
        .uri("/api/v1/payment-intents")
        .insert_header(("Idempotency-Key", "a key of sixteen or more"))
        .app_data(web::Data::new(app.clone()))
        .to_http_request();
    Mutation::extract(&request).await.unwrap()
}

/// Pays through `gateway`; `dies` after the call and before its answer is recorded.
async fn pay(app: &App, gateway: &Gateway, dies: bool) -> Result<HttpResponse, Problem> {
    let mutation = mutation(app).await;
    let paying = mutation.run_with_call(
        async |_| Ok("reference".to_owned()),
        async |intent: &String, run| {
            assert_eq!(intent, "reference");
            gateway.call(run);
            if dies {
                std::future::pending::<()>().await;
            }
            "paid"
        },
        async |_, intent, outcome| {
            let body = json!({ "reference": intent, "outcome": outcome });
            Ok(Recorded::Answer(Answer::created(&body)?))
        },
    );
    if dies {
        let lost = tokio::time::timeout(Duration::from_millis(300), paying).await;
        assert!(lost.is_err(), "it was to die");
        return Err(Problem::new(Code::Internal));
    }
    paying.await
}

fn is_replayed(answer: &HttpResponse) -> bool {
    answer.headers().contains_key("idempotency-replayed")
}

#[test]
fn a_call_is_made_once_and_its_answer_repeated() {
    on_each_database(async |url, _| {
        let (app, gateway) = (open(url).await, Gateway::default());
        let first = pay(&app, &gateway, false).await.unwrap();
        let second = pay(&app, &gateway, false).await.unwrap();
        assert_eq!((first.status().as_u16(), is_replayed(&first)), (201, false));
        assert_eq!(
            (second.status().as_u16(), is_replayed(&second)),
            (201, true)
        );
        assert_eq!(gateway.counts(), (1, 0));
    });
}

#[test]
fn what_died_after_its_intent_is_resumed_and_never_repeated() {
    on_each_database(async |url, _| {
        let (app, gateway) = (open(url).await, Gateway::default());
        pay(&app, &gateway, true).await.unwrap_err();
        let early = pay(&app, &gateway, false).await.unwrap_err();
        assert_eq!(early.code, Code::IdempotencyInProgress);
        assert!(early.retry_after_seconds.is_some());
        assert_eq!(gateway.counts(), (1, 0));

        app.clock.advance(Duration::from_secs(61));
        let resumed = pay(&app, &gateway, false).await.unwrap();
        assert_eq!(
            (resumed.status().as_u16(), is_replayed(&resumed)),
            (201, false)
        );
        assert_eq!(gateway.counts(), (1, 1));
        assert!(is_replayed(&pay(&app, &gateway, false).await.unwrap()));
        assert_eq!(gateway.counts(), (1, 1));
    });
}

#[test]
fn an_intent_that_is_refused_calls_nobody() {
    on_each_database(async |url, _| {
        let app = open(url).await;
        for replayed in [false, true] {
            let mutation = mutation(&app).await;
            let refused = mutation
                .run_with_call(
                    async |_| Err::<String, _>(Problem::new(Code::SoldOut)),
                    async |_, _| unreachable!("nothing was intended"),
                    async |_, _, (): &()| Ok(Recorded::Answer(Answer::no_content())),
                )
                .await
                .unwrap_err();
            assert_eq!((refused.code, refused.replayed), (Code::SoldOut, replayed));
        }
    });
}
