//! Connections: accepting them, serving them, ending them.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::connection::Connection;
use super::front::Front;

/// How long accepting pauses when the system has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Accepts connections until `stop`, then lets requests under way finish. Dropping the future ends all at once.
pub(super) async fn serve(listener: TcpListener, front: Front, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, front.clone(), stop.clone()));
                }
                Err(_) => sleep(PAUSE).await,
            },
            // Ended connections are reaped here, so that a long run does not collect them.
            Some(_) = connections.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(stream: TcpStream, front: Front, stop: CancellationToken) {
    // Without it small answers wait for the client's acknowledgement, some 40 ms each.
    let _ = stream.set_nodelay(true);
    let link = Arc::new(Link::default());
    let io = TokioIo::new(Connection::new(stream, Arc::clone(&link)));
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
