//! Clients that send a byte a second are given up, and keep nobody else waiting.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::address;
use crate::support::{Kind, TestApp, event_body, run};

/// Of each kind, all at once.
const CLIENTS: usize = 20;

/// A head, and a body, may each take ten seconds; a slow machine some more.
const GIVEN_UP: Duration = Duration::from_secs(20);

const POST: &str = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\n\
    content-type: application/json\r\ncontent-length: 10000\r\n\r\n";

/// Sends `at_once`, then a byte a second until the server gives up; what it said last.
async fn drip(address: &str, at_once: &str, slowly: &'static str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    writer.write_all(at_once.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        for byte in slowly.bytes().cycle() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    // A connection that is reset has been given up too.
    let end = tokio::time::timeout(GIVEN_UP, reader.read_to_end(&mut answer)).await;
    dripping.abort();
    assert!(end.is_ok(), "it waits for ever after {at_once:?}");
    String::from_utf8(answer).unwrap()
}

/// Others read and write, and wait for nobody.
async fn live_on(app: &TestApp) -> usize {
    let admin = app.admin().await;
    let (started, mut calls) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(8) {
        let before = Instant::now();
        app.nobody().get("/api/v1/events").await.expect(200);
        admin
            .post("/api/v1/events", event_body("Jazz"))
            .await
            .expect(201);
        assert!(
            before.elapsed() < Duration::from_secs(4),
            "{:?}",
            before.elapsed()
        );
        calls += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    calls
}

#[test]
fn a_byte_a_second_is_given_up_and_nobody_waits_for_it() {
    run(Kind::Sqlite, &[], async |app| {
        let address = address(app);
        let drips = |at_once: &'static str, slowly: &'static str| {
            let clients = (0..CLIENTS).map(|_| drip(&address, at_once, slowly));
            join_all(clients.collect::<Vec<_>>())
        };
        let (heads, bodies, calls) = tokio::join!(
            drips("", "GET /healthz HTTP/1.1\r\nx: xxxxxxxxxxxxxxxx"),
            drips(POST, "{\"email\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
            live_on(app),
        );
        for answer in heads {
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
                "{answer}"
            );
        }
        for answer in bodies {
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
            assert!(answer.contains("request_timeout"), "{answer}");
        }
        assert!(calls > 3, "others were served {calls} times");
    });
}
