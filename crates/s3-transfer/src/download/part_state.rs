//! State of a part download, shared by its attempts: the object's ETag and size, the stored bytes, their checksum.

use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3_core::ETag;

use super::checksum::{PartChecksum, RunningChecksum};
use super::first_part::Expected;
use super::part_storage::PartStorage;

/// State of a part download.
#[derive(Debug)]
pub(super) struct PartState {
    /// The ETag that every response must have.
    pub(super) pin: Option<ETag>,
    /// The size of that version. Without ETags, only the size distinguishes two versions.
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
    /// Whether a later attempt has resumed after stored bytes of an earlier one.
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

    /// Discards the received bytes. Returns `false` if the reader already has some of them.
    pub(super) fn clear(&mut self) -> bool {
        self.checksum.reset();
        self.storage.clear()
    }

    /// Starts over if the checksum includes lost bytes: those of a write whose attempt was dropped.
    fn forget_lost(&mut self) {
        let summed = self.checksum.len();
        if summed.is_some_and(|summed| summed != self.storage.filled()) {
            self.clear();
        }
    }
}

/// The state of a part during an attempt. Dropping it returns the state to its slot.
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
