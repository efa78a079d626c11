//! The mail server is down or says nothing: people buy all the same, and their mails come later.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::mail::{SmtpServer, free_port};
use crate::support::sale::{Purchase, Shop, count_mails};
use crate::support::{Kind, TestApp, run};

const MINUTE: Duration = Duration::from_secs(60);

/// Much shorter than anybody waits for a mail server.
const SOON: Duration = Duration::from_secs(10);

fn with_mailer(kind: Kind, port: u16, test: impl AsyncFnOnce(&TestApp)) {
    let url = format!("smtp://127.0.0.1:{port}");
    run(kind, &[("MAILER", "smtp"), ("SMTP_URL", &url)], test);
}

fn count_subject(server: &SmtpServer, subject: &str) -> usize {
    let mails = server.mails();
    mails
        .iter()
        .filter(|mail| mail.contains(&format!("Subject: {subject}")))
        .count()
}

async fn wait_until(purchase: &Purchase, status: &str) {
    let started = Instant::now();
    while purchase.order().await["status"] != status {
        assert!(started.elapsed() < SOON, "the order is not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sell_without(app: &TestApp, port: u16) {
    let shop = Shop::open(app).await;
    let purchase = shop.buy(app, shop.items(&[("vip", 2)])).await;
    assert_eq!(count_mails(app, "order_confirmation").await, 1);
    for _ in 0..3 {
        app.clock.advance(MINUTE);
        app.drain().await;
    }
    let server = SmtpServer::start(port);
    app.clock.advance(2 * MINUTE);
    app.drain().await;
    app.clock.advance(60 * MINUTE);
    app.drain().await;
    assert_eq!(server.mails().len(), 1, "it comes, and once");
    assert!(server.mails()[0].contains("image/png"), "with its tickets");
    assert_eq!(purchase.order().await["status"], "confirmed");
}

#[test]
fn a_mail_server_that_is_down_stops_no_sale() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let port = free_port();
        with_mailer(kind, port, async |app| sell_without(app, port).await);
    }
}

/// Takes calls, and never says a word; hangs up when it ends.
async fn be_silent(listener: TcpListener) {
    let mut calls = Vec::new();
    loop {
        calls.push(listener.accept().await.unwrap());
    }
}

async fn sell_beside_silence(app: &TestApp, listener: TcpListener) {
    let port = listener.local_addr().unwrap().port();
    let silence = tokio::spawn(be_silent(listener));
    let stop = CancellationToken::new();
    let worker = tollgate::start_worker(app.app.clone(), stop.clone());
    let shop = Shop::open(app).await;
    let unpaid = shop.purchase(app, shop.items(&[("vip", 1)])).await;
    // Each has a mail to wait for; the next is confirmed at once.
    for _ in 0..3 {
        let purchase = shop.purchase(app, shop.items(&[("vip", 1)])).await;
        purchase.simulate("succeed").await;
        wait_until(&purchase, "confirmed").await;
    }
    app.clock.advance(16 * MINUTE);
    wait_until(&unpaid, "expired").await;

    // Now it goes down, and another comes up.
    silence.abort();
    assert!(silence.await.unwrap_err().is_cancelled());
    stop.cancel();
    worker.await.unwrap();
    let server = SmtpServer::start(port);
    for _ in 0..2 {
        app.clock.advance(60 * MINUTE);
        app.drain().await;
    }
    assert_eq!(server.mails().len(), 4, "each comes, and once");
    assert_eq!(
        count_subject(&server, "Your order"),
        4,
        "{:#?}",
        server.mails()
    );
}

#[test]
fn a_mail_server_that_says_nothing_blocks_no_other_work() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        with_mailer(kind, port, async |app| {
            sell_beside_silence(app, TcpListener::from_std(listener).unwrap()).await;
        });
    }
}
