//! All connections of one client.

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

/// How often slots are looked through for connections and slots that are of no more use.
const SWEEP: Duration = Duration::from_secs(5);

/// The connections of a client, idle ones shared by all its clones.
///
/// A connection is used on the tokio runtime that made it, and on no other: the socket is registered there.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    connect_timeout: Duration,
    slots: Mutex<IdlePools>,
    buffers: BufferPool,
    #[cfg(feature = "https")]
    tls: Tls,
}

struct IdlePools {
    /// A runtime's id may be used again when the runtime is gone; its sockets then show an error, not silence.
    by_place: HashMap<(runtime::Id, Arc<Origin>), Arc<IdlePool>>,
    swept: Instant,
}

impl Pool {
    /// Returns a pool without connections; each may take `connect_timeout`, from the look-up of the name to the end
    /// of the TLS handshake.
    pub fn new(connect_timeout: Duration) -> Self {
        let slots = Mutex::new(IdlePools {
            by_place: HashMap::new(),
            swept: Instant::now(),
        });
        Self(Arc::new(Shared {
            connect_timeout,
            slots,
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

    /// A pool that trusts `roots` and nobody else.
    #[cfg(feature = "https")]
    pub(super) fn trusting(
        connect_timeout: Duration,
        roots: tokio_rustls::rustls::RootCertStore,
    ) -> Self {
        let mut pool = Self::new(connect_timeout);
        let shared = Arc::get_mut(&mut pool.0).expect("nobody else has it yet");
        shared.tls = Tls::trusting(roots);
        pool
    }

    /// Sends a request and returns its response as soon as the response head has arrived.
    ///
    /// `head` is the request line, all headers (`Host` and `Content-Length` included) and the blank line. With
    /// `expect: 100-continue` among the headers (in lower case), the body is held back until the server asks for it, for
    /// at most one second.
    ///
    /// Dropped at any point, the future leaves nothing behind: its connection is closed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its clock and its sockets on.
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
        let slot = self.slot(origin);
        let mut idle = slot.check_out();
        loop {
            let was_idle = idle.is_some();
            let conn = match idle.take() {
                Some(conn) => conn,
                None => Box::new(Connection::new(
                    Box::pin(self.connect(&slot, origin)).await?,
                )),
            };
            match exchange(conn, &slot, head, request, &self.0.buffers).await {
                Ok(response) => return Ok(response),
                Err(failure) if failure.unheard && was_idle && request.idempotent => {}
                Err(failure) => return Err(failure.error),
            }
        }
    }

    /// Opens a connection to `origin` and closes it, to find out why another client's could not be opened.
    pub async fn try_connect(&self, origin: &Arc<Origin>) -> Result<(), WireError> {
        let slot = self.slot(origin);
        Box::pin(self.connect(&slot, origin)).await.map(drop)
    }

    async fn connect(&self, slot: &IdlePool, origin: &Origin) -> Result<Io, WireError> {
        self.sweep();
        connect(
            slot,
            origin,
            self.0.connect_timeout,
            #[cfg(feature = "https")]
            &self.0.tls,
        )
        .await
    }

    pub(super) fn slot(&self, origin: &Arc<Origin>) -> Arc<IdlePool> {
        let place = (Handle::current().id(), Arc::clone(origin));
        Arc::clone(self.lock().by_place.entry(place).or_default())
    }

    /// Closes what was idle for too long, also that of runtimes that are gone.
    fn sweep(&self) {
        let mut slots = self.lock();
        if slots.swept.elapsed() < SWEEP {
            return;
        }
        slots.swept = Instant::now();
        slots.by_place.retain(|_, slot| {
            let empty = slot.sweep();
            // While the lock is held, nobody else can get hold of a slot that only the map has.
            !(empty && Arc::strong_count(slot) == 1)
        });
    }

    fn lock(&self) -> MutexGuard<'_, IdlePools> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("connect_timeout", &self.0.connect_timeout)
            .finish_non_exhaustive()
    }
}
