//! Counters of a benchmark server: requests, connections and bytes since the last reset, and what is open now.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter. One thread writes, any may read.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(super) fn at_least(&self, n: u64) {
        self.0.fetch_max(n, Relaxed);
    }

    fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
}

/// The counters of a benchmark server.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: Counter,
    open: Counter,
    peak_open: Counter,
    in_flight: Counter,
    peak_in_flight: Counter,
    pub(super) gets: Counter,
    pub(super) heads: Counter,
    pub(super) puts: Counter,
    pub(super) lists: Counter,
    pub(super) posts: Counter,
    pub(super) others: Counter,
    pub(super) errors: Counter,
    pub(super) bytes_in: Counter,
    pub(super) bytes_out: Counter,
    pub(super) largest_get: Counter,
    pub(super) largest_put: Counter,
}

impl Counters {
    pub(super) fn opened(&self) {
        self.connections.add(1);
        self.open.add(1);
        self.peak_open.at_least(self.open.get());
    }

    pub(super) fn closed(&self) {
        self.open.sub(1);
    }

    pub(super) fn begun(&self) {
        self.in_flight.add(1);
        self.peak_in_flight.at_least(self.in_flight.get());
    }

    pub(super) fn ended(&self) {
        self.in_flight.sub(1);
    }

    /// Resets all counters except those of open connections and requests in flight.
    pub(super) fn reset(&self) {
        for (name, counter) in self.named() {
            if name != "open" && name != "inflight" {
                counter.set(0);
            }
        }
        self.peak_open.set(self.open.get());
        self.peak_in_flight.set(self.in_flight.get());
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        let fields = self
            .named()
            .map(|(name, counter)| format!("\"{name}\":{}", counter.get()));
        format!("{{{}}}\n", fields.join(","))
    }

    const fn named(&self) -> [(&'static str, &Counter); 16] {
        [
            ("conns", &self.connections),
            ("open", &self.open),
            ("peak_open", &self.peak_open),
            ("inflight", &self.in_flight),
            ("peak_inflight", &self.peak_in_flight),
            ("get", &self.gets),
            ("head", &self.heads),
            ("put", &self.puts),
            ("list", &self.lists),
            ("post", &self.posts),
            ("other", &self.others),
            ("err", &self.errors),
            ("bytes_in", &self.bytes_in),
            ("bytes_out", &self.bytes_out),
            ("max_get", &self.largest_get),
            ("max_put", &self.largest_put),
        ]
    }
}
