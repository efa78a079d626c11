//! A server that answers each request with the next of its orders, whatever is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a request.
pub(super) enum Order {
    Answer {
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: String,
    },
    /// Nothing ever comes.
    Hang,
    /// The connection ends as soon as the request has arrived.
    Drop,
    /// It ends in the middle of an answer.
    Break,
}

impl Order {
    pub(super) fn ok(body: &Value) -> Self {
        Self::status(200, body)
    }

    pub(super) fn status(status: u16, body: &Value) -> Self {
        let headers = vec![("request-id", "req_1")];
        Self::Answer {
            status,
            headers,
            body: body.to_string(),
        }
    }

    /// A no that is no fault.
    pub(super) fn refuse(message: &str) -> Self {
        let error = json!({"type": "invalid_request_error", "message": message});
        Self::status(400, &json!({ "error": error }))
    }
}

/// A request that arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Method and path, with the query.
    pub line: String,
    pub headers: HashMap<String, String>,
    /// The form's members.
    pub form: HashMap<String, String>,
    /// On which connection, counted from 0.
    pub connection: usize,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn member(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }
}

#[derive(Default)]
struct State {
    orders: VecDeque<Order>,
    seen: Vec<Seen>,
}

#[derive(Clone)]
pub(super) struct Server {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(super) async fn start(orders: Vec<Order>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        server.state.lock().unwrap().orders = orders.into();
        let serving = server.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream, connection).await });
            }
        });
        server
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Which endpoints were called, without their queries.
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.seen();
        let path = |seen: &Seen| seen.line.split('?').next().unwrap().to_owned();
        seen.iter().map(path).collect()
    }

    async fn serve(&self, mut stream: TcpStream, connection: usize) {
        while let Some(mut seen) = read(&mut stream).await {
            seen.connection = connection;
            let order = {
                let mut state = self.state.lock().unwrap();
                state.seen.push(seen);
                state.orders.pop_front()
            };
            match order.expect("an order for each request") {
                Order::Answer {
                    status,
                    headers,
                    body,
                } => {
                    let text = answer(status, &headers, &body, body.len());
                    stream.write_all(text.as_bytes()).await.unwrap();
                }
                Order::Break => {
                    let text = answer(200, &[], "{\"id\":", 1_000);
                    stream.write_all(text.as_bytes()).await.unwrap();
                    return;
                }
                Order::Drop => return,
                Order::Hang => std::future::pending().await,
            }
        }
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str, length: usize) -> String {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// The next request; `None` when the other side is done.
async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map(|it| it.parse::<usize>());
    let length = length.transpose().unwrap().unwrap_or_default();
    while bytes.len() < end + length {
        more(stream, &mut bytes).await?;
    }
    let form = String::from_utf8(bytes[end..].to_vec()).unwrap();
    let form = actix_web::web::Query::<HashMap<String, String>>::from_query(&form).unwrap();
    Some(Seen {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        form: form.into_inner(),
        connection: 0,
    })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).await.ok()?;
    bytes.extend_from_slice(&buffer[..count]);
    (count > 0).then_some(())
}
