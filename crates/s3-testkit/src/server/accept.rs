//! Accept loop of the test server: accepts, serves and closes connections, and can stop listening.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::ConnectionControl;
use super::connection::Connection;
use super::request_handler::RequestHandler;
use super::socket_activity::SocketActivity;

/// Pause after a failed `accept`, for example when the process has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// A command to start (`true`) or stop listening; the sender receives the result.
pub(super) type ListenCommand = (bool, oneshot::Sender<io::Result<()>>);

/// Accepts connections until `stop`, then waits for requests in flight. Dropping the future closes all connections.
pub(super) async fn serve(
    listener: TcpListener,
    handler: RequestHandler,
    activity: SocketActivity,
    mut listen_commands: mpsc::Receiver<ListenCommand>,
    stop: CancellationToken,
) {
    let mut acceptor = Acceptor::Listening(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = acceptor.next() => {
                // Counted before its task runs, so that the number of open connections is exact.
                let control = Arc::new(ConnectionControl::default());
                let connection = Connection::new(stream, Arc::clone(&control), activity.clone());
                connections.spawn(serve_connection(connection, control, handler.clone(), stop.clone()));
            }
            // Removes finished connections, so that they do not accumulate.
            Some(_) = connections.join_next() => {}
            Some((open, done)) = listen_commands.recv() => {
                if !open {
                    connections.shutdown().await;
                }
                let switched;
                (acceptor, switched) = acceptor.switched(open);
                // The caller may have been dropped.
                let _ = done.send(switched);
            }
            () = stop.cancelled() => break,
        }
    }
    drop(acceptor);
    while connections.join_next().await.is_some() {}
}

/// The port of the server: listening or only bound.
enum Acceptor {
    Listening(TcpListener),
    /// Keeps the port without listening: connections are refused.
    Bound(SocketAddr, Option<TcpSocket>),
}

impl Acceptor {
    async fn next(&self) -> TcpStream {
        match self {
            Self::Listening(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _)) => return stream,
                    Err(_) => sleep(PAUSE).await,
                }
            },
            Self::Bound(..) => std::future::pending().await,
        }
    }

    fn switched(self, open: bool) -> (Self, io::Result<()>) {
        match (self, open) {
            (Self::Listening(listener), false) => {
                let address = listener
                    .local_addr()
                    .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
                drop(listener);
                let kept = bound(address);
                let done = kept.as_ref().map(drop).map_err(copy_of);
                (Self::Bound(address, kept.ok()), done)
            }
            (Self::Bound(address, kept), true) => {
                match bound(address).and_then(|socket| socket.listen(1024)) {
                    Ok(listener) => (Self::Listening(listener), Ok(())),
                    Err(error) => (Self::Bound(address, kept), Err(error)),
                }
            }
            (same, _) => (same, Ok(())),
        }
    }
}

/// Returns a socket bound to the port. Connections are refused until it listens.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn copy_of(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

async fn serve_connection(
    connection: Connection,
    control: Arc<ConnectionControl>,
    handler: RequestHandler,
    stop: CancellationToken,
) {
    let io = TokioIo::new(connection);
    let service = service_fn(move |request| handler.clone().handle(request, Arc::clone(&control)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    // An error means that the client closed the connection, or that a fault did.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
