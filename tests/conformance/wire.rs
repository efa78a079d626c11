//! The wire between us and a gateway's far side, where calls go wrong.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::{Call, Fault};

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }
}

/// A gateway's server.
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Which of our calls a request may be.
    fn calls(&self, request: &Request) -> Vec<Call>;

    /// Does what it is asked: the status, further headers and the body of its answer.
    async fn answer(&self, request: Request) -> (u16, Vec<(String, String)>, Vec<u8>);
}

struct Shared {
    upstream: Arc<dyn Upstream>,
    faults: Mutex<VecDeque<(Call, Fault)>>,
}

/// A port on which a gateway answers, unless something goes wrong.
pub struct Wire {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Keeps the port while nobody listens.
    _holder: TcpSocket,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Wire {
    pub fn open(upstream: Arc<dyn Upstream>) -> Self {
        let holder = bind("127.0.0.1:0".parse().unwrap());
        let wire = Self {
            address: holder.local_addr().unwrap(),
            _holder: holder,
            shared: Arc::new(Shared {
                upstream,
                faults: Mutex::default(),
            }),
            listening: Mutex::default(),
        };
        wire.listen();
        wire
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next call of a kind goes wrong; where nobody listens, none arrives until it is healed.
    pub async fn script(&self, call: Call, fault: Fault) {
        if fault == Fault::Refused {
            let listening = self.listening.lock().unwrap().take();
            if let Some(listening) = listening {
                listening.abort();
                assert!(listening.await.unwrap_err().is_cancelled());
            }
        } else {
            self.shared.faults.lock().unwrap().push_back((call, fault));
        }
    }

    pub fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
        if self.listening.lock().unwrap().is_none() {
            self.listen();
        }
    }

    fn listen(&self) {
        let listener = bind(self.address).listen(128).unwrap();
        let serving = tokio::spawn(accept(listener, self.shared.clone()));
        *self.listening.lock().unwrap() = Some(serving);
    }
}

/// One that may share its port with others of ours.
fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Ends with all its connections when it is aborted.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, shared.clone()));
    }
}

/// Answers one request after another, until one side has enough.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    loop {
        let request = read(&mut stream).await?;
        let fault = shared.take(&request);
        if matches!(fault, Some(Fault::TimeoutBefore)) {
            return wait_for_hang_up(&mut stream).await;
        }
        let answer = match fault {
            Some(Fault::ServerError) => {
                // Stripe says so where another try is of no use, which spares the suite the pauses.
                let hopeless = vec![("stripe-should-retry".to_owned(), "false".to_owned())];
                (500, hopeless, b"<h1>Something went wrong</h1>".to_vec())
            }
            Some(Fault::RateLimit) => {
                let later = vec![("retry-after".to_owned(), "1".to_owned())];
                (429, later, b"slow down".to_vec())
            }
            _ => shared.upstream.answer(request).await,
        };
        match fault {
            Some(Fault::TimeoutAfter) => return wait_for_hang_up(&mut stream).await,
            Some(Fault::Reset) => return None,
            Some(Fault::Garbage) => write(&mut stream, plain(200, "<h1>Welcome!</h1>")).await?,
            _ => write(&mut stream, answer).await?,
        }
    }
}

fn plain(status: u16, text: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
    (status, Vec::new(), text.as_bytes().to_vec())
}

impl Shared {
    fn take(&self, request: &Request) -> Option<Fault> {
        let calls = self.upstream.calls(request);
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|(of, _)| calls.contains(of))?;
        Some(faults.remove(at)?.1)
    }
}

/// The client gives up by itself.
async fn wait_for_hang_up(stream: &mut TcpStream) -> Option<()> {
    let mut rest = [0; 64];
    while stream.read(&mut rest).await.ok()? > 0 {}
    None
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut request = Request {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    let length = request.header("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        more(stream, &mut bytes).await?;
    }
    request.body = bytes[head_end + 4..head_end + 4 + length].to_vec();
    Some(request)
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk).await.ok()?;
    bytes.extend_from_slice(&chunk[..count]);
    (count > 0).then_some(())
}

async fn write(
    stream: &mut TcpStream,
    (status, headers, body): (u16, Vec<(String, String)>, Vec<u8>),
) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let bytes = [head.as_bytes(), &body].concat();
    stream.write_all(&bytes).await.ok()
}
