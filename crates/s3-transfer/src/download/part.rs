//! What the reads of all parts have in common: one version, the bytes that are missing, and draining a body.

use std::ops::{Deref, DerefMut, Range};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use s3_core::{
    Body, ETag, Error, ErrorKind, GetRequest, ObjectMeta, Operation, Phase, Result, Retryability,
    S3Url,
};

use super::Destination;
use super::segment::Segment;
use super::verified::{NotVerified, Promise, Sum, Summed};
use crate::observer::MovedBytes;
use crate::transfer::Reservation;
use crate::{Observer, Progress, Transfer};

/// The most bytes of a part that are neither in the caller's buffer nor in the file. 512 KiB: one buffer that gathers
/// for the disk, and about as much in the connection.
const ON_THE_WAY: u64 = 512 << 10;

/// How much is read at a time of what nobody wants.
const SKIPPED: usize = 64 << 10;

/// A part of an object that is being read. Its attempts follow each other and share its state.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) transfer: Transfer,
    pub(super) url: S3Url,
    pub(super) progress: Progress,
    pub(super) observer: Option<Arc<dyn Observer>>,
    state: Mutex<Option<State>>,
}

/// How far a part has come.
#[derive(Debug)]
pub(super) struct State {
    /// Every answer must be of this version.
    pub(super) pin: Option<ETag>,
    /// The size of that version: all that tells two versions apart where a server sends no ETag.
    pub(super) size: Option<u64>,
    /// What the part is for, once it is known.
    pub(super) target: Option<Share>,
}

/// The bytes that a part is for, and what takes them.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) span: Range<u64>,
    pub(super) segment: Segment,
    pub(super) sum: Sum,
}

/// A part that is there.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) segment: Segment,
    pub(crate) summed: Summed,
}

/// The state of a part in the hands of the attempt under way, which puts it back however it ends.
pub(super) struct Held<'a> {
    slot: &'a Mutex<Option<State>>,
    state: Option<State>,
}

impl Part {
    pub(super) fn new(
        transfer: &Transfer,
        url: S3Url,
        state: State,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        Self {
            transfer: transfer.clone(),
            url,
            progress: Progress::default(),
            observer,
            state: Mutex::new(Some(state)),
        }
    }

