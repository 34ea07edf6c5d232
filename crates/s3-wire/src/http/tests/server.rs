//! Test server: runs the script of a test on each connection, on a thread of its own.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::super::{ChecksumTrailer, Origin, Pool, RequestBody, Response, ResponseBody, WireError};
use crate::Request;

/// Maximum time to wait for an event that must happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const GET: &[u8] = b"GET /bucket/key HTTP/1.1\r\nhost: h\r\n\r\n";

/// A server; connections are handled one after the other by the scripts it was given.
pub(super) struct Server {
    pub(super) origin: Arc<Origin>,
    log: mpsc::Receiver<Vec<u8>>,
    /// Number of notes that were written.
    notes: Arc<AtomicUsize>,
}

/// One connection, seen from the server.
pub(super) struct Peer {
    pub(super) tcp: TcpStream,
    seen: Vec<u8>,
    log: mpsc::Sender<Vec<u8>>,
    notes: Arc<AtomicUsize>,
}

type Script = Box<dyn FnOnce(&mut Peer) + Send>;

/// Boxes a closure, so that different ones fit into one list.
pub(super) fn script(run: impl FnOnce(&mut Peer) + Send + 'static) -> Script {
    Box::new(run)
}

impl Server {
    /// Each script gets one connection and runs on its own thread; more connections are refused.
    pub(super) fn new(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, log) = mpsc::channel();
        let notes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&notes);
        thread::spawn(move || {
            for script in scripts {
                let Ok((tcp, _)) = listener.accept() else {
                    return;
                };
                tcp.set_nodelay(true).unwrap();
                tcp.set_read_timeout(Some(PATIENCE)).unwrap();
                let log = sender.clone();
                let notes = Arc::clone(&counter);
                thread::spawn(move || {
                    let seen = Vec::new();
                    script(&mut Peer {
                        tcp,
                        seen,
                        log,
                        notes,
                    });
                });
            }
        });
        let origin = Arc::new(Origin::new(false, "127.0.0.1", port));
        Self { origin, log, notes }
    }

    /// Sends the same `response` to each request of every connection.
    pub(super) fn responding(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        let scripts = (0..4).map(|_| {
            let response = response.clone();
            script(move |peer| while peer.request().is_some() && peer.say(&response) {})
        });
        Self::new(scripts.collect())
    }

    /// Accepts one connection, reads one request, sends this response and closes.
    pub(super) fn once(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::new(vec![script(move |peer| {
            peer.request();
            peer.say(&response);
        })])
    }

    /// Returns the number of notes that the scripts have written.
    pub(super) fn notes(&self) -> usize {
        self.notes.load(Ordering::SeqCst)
    }

    /// Returns the next note of a script. Blocks, so the script must not need this thread.
    pub(super) fn noted(&self) -> Vec<u8> {
        self.log
            .recv_timeout(PATIENCE)
            .expect("the script notes something")
    }
}

