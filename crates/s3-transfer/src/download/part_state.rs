//! The state of a part, which its attempts share: the version, the bytes that have arrived, their checksum.

use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3_core::ETag;

use super::checksum::{PartChecksum, RunningChecksum};
use super::first_part::Expected;
use super::part_storage::PartStorage;

/// How far a part has come.
#[derive(Debug)]
pub(super) struct PartState {
    /// Every response must be of this version.
    pub(super) pin: Option<ETag>,
    /// The size of that version: all that tells two versions apart where a server sends no ETag.
    pub(super) size: Option<u64>,
    /// Range and storage of the part, once they are known.
    pub(super) buffer: Option<PartBuffer>,
}

/// The range of a part, and the storage of its bytes.
#[derive(Debug)]
pub(super) struct PartBuffer {
    pub(super) span: Range<u64>,
    pub(super) storage: PartStorage,
    pub(super) checksum: RunningChecksum,
    /// Bytes of an attempt are held that a later one has continued.
    pub(super) is_resumed: bool,
}

impl PartBuffer {
    pub(super) fn new(span: Range<u64>, storage: PartStorage, expected: Expected) -> Self {
        debug_assert!(span.start <= span.end, "{span:?}");
        let checksum = match expected {
            Ok(expected) => expected.running(),
            Err(_) => RunningChecksum::none(),
        };
        Self {
            span,
            storage,
            checksum,
            is_resumed: false,
        }
    }

    pub(super) fn missing(&self) -> Range<u64> {
        self.span.start + self.storage.filled()..self.span.end
    }

    pub(super) fn checksum(&self) -> PartChecksum {
        self.checksum.of(self.span.end - self.span.start)
    }

    /// Forgets the received bytes. Returns `false` if the reader already has some of them.
    pub(super) fn clear(&mut self) -> bool {
        self.checksum.reset();
        self.storage.clear()
    }

    /// Starts over if bytes are lost that are in the checksum: those of a write whose attempt was dropped.
    fn forget_lost(&mut self) {
        let summed = self.checksum.len();
        if summed.is_some_and(|summed| summed != self.storage.filled()) {
            self.clear();
        }
    }
}

/// The state of a part during an attempt, which puts it back however it ends.
pub(super) struct LockedState<'a> {
    slot: &'a Mutex<Option<PartState>>,
    state: Option<PartState>,
}

impl<'a> LockedState<'a> {
    /// Takes the state for one attempt.
    pub(super) fn take(slot: &'a Mutex<Option<PartState>>) -> Self {
        let mut state = lock(slot).take();
        if let Some(buffer) = state.as_mut().and_then(|state| state.buffer.as_mut()) {
            buffer.forget_lost();
        }
        Self { slot, state }
    }

    pub(super) fn buffer(&mut self) -> &mut PartBuffer {
        let buffer = self.buffer.as_mut();
        buffer.expect("a part that takes bytes knows which")
    }
}

impl Deref for LockedState<'_> {
    type Target = PartState;

    fn deref(&self) -> &PartState {
        self.state.as_ref().expect("attempts follow each other")
    }
}

impl DerefMut for LockedState<'_> {
    fn deref_mut(&mut self) -> &mut PartState {
        self.state.as_mut().expect("attempts follow each other")
    }
}

impl Drop for LockedState<'_> {
    fn drop(&mut self) {
        *lock(self.slot) = self.state.take();
    }
}

pub(super) fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
