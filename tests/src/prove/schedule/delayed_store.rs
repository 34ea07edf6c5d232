//! [`DelayedStore`]: in-memory store that yields and fails at random and counts the calls in flight.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream;
use s3_core::{
    Body, Capabilities, CreateUpload, Error, ErrorKind, GetRequest, GetResponse, Limits,
    MemoryStore, Operation, PutRequest, PutResponse, Result, Store, UploadPart,
};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::prove::forward::forward;

/// A [`MemoryStore`] with random delays and failures. Clone is a reference count.
#[derive(Clone)]
pub(super) struct DelayedStore {
    pub(super) memory: MemoryStore,
    state: Arc<Mutex<DelayState>>,
}

struct DelayState {
    random: Rng,
    /// The probability that a call fails with a transient error.
    failing: f64,
    /// Calls in flight, including those whose body is being read.
    inside: usize,
    /// Maximum number of calls that were in flight at the same time.
    most: usize,
    /// Each get waits until this number of calls is in flight.
    gather: usize,
}

/// A call in flight.
struct CallInFlight(DelayedStore);

impl Drop for CallInFlight {
    fn drop(&mut self) {
        self.0.with(|state| state.inside -= 1);
    }
}

impl DelayedStore {
    pub(super) fn new(mut random: Rng) -> Self {
        let mut limits = Limits::default();
        limits.min_part_size = 1;
        let failing = [0.0, 0.1, 0.3][random.usize(0..3)];
        Self {
            memory: MemoryStore::with_buckets(["b"]).with_limits(limits),
            state: Arc::new(Mutex::new(DelayState {
                random,
                failing,
                inside: 0,
                most: 0,
                gather: 0,
            })),
        }
    }

    /// Returns the number of calls in flight, and its maximum.
    pub(super) fn inside(&self) -> (usize, usize) {
        self.with(|state| (state.inside, state.most))
    }

    /// Stops all failures, and makes gets wait until `count` calls are in flight.
    pub(super) fn gather(&self, count: usize) {
        self.with(|state| {
            state.failing = 0.0;
            state.gather = count;
        });
    }

    fn with<T>(&self, f: impl FnOnce(&mut DelayState) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self) -> CallInFlight {
        self.with(|state| {
            state.inside += 1;
            state.most = state.most.max(state.inside);
        });
        CallInFlight(self.clone())
    }

    /// Yields a few times; with probability 1/4, also waits for less than 50 ms.
    async fn waver(&self) {
        let (turns, wait) = self.with(|state| {
            let wait = state.random.u8(0..4) == 0;
            let turns = state.random.usize(0..4);
            (turns, wait.then(|| state.random.u64(1..50)))
        });
        for _ in 0..turns {
            yield_now().await;
        }
        if let Some(wait) = wait {
            sleep(Duration::from_millis(wait)).await;
        }
    }

    /// Runs a call with random delays. It may fail before or after it takes effect.
    async fn call<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let _inside = self.enter();
        self.waver().await;
        let fails = |state: &mut DelayState| state.random.f64() < state.failing;
        if self.with(fails) {
            return Err(Error::new(ErrorKind::Throttled, operation)
                .with_retryability(s3_core::Retryability::Throttled { after: None }));
        }
        let response = call.await;
        self.waver().await;
        if self.with(fails) {
            return Err(Error::new(ErrorKind::Network, operation));
        }
        response
    }

    fn frames(&self, bytes: Bytes) -> Body {
        let frames = (self.clone(), bytes, self.enter());
        Body::from_stream(stream::unfold(frames, async |(store, mut rest, inside)| {
            if rest.is_empty() {
                return None;
            }
            store.waver().await;
            let most = rest.len();
            let len = store
                .with(|state| state.random.usize(1..=most))
                .max(most.min(16));
            let fails = store.with(|state| state.random.f64() < state.failing / 4.0);
            let frame = match fails {
                true => Err(Error::new(ErrorKind::Network, Operation::Get)),
                false => Ok(rest.split_to(len)),
            };
            Some((frame, (store, rest, inside)))
        }))
    }
}

impl fmt::Debug for DelayedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DelayedStore")
    }
}

impl Store for DelayedStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        let gets = self.call(Operation::Get, self.memory.get(request)).await;
        let mut response = gets?;
        let _inside = self.enter();
        while self.with(|state| state.inside < state.gather) {
            sleep(Duration::from_millis(1)).await;
        }
        self.with(|state| state.gather = 0);
        let bytes = response.body.collect().await?;
        response.body = self.frames(bytes);
        Ok(response)
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        self.call(Operation::Put, self.memory.put(request)).await
    }

    /// Not counted: a cancelled attempt still waits for its response, but holds no permit.
    async fn create_upload(&self, request: CreateUpload) -> Result<s3_core::UploadId> {
        self.waver().await;
        let upload = self.memory.create_upload(request).await;
        self.waver().await;
        upload
    }

    async fn upload_part(&self, request: UploadPart) -> Result<s3_core::PartTag> {
        let call = self.memory.upload_part(request);
        self.call(Operation::UploadPart, call).await
    }

    async fn complete_upload(&self, request: s3_core::CompleteUpload) -> Result<PutResponse> {
        let call = self.memory.complete_upload(request);
        self.call(Operation::CompleteUpload, call).await
    }

    async fn head(&self, request: s3_core::HeadRequest) -> Result<s3_core::ObjectMeta> {
        self.call(Operation::Head, self.memory.head(request)).await
    }

    async fn list_page(&self, request: s3_core::ListRequest) -> Result<s3_core::ListPage> {
        let call = self.memory.list_page(request);
        self.call(Operation::List, call).await
    }

    async fn abort_upload(&self, request: s3_core::AbortUpload) -> Result<()> {
        let call = self.memory.abort_upload(request);
        self.call(Operation::AbortUpload, call).await
    }

    forward! { memory:
        copy delete upload_part_copy list_uploads list_parts list_buckets create_bucket
        delete_bucket presign
    }
}
