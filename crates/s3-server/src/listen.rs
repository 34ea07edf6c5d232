//! [`serve`]: accepts TCP connections and serves S3 requests on them.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Service;

/// Pause after a failed `accept`, for example when the process has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Time limit for the requests in flight after `stop`.
const GRACE: Duration = Duration::from_secs(2);

/// Serves connections until `stop` is ready, then waits up to 2 seconds for the requests in flight.
///
/// Dropping the future closes all connections.
pub async fn serve(listener: TcpListener, service: Service, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let stopping = CancellationToken::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, service.clone(), stopping.clone()));
                }
                Err(_) => sleep(PAUSE).await,
            },
            // Removes finished connections, so that they do not accumulate.
            Some(_) = connections.join_next() => {}
            () = stop.as_mut() => break,
        }
    }
    drop(listener);
    stopping.cancel();
    let all = async { while connections.join_next().await.is_some() {} };
    // Connections that are still busy are closed.
    let _ = timeout(GRACE, all).await;
}

async fn serve_connection(stream: TcpStream, service: Service, stopping: CancellationToken) {
    // Without it, small responses wait for the client's acknowledgement, about 40 ms each.
    let _ = stream.set_nodelay(true);
    let respond = service_fn(move |request| {
        let service = service.clone();
        async move { service.call(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), respond);
    let mut connection = pin!(connection);
    // An error means that the client closed the connection.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
