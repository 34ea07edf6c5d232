//! Connections: accepting them, serving them, ending them.

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

use super::Link;
use super::activity::Activity;
use super::connection::Connection;
use super::front::Front;

/// How long accepting pauses when the system has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks the server to be there, or not; told when it is so.
pub(super) type Presence = (bool, oneshot::Sender<io::Result<()>>);

/// Accepts connections until `stop`, then lets requests under way finish. Dropping the future ends all at once.
pub(super) async fn serve(
    listener: TcpListener,
    front: Front,
    activity: Activity,
    mut presence: mpsc::Receiver<Presence>,
    stop: CancellationToken,
) {
    let mut door = Door::Open(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = door.next() => {
                let activity = activity.clone();
                connections.spawn(serve_connection(stream, front.clone(), activity, stop.clone()));
            }
            // Ended connections are reaped here, so that a long run does not collect them.
            Some(_) = connections.join_next() => {}
            Some((open, done)) = presence.recv() => {
                if !open {
                    connections.shutdown().await;
                }
                let turned;
                (door, turned) = door.turned(open);
                // Nobody waits if the caller was dropped.
                let _ = done.send(turned);
            }
            () = stop.cancelled() => break,
        }
    }
    drop(door);
    while connections.join_next().await.is_some() {}
}

/// Where connections come in.
enum Door {
    Open(TcpListener),
    /// The port is kept, and whoever knocks is refused.
    Shut(SocketAddr, Option<TcpSocket>),
}

impl Door {
    async fn next(&self) -> TcpStream {
        match self {
            Self::Open(listener) => loop {
                match listener.accept().await {
                    Ok((stream, _)) => return stream,
                    Err(_) => sleep(PAUSE).await,
                }
            },
            Self::Shut(..) => std::future::pending().await,
        }
    }

    fn turned(self, open: bool) -> (Self, io::Result<()>) {
        match (self, open) {
            (Self::Open(listener), false) => {
                let address = listener
                    .local_addr()
                    .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
                drop(listener);
                let kept = bound(address);
                let done = kept.as_ref().map(drop).map_err(copy_of);
                (Self::Shut(address, kept.ok()), done)
            }
            (Self::Shut(address, kept), true) => {
                match bound(address).and_then(|socket| socket.listen(1024)) {
                    Ok(listener) => (Self::Open(listener), Ok(())),
                    Err(error) => (Self::Shut(address, kept), Err(error)),
                }
            }
            (same, _) => (same, Ok(())),
        }
    }
}

/// Returns a socket that has the port: before it listens, connections to it are refused.
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
    stream: TcpStream,
    front: Front,
    activity: Activity,
    stop: CancellationToken,
) {
    // Without it small answers wait for the client's acknowledgement, some 40 ms each.
    let _ = stream.set_nodelay(true);
    let link = Arc::new(Link::default());
    let io = TokioIo::new(Connection::new(stream, Arc::clone(&link), activity));
    let service = service_fn(move |request| front.clone().answer(request, Arc::clone(&link)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    // An error means that the client went away, or that a fault says so.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
