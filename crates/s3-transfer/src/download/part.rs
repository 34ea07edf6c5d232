//! Job that downloads one part of an object: sends a ranged GetObject, stores the body, and resumes it if interrupted.
//!
//! The first part learns from its response which bytes are to be read and provides the storage for them; later parts
//! know both from the start. Everything else is the same: all responses are of one ETag, and an interrupted body
//! resumes after the last byte.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use s3_core::{
    Body, ByteRange, ChecksumAlgorithm, Conditions, ETag, Error, ErrorKind, GetRequest,
    GetResponse, ObjectMeta, Operation, Phase, Result, Retryability, SharedStore, Store,
};

use super::assembly::{Assembly, allocate};
use super::checksum::{ExpectedChecksum, PartChecksum, Verified};
use super::file_part::{FilePart, write_whole};
use super::first_part::{Discovered, Expected, FirstPart, FirstTarget};
use super::part_state::{LockedState, PartBuffer, PartState};
use super::part_storage::PartStorage;
use super::{Destination, GetItem, ObjectData};
use crate::io::local_failure;
use crate::observer::MovedBytes;
use crate::transfer::Reservation;
use crate::{CallOptions, Event, Job, Observer, Progress, Transfer};

/// Maximum number of bytes of a part that are neither in the caller's buffer nor in the file. 512 KiB: one write
/// buffer, and about as much in the connection.
const MAX_IN_TRANSIT: u64 = 512 << 10;

/// Maximum number of body bytes that are skipped at a time.
const SKIP_BUFFER: usize = 64 << 10;

/// The read of one part. Its attempts follow each other and share its state; clone is a reference count.
#[derive(Clone, Debug)]
pub(super) struct PartRead(Arc<Part>);

#[derive(Debug)]
struct Part {
    transfer: Transfer,
    /// The first request. Later ones request the missing bytes, pinned to the ETag of the first response.
    request: GetRequest,
    /// The range that the caller requested. Errors name only this range.
    asked: Option<ByteRange>,
    /// State of the first part; `None` for the others.
    first: Option<FirstPart>,
    /// The destination, for errors of writes; `None` for frames.
    destination: Option<Arc<Destination>>,
    progress: Progress,
    observer: Option<Arc<dyn Observer>>,
    state: Mutex<Option<PartState>>,
}

/// A part whose bytes have all arrived.
#[derive(Debug)]
pub(super) struct FinishedPart {
    pub(super) storage: PartStorage,
    pub(super) checksum: PartChecksum,
    /// The result of the comparison, if the part is the whole object.
    pub(super) verified: Option<Verified>,
    /// Whether an interrupted response was resumed by another one.
    pub(super) is_resumed: bool,
}

impl PartRead {
    /// Returns the read of the first part of `item`, which requests `range`.
    pub(super) fn first(
        transfer: &Transfer,
        item: &GetItem,
        range: Option<ByteRange>,
        target: FirstTarget,
        options: &CallOptions,
    ) -> Self {
        let mut request = GetRequest::new(item.url.clone());
        request.range = range;
        request.conditions = item.conditions.clone();
        request.version.clone_from(&item.version);
        let known = item.known.as_ref();
        if request.conditions.if_match.is_none() {
            request.conditions.if_match = known.and_then(|known| known.etag.clone());
        }
        let state = PartState {
            pin: request.conditions.if_match.clone(),
            // If the server sends another size than it listed, the object has changed.
            size: known.map(|known| known.size),
            buffer: None,
        };
        let destination = match &target {
            FirstTarget::Destination(to) => Some(Arc::clone(to)),
            FirstTarget::Frames(..) => None,
        };
        let first = FirstPart {
            target,
            discovered: Mutex::default(),
        };
        let request = (request, item.range.clone());
        Self::new(transfer, request, Some(first), destination, state, options)
    }

    /// Returns the read of the bytes `span` into `storage`.
    pub(super) fn later(
        transfer: &Transfer,
        found: &Discovered,
        span: Range<u64>,
        storage: PartStorage,
        destination: Option<&Arc<Destination>>,
        options: &CallOptions,
    ) -> Self {
        let mut request = GetRequest::new(found.meta.url.clone());
        request.version.clone_from(&found.version);
        let state = PartState {
            pin: found.meta.etag.clone(),
            size: Some(found.meta.size),
            buffer: Some(PartBuffer::new(span, storage, found.expected)),
        };
        let destination = destination.map(Arc::clone);
        let request = (request, found.asked.clone());
        Self::new(transfer, request, None, destination, state, options)
    }

