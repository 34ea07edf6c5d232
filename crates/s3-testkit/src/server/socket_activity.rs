//! Counts socket events and open connections of a server. Tests with a virtual clock use them to detect an idle server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts the socket events and open connections of a server. Clone is a reference count.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketActivity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    events: AtomicU64,
    open: AtomicUsize,
}

impl SocketActivity {
    pub(super) fn record(&self) {
        self.0.events.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.record();
    }

    pub(super) fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.record();
    }

    pub(super) fn count(&self) -> u64 {
        self.0.events.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }
}
