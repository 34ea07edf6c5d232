//! Streamed reads: frames of an object in order, with parts read ahead of the reader.
//!
//! A part is read by a task of its own and never waits for the reader: it only starts if the memory budget has room for
//! all of its bytes. A part that the reader waits for starts without that room too, but is then at most 1 MiB long.
//! Open readers that nobody reads hold no connection and no permit, so any number of them cannot block each other.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::process;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_util::FutureExt;
use s3_core::{ByteRange, Error, ErrorKind, ObjectMeta, Operation, Result};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::checksum::PartChecksum;
use super::first_part::{Discovered, FirstTarget};
use super::frames::{Delivery, FrameSender};
use super::object::{check_range, first_range, has_changed, is_empty_object, verdict};
use super::part::PartRead;
use super::part_storage::PartStorage;
use super::processor_load::ProcessorLoad;
use super::read_ahead::ReadAhead;
use super::{GetItem, Verified};
use crate::join_error::join_result;
use crate::observer::ObjectEvents;
use crate::worker_pool::PoolJoinSet;
use crate::{CallOptions, Transfer};

/// The length of a part that the memory budget has no room for: 1 MiB.
const UNRESERVED_PART: u64 = 1 << 20;

/// An open object: its description, and its bytes as a `Stream` of frames or as `AsyncRead`.
///
/// Frames arrive in order. An error ends the stream. All bytes are of one ETag; if the object is replaced while it is
/// read, the reader fails with `ChangedDuringRead`. In a forked child it fails at once.
///
/// # Cancel safety
///
/// Dropping the reader cancels all of its requests.
pub struct ObjectReader {
    transfer: Transfer,
    options: CallOptions,
    found: Discovered,
    tasks: PoolJoinSet<()>,
    /// The parts that have started and are not fully read; the first is the one being read.
    parts: VecDeque<OpenPart>,
    /// Offset of the next part.
    next: u64,
    /// Offset of the next frame.
    position: u64,
    /// How many parts may be read ahead of the first one of `parts`.
    read_ahead: ReadAhead,
    checksums: Vec<PartChecksum>,
    verified: Option<Verified>,
    has_ended: bool,
    /// The rest of a frame that was read in part.
    rest: Bytes,
    events: Option<ObjectEvents>,
    /// The process that opened the object, and has its tasks.
    process: u32,
}

/// A part that has started.
struct OpenPart {
    end: u64,
    deliveries: mpsc::Receiver<Delivery>,
    /// Memory for the bytes that the reader does not have yet.
    reservation: Option<OwnedSemaphorePermit>,
    /// Since the part started.
    load: ProcessorLoad,
}

impl Transfer {
    /// Opens an object, or a range of it, for reading; returns with the first response's headers.
    ///
    /// Requests: as for [`get`](Self::get), one per part of `part_size` bytes that the reader reaches, or of 1 MiB
    /// while other readers have taken the memory budget. Parts are read ahead of the reader, twice as many after each
    /// part, within the budget. While this process keeps its processors busy, only the next part is, 1 MiB before it is
    /// needed. An interrupted body resumes after the last byte.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::TryStreamExt;
    /// use s3_core::{MemoryStore, Payload, S3Url};
    /// use s3_transfer::{CallOptions, GetItem, PutItem, Transfer, TransferConfig};
    ///
    /// let transfer = Transfer::new(MemoryStore::with_buckets(["b"]), TransferConfig::default());
    /// let options = CallOptions::default();
    /// let url = S3Url::parse("s3://b/k")?;
    /// transfer.put(PutItem::new(url.clone(), Payload::from("hello").into()), &options).await?;
    /// let mut reader = transfer.open(GetItem::new(url), &options).await?;
    /// assert_eq!(reader.meta().size, 5);
    /// while let Some(frame) = reader.try_next().await? {
    ///     assert_eq!(frame, "hello");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), here or from the reader. `Integrity` at the end if the bytes do not have the
    /// checksum that the server sent.
    pub async fn open(&self, item: GetItem, options: &CallOptions) -> Result<ObjectReader> {
        check_range(&item)?;
        let options = self.call_options(options);
        let events = ObjectEvents::start(&options, Operation::Get, &item.url, item.known_len());
        let opening = pin!(self.open_current(&item, &options));
        let mut outcome = options
            .until_deadline(Operation::Get, item.url.as_str(), opening)
            .await;
        match &mut outcome {
            Ok(reader) => reader.events = Some(events),
            Err(_) => events.finish(&outcome, |_| (0, None)),
        }
        outcome
    }