    fn new(
        transfer: &Transfer,
        (request, asked): (GetRequest, Option<ByteRange>),
        first: Option<FirstPart>,
        destination: Option<Arc<Destination>>,
        state: PartState,
        options: &CallOptions,
    ) -> Self {
        let progress = Progress::default();
        Self(Arc::new(Part {
            transfer: transfer.clone(),
            request: request.counted_by(progress.heartbeat_counter()),
            asked,
            first,
            destination,
            progress,
            observer: options.observer.clone(),
            state: Mutex::new(Some(state)),
        }))
    }

    /// Returns whether the first response has arrived and there are more parts to read into an assembly.
    pub(super) fn has_more_parts(&self) -> bool {
        let discovered = self.0.first.as_ref().map(FirstPart::discovered);
        discovered.is_some_and(|found| found.as_ref().is_some_and(|found| found.assembly.is_some()))
    }

    /// Takes the metadata from the first response, once.
    ///
    /// It is set while the job is polled, so the caller that polls the job can check afterwards without a waker.
    pub(super) fn take_discovered(&self) -> Option<Discovered> {
        self.0.first.as_ref()?.discovered().take()
    }
}

impl Job for PartRead {
    type Output = FinishedPart;

    fn operation(&self) -> Operation {
        Operation::Get
    }

    fn resource(&self) -> &str {
        self.0.request.url.as_str()
    }

    fn progress(&self) -> Option<&Progress> {
        Some(&self.0.progress)
    }

    async fn run(self, store: SharedStore) -> Result<FinishedPart> {
        let finished = self.0.attempt(store).await;
        finished.map_err(|error| match &self.0.asked {
            Some(range) => error.with_range(range),
            None => error.without_range(),
        })
    }
}

impl Part {
    async fn attempt(&self, store: SharedStore) -> Result<FinishedPart> {
        let mut state = LockedState::take(&self.state);
        let mut request = self.request.clone();
        if let Some(buffer) = &mut state.buffer {
            let missing = buffer.missing();
            buffer.is_resumed = missing.start > buffer.span.start;
            if missing.is_empty() {
                return self.finish(state, None).await;
            }
            request.range = Some(missing.into());
            request.conditions = Conditions::default();
            request.conditions.if_match.clone_from(&state.pin);
        }
        let response = store.get(request).await?;
        self.progress.heartbeat();
        self.take_response(state, response).await
    }

    async fn take_response(
        &self,
        mut state: LockedState<'_>,
        response: GetResponse,
    ) -> Result<FinishedPart> {
        let GetResponse {
            meta,
            range: sent,
            mut body,
            ..
        } = response;
        self.check_version(&mut state, &meta)?;
        if state.buffer.is_none() {
            let first = self.first.as_ref().expect("a later part knows its bytes");
            let wanted = self.resolve(&meta)?;
            state.buffer = Some(match &first.target {
                FirstTarget::Frames(frames, most) => {
                    // If the server sent other bytes, the first part is empty; its end is never before its start.
                    let end = sent.end.max(wanted.start).min(wanted.end);
                    let end = end.min(wanted.start.saturating_add(*most));
                    let (span, storage) = (wanted.start..end, PartStorage::Frames(frames.clone()));
                    let expected = self.discover(first, meta, wanted, span.clone(), None);
                    PartBuffer::new(span, storage, expected)
                }
                FirstTarget::Destination(to)
                    if sent.start <= wanted.start && sent.end >= wanted.end =>
                {
                    let verified = body.verified_by_store().filter(|_| sent == wanted);
                    if let Some(bytes) = buffered_bytes(&mut body, &sent, &wanted) {
                        let bytes = (bytes, verified);
                        return self.store_whole(first, to, meta, wanted, bytes).await;
                    }
                    let storage = self.single_storage(to, wanted.end - wanted.start)?;
                    let expected = self.discover(first, meta, wanted.clone(), wanted.clone(), None);
                    PartBuffer::new(wanted, storage, expected)
                }
                FirstTarget::Destination(to) => {
                    // Boxed, as below, so that the future of a small object does not contain that of a large one.
                    Box::pin(self.assemble(first, to, meta, wanted, &sent)).await?
                }
            });
        }
        Box::pin(self.take_body(state, sent, body)).await
    }

