//! What happens on a server's sockets, in two numbers: whoever drives a clock asks whether all is quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    events: AtomicU64,
    open: AtomicUsize,
}

impl Activity {
    pub(super) fn note(&self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.note();
    }

    pub(super) fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.note();
    }

    pub(super) fn count(&self) -> u64 {
        self.0.events.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
}