impl Peer {
    /// Reads until the blank line of a head; `None` at the end of the connection.
    pub(super) fn request(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.seen, b"\r\n\r\n") {
                let rest = self.seen.split_off(at + 4);
                return Some(std::mem::replace(&mut self.seen, rest));
            }
            if self.more() == 0 {
                return None;
            }
        }
    }

    /// Reads `count` bytes after the last head.
    pub(super) fn body(&mut self, count: usize) -> Vec<u8> {
        while self.seen.len() < count && self.more() > 0 {}
        let rest = self.seen.split_off(count.min(self.seen.len()));
        std::mem::replace(&mut self.seen, rest)
    }

    fn more(&mut self) -> usize {
        let mut buffer = [0; 64 << 10];
        let count = self.tcp.read(&mut buffer).unwrap_or(0);
        self.seen.extend_from_slice(&buffer[..count]);
        count
    }

    pub(super) fn say(&mut self, bytes: &[u8]) -> bool {
        self.tcp.write_all(bytes).is_ok()
    }

    pub(super) fn note(&self, bytes: impl Into<Vec<u8>>) {
        // The test may have ended.
        let _ = self.log.send(bytes.into());
        self.notes.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until the other side closes.
    pub(super) fn wait_for_end(&mut self) {
        while self.more() > 0 {}
    }

    pub(super) fn hang_up(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

/// A request as tests write it: the head, and the other parameters of the pool.
#[derive(Clone, Copy)]
pub(super) struct OutgoingRequest<'a> {
    pub(super) head: &'a [u8],
    pub(super) body: RequestBody<'a>,
    pub(super) trailer: Option<ChecksumTrailer>,
    pub(super) sent_bytes: Option<&'a AtomicU64>,
    pub(super) blocking_io: bool,
    pub(super) response_has_body: bool,
    pub(super) idempotent: bool,
}

impl<'a> OutgoingRequest<'a> {
    pub(super) fn request(&self) -> Request<'a> {
        let method = if self.response_has_body {
            "GET"
        } else {
            "HEAD"
        };
        Request {
            body: self.body,
            trailer: self.trailer,
            sent_bytes: self.sent_bytes,
            blocking_io: self.blocking_io,
            idempotent: self.idempotent,
            ..Request::new(method, "", String::new())
        }
    }
}

impl Pool {
    pub(super) async fn send_outgoing(
        &self,
        origin: &Arc<Origin>,
        outgoing: OutgoingRequest<'_>,
    ) -> Result<Response, WireError> {
        self.send(origin, outgoing.head, &outgoing.request()).await
    }
}

/// Returns a GET request, which may be sent again.
pub(super) fn get(head: &[u8]) -> OutgoingRequest<'_> {
    OutgoingRequest {
        head,
        body: RequestBody::Empty,
        trailer: None,
        sent_bytes: None,
        blocking_io: false,
        response_has_body: true,
        idempotent: true,
    }
}

/// A body that a test owns.
#[derive(Debug)]
pub(super) enum OwnedBody {
    Buffers(Vec<Bytes>),
    File {
        file: Arc<File>,
        offset: u64,
        len: u64,
        version: Option<Arc<Metadata>>,
    },
}

impl OwnedBody {
    pub(super) fn of_file(file: File, offset: u64, len: u64) -> Self {
        Self::File {
            file: Arc::new(file),
            offset,
            len,
            version: None,
        }
    }

    /// Returns a body of a file range whose file must not change.
    pub(super) fn of_version(file: File, offset: u64, len: u64) -> Self {
        let version = file.metadata().unwrap();
        Self::File {
            file: Arc::new(file),
            offset,
            len,
            version: Some(Arc::new(version)),
        }
    }

    pub(super) fn as_body(&self) -> RequestBody<'_> {
        match self {
            Self::Buffers(buffers) => RequestBody::Chunks(buffers),
            Self::File {
                file,
                offset,
                len,
                version,
            } => RequestBody::File {
                file,
                offset: *offset,
                len: *len,
                version: version.as_ref(),
            },
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.as_body().len()
    }
}

impl From<Vec<u8>> for OwnedBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Buffers(vec![bytes.into()])
    }
}

pub(super) fn pool() -> Pool {
    Pool::new(Duration::from_secs(10))
}

/// Status, headers and body of a response.
#[derive(Debug, PartialEq)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

pub(super) async fn read(response: Result<Response, WireError>) -> Result<Received, WireError> {
    let mut response = response?;
    let headers = response
        .head
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = headers.collect();
    let body = response.body.collect(1 << 30).await?;
    let status = response.status;
    Ok(Received {
        status,
        headers,
        body,
    })
}

pub(super) async fn fill(
    body: &mut ResponseBody,
    into: &mut BytesMut,
    at_most: usize,
) -> Result<usize, WireError> {
    std::future::poll_fn(|cx| body.poll_fill(cx, into, at_most)).await
}

/// Returns bytes whose values depend on their offsets.
pub(super) fn ramp(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

/// Waits until another thread has made the condition true.
pub(super) async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never happened");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