    /// Returns which bytes of an object the caller wants.
    fn resolve(&self, meta: &ObjectMeta) -> Result<Range<u64>> {
        let wanted = match &self.asked {
            None => 0..meta.size,
            Some(range) => range.resolve(meta.size).map_err(|unsatisfiable| {
                let error = self.error(ErrorKind::InvalidRange);
                error.with_message(unsatisfiable.to_string())
            })?,
        };
        if let Some(observer) = &self.observer {
            let (url, bytes) = (&self.request.url, wanted.end - wanted.start);
            observer.on_event(&Event::SizeKnown { url, bytes });
        }
        Ok(wanted)
    }

    /// Publishes the metadata from the first response. Returns the checksum to compare with.
    fn discover(
        &self,
        first: &FirstPart,
        meta: ObjectMeta,
        wanted: Range<u64>,
        span: Range<u64>,
        assembly: Option<Arc<Assembly>>,
    ) -> Expected {
        let expected = ExpectedChecksum::of(&meta, &wanted);
        *first.discovered() = Some(Discovered {
            meta,
            wanted,
            first: span,
            expected,
            version: self.request.version.clone(),
            asked: self.asked.clone(),
            assembly,
        });
        expected
    }

    /// Stores a body that is completely in memory, without a copy; a file is written in one step.
    async fn store_whole(
        &self,
        first: &FirstPart,
        to: &Destination,
        meta: ObjectMeta,
        wanted: Range<u64>,
        (bytes, verified_by_store): (Bytes, Option<ChecksumAlgorithm>),
    ) -> Result<FinishedPart> {
        let expected = self.discover(first, meta, wanted.clone(), wanted, None);
        let checksum = match &expected {
            Ok(expected) if verified_by_store.is_none() => expected.checksum_of(&bytes),
            _ => PartChecksum::default(),
        };
        let differs = |expected: ExpectedChecksum| expected.verdict(&[checksum]).is_none();
        if verified_by_store.is_none() && expected.is_ok_and(differs) {
            return Err(self.checksum_mismatch());
        }
        self.wait_for_rate(bytes.len() as u64).await;
        let gained = self.gain(bytes.len() as u64);
        MovedBytes::new(self.observer.as_ref(), Operation::Get, &self.request.url).add(gained);
        let data = match to.file_for(bytes.len() as u64) {
            None => ObjectData::Memory(bytes),
            Some(target) => {
                let path = target.path.clone();
                let _wait = self.progress.local_wait();
                let written = write_whole(target, bytes).await;
                written.map_err(|cause| self.local_error(cause))?;
                ObjectData::File(path)
            }
        };
        let storage = PartStorage::Stored(data);
        Ok(FinishedPart {
            storage,
            checksum,
            verified: verified_by_store.map(Verified::Checksum),
            is_resumed: false,
        })
    }

    fn single_storage(&self, to: &Destination, len: u64) -> Result<PartStorage> {
        let buffers = self.transfer.buffers();
        Ok(match to.file_for(len) {
            None => {
                let buffer = allocate(len, buffers);
                PartStorage::Memory(buffer.map_err(|error| self.with_resource(error))?)
            }
            Some(target) => PartStorage::File(FilePart::own(target, len, buffers.clone())),
        })
    }

    /// Provides storage for all parts, so that later parts can start.
    async fn assemble(
        &self,
        first: &FirstPart,
        to: &Destination,
        meta: ObjectMeta,
        wanted: Range<u64>,
        sent: &Range<u64>,
    ) -> Result<PartBuffer> {
        let span = wanted.start..wanted.end.min(sent.end.max(wanted.start));
        let _wait = self.progress.local_wait();
        let len = wanted.end - wanted.start;
        let assembly = Assembly::open(to, len, self.transfer.buffers()).await;
        let assembly = assembly.map_err(|error| self.with_resource(error))?;
        let storage = assembly.part(0, span.end - span.start)?;
        let expected = self.discover(first, meta, wanted, span.clone(), Some(Arc::new(assembly)));
        Ok(PartBuffer::new(span, storage, expected))
    }

    /// Fails if the ETag or size of a response differs from that of the responses before.
    fn check_version(&self, state: &mut PartState, meta: &ObjectMeta) -> Result<()> {
        let changed = |text| Err(self.error(ErrorKind::ChangedDuringRead).with_message(text));
        match (&state.pin, &meta.etag) {
            (Some(pinned), Some(etag)) if pinned != etag => {
                return changed(format!("its ETag was {pinned} and is now {etag}"));
            }
            (None, Some(etag)) => state.pin = Some(etag.clone()),
            _ => {}
        }
        match state.size.replace(meta.size) {
            Some(size) if size != meta.size => changed(format!(
                "its size was {size} bytes and is now {}",
                meta.size
            )),
            _ => Ok(()),
        }
    }

