//! HTTP connection pool of one client: sends requests on idle or new connections, per origin and tokio runtime.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use super::connect::connect;
use super::connection::{Connection, Io};
use super::error::WireError;
use super::exchange::{Response, exchange};
use super::file_chunks::BufferPool;
use super::idle_pool::IdlePool;
use super::origin::Origin;
#[cfg(feature = "https")]
use super::tls::Tls;
use crate::Request;

/// Minimum time between two cleanups of the idle pools. A cleanup runs when a connection is opened.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(5);

/// The HTTP connections of a client. Clones share the idle ones.
///
/// A connection is only used on the tokio runtime that opened it, because its socket is registered there.
#[derive(Clone)]
pub struct Pool(Arc<PoolInner>);

struct PoolInner {
    connect_timeout: Duration,
    idle_pools: Mutex<IdlePools>,
    buffers: BufferPool,
    #[cfg(feature = "https")]
    tls: Tls,
}

struct IdlePools {
    /// The ID of a runtime that has ended may be reused. Reading its sockets then fails, so they are not used again.
    by_origin: HashMap<(runtime::Id, Arc<Origin>), Arc<IdlePool>>,
    last_cleanup: Instant,
}

impl Pool {
    /// Returns an empty pool. `connect_timeout` limits the time to open a connection: DNS lookup, TCP connect and TLS
    /// handshake together.
    pub fn new(connect_timeout: Duration) -> Self {
        let idle_pools = Mutex::new(IdlePools {
            by_origin: HashMap::new(),
            last_cleanup: Instant::now(),
        });
        Self(Arc::new(PoolInner {
            connect_timeout,
            idle_pools,
            buffers: BufferPool::default(),
            #[cfg(feature = "https")]
            tls: Tls::default(),
        }))
    }

    /// Returns a pool that trusts these root certificates (DER) instead of the platform's.
    #[cfg(feature = "https")]
    pub fn with_root_certificates<'c>(
        connect_timeout: Duration,
        certificates: impl IntoIterator<Item = &'c [u8]>,
    ) -> Self {
        let mut roots = tokio_rustls::rustls::RootCertStore::empty();
        let certificates = certificates.into_iter().map(Into::into);
        roots.add_parsable_certificates(certificates);
        Self::trusting(connect_timeout, roots)
    }

    /// A pool that trusts only `roots`.
    #[cfg(feature = "https")]
    pub(super) fn trusting(
        connect_timeout: Duration,
        roots: tokio_rustls::rustls::RootCertStore,
    ) -> Self {
        let mut pool = Self::new(connect_timeout);
        let shared = Arc::get_mut(&mut pool.0).expect("this is the only handle");
        shared.tls = Tls::trusting(roots);
        pool
    }

    /// Sends a request and returns its response as soon as the response head has arrived.
    ///
    /// `head` is the request line, all headers (`Host` and `Content-Length` included) and the blank line. With
    /// `expect: 100-continue` among the headers (in lower case), the body is held back until the server asks for it, for
    /// at most one second.
    ///
    /// Dropping the future closes its connection.
    ///
    /// # Panics
    ///
    /// If called outside a tokio runtime with time and I/O enabled.
    pub async fn send(
        &self,
        origin: &Arc<Origin>,
        head: &[u8],
        request: &Request<'_>,
    ) -> Result<Response, WireError> {
        let absolute;
        let head = match origin.proxy.as_ref().filter(|_| !origin.tls) {
            Some(proxy) => {
                absolute = proxy.absolute(origin, head);
                &absolute
            }
            None => head,
        };
        let idle_pool = self.idle_pool(origin);
        let mut idle = idle_pool.check_out();
        loop {
            let was_idle = idle.is_some();
            let conn = match idle.take() {
                Some(conn) => conn,
                None => Box::new(Connection::new(
                    Box::pin(self.connect(&idle_pool, origin)).await?,
                )),
            };
            match exchange(conn, &idle_pool, head, request, &self.0.buffers).await {
                Ok(response) => return Ok(response),
                Err(failure) if failure.no_response && was_idle && request.idempotent => {}
                Err(failure) => return Err(failure.error),
            }
        }
    }

    /// Opens a connection to `origin` and closes it, to find out why another HTTP client failed to connect.
    pub async fn try_connect(&self, origin: &Arc<Origin>) -> Result<(), WireError> {
        let idle_pool = self.idle_pool(origin);
        Box::pin(self.connect(&idle_pool, origin)).await.map(drop)
    }

    async fn connect(&self, idle_pool: &IdlePool, origin: &Origin) -> Result<Io, WireError> {
        self.close_unused();
        connect(
            idle_pool,
            origin,
            self.0.connect_timeout,
            #[cfg(feature = "https")]
            &self.0.tls,
        )
        .await
    }

    pub(super) fn idle_pool(&self, origin: &Arc<Origin>) -> Arc<IdlePool> {
        let key = (Handle::current().id(), Arc::clone(origin));
        Arc::clone(self.lock().by_origin.entry(key).or_default())
    }

    /// Closes connections that were idle for too long, also those of runtimes that have ended.
    fn close_unused(&self) {
        let mut pools = self.lock();
        if pools.last_cleanup.elapsed() < CLEANUP_INTERVAL {
            return;
        }
        pools.last_cleanup = Instant::now();
        pools.by_origin.retain(|_, idle_pool| {
            let empty = idle_pool.close_aged();
            // While the lock is held, no other thread can take a pool that only the map has.
            !(empty && Arc::strong_count(idle_pool) == 1)
        });
    }

    fn lock(&self) -> MutexGuard<'_, IdlePools> {
        self.0
            .idle_pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("connect_timeout", &self.0.connect_timeout)
            .finish_non_exhaustive()
    }
}
