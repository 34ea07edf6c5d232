//! A store that rejects reads above a number of reads in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_core::{
    Capabilities, DeleteRequest, DeleteResponse, Error, ErrorKind, GetRequest, GetResponse,
    HeadRequest, ListPage, ListRequest, MemoryStore, ObjectMeta, Operation, PutRequest,
    PutResponse, Result, Store,
};

/// How long a read takes.
const LATENCY: Duration = Duration::from_millis(50);

/// Counts reads, and those that were rejected.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    in_flight: AtomicUsize,
    pub(crate) reads: AtomicUsize,
    pub(crate) rejected: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct CappedStore {
    pub(crate) memory: MemoryStore,
    pub(crate) cap: usize,
    pub(crate) counts: Arc<Counts>,
}

/// Ends with the read, or when it is cancelled.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Store for CappedStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        let counts = &self.counts;
        counts.reads.fetch_add(1, Ordering::Relaxed);
        let before = counts.in_flight.fetch_add(1, Ordering::Relaxed);
        let _in_flight = InFlight(&counts.in_flight);
        if before >= self.cap {
            counts.rejected.fetch_add(1, Ordering::Relaxed);
            return Err(
                Error::new(ErrorKind::Throttled, Operation::Get).with_resource(&request.url)
            );
        }
        tokio::time::sleep(LATENCY).await;
        self.memory.get(request).await
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        self.memory.head(request).await
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        self.memory.put(request).await
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.memory.delete(request).await
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        self.memory.list_page(request).await
    }
}