    /// Stores the missing bytes from a body that contains the bytes `sent`.
    async fn take_body(
        &self,
        mut state: LockedState<'_>,
        sent: Range<u64>,
        mut body: Body,
    ) -> Result<FinishedPart> {
        let buffer = state.buffer();
        let missing = buffer.missing();
        // A checksum that is computed here survives an interruption, so the body need not compute one too.
        if buffer.checksum.len().is_some() {
            body.skip_verification();
        }
        let verified = body.verified_by_store();
        let verified = verified.filter(|_| sent == missing && missing == buffer.span);
        // More bytes than requested are accepted: a server may ignore ranges.
        if sent.start > missing.start || sent.end < missing.end {
            return Err(self.integrity(format!(
                "the server sent bytes {sent:?}, but {missing:?} were requested"
            )));
        }
        let _reservation = self.reserve(buffer).await;
        let drained = self.drain(buffer, body, sent, missing).await;
        let Err(error) = drained else {
            return self.finish(state, verified).await;
        };
        if !matches!(error.kind(), ErrorKind::Integrity | ErrorKind::Protocol) {
            // Received bytes are kept, and other parts use the buffer while this one waits for its next attempt.
            if buffer.storage.has_room() {
                self.flush(buffer).await?;
            }
        } else if !buffer.clear() {
            return Err(error.with_retryability(Retryability::Spent));
        }
        // A wrong checksum or length shows after the last byte: none of the received bytes can be used.
        Err(in_the_body(error))
    }

    async fn reserve(&self, buffer: &PartBuffer) -> Reservation {
        let _wait = self.progress.local_wait();
        let buffered = (buffer.span.end - buffer.span.start).min(MAX_IN_TRANSIT);
        self.transfer.reserve_to_read(buffered).await
    }

    async fn drain(
        &self,
        buffer: &mut PartBuffer,
        mut body: Body,
        sent: Range<u64>,
        missing: Range<u64>,
    ) -> Result<()> {
        self.skip(&mut body, missing.start - sent.start).await?;
        let mut left = missing.end - missing.start;
        let url = &self.request.url;
        let mut moved = MovedBytes::new(self.observer.as_ref(), Operation::Get, url);
        while left > 0 {
            let (into, room) = buffer.storage.room();
            let held = into.len();
            let count = body.fill(into, room.min(in_memory(left))).await?;
            self.progress.heartbeat();
            if count == 0 {
                return Err(self.ended_early(left));
            }
            buffer.checksum.update(&into[held..]);
            left -= count as u64;
            moved.add(self.gain(buffer.storage.filled()));
            self.wait_for_rate(count as u64).await;
            if left > 0 && buffer.storage.is_full() {
                self.flush(buffer).await?;
            }
        }
        // A backend that verifies the body reports a mismatch at its end.
        let at_end = sent.end > missing.end || body.fill(&mut BytesMut::new(), 1).await? == 0;
        if at_end {
            return Ok(());
        }
        Err(self.integrity("the body is longer than announced".to_owned()))
    }

    /// Waits until the rate limit lets these bytes pass. They have already arrived; the bytes after them wait in the
    /// connection.
    async fn wait_for_rate(&self, bytes: u64) {
        if self.transfer.has_rate_limit() {
            let _wait = self.progress.local_wait();
            self.transfer.wait_for_rate(bytes).await;
        }
    }

    /// Records how many bytes the part has stored. Returns how many more these are than the previous maximum.
    fn gain(&self, held: u64) -> u64 {
        let before = self.progress.bytes();
        self.progress.reach(held);
        held.saturating_sub(before)
    }

    async fn skip(&self, body: &mut Body, mut count: u64) -> Result<()> {
        let mut skipped = BytesMut::new();
        while count > 0 {
            skipped.clear();
            let most = in_memory(count).min(SKIP_BUFFER);
            let filled = body.fill(&mut skipped, most).await?;
            self.progress.heartbeat();
            if filled == 0 {
                return Err(self.ended_early(count));
            }
            count -= filled as u64;
        }
        Ok(())
    }