    /// Opens an object. If it has changed since it was listed, opens its current version.
    async fn open_current(&self, item: &GetItem, options: &CallOptions) -> Result<ObjectReader> {
        match self.open_any(item, options).await {
            Err(error) if item.known.is_some() && has_changed(&error, item) => {
                let mut current = item.clone();
                current.known = None;
                Box::pin(self.open_any(&current, options)).await
            }
            outcome => outcome,
        }
    }

    async fn open_any(&self, item: &GetItem, options: &CallOptions) -> Result<ObjectReader> {
        let part_size = self.config().part_size;
        let reservation = self.try_reserve_read_ahead(part_size);
        let most = match &reservation {
            Some(_) => part_size,
            None => part_size.min(UNRESERVED_PART),
        };
        let range = first_range(item, most);
        let opened = self.open_first(item, range.clone(), most, options).await;
        let mut reader = match opened {
            Err(error) if is_empty_object(&error, item, range.as_ref()) => {
                Box::pin(self.open_first(item, None, most, options)).await?
            }
            opened => opened?,
        };
        let start = reader.found.first.start;
        if let Some(first) = reader.parts.front_mut() {
            first.reservation = reservation;
            first.release(start);
        }
        Ok(reader)
    }

    /// Starts the task of the first part, and waits for its response.
    async fn open_first(
        &self,
        item: &GetItem,
        range: Option<ByteRange>,
        most: u64,
        options: &CallOptions,
    ) -> Result<ObjectReader> {
        let load = ProcessorLoad::begin();
        let (frames, deliveries) = FrameSender::new(most, self.buffers());
        let target = FirstTarget::Frames(frames.clone(), most);
        let first = PartRead::first(self, item, range, target, options);
        let (tell, told) = oneshot::channel();
        let mut tasks = PoolJoinSet::new();
        tasks.spawn(read_first(
            self.clone(),
            first,
            frames,
            options.clone(),
            tell,
        ));
        let found = match told.await {
            Ok(found) => found?,
            Err(_) => return Err(lost_task(tasks.join_next().await)),
        };
        let first = OpenPart {
            end: found.first.end,
            deliveries,
            reservation: None,
            load,
        };
        Ok(ObjectReader {
            transfer: self.clone(),
            options: options.clone(),
            tasks,
            parts: VecDeque::from([first]),
            next: found.first.end,
            position: found.first.start,
            read_ahead: ReadAhead::new(
                found.first.end - found.first.start,
                self.config().concurrency.max(),
            ),
            checksums: Vec::new(),
            verified: None,
            has_ended: false,
            rest: Bytes::new(),
            events: None,
            process: process::id(),
            found,
        })
    }
}

/// Reads the first part; sends the metadata of its response to the caller as soon as the response arrives.
async fn read_first(
    transfer: Transfer,
    first: PartRead,
    frames: FrameSender,
    options: CallOptions,
    tell: oneshot::Sender<Result<Discovered>>,
) {
    let mut tell = Some(tell);
    let mut running = pin!(transfer.run(first.clone(), &options));
    let outcome = poll_fn(|cx| {
        let polled = running.as_mut().poll(cx);
        if tell.is_some()
            && let Some(found) = first.take_discovered()
            && let Some(tell) = tell.take()
        {
            let _ = tell.send(Ok(found));
        }
        polled
    });
    match (outcome.await, tell) {
        (Err(error), Some(tell)) => drop(tell.send(Err(error))),
        (outcome, _) => frames.end(outcome.map(|part| part.checksum)).await,
    }
}

/// Returns the error of a task that ended without a result; resumes its panic.
fn lost_task(joined: Option<std::result::Result<(), crate::sync::JoinError>>) -> Error {
    let outcome = joined.map(|joined| join_result(joined, Operation::Get));
    match outcome {
        Some(Err(error)) => error,
        _ => Error::new(ErrorKind::Cancelled, Operation::Get),
    }
}

impl OpenPart {
    /// Releases the memory of the bytes before `position`.
    fn release(&mut self, position: u64) {
        if let Some(reservation) = &mut self.reservation {
            let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
            drop(reservation.split(reservation.num_permits().saturating_sub(left)));
        }
    }
}

impl ObjectReader {
    /// Returns the object's description; `size` is that of the whole object.
    #[must_use]
    pub fn meta(&self) -> &ObjectMeta {
        &self.found.meta
    }

