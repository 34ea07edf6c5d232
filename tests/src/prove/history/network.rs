//! [`Network`]: a store wrapper that delays requests, delivers some after their caller has gone, and logs their
//! effects.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use s3_core::{
    Capabilities, CompleteUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetRequest,
    GetResponse, HeadRequest, MemoryStore, Operation, PutMode, PutRequest, PutResponse, Result,
    S3Url, SharedStore, Store,
};
use tokio::time::sleep;

use super::record::{Notes, Value, value_in};
use crate::prove::forward::forward;

/// Maximum latency in one direction, in milliseconds. It is far below the stall timeout of the engine.
const ON_THE_WAY: u64 = 200;

tokio::task_local! {
    /// Set for a request whose caller has stopped waiting.
    static STRAY: ();
}

/// An in-memory store that records its changes. Clone is a reference count.
#[derive(Clone)]
pub(super) struct RecordingStore {
    pub(super) memory: MemoryStore,
    pub(super) notes: Notes,
}

impl RecordingStore {
    fn note(&self, url: &S3Url, value: Option<Value>) {
        let stray = STRAY.try_with(|()| ()).is_ok();
        self.notes.changed(url, value, stray);
    }
}

impl fmt::Debug for RecordingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordingStore")
    }
}

impl Store for RecordingStore {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let url = request.url.clone();
        let value = value_in(&request.attributes);
        let response = self.memory.put(request).await?;
        self.note(&url, value);
        Ok(response)
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let url = request.url.clone();
        let response = self.memory.complete_upload(request).await?;
        let written = self.memory.head(HeadRequest::new(url.clone())).await?;
        self.note(&url, value_in(&written.attributes));
        Ok(response)
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let urls = request.urls.clone();
        let response = self.memory.delete(request).await?;
        for url in &urls {
            self.note(url, None);
        }
        Ok(response)
    }

    forward! { memory:
        get head copy list_page create_upload upload_part upload_part_copy abort_upload
        list_uploads list_parts list_buckets create_bucket delete_bucket presign
    }
}

/// A simulated network in front of a store: delays every request and response. The sender of a conditional write may
/// get a network error although the write arrives later.
#[derive(Clone)]
pub(super) struct Network {
    store: SharedStore,
    draws: Arc<Mutex<Draws>>,
}

struct Draws {
    random: Rng,
    stray: u64,
    begun: u64,
}

impl Network {
    pub(super) fn new(store: impl Store, random: Rng) -> Self {
        Self {
            store: SharedStore::new(store),
            draws: Arc::new(Mutex::new(Draws {
                random,
                stray: 0,
                begun: 0,
            })),
        }
    }

    /// Returns the number of stray requests: their callers stopped waiting before they arrived.
    pub(super) fn stray(&self) -> u64 {
        self.draw(|draws| draws.stray)
    }

    /// Returns the number of created uploads whose response reached the client.
    pub(super) fn begun(&self) -> u64 {
        self.draw(|draws| draws.begun)
    }

    fn draw<T>(&self, from: impl FnOnce(&mut Draws) -> T) -> T {
        from(&mut self.draws.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn way(&self) {
        let wait = self.draw(|draws| draws.random.u64(0..ON_THE_WAY));
        sleep(Duration::from_millis(wait)).await;
    }

    async fn both_ways<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.way().await;
        let response = call.await;
        self.way().await;
        response
    }

    /// Makes a request stray: the caller gets a network error, and the request arrives later.
    async fn stray_off<T: Send>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let detour = self.draw(|draws| {
            draws.stray += 1;
            Duration::from_millis(draws.random.u64(0..10 * ON_THE_WAY))
        });
        drop(tokio::spawn(STRAY.scope((), async move {
            sleep(detour).await;
            drop(call.await);
        })));
        self.way().await;
        Err(Error::new(ErrorKind::Network, operation))
    }

    fn strays(&self) -> bool {
        self.draw(|draws| draws.random.u8(0..8) == 0)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Store for Network {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let store = self.store.clone();
        if request.mode == PutMode::IfAbsent && self.strays() {
            let call = async move { store.put(request).await };
            return self.stray_off(Operation::Put, call).await;
        }
        self.both_ways(store.put(request)).await
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let store = self.store.clone();
        if request.mode == PutMode::IfAbsent && self.strays() {
            let call = async move { store.complete_upload(request).await };
            return self.stray_off(Operation::CompleteUpload, call).await;
        }
        self.both_ways(store.complete_upload(request)).await
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        self.both_ways(self.store.get(request)).await
    }

    async fn head(&self, request: s3_core::HeadRequest) -> Result<s3_core::ObjectMeta> {
        self.both_ways(self.store.head(request)).await
    }

    async fn create_upload(&self, request: s3_core::CreateUpload) -> Result<s3_core::UploadId> {
        let upload = self.both_ways(self.store.create_upload(request)).await?;
        self.draw(|draws| draws.begun += 1);
        Ok(upload)
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.both_ways(self.store.delete(request)).await
    }

    forward! { store:
        copy list_page upload_part upload_part_copy abort_upload list_uploads list_parts
        list_buckets create_bucket delete_bucket presign
    }
}