    async fn flush(&self, buffer: &mut PartBuffer) -> Result<()> {
        let _wait = self.progress.local_wait();
        let flushed = buffer.storage.flush().await;
        flushed.map_err(|cause| self.local_error(cause))
    }

    /// Stores the last bytes, and returns the part.
    async fn finish(
        &self,
        mut state: LockedState<'_>,
        verified_by_store: Option<ChecksumAlgorithm>,
    ) -> Result<FinishedPart> {
        let buffer = state.buffer();
        let checksum = buffer.checksum();
        if self.destination.is_some() && self.is_only_part_and_differs(checksum) {
            buffer.clear();
            return Err(self.checksum_mismatch());
        }
        let wait = self.progress.local_wait();
        let mut verified = verified_by_store.map(Verified::Checksum);
        if buffer.is_resumed
            && let Some(etag) = self.md5_of_only_part()
        {
            // Boxed: few parts are interrupted.
            let same = Box::pin(buffer.storage.has_md5(etag)).await;
            if !same.map_err(|cause| self.local_error(cause))? {
                buffer.clear();
                return Err(self.checksum_mismatch());
            }
            verified = Some(Verified::Etag);
        }
        let finished = buffer.storage.finish().await;
        finished.map_err(|cause| self.local_error(cause))?;
        drop(wait);
        let buffer = state.buffer.take().expect("it was there a moment ago");
        Ok(FinishedPart {
            storage: buffer.storage,
            checksum,
            verified,
            is_resumed: buffer.is_resumed,
        })
    }

    /// Returns the MD5 to compare with, if this part is the whole object and there is no checksum.
    fn md5_of_only_part(&self) -> Option<ETag> {
        let discovered = self.first.as_ref()?.discovered();
        let found = discovered.as_ref()?;
        let is_only = self.destination.is_some() && found.assembly.is_none();
        found.md5().filter(|_| is_only).cloned()
    }

    /// Returns whether this part is the whole object and its checksum is not the one that the server sent. With several
    /// parts, only the combined checksum can be compared.
    fn is_only_part_and_differs(&self, checksum: PartChecksum) -> bool {
        let discovered = self.first.as_ref().map(FirstPart::discovered);
        let found = discovered.as_ref().and_then(|found| found.as_ref());
        found.is_some_and(|found| match &found.expected {
            Ok(expected) if found.assembly.is_none() => expected.verdict(&[checksum]).is_none(),
            _ => false,
        })
    }

    fn local_error(&self, cause: std::io::Error) -> Error {
        let path = self.destination.as_ref().map(|to| to.path());
        let path = path.unwrap_or_else(|| std::path::Path::new("memory"));
        self.with_resource(local_failure(Operation::Get, path, cause))
    }

    fn with_resource(&self, error: Error) -> Error {
        error.with_resource(&self.request.url)
    }

    fn error(&self, kind: ErrorKind) -> Error {
        self.with_resource(Error::new(kind, Operation::Get))
    }

    fn ended_early(&self, left: u64) -> Error {
        self.error(ErrorKind::Network)
            .with_message(format!("the body ended {left} bytes early"))
    }

    fn checksum_mismatch(&self) -> Error {
        self.integrity("the bytes do not have the checksum that the server sent".to_owned())
    }

    /// Returns an `Integrity` error that is retried: the next response may be correct.
    fn integrity(&self, message: String) -> Error {
        self.error(ErrorKind::Integrity)
            .with_message(message)
            .with_retryability(Retryability::Transient)
    }
}

/// Sets the phase of an error whose store does not say that it was in the body.
fn in_the_body(error: Error) -> Error {
    match error.phase() {
        Phase::NoResponse => error.with_phase(Phase::Body),
        _ => error,
    }
}

/// Converts a length to `usize`, saturating at `usize::MAX`.
fn in_memory(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Takes the bytes `wanted` from a body that contains the bytes `sent`, if it is completely in memory and has the
/// announced length.
fn buffered_bytes(body: &mut Body, sent: &Range<u64>, wanted: &Range<u64>) -> Option<Bytes> {
    let bytes = body.take_whole()?;
    if bytes.len() as u64 != sent.end - sent.start {
        *body = Body::from_bytes(bytes);
        return None;
    }
    let start = usize::try_from(wanted.start - sent.start).ok()?;
    let end = usize::try_from(wanted.end - sent.start).ok()?;
    Some(bytes.slice(start..end))
}
