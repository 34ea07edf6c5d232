//! Implements writes: `put_opts`, `put_multipart_opts`, `copy_opts` and `delete_stream`.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use s3_core::{CopyRequest, ETag, ErrorKind, Payload, PutMode, PutResponse, S3Url};
use s3_transfer::{CallOptions, PutItem, PutOutcome, Transfer, UploadSession};

use super::attributes::to_s3;
use super::convert::{already_exists, call_options, error_at, not_supported};
use super::object_store::path::Path;
use super::object_store::{
    self, CopyMode, CopyOptions, MultipartUpload, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};
use super::put_result;
use super::store::S3ObjectStore;

/// Maximum number of paths in one DeleteObjects request.
const DELETE_BATCH: usize = 1000;
/// Maximum number of concurrent DeleteObjects requests.
const DELETES_AT_ONCE: usize = 4;

pub(super) async fn put(
    store: &S3ObjectStore,
    location: &Path,
    payload: PutPayload,
    opts: PutOptions,
) -> Result<PutResult> {
    let url = store.url(location)?;
    let mode = match opts.mode {
        object_store::PutMode::Overwrite => PutMode::Overwrite,
        object_store::PutMode::Create => PutMode::IfAbsent,
        object_store::PutMode::Update(version) => match version.e_tag {
            Some(etag) => PutMode::IfMatch(ETag::new(&etag)),
            None => return Err(not_supported("an update of a version without an ETag")),
        },
    };
    let is_update = matches!(mode, PutMode::IfMatch(_));
    let call = call_options(&opts.extensions);
    let item = PutItem::new(url.clone(), Payload::from_chunks(payload).into())
        .with_mode(mode)
        .with_attributes(to_s3(store, &opts.attributes, &opts.tags)?);
    let put = |transfer: Transfer| async move { transfer.put(item, &call).await };
    let outcome = store
        .runtime
        .run(put)
        .await
        .map_err(|error| match error.kind() {
            // For an update of a missing object, S3 returns "not found", and object_store expects a failed
            // precondition.
            ErrorKind::NotFound if is_update => error.with_kind(ErrorKind::PreconditionFailed),
            _ => error,
        });
    let outcome = outcome.map_err(|error| error_at(location.as_ref(), error))?;
    written(store, location, &url, outcome)
}

/// Returns the result of a write, and removes the pin of the object.
pub(super) fn written(
    store: &S3ObjectStore,
    location: &Path,
    url: &S3Url,
    outcome: PutOutcome,
) -> Result<PutResult> {
    let response: PutResponse = match outcome {
        PutOutcome::Written(response) => response,
        _ => return Err(already_exists(location, url)),
    };
    forget(store, location);
    let version = response.version.map(|version| version.to_string());
    Ok(put_result(
        response.etag.as_ref().map(ETag::quoted),
        version,
    ))
}

fn forget(store: &S3ObjectStore, location: &Path) {
    if let Some(pins) = &store.pins {
        pins.forget(location.as_ref());
    }
}

pub(super) async fn copy(
    store: &S3ObjectStore,
    from: &Path,
    to: &Path,
    options: CopyOptions,
) -> Result<()> {
    let call = call_options(&options.extensions);
    let url = store.url(to)?;
    let mode = match options.mode {
        CopyMode::Overwrite => PutMode::Overwrite,
        CopyMode::Create => PutMode::IfAbsent,
    };
    let create = mode == PutMode::IfAbsent;
    let pin = store.pins.as_ref().and_then(|pins| pins.get(from.as_ref()));
    let mut request = CopyRequest::new(store.url(from)?, url.clone()).with_mode(mode);
    request.encryption.clone_from(&store.encryption);
    let is_pinned = pin.is_some();
    request.source_conditions.if_match = pin.map(|pin| pin.etag);
    let copy = {
        let call = call.clone();
        |transfer: Transfer| async move { transfer.copy(request, &call).await }
    };
    let copied = store.runtime.run(copy).await;
    forget(store, to);
    let Err(error) = copied else {
        return Ok(());
    };
    if !create || error.kind() != ErrorKind::PreconditionFailed {
        return Err(error_at(from.as_ref(), error));
    }
    // Maybe the condition on the pinned source failed, not that on the target.
    if is_pinned {
        let head = |transfer: Transfer| async move { transfer.head(url, &call).await };
        match store.runtime.run(head).await {
            Ok(_) => {}
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                return Err(error_at(from.as_ref(), error));
            }
            Err(unknown) => return Err(error_at(to.as_ref(), unknown)),
        }
    }
    let error = error.with_kind(ErrorKind::AlreadyExists);
    Err(error_at(to.as_ref(), error))
}

