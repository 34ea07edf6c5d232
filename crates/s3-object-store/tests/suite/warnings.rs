//! Counts the warnings of listings.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The warnings of listings, each as `LISTING KEYS`.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Collects the warnings of this thread while the result lives.
    pub(crate) fn listen(self: &Arc<Self>) -> (Dispatch, DefaultGuard) {
        // With one subscriber alone, a place that another test's thread comes by first is silent for all.
        let second = Dispatch::new(Arc::clone(self));
        (second, tracing::subscriber::set_default(Arc::clone(self)))
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The fields of an event.
#[derive(Default)]
struct Listing {
    listing: Option<String>,
    keys: u64,
}

impl Visit for Listing {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "listing" {
            self.listing = Some(value.to_owned());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "keys" {
            self.keys = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Warnings {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Listing::default();
        event.record(&mut fields);
        if let (&Level::WARN, Some(listing)) = (event.metadata().level(), fields.listing) {
            let text = format!("{listing} {}", fields.keys);
            self.0.lock().unwrap().push(text);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
