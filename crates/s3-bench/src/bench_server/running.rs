//! Starts, runs and stops a benchmark server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::bench_bucket;
use super::config::BenchServerConfig;
use super::connection::{Connection, without_aws_chunks};
use super::operations::respond;
use super::pace::Pace;
use super::request::Request;
use super::response::{Body, Response};
use super::state::{KEEP, State};

/// Length of the accept queue, so that a client that opens hundreds of connections at once does not have to retry.
const BACKLOG: u32 = 4096;

/// A benchmark server on its own thread. Dropping it stops the server and joins the thread.
#[derive(Debug)]
pub struct BenchServer {
    address: SocketAddr,
    state: Arc<State>,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl BenchServer {
    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If the port, the memory of the pool or a thread is not available.
    pub fn start(config: BenchServerConfig) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State::new(config)?;
        let runtime = runtime()?;
        let end = CancellationToken::new();
        let (shared, ended) = (Arc::clone(&state), end.clone());
        let thread = thread::Builder::new()
            .name("s3-bench-server".to_owned())
            .spawn(move || {
                let running = ended.run_until_cancelled_owned(accept(listener, shared));
                runtime.block_on(running);
            })?;
        Ok(Self {
            address,
            state,
            end,
            thread: Some(thread),
        })
    }

    /// Returns the URL to give to clients.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns bytes of an object of `bench`; `None` if the bucket has no such key.
    #[must_use]
    pub fn content(&self, key: &str, range: Range<u64>) -> Option<Vec<u8>> {
        let object = bench_bucket::object(key)?;
        let end = range.end.min(object.len);
        let start = range.start.min(end);
        let mut bytes = Vec::new();
        let read = self
            .state
            .pool
            .read(object.part(start, end - start), &mut bytes);
        read.ok().map(|()| bytes)
    }

    /// Returns the counters, one line of JSON: the same as `GET /_stats`.
    #[must_use]
    pub fn stats(&self) -> String {
        self.state.counters.json()
    }
}

impl Drop for BenchServer {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread cannot be handled in `drop`.
            let _ = thread.join();
        }
    }
}

/// Serves a listener on this thread until the process ends.
///
/// # Errors
///
/// If the memory of the pool or the runtime is not available.
pub fn serve(listener: TcpListener, config: BenchServerConfig) -> io::Result<()> {
    let state = State::new(config)?;
    runtime()?.block_on(accept(listener, state));
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Accepts connections. Returns only if tokio rejects the listener.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let prepared = listener
        .set_nonblocking(true)
        .and_then(|()| Ok(rustix::net::listen(&listener, BACKLOG.cast_signed())?))
        .and_then(|()| tokio::net::TcpListener::from_std(listener));
    let Ok(listener) = prepared else {
        return;
    };
    loop {
        // The client may have closed the connection in the meantime.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            state.counters.opened();
            if talk(stream, &state).await.is_err() {
                state.counters.errors.add(1);
            }
            state.counters.closed();
        });
    }
}

async fn talk(stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(stream);
    while let Some(request) = connection.request().await? {
        let is_control = request.bucket.starts_with('_');
        if !is_control {
            state.counters.begun();
        }
        let done = exchange(&mut connection, &request, state, is_control).await;
        if !is_control {
            state.counters.ended();
        }
        done?;
        if request.closes {
            break;
        }
    }
    Ok(())
}

async fn exchange(
    connection: &mut Connection,
    request: &Request,
    state: &State,
    is_control: bool,
) -> io::Result<()> {
    let (body, size) = receive(connection, request, state).await?;
    if !state.config.latency.is_zero() && !is_control {
        tokio::time::sleep(state.config.latency).await;
    }
    let Response { head, body } = respond(request, body, size, state);
    let pace = Pace::new(state.config.connection_rate);
    match body {
        Body::Nothing => connection.send(&head, false).await,
        Body::Text(text) => {
            connection.send(&head, true).await?;
            connection.send(text.as_bytes(), false).await
        }
        Body::Kept(bytes) => {
            connection.send(&head, !bytes.is_empty()).await?;
            connection.send_body(&bytes, pace).await
        }
        Body::Pool(window) => {
            connection
                .send_window(head, &state.pool, window, pace)
                .await
        }
    }
}

/// Reads or discards the body of a request, and returns it with its size.
async fn receive(
    connection: &mut Connection,
    request: &Request,
    state: &State,
) -> io::Result<(Bytes, u64)> {
    if !request.has_body() {
        return Ok((Bytes::new(), 0));
    }
    if request.expects_continue {
        connection
            .send(b"HTTP/1.1 100 Continue\r\n\r\n", false)
            .await?;
    }
    let pace = Pace::new(state.config.connection_rate);
    let is_kept = request.bucket == KEEP;
    let (mut body, sent) = if request.is_chunked {
        let body = connection.read_chunked().await?;
        let sent = body.len() as u64;
        (body, sent)
    } else if is_kept {
        let body = connection.read_exact(request.content_length, pace).await?;
        (body, request.content_length)
    } else {
        connection.discard(request.content_length, pace).await?;
        (Vec::new(), request.content_length)
    };
    state.counters.bytes_in.add(sent);
    if !is_kept {
        return Ok((Bytes::new(), request.decoded_length.unwrap_or(sent)));
    }
    if request.is_aws_chunked {
        body = without_aws_chunks(&body).ok_or(io::ErrorKind::InvalidData)?;
    }
    let size = body.len() as u64;
    Ok((body.into(), size))
}