/// Deletes the locations in batches, as they become ready; results are in order.
pub(super) fn delete(
    store: &S3ObjectStore,
    locations: BoxStream<'static, Result<Path>>,
) -> BoxStream<'static, Result<Path>> {
    let store = store.clone();
    let batches = locations.ready_chunks(DELETE_BATCH).map(move |batch| {
        let store = store.clone();
        async move { stream::iter(delete_batch(&store, batch).await) }
    });
    batches.buffered(DELETES_AT_ONCE).flatten().boxed()
}

async fn delete_batch(store: &S3ObjectStore, batch: Vec<Result<Path>>) -> Vec<Result<Path>> {
    let mut urls = Vec::new();
    let mut results: Vec<Result<Path>> = Vec::new();
    // For each URL, its positions in the batch.
    let mut places = Vec::new();
    for location in batch {
        let url = location.and_then(|location| Ok((store.url(&location)?, location)));
        let place = results.len();
        results.push(url.map(|(url, location)| {
            places.push(place);
            urls.push(url);
            location
        }));
    }
    let delete = |transfer: Transfer| async move {
        Ok(transfer.delete_many(urls, &CallOptions::default()).await)
    };
    let outcomes = match store.runtime.run(delete).await {
        Ok(outcomes) => outcomes,
        Err(lost) => places.iter().map(|_| Err(lost.duplicate())).collect(),
    };
    for (place, outcome) in places.into_iter().zip(outcomes) {
        let Ok(location) = &results[place] else {
            continue;
        };
        forget(store, location);
        if let Err(error) = outcome {
            results[place] = Err(error_at(location.as_ref(), error));
        }
    }
    results
}

pub(super) async fn begin(
    store: &S3ObjectStore,
    location: &Path,
    opts: PutMultipartOptions,
) -> Result<Box<dyn MultipartUpload>> {
    let url = store.url(location)?;
    let attributes = to_s3(store, &opts.attributes, &opts.tags)?;
    let call = call_options(&opts.extensions);
    let begin = {
        let url = url.clone();
        |transfer: Transfer| async move {
            let mode = PutMode::Overwrite;
            transfer.begin_upload(url, attributes, mode, &call).await
        }
    };
    let session = store.runtime.run(begin).await;
    let session = session.map_err(|error| error_at(location.as_ref(), error))?;
    Ok(Box::new(Upload {
        store: store.clone(),
        location: location.clone(),
        url,
        session: Some(session),
        has_failed: false,
        parts: 0,
    }))
}

/// A multipart upload. Dropping it aborts it.
struct Upload {
    store: S3ObjectStore,
    location: Path,
    url: S3Url,
    /// `None` after completion or abort.
    session: Option<UploadSession>,
    /// Whether completion has failed, which also aborted the upload.
    has_failed: bool,
    parts: u32,
}

impl Upload {
    fn ended(location: &Path) -> object_store::Error {
        object_store::Error::Generic {
            store: "S3",
            source: format!("the upload of {location} has ended").into(),
        }
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let location = self.location.clone();
        let Some(session) = &self.session else {
            return async move { Err(Self::ended(&location)) }.boxed();
        };
        self.parts = self.parts.saturating_add(1);
        let part = session.put_part(self.parts, Payload::from_chunks(data));
        let part = part.map(move |sent| match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(error_at(location.as_ref(), error)),
        });
        part.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Some(session) = self.session.take() else {
            return Err(Self::ended(&self.location));
        };
        let completed = self.store.runtime.run(|_| session.complete()).await;
        self.has_failed = completed.is_err();
        let outcome = completed.map_err(|error| error_at(self.location.as_ref(), error))?;
        written(&self.store, &self.location, &self.url, outcome)
    }

    async fn abort(&mut self) -> Result<()> {
        let Some(session) = self.session.take() else {
            // After a failed completion, `WriteMultipart` calls abort and returns the error of that instead.
            return match self.has_failed {
                true => Ok(()),
                false => Err(Self::ended(&self.location)),
            };
        };
        let abort = |_| async move {
            session.abort().await;
            Ok(())
        };
        let aborted = self.store.runtime.run(abort).await;
        aborted.map_err(|error| error_at(self.location.as_ref(), error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.store.runtime.drop_there(session);
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upload").field(&self.session).finish()
    }
}
