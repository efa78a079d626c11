//! A shop's webhook: it keeps what comes, and answers as it is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Message {
    pub signature: String,
    pub text: String,
    pub body: Value,
}

struct Kept {
    messages: Mutex<Vec<Message>>,
    status: AtomicU16,
}

pub struct Inbox {
    kept: Arc<Kept>,
    pub url: String,
    handle: ServerHandle,
}

impl Inbox {
    pub fn open() -> Self {
        let kept = Arc::new(Kept {
            messages: Mutex::default(),
            status: AtomicU16::new(200),
        });
        let shared = web::Data::from(kept.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(take))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}/hook", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { kept, url, handle }
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        self.kept.status.store(status, Ordering::SeqCst);
    }

    /// Takes out what came.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.kept.messages.lock().unwrap())
    }

    pub async fn close(self) {
        self.handle.stop(false).await;
    }
}

async fn take(kept: web::Data<Kept>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let signature = request
        .headers()
        .get("stripe-signature")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap();
    kept.messages.lock().unwrap().push(Message {
        signature,
        text,
        body,
    });
    let status = kept.status.load(Ordering::SeqCst);
    HttpResponse::build(status.try_into().unwrap()).finish()
}

impl Message {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub fn time(&self) -> i64 {
        let (time, _) = self.signature.split_once(',').unwrap();
        time.strip_prefix("t=").unwrap().parse().unwrap()
    }

    /// Whether one of the signatures was made with the secret.
    pub fn is_signed(&self, secret: &str) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{}.{}", self.time(), self.text).as_bytes());
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.signature.contains(&format!(",v1={hex}"))
    }
}
