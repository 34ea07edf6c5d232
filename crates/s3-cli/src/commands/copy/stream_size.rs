//! [`StreamSize`]: records the length of an uploaded stream, which is known only when the upload is complete.

use std::sync::atomic::{AtomicU64, Ordering};

use s3_client::{Event, Observer};

use crate::progress::Progress;

/// Records the number of bytes when an upload is complete, and forwards its events.
pub(super) struct StreamSize {
    progress: Progress,
    bytes: AtomicU64,
}

impl StreamSize {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Observer for StreamSize {
    fn on_event(&self, event: &Event<'_>) {
        if let Event::Completed { bytes, .. } = event {
            self.bytes.store(*bytes, Ordering::Relaxed);
        }
        self.progress.on_event(event);
    }
}