    pub(super) fn hold(&self) -> Held<'_> {
        let mut state = lock(&self.state).take();
        if let Some(share) = state.as_mut().and_then(|state| state.target.as_mut()) {
            share.forget_lost();
        }
        Held {
            slot: &self.state,
            state,
        }
    }

    /// Returns the request for `range` of the version that this part is of.
    pub(super) fn request(&self, state: &State) -> GetRequest {
        let mut request = GetRequest::new(self.url.clone());
        request.conditions.if_match = state.pin.clone();
        request
    }

    /// Refuses an answer of another version than the one that this download is of.
    pub(super) fn check_version(&self, state: &mut State, meta: &ObjectMeta) -> Result<()> {
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
                "it had {size} bytes and has {} bytes now",
                meta.size
            )),
            _ => Ok(()),
        }
    }

    /// Takes the bytes that are missing from the body of an answer that holds the bytes `sent`.
    pub(super) async fn take(
        &self,
        share: &mut Share,
        sent: Range<u64>,
        body: Body,
        to: &Destination,
    ) -> Result<()> {
        let missing = share.missing();
        self.check_range(&sent, &missing)?;
        let _reservation = self.reserve(share).await;
        let drained = self.drain(share, body, sent, missing, to).await;
        match &drained {
            // A checksum fails behind the last byte: what has arrived is not worth going on from.
            Err(error) if error.kind() == ErrorKind::Integrity => share.clear(),
            // What has arrived stays, and its buffer serves others while this part waits for its next attempt.
            Err(_) => self.flush(share, to).await?,
            Ok(()) => {}
        }
        drained.map_err(in_the_body)
    }

    /// Refuses an answer that does not hold the bytes that are missing. One that holds more, because the server
    /// ignores ranges, will do.
    fn check_range(&self, sent: &Range<u64>, missing: &Range<u64>) -> Result<()> {
        if sent.start <= missing.start && sent.end >= missing.end {
            return Ok(());
        }
        Err(self.integrity(format!(
            "the server sent bytes {sent:?} where {missing:?} were asked for"
        )))
    }

    async fn reserve(&self, share: &Share) -> Reservation {
        let _wait = self.progress.local_wait();
        let buffered = (share.span.end - share.span.start).min(ON_THE_WAY);
        self.transfer.reserve_to_read(buffered).await
    }

    async fn drain(
        &self,
        share: &mut Share,
        mut body: Body,
        sent: Range<u64>,
        missing: Range<u64>,
        to: &Destination,
    ) -> Result<()> {
        self.skip(&mut body, missing.start - sent.start).await?;
        let mut left = missing.end - missing.start;
        let mut moved = MovedBytes::new(self.observer.as_ref(), Operation::Get, &self.url);
        while left > 0 {
            let (into, room) = share.segment.room();
            let held = into.len();
            let count = body.fill(into, room.min(in_memory(left))).await?;
            self.progress.heartbeat();
            if count == 0 {
                return Err(self.ended_early(left));
            }
            share.sum.update(&into[held..]);
            left -= count as u64;
            moved.add(self.gain(share.segment.filled()));
            if left > 0 && share.segment.is_full() {
                self.flush(share, to).await?;
            }
        }
        // A backend that verifies says what it has found at the end of the body.
        let at_end = sent.end > missing.end || body.fill(&mut BytesMut::new(), 1).await? == 0;
        if at_end {
            return Ok(());
        }
        Err(self.integrity("the body is longer than announced".to_owned()))
    }

    /// Notes how many bytes the part holds; returns how many more that are than ever before.
    pub(super) fn gain(&self, held: u64) -> u64 {
        let before = self.progress.bytes();
        self.progress.reach(held);
        held.saturating_sub(before)
    }

    async fn skip(&self, body: &mut Body, mut count: u64) -> Result<()> {
        let mut unwanted = BytesMut::new();
        while count > 0 {
            unwanted.clear();
            let skipped = body
                .fill(&mut unwanted, in_memory(count).min(SKIPPED))
                .await?;
            self.progress.heartbeat();
            if skipped == 0 {
                return Err(self.ended_early(count));
            }
            count -= skipped as u64;
        }
        Ok(())
    }

    async fn flush(&self, share: &mut Share, to: &Destination) -> Result<()> {
        let _wait = self.progress.local_wait();
        let flushed = share.segment.flush().await;
        flushed.map_err(|cause| self.local(cause, to))
    }

    /// Brings the last bytes to their place.
    pub(super) async fn finish(&self, share: &mut Share, to: &Destination) -> Result<()> {
        let _wait = self.progress.local_wait();
        let finished = share.segment.finish().await;
        finished.map_err(|cause| self.local(cause, to))
    }

    pub(super) fn local(&self, cause: std::io::Error, to: &Destination) -> Error {
        to.failure(cause).with_resource(&self.url)
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, Operation::Get).with_resource(&self.url)
    }

    fn ended_early(&self, left: u64) -> Error {
        self.error(ErrorKind::Network)
            .with_message(format!("the body ended {left} bytes early"))
    }

    /// A lying server may tell the truth next time.
    pub(super) fn integrity(&self, message: String) -> Error {
        self.error(ErrorKind::Integrity)
            .with_message(message)
            .with_retryability(Retryability::Transient)
    }
}

/// A body that breaks was begun, whether its store says so or not.
fn in_the_body(error: Error) -> Error {
    match error.phase() {
        Phase::NoResponse => error.with_phase(Phase::Body),
        _ => error,
    }
}

impl Share {
    /// Returns an empty share of the bytes `span`, summed up if there is a promise to compare with.
    pub(super) fn new(
        span: Range<u64>,
        segment: Segment,
        promise: &std::result::Result<Promise, NotVerified>,
    ) -> Self {
        let sum = match promise {
            Ok(promise) => promise.sum(),
            Err(_) => Sum::none(),
        };
        Self { span, segment, sum }
    }

    pub(super) fn missing(&self) -> Range<u64> {
        self.span.start + self.segment.filled()..self.span.end
    }

    pub(super) fn clear(&mut self) {
        self.segment.clear();
        self.sum.reset();
    }

    /// Begins anew if bytes are lost that are summed up already: those of a write whose attempt was dropped.
    fn forget_lost(&mut self) {
        if self
            .sum
            .len()
            .is_some_and(|summed| summed != self.segment.filled())
        {
            self.clear();
        }
    }

    pub(super) fn summed(&self) -> Summed {
        self.sum.of(self.span.end - self.span.start)
    }

    pub(super) fn into_piece(self) -> Piece {
        let summed = self.summed();
        let segment = self.segment;
        Piece { segment, summed }
    }
}

impl Held<'_> {
    /// Returns what the part is for; known before anything is taken.
    pub(super) fn share(&mut self) -> &mut Share {
        self.target
            .as_mut()
            .expect("a part that takes bytes knows which")
    }

    /// Takes the share out of a part that is done.
    pub(super) fn finished(mut self) -> Share {
        self.target.take().expect("a finished part has its share")
    }
}

impl Deref for Held<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("attempts follow each other")
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("attempts follow each other")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *lock(self.slot) = self.state.take();
    }
}

fn lock<T>(slot: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As much of a length as fits into memory at once.
fn in_memory(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