    /// Returns which bytes are read: the requested range, clipped at the end of the object.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.found.wanted.clone()
    }

    /// Returns whether the bytes were compared with the server's checksum; `None` before the end.
    #[must_use]
    pub fn verified(&self) -> Option<Verified> {
        self.verified
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        self.check_deadline()?;
        loop {
            self.start_parts();
            let Some(part) = self.parts.front_mut() else {
                self.verified = Some(verdict(&self.found, &self.checksums)?);
                return Poll::Ready(Ok(None));
            };
            match ready!(part.deliveries.poll_recv(cx)) {
                Some(Delivery::Frame(frame)) => {
                    self.position += frame.len() as u64;
                    part.release(self.position);
                    self.start_parts();
                    return Poll::Ready(Ok(Some(frame)));
                }
                Some(Delivery::End(outcome)) => {
                    self.checksums.push(outcome?);
                    let was_busy = part.load.was_full();
                    self.parts.pop_front();
                    self.read_ahead.part_ended(was_busy);
                    // Removes tasks that have ended.
                    while let Poll::Ready(Some(_)) = self.tasks.poll_join_next(cx) {}
                }
                None => {
                    let joined = ready!(self.tasks.poll_join_next(cx));
                    return Poll::Ready(Err(lost_task(joined)));
                }
            }
        }
    }

    /// Starts the part that the reader is at, and those ahead of it that the budget has room for.
    fn start_parts(&mut self) {
        let left = self
            .parts
            .front()
            .map_or(0, |part| part.end - self.position);
        let ahead = self.read_ahead.parts(left);
        while self.next < self.found.wanted.end && self.parts.len() <= ahead {
            let left = self.found.wanted.end - self.next;
            let mut len = left.min(self.transfer.config().part_size);
            let reservation = self.transfer.try_reserve_read_ahead(len);
            if reservation.is_none() {
                if !self.parts.is_empty() {
                    return;
                }
                len = len.min(UNRESERVED_PART);
            }
            self.start_part(len, reservation);
        }
    }

    fn start_part(&mut self, len: u64, reservation: Option<OwnedSemaphorePermit>) {
        let (frames, deliveries) = FrameSender::new(len, self.transfer.buffers());
        let (transfer, options) = (self.transfer.clone(), self.options.clone());
        let span = self.next..self.next + len;
        let storage = PartStorage::Frames(frames.clone());
        let part = PartRead::later(&transfer, &self.found, span, storage, None, &options);
        self.tasks.spawn(async move {
            let outcome = transfer.run(part, &options).await;
            frames.end(outcome.map(|part| part.checksum)).await;
        });
        self.next += len;
        self.parts.push_back(OpenPart {
            end: self.next,
            deliveries,
            reservation,
            load: ProcessorLoad::begin(),
        });
    }

    /// Ends the reader in a forked child. Parts in flight belong to the parent: nothing fills them here, and dropping
    /// them could wait for threads that do not exist.
    fn end_in_child(&mut self) -> Error {
        self.has_ended = true;
        mem::forget(mem::replace(&mut self.tasks, PoolJoinSet::new()));
        mem::forget((mem::take(&mut self.parts), self.events.take()));
        Error::new(ErrorKind::Other, Operation::Get)
            .with_message("the object was opened before this process was forked")
            .with_hint("open it in the process that reads it, with a client built there")
            .with_resource(&self.found.meta.url)
    }

    /// Fails if the deadline has passed. Requests in flight end at the deadline by themselves.
    fn check_deadline(&self) -> Result<()> {
        let url = self.found.meta.url.as_str();
        let check = pin!(async { Ok(()) });
        let checked = self.options.until_deadline(Operation::Get, url, check);
        checked.now_or_never().unwrap_or(Ok(()))
    }

    /// Ends the reader: cancels its requests and releases its memory.
    fn end(&mut self, outcome: Result<()>) -> Result<()> {
        self.has_ended = true;
        self.parts.clear();
        self.tasks = PoolJoinSet::new();
        let outcome = outcome.map_err(|error| match error.kind() {
            ErrorKind::PreconditionFailed => error.with_kind(ErrorKind::ChangedDuringRead),
            _ => error,
        });
        if let Some(events) = self.events.take() {
            let bytes = self.position - self.found.wanted.start;
            events.finish(&outcome, |()| (bytes, self.verified));
        }
        outcome
    }
}

impl Stream for ObjectReader {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let reader = self.get_mut();
        if !reader.rest.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut reader.rest))));
        }
        if reader.has_ended {
            return Poll::Ready(None);
        }
        if reader.process != process::id() {
            return Poll::Ready(Some(Err(reader.end_in_child())));
        }
        match ready!(reader.poll_frame(cx)) {
            Ok(Some(frame)) => Poll::Ready(Some(Ok(frame))),
            Ok(None) => Poll::Ready(reader.end(Ok(())).err().map(Err)),
            Err(error) => Poll::Ready(reader.end(Err(error)).err().map(Err)),
        }
    }
}

impl AsyncRead for ObjectReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.as_mut().poll_next(cx)) {
                Some(frame) => self.rest = frame.map_err(io::Error::other)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.rest.len().min(into.remaining());
        into.put_slice(&self.rest[..count]);
        self.rest.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectReader")
            .field("url", &self.found.meta.url)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
